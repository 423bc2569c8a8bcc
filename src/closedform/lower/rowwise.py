"""Whether a function treats the samples of a batch one by one, so that it may be computed block by block of them.

A number, such as a loss, is often a function of one number for each sample, or of a few: then those are computed block by block.
A gradient of weights is a sum over the samples: then the sums of blocks are added up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from closedform.lower.cost import is_step, summed_squares
from closedform.lower.nodes import (
    Contract,
    Diagonal,
    DiagonalOf,
    Identity,
    Input,
    Labels,
    Laplacian,
    LogLikelihood,
    Map,
    Matrix,
    Node,
    Number,
    Reduce,
    Row,
    Variance,
    View,
    WithDiagonal,
)
from closedform.lower.program import Function
from closedform.lower.traversal import substituted, walk
from closedform.notation import Dim


def is_rowwise(function: Function, batch: Dim | None) -> bool:
    """Whether every row of the result, along its first axis, is computed from the same rows of the arguments alone."""
    if batch is None or not function.axes or function.axes[0].dim != batch:
        return False
    return _is_by_rows(function.result, batch)


@dataclass(frozen=True)
class BySample:
    """A result as what is computed from arrays that are found block by block of the samples.

    Attributes:
        result: it; in a number, sums over the batch and further axes are over the further ones first: that leaves a number for each sample.
        arrays: of one number for each sample; or one sum over the samples, such as x.T @ e. Empty where that is of no use.
        summed: whether it is such a sum.
    """

    result: Node
    arrays: tuple[Node, ...] = ()
    summed: bool = False


def by_sample(function: Function, batch: Dim | None) -> BySample:
    """A function that is not computed row by row, taken apart at what its samples contribute."""
    result = function.result
    if batch is None or function.several or is_rowwise(function, batch):
        return BySample(result)
    if result.dims:
        return _at_the_sum(result, batch)
    sums = {node: _rows_first(node) for node in walk(result) if isinstance(node, Reduce) and _is_of_rows(node, batch)}
    result = substituted(result, {node: first for node, first in sums.items() if first is not node})
    return BySample(result, tuple(_outermost(result, lambda node: _is_for_each_sample(node, batch))))


def _at_the_sum(result: Node, batch: Dim) -> BySample:
    """An array in which one matrix is a sum over the samples of what larger arrays are needed for, and nothing else needs these."""
    sums = tuple(_outermost(result, lambda node: _is_sum_of_rows(node, batch)))
    rest = substituted(result, {node: Input("sum", node.dims) for node in sums})
    alone = len(sums) == 1 and len(sums[0].dims) == 2 and not _holds_larger((rest,), batch)
    return BySample(result, sums, summed=True) if alone else BySample(result)


def on_the_way(arrays: Sequence[Node], batch: Dim) -> tuple[tuple[Dim, ...], ...]:
    """The axes of the arrays that have rows and are held on the way to these, but for those that are part of others'."""
    order = tuple(dict.fromkeys(node for array in arrays for node in walk(array)))
    fleeting = summed_squares(order)
    held = [node.dims for node in order if is_step(node) and node not in fleeting]
    held += [node.arg.dims for node in order if isinstance(node, LogLikelihood | Row)]
    shapes = tuple(dict.fromkeys(tuple(dim for dim in dims if dim is not None) for dims in held if batch in dims))
    return tuple(shape for shape in shapes if not any(Counter(shape) < Counter(other) for other in shapes))


def multiplies_rows(nodes: Iterable[Node], batch: Dim) -> bool:
    """Whether rows are multiplied by a matrix on the way to some arrays, as features are by weights."""
    return any(isinstance(part, Contract | Variance) and batch in part.dims for node in nodes for part in walk(node))


def _rows_first(node: Reduce) -> Node:
    rest = tuple(axis for axis in node.axes if axis)
    return Reduce(Reduce(node.arg, rest), (0,)) if rest and len(rest) + 1 == len(node.arg.dims) else node


def _is_of_rows(node: Reduce, batch: Dim) -> bool:
    """Whether it sums over the batch, and perhaps further axes, what is worth blocks."""
    return 0 in node.axes and _is_worth_blocks(node.arg, batch)


def _outermost(root: Node, wanted: Callable[[Node], bool]) -> Iterator[Node]:
    """The nodes that are wanted, but for those inside others."""
    seen: set[Node] = set()

    def visit(node: Node) -> Iterator[Node]:
        if node in seen:
            return
        seen.add(node)
        if wanted(node):
            yield node
            return
        for part in node.parts:
            yield from visit(part)

    yield from visit(root)


def _is_for_each_sample(node: Node, batch: Dim) -> bool:
    """Whether it is a number for each sample that larger arrays are summed up to; what is then computed entry by entry needs no blocks."""
    return node.dims == (batch,) and not isinstance(node, Map | View) and _is_worth_blocks(node, batch)


def _is_sum_of_rows(node: Node, batch: Dim) -> bool:
    """Whether it is x.T @ e for rows x and e of the batch that larger arrays are needed for."""
    if not isinstance(node, Contract) or batch in node.dims:
        return False
    sides = (node.left, node.right)
    first = node.left_labels[:1] == node.right_labels[:1] and all(side.dims[:1] == (batch,) for side in sides)
    return first and all(_is_by_rows(side, batch) for side in sides) and _holds_larger(sides, batch)


def _is_worth_blocks(root: Node, batch: Dim) -> bool:
    """Whether it is computed row by row, with arrays on the way that have more than a number in each."""
    return _is_by_rows(root, batch) and _holds_larger((root,), batch)


def _holds_larger(roots: Sequence[Node], batch: Dim) -> bool:
    """Whether arrays of more than a number for each sample are held on the way to these."""
    return any(len(shape) > 1 for shape in on_the_way(roots, batch))


def _is_by_rows(root: Node, batch: Dim) -> bool:
    """Whether the rows are computed from rows of arguments, of which there are some."""
    order = tuple(walk(root))
    return any(isinstance(node, Input | Labels) and batch in node.dims for node in order) and all(_keeps_rows(n, batch) for n in order)


def runs_in_blocks(function: Function, batch: Dim | None) -> bool:
    """Whether what is larger than the result is computed for some rows at a time, whether there is an ``out`` or not."""
    if batch is None:
        return False
    return bool(by_sample(function, batch).arrays) or (is_rowwise(function, batch) and bool(larger_on_the_way(function, batch)))


def larger_on_the_way(function: Function, batch: Dim) -> tuple[tuple[Dim, ...], ...]:
    """The axes of the arrays on the way that the result does not hold as well, such as (B, C, d) or (B, C) for (B, d)."""
    held = Counter(index.dim for index in function.axes)
    return tuple(shape for shape in on_the_way((function.result,), batch) if len(shape) > 1 and Counter(shape) - held)


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
        sides = ((node.left, node.left_labels), (node.right, node.right_labels))
        labels = {label for side, its in sides for label, dim in zip(its, side.dims, strict=True) if dim == batch}
        return len(labels) == len(places) and labels <= set(node.out)
    if isinstance(node, Row):
        return len(node.arg.dims) > 1 or not inside[0]
    if isinstance(node, Diagonal | WithDiagonal | DiagonalOf):
        return node.i > 0 or not any(inside)
    if isinstance(node, Laplacian):
        return not any(inside)
    if isinstance(node, Matrix):
        return len(node.arg.dims) > 2 or not inside[0]
    return True
