"""The nodes of array programs: arrays with shapes, free of index names and of any backend.

An axis of a node is a :class:`Dim`, or None where it has length one and broadcasts. Axes are positional:
two formulas that differ only in the letters of their indices are the same node, which is how common
subexpressions are found.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeGuard

from sympy import Expr

from closedform.lower.node import Node as Node
from closedform.lower.node import Shape as Shape
from closedform.lower.node import node
from closedform.notation import Dim


@node
class Input(Node):
    """An argument: a tensor, or a number where ``shape`` is empty and ``scalar`` is set."""

    name: str
    shape: Shape
    scalar: bool = False

    @cached_property
    def dims(self) -> Shape:
        return self.shape

    @cached_property
    def is_plain(self) -> bool:
        return self.scalar


@node
class Labels(Node):
    """Labels as they come: class indices, or probabilities along the last axis."""

    name: str
    shape: Shape

    @cached_property
    def dims(self) -> Shape:
        return self.shape

    @cached_property
    def is_plain(self) -> bool:
        return False


@node
class OneHot(Node):
    """Labels as an array of probabilities."""

    labels: Labels

    @cached_property
    def dims(self) -> Shape:
        return self.labels.dims


@node
class Number(Node):
    """A number, or a rational function of sizes such as 2/(B*C)."""

    value: Expr

    @cached_property
    def dims(self) -> Shape:
        return ()


@node
class View(Node):
    """Axes of ``arg`` in another order, with new axes of length one: ``order`` lists positions, None for a new axis."""

    arg: Node
    order: tuple[int | None, ...]

    @cached_property
    def dims(self) -> Shape:
        return tuple(None if axis is None else self.arg.dims[axis] for axis in self.order)


@node
class Map(Node):
    """An elementwise operation; arguments that are not plain have the rank of the result and broadcast."""

    op: str
    args: tuple[Node, ...]

    @cached_property
    def dims(self) -> Shape:
        rank = max(len(arg.dims) for arg in self.args)
        full = [arg.dims for arg in self.args if len(arg.dims) == rank]
        return tuple(next((dims[axis] for dims in full if dims[axis] is not None), None) for axis in range(rank))


@node
class Reduce(Node):
    """Sum over some axes."""

    arg: Node
    axes: tuple[int, ...]

    @cached_property
    def dims(self) -> Shape:
        return tuple(dim for axis, dim in enumerate(self.arg.dims) if axis not in self.axes)


@node
class Contract(Node):
    """Sum of products of two arrays: the axes of both are numbered, and axes of one number run together.

    A number that ``out`` lacks is summed over. ``left`` and ``right`` have each number at most once.
    """

    left: Node
    right: Node
    left_labels: tuple[int, ...]
    right_labels: tuple[int, ...]
    out: tuple[int, ...]

    @cached_property
    def dims(self) -> Shape:
        known = dict(zip((*self.left_labels, *self.right_labels), (*self.left.dims, *self.right.dims), strict=True))
        return tuple(known[label] for label in self.out)

    @cached_property
    def is_plain(self) -> bool:
        return False


@node
class Row(Node):
    """A function of whole rows, the last axis: ``softmax``, ``log_softmax``; ``logsumexp`` drops that axis.

    ``softmax_apart`` is softmax with as little rounding of its sum as can be.
    """

    op: str
    arg: Node

    @cached_property
    def dims(self) -> Shape:
        return self.arg.dims[:-1] if self.op == "logsumexp" else self.arg.dims


def is_softmax(array: Node) -> TypeGuard[Row]:
    """Whether an array is a softmax: rows of probabilities."""
    return isinstance(array, Row) and array.op == "softmax"


@node
class Top(Node):
    """Where the largest entry along the last axis is; that axis stays, with length one."""

    arg: Node

    @cached_property
    def dims(self) -> Shape:
        return (*self.arg.dims[:-1], None)


@node
class Leader(Node):
    """Where the largest of a row of probabilities is, if it is an eighth or more; the last axis stays, with length one."""

    arg: Node

    @cached_property
    def dims(self) -> Shape:
        return (*self.arg.dims[:-1], None)


@node
class Leads(Node):
    """Whether the entry at ``leader`` is an eighth of a row of probabilities or more."""

    arg: Node
    leader: Node

    @cached_property
    def dims(self) -> Shape:
        return self.leader.dims


@node
class Shaped(Node):
    """What has the axes of its first argument."""

    arg: Node

    @cached_property
    def dims(self) -> Shape:
        return self.arg.dims


@node
class Complement(Shaped):
    """1 - p for probabilities p along the last axis, without cancellation where p may be nearly one."""


@node
class Centred(Shaped):
    """x - sum(p*x) along the last axis for probabilities p and their leader: rounding stays relative to the spread of x."""

    weights: Node
    leader: Node
    leads: Node


@node
class JacobianProduct(Shaped):
    """p*(x - sum(p*x)) along the last axis, the Jacobian of a softmax p times x, in one step that needs no array between."""

    weights: Node
    leader: Node
    leads: Node


@node
class TimesComplement(Shaped):
    """p*(1 - p) for probabilities p along the last axis, in one step that needs no array between."""


@node
class CentredColumns(Node):
    """x[c,m] - sum_j(p[b,j]*x[j,m]) for probabilities p along the last axis, and their leader: axes of p, then that of x's columns."""

    arg: Node
    weights: Node
    leader: Node
    leads: Node

    @cached_property
    def dims(self) -> Shape:
        return (*self.weights.dims, self.arg.dims[-1])


@node
class Variance(Node):
    """sum(p*x^2) - sum(p*x)^2 for probabilities p along the last axis, largest at ``top``, and the columns of ``arg``."""

    arg: Node
    weights: Node
    top: Node

    @cached_property
    def dims(self) -> Shape:
        return (*self.weights.dims[:-1], self.arg.dims[-1])


@node
class MinusLabels(Node):
    """``arg`` minus labels; ``stochastic``: rows of ``arg`` are probabilities, so that the label's entry need not cancel."""

    arg: Node
    labels: Labels
    stochastic: bool

    @cached_property
    def dims(self) -> Shape:
        return self.labels.dims


@node
class Residual(Node):
    """softmax(arg) minus labels, in one step."""

    arg: Node
    labels: Labels

    @cached_property
    def dims(self) -> Shape:
        return self.labels.dims


@node
class AtLabels(Node):
    """sum(labels * arg) along the last axis: the entry at the label where labels are class indices."""

    arg: Node
    labels: Labels

    @cached_property
    def dims(self) -> Shape:
        return self.labels.dims[:-1]


@node
class LogLikelihood(Node):
    """sum(labels * log_softmax(arg)) along the last axis, in one step: log_softmax at the labels alone where they are class indices."""

    arg: Node
    labels: Labels

    @cached_property
    def dims(self) -> Shape:
        return self.labels.dims[:-1]


@node
class Diagonal(Node):
    """Entries of ``arg`` at which the axes i < j agree; the common axis comes last."""

    arg: Node
    i: int
    j: int

    @cached_property
    def dims(self) -> Shape:
        rest = [dim for axis, dim in enumerate(self.arg.dims) if axis not in (self.i, self.j)]
        return (*rest, self.arg.dims[self.i])


@node
class WithDiagonal(Shaped):
    """``arg`` with its entries at which the axes i < j agree replaced by ``values``, whose last axis is the common one."""

    values: Node
    i: int
    j: int


@node
class Laplacian(Shaped):
    """``arg`` with its blocks [c,:,c,:] replaced by minus the sum of the others, [c,:,k,:] over k, as in the Laplacian of a graph."""


@node
class DiagonalOf(Node):
    """Zeros, but ``values`` where the axes i < j of the result agree; the last axis of ``values`` is the common one."""

    values: Node
    i: int
    j: int

    @cached_property
    def dims(self) -> Shape:
        *rest, last = self.values.dims
        rest.insert(self.i, last)
        rest.insert(self.j, last)
        return tuple(rest)


@node
class Identity(Node):
    """A Kronecker delta as a matrix; the last resort."""

    dim: Dim

    @cached_property
    def dims(self) -> Shape:
        return (self.dim, self.dim)

    @cached_property
    def is_plain(self) -> bool:
        return False


@node
class Broadcast(Node):
    """``arg`` repeated along the axes at which it has length one; a plain number becomes an array."""

    arg: Node
    shape: Shape

    @cached_property
    def dims(self) -> Shape:
        return self.shape

    @cached_property
    def is_plain(self) -> bool:
        return False


@node
class Matrix(Node):
    """A function of square matrices, the last two axes: ``inv`` keeps them, ``det`` and ``logdet`` drop them."""

    op: str
    arg: Node

    @cached_property
    def dims(self) -> Shape:
        return self.arg.dims if self.op == "inv" else self.arg.dims[:-2]
