"""What nodes of array programs have in common: axes, parts, and a hash that is computed once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeVar, dataclass_transform

from closedform.notation import Dim

Axis = Dim | None
Shape = tuple[Axis, ...]
T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def node(cls: type[T]) -> type[T]:
    """A frozen dataclass that computes its hash once: nodes share their parts, so hashing must not walk all paths."""
    cls = dataclass(frozen=True)(cls)
    compute = cls.__hash__

    def cached(self: Any) -> int:
        known = self.__dict__.get("_hash")
        if known is None:
            known = compute(self)
            object.__setattr__(self, "_hash", known)
        return known

    cls.__hash__ = cached  # type: ignore[method-assign]
    return cls


class Node:
    """An array of the program."""

    @cached_property
    def dims(self) -> Shape:
        """The axes of the result."""
        raise TypeError(f"{type(self).__name__} has no shape")

    @cached_property
    def parts(self) -> tuple[Node, ...]:
        """The nodes that this one is computed from."""
        found: list[Node] = []
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, Node):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(part for part in value if isinstance(part, Node))
        return tuple(found)

    @cached_property
    def is_plain(self) -> bool:
        """Whether it is a number that no tensor takes part in: such a node has no leading axes."""
        return all(part.is_plain for part in self.parts)
