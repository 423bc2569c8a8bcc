"""Dimensions, indices and named tensors: symbols that know what they run over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sympy import Expr, Indexed, IndexedBase, Symbol

from closedform.errors import DimensionError, NotationError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def checked_name(name: str, what: str) -> str:
    """``name``, or NotationError when it is not a plain name."""
    if not isinstance(name, str) or not NAME.match(name):
        raise NotationError(f"{what} must be a name such as 'z' or 'theta_1' (a letter, then letters, digits, _); got {name!r}")
    return name


class Dim(Symbol):
    """A symbolic size, such as the number of classes ``C``; in a formula it stands for that size."""

    __slots__ = ()

    def __new__(cls, name: str) -> Dim:
        return Symbol.__xnew__(cls, checked_name(name, "a dimension"), integer=True, positive=True)

    # A name is all there is to compare; SymPy would compare what it has deduced of the symbols.
    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is Dim and self.name == other.name)

    __hash__ = Symbol.__hash__

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.name,), {}


class Index(Symbol):
    """An index that runs over one dimension, ``Index("i", C)``."""

    __slots__ = ("dim",)
    dim: Dim

    def __new__(cls, name: str, dim: Dim) -> Index:
        if not isinstance(dim, Dim):
            raise NotationError(f"index {name!r} needs a Dim to run over; got {dim!r}")
        index = Symbol.__xnew__(cls, checked_name(name, "an index"), integer=True)
        index.dim = dim
        return index

    def __getnewargs_ex__(self) -> tuple[tuple[str, Dim], dict[str, Any]]:
        return (self.name, self.dim), {}

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.dim)

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is Index and self.name == other.name and self.dim == other.dim)

    __hash__ = Symbol.__hash__

    def _sympyrepr(self, printer: Any) -> str:
        return f"Index({self.name!r}, {self.dim.name})"

    def __repr__(self) -> str:
        return f"Index({self.name!r}, {self.dim.name})"


def indices(names: str, dim: Dim) -> tuple[Index, ...]:
    """Indices over one dimension, from a space separated list of names."""
    return tuple(Index(name, dim) for name in names.split())


class NamedTensor(IndexedBase):
    """A named real tensor with symbolic shape; ``z[b, c]`` is one of its entries."""

    def __new__(cls, name: str, dims: Sequence[Dim]) -> NamedTensor:
        if not dims or not all(isinstance(dim, Dim) for dim in dims):
            raise NotationError(f"tensor {name!r} needs one Dim per axis, got {dims!r}; a tensor without axes is scalar({name!r})")
        label = Symbol(checked_name(name, "a tensor"), real=True)
        return IndexedBase.__new__(cls, label, shape=tuple(dims))

    # SymPy rebuilds nodes as func(*args); the arguments of an IndexedBase are (label, shape).
    @property
    def func(self) -> Any:
        return lambda label, shape: NamedTensor(str(label), tuple(shape))

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is NamedTensor and self.args == other.args)

    __hash__ = IndexedBase.__hash__

    def __getnewargs_ex__(self) -> tuple[tuple[str, tuple[Dim, ...]], dict[str, Any]]:
        return (self.name, self.dims), {}

    @property
    def name(self) -> str:
        return str(self.label.name)  # not str(self.label): that starts SymPy's printer

    @property
    def dims(self) -> tuple[Dim, ...]:
        return tuple(self.shape)

    def __getitem__(self, entry: Any, **_: Any) -> Indexed:
        at = entry if isinstance(entry, tuple) else (entry,)
        if len(at) != len(self.dims):
            raise DimensionError(f"{self.name} has {len(self.dims)} axes {shape_text(self.dims)}; got {len(at)} indices {at}")
        for axis, (index, dim) in enumerate(zip(at, self.dims, strict=True)):
            if not isinstance(index, Index):
                raise NotationError(f"axis {axis} of {self.name} needs an Index over {dim.name}; got {index!r}")
            if index.dim != dim:
                raise DimensionError(
                    f"axis {axis} of {self.name} runs over {dim.name}, but index {index.name} runs over {index.dim.name}; "
                    f"use an index over {dim.name}"
                )
        return Entry(self, *at)


class Entry(Indexed):
    """``z[b, c]``: SymPy's ``Indexed``, which deduces its properties anew whenever one is made, made once."""

    def __new__(cls, base: NamedTensor, *at: Index) -> Entry:
        return _entry(base, at)

    @classmethod
    def class_key(cls) -> tuple[Any, ...]:
        return Indexed.class_key()

    def _hashable_content(self) -> tuple[Any, ...]:
        return self.args

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is Entry and self.args == other.args)

    __hash__ = Indexed.__hash__


@lru_cache(maxsize=16384)
def _entry(base: NamedTensor, at: tuple[Index, ...]) -> Entry:
    return Indexed.__new__(Entry, base, *at)


def shape_text(dims: Iterable[Dim]) -> str:
    """A shape as it is written, ``[B,C]``."""
    return "[" + ",".join(dim.name for dim in dims) + "]"


def tensor(name: str, *dims: Dim) -> NamedTensor:
    """A named tensor, ``tensor("W", C, d)``."""
    return NamedTensor(name, dims)


def scalar(name: str) -> Symbol:
    """A named number, such as a temperature."""
    return Symbol(checked_name(name, "a scalar"), real=True)


def head_name(head: Expr) -> str:
    """The name of a tensor entry, a tensor or a scalar."""
    return head.base.name if isinstance(head, Indexed) else head.name
