"""Which matrices of the tower are positive semidefinite for all real inputs, as far as their structure shows.

Sums, Schur products and inverses of positive semidefinite matrices are positive semidefinite, and so are u u', sums of such, and
diagonal matrices without negative entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from closedform.certify.rings.node import Node

Axes = tuple[int | None, ...]  # which axis of the base each axis is; None for one of length one


def is_semidefinite(node: Node, i: int, j: int, nonnegative: Callable[[Node], bool]) -> bool:
    """Whether the matrices over the axes i and j are.

    Args:
        nonnegative: whether no entry of a node can be below zero.
    """

    def semidefinite(node: Node, i: int, j: int) -> bool:
        match node.op:
            case "eye":
                return True
            case "shadowed" | "matinv":
                return semidefinite(node.args[0], i, j)
            case "add":
                return all(semidefinite(arg, i, j) for arg in node.args)
            case "total":
                return semidefinite(node.args[0], i + (node.meta <= i), j + (node.meta <= j))
            case "arrange":
                inner, outer = node.meta[i], node.meta[j]
                if inner is not None and outer is not None:
                    return semidefinite(node.args[0], inner, outer)
            case "mul":
                return product(list(_factors(node)), i, j)
        return _is_constant(node, i, j) and nonnegative(node)

    def product(factors: list[Node], i: int, j: int) -> bool:
        rest = _without_pairs(factors, i, j)
        if any(_is_diagonal(factor, i, j) for factor in rest):
            return all(_is_diagonal(factor, i, j) or nonnegative(factor) for factor in rest)
        return all(semidefinite(factor, i, j) for factor in rest)

    return semidefinite(node, i, j)


def _factors(node: Node) -> Iterator[Node]:
    for arg in node.args:
        if arg.op == "mul":
            yield from _factors(arg)
        else:
            yield arg


def _without_pairs(factors: list[Node], i: int, j: int) -> list[Node]:
    """What is left when u[i] u[j] are taken away for every u."""
    rest: list[Node] = []
    for factor in factors:
        base, axes = _base(factor)
        turned = (base, _exchanged(axes, i, j))
        twin = next((other for other in rest if _base(other) == turned and (axes[i] is None or axes[j] is None)), None)
        if twin is None:
            rest.append(factor)
        else:
            rest.remove(twin)
    return rest


def _base(node: Node) -> tuple[Node, Axes]:
    """The node below all rearrangements of axes, and where its axes are."""
    axes: Axes = tuple(range(len(node.shape)))
    while node.op == "arrange":
        axes = tuple(None if axis is None else node.meta[axis] for axis in axes)
        node = node.args[0]
    return node, axes


def _exchanged(axes: Axes, i: int, j: int) -> Axes:
    order = list(axes)
    order[i], order[j] = order[j], order[i]
    return tuple(order)


def _is_diagonal(node: Node, i: int, j: int) -> bool:
    base, axes = _base(node)
    return base.op == "eye" and axes[i] is not None and axes[j] is not None


def _is_constant(node: Node, i: int, j: int) -> bool:
    return node.shape[i] == node.shape[j] == 1
