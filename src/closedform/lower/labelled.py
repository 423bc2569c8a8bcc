"""Nodes whose axes carry the indices of a formula, and how they are brought to common axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sympy import Expr, S, sympify

from closedform.lower import rules
from closedform.lower.nodes import Map, Node, Number, Reduce
from closedform.lower.views import view
from closedform.notation import Dim, Index


@dataclass(frozen=True)
class Labelled:
    """An array, and the index that runs along each of its axes (no index twice)."""

    node: Node
    axes: tuple[Index, ...] = ()

    @property
    def is_zero(self) -> bool:
        return isinstance(self.node, Number) and self.node.value == 0


def number(value: int | Expr) -> Labelled:
    """A number, or a function of sizes."""
    return Labelled(Number(sympify(value)))


ZERO, ONE = number(S.Zero), number(S.One)


def align(array: Labelled, axes: Sequence[Index]) -> Node:
    """The node with exactly these axes, of length one where the array does not depend on the index."""
    if array.node.is_plain:
        return array.node
    at = {index: position for position, index in enumerate(array.axes)}
    return view(array.node, tuple(at.get(index) for index in axes))


def transpose(array: Labelled, axes: Sequence[Index]) -> Labelled:
    """The same array with its axes in another order."""
    return Labelled(align(array, axes), tuple(axes))


def to_last(array: Labelled, index: Index) -> Labelled:
    """The same array with ``index`` along its last axis."""
    rest = tuple(axis for axis in array.axes if axis != index)
    return transpose(array, (*rest, index))


@dataclass(frozen=True)
class Layout:
    """The order of axes: that of dimensions first, then that of indices; the same for every array of a function.

    Arrays that hold the same entries then also have the same axes, and are found to be the same.
    """

    dims: tuple[Dim, ...]
    indices: tuple[Index, ...]

    def key(self, index: Index) -> tuple[int, int, str]:
        """Sorts indices into the layout."""
        place = self.indices.index(index) if index in self.indices else len(self.indices)
        return self.dims.index(index.dim), place, index.name

    def union(self, axes: Iterable[Sequence[Index]]) -> tuple[Index, ...]:
        """The indices of all."""
        return tuple(sorted({index for found in axes for index in found}, key=self.key))

    def apply(self, op: str, *args: Labelled) -> Labelled:
        """An elementwise operation."""
        different = {arg.axes for arg in args if not arg.node.is_plain}
        axes = different.pop() if len(different) == 1 else self.union(arg.axes for arg in args)
        return Labelled(rules.elementwise(op, tuple(align(arg, axes) for arg in args)), axes)

    def sum(self, array: Labelled, over: Sequence[Index]) -> Labelled:
        """Sum over indices; one that the array lacks gives the factor of its size."""
        own = tuple(index for index in array.axes if index in over)
        for index in over:
            if index not in own:
                array = self.apply("mul", number(index.dim), array)
        if not own:
            return array
        positions = tuple(position for position, index in enumerate(array.axes) if index in own)
        left = tuple(index for index in array.axes if index not in own)
        if isinstance(array.node, Map) and array.node.op == "neg":  # sum(-x) = -sum(x), which may be a known mean
            return Labelled(rules.negate(Reduce(array.node.args[0], positions)), left)
        return Labelled(Reduce(array.node, positions), left)


def layout_of(tensors: Iterable[Sequence[Dim]], batch: Dim | None, indices: Sequence[Index]) -> Layout:
    """The layout in which the tensors need the fewest transpositions: (C, d), (B, d) and (B, C) give B, C, d."""
    lists = [list(dims) for dims in sorted(tensors, key=len, reverse=True)]
    merged = [] if batch is None else [batch]
    while any(lists := [[dim for dim in dims if dim not in merged] for dims in lists]):
        heads = [dims[0] for dims in lists if dims]
        first = [head for head in heads if not any(head in dims[1:] for dims in lists)]
        merged.append((first or heads)[0])
    return Layout(tuple(merged), tuple(indices))
