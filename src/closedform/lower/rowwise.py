"""Whether a function treats the samples of a batch one by one, so that it may be computed block by block of them."""

from __future__ import annotations

from collections import Counter

from closedform.lower.cost import is_step
from closedform.lower.nodes import (
    Contract,
    Diagonal,
    DiagonalOf,
    Identity,
    Input,
    Labels,
    Laplacian,
    Matrix,
    Node,
    Number,
    Reduce,
    Row,
    WithDiagonal,
)
from closedform.lower.program import Function
from closedform.lower.traversal import walk
from closedform.notation import Dim


def is_rowwise(function: Function, batch: Dim | None) -> bool:
    """Whether every row of the result, along its first axis, is computed from the same rows of the arguments alone."""
    if batch is None or not function.axes or function.axes[0].dim != batch:
        return False
    return all(_keeps_rows(node, batch) for node in walk(function.result))


def larger_on_the_way(function: Function, batch: Dim) -> tuple[Dim, ...]:
    """The axes of an array of more axes than logits that the result does not hold as well, such as (B, C, d) for (B, d); or none."""
    way = [node.dims for node in walk(function.result) if is_step(node) and batch in node.dims and len(node.dims) > 2]
    larger = [tuple(dim for dim in dims if dim is not None) for dims in way if Counter(dims) - Counter(function.result.dims)]
    return max(larger, key=len, default=())


def _keeps_rows(node: Node, batch: Dim) -> bool:
    """Whether a node neither mixes the rows of the batch nor moves them from the first axis."""
    places = [axis for axis, dim in enumerate(node.dims) if dim == batch]
    if isinstance(node, Input | Labels | Number):
        return places in ([], [0])
    if isinstance(node, Identity):
        return not places
    inside = [[axis for axis, dim in enumerate(part.dims) if dim == batch] for part in node.parts]
    if places not in ([], [0]) or any(axes not in ([], [0]) for axes in inside):
        return False
    if isinstance(node, Reduce):
        return 0 not in node.axes or not inside[0]
    if isinstance(node, Contract):
        return bool(places) == any(inside)
    if isinstance(node, Row):
        return len(node.arg.dims) > 1 or not inside[0]
    if isinstance(node, Diagonal | WithDiagonal | DiagonalOf):
        return node.i > 0 or not any(inside)
    if isinstance(node, Laplacian):
        return not any(inside)
    if isinstance(node, Matrix):
        return len(node.arg.dims) > 2 or not inside[0]
    return True
