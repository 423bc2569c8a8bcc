"""Walks over the nodes of an array program, which share their parts: every node is seen once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from closedform.lower.nodes import Node


def substituted(root: Node, stand_ins: Mapping[Node, Node]) -> Node:
    """The program with nodes replaced; what is shared stays shared, as equal nodes are one."""
    known = dict(stand_ins)

    def value(item: Any) -> Any:
        if isinstance(item, Node):
            return visit(item)
        return tuple(map(value, item)) if isinstance(item, tuple) else item

    def visit(current: Node) -> Node:
        if current not in known:
            changed = {item.name: value(getattr(current, item.name)) for item in fields(current)}  # type: ignore[arg-type]
            known[current] = replace(current, **changed)  # type: ignore[type-var]
        return known[current]

    return visit(root)


def walk(root: Node) -> Iterator[Node]:
    """Every node once, parts before what is computed from them."""
    seen: set[Node] = set()

    def visit(current: Node) -> Iterator[Node]:
        if current in seen:
            return
        seen.add(current)
        for part in current.parts:
            yield from visit(part)
        yield current

    yield from visit(root)
