"""Views: an array with its axes in another order, or with axes of length one."""

from __future__ import annotations

from collections.abc import Callable

from closedform.lower.nodes import Node, View


def view(array: Node, order: tuple[int | None, ...]) -> Node:
    """Axes in another order; views of views are one view."""
    if isinstance(array, View):
        order = tuple(None if axis is None else array.order[axis] for axis in order)
        array = array.arg
    if order == tuple(range(len(array.dims))):
        return array
    return View(array, order)


def unviewed(array: Node) -> tuple[Node, Callable[[Node], Node]]:
    """The node below a view, and how to bring another node into the same view."""
    if isinstance(array, View):
        order = array.order
        return array.arg, lambda other: other if other.is_plain else view(other, order)
    return array, lambda other: other


def turned(array: Node) -> Node:
    """The last two axes exchanged."""
    rank = len(array.dims)
    return view(array, (*range(rank - 2), rank - 1, rank - 2))
