"""What the nodes of an array program cost, as functions of the sizes: arithmetic, and numbers moved.

An addition, a multiplication, a comparison and a call of an elementary function count as one operation each. A sum of products of
two arrays over n positions is n multiplications and n additions for each entry of its result, as is the custom.

    >>> from closedform.lower.nodes import Contract, Input
    >>> B, C, D = Dim("B"), Dim("C"), Dim("d")
    >>> logits = Contract(Input("e", (B, D)), Input("W", (C, D)), (0, 2), (1, 2), (0, 1))
    >>> flops(logits), read(logits), entries(logits)
    (2*B*C*d, B*d + C*d, B*C)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sympy import Expr, Integer, Mul, S

from closedform.lower import nodes as ir
from closedform.notation import Dim

# Operations for each entry of the argument: the largest entry, shift, exponential, sum, division.
ROW = {"softmax": 5, "softmax_apart": 5, "log_softmax": 6, "logsumexp": 4}
# p*(x - near) summed, twice: once for the mean, once for what its rounding left.
CENTRED = 7


def entries(node: ir.Node) -> Expr:
    """How many numbers the array holds; labels are counted as class indices."""
    return _size(node.dims[:-1] if isinstance(node, ir.Labels) else node.dims)


def flops(node: ir.Node) -> Expr:
    """The operations of this node alone."""
    return _FLOPS.get(type(node), lambda n: S.Zero)(node)


def product_flops(node: ir.Node) -> Expr:
    """Those of them that are done by matrix products."""
    if isinstance(node, ir.Variance | ir.CentredColumns):
        return 4 * entries(node.weights) * _size(node.arg.dims[-1:])
    return flops(node) if isinstance(node, ir.Contract) else S.Zero


def written(node: ir.Node) -> Expr:
    """The numbers that it puts into memory; a diagonal is written over the array that is there."""
    if isinstance(node, ir.Laplacian):
        return _size(node.dims[1:])
    return entries(node.values) if isinstance(node, ir.WithDiagonal) else entries(node)


def read(node: ir.Node) -> Expr:
    """The numbers that it takes from memory, each argument once; what is not an array costs nothing."""
    if isinstance(node, ir.AtLabels | ir.Leads):  # an entry of each row, and where it is
        return 2 * entries(node)
    if isinstance(node, ir.WithDiagonal):
        return entries(node.values)
    return sum((entries(part) for part in dict.fromkeys(map(base, node.parts)) if not part.is_plain), S.Zero)


def base(node: ir.Node) -> ir.Node:
    """The array that a node shows: views and repetitions are not stored."""
    while isinstance(node, ir.View | ir.OneHot) or (isinstance(node, ir.Broadcast) and not node.arg.is_plain):
        node = node.labels if isinstance(node, ir.OneHot) else node.arg
    return node


def is_step(node: ir.Node) -> bool:
    """Whether the node is computed: an array that is none of the arguments and no view of another."""
    return base(node) is node and not node.is_plain and not isinstance(node, ir.Input | ir.Labels)


def summed_squares(order: Iterable[ir.Node]) -> set[ir.Node]:
    """The squares of arguments that are summed as they are made, and never stored as an array: over axes, or in ``w.T @ x**2``."""
    users: dict[ir.Node, list[ir.Node]] = {}
    for node in order:
        for part in node.parts:
            users.setdefault(base(part), []).append(node)
    return {node for node in users if _is_squared_input(node) and all(_sums_squares(user, node) for user in users[node])}


def _is_squared_input(node: ir.Node) -> bool:
    return isinstance(node, ir.Map) and node.op == "pow" and node.args[1] == ir.Number(Integer(2)) and isinstance(node.args[0], ir.Input)


def _sums_squares(user: ir.Node, squares: ir.Node) -> bool:
    if isinstance(user, ir.Contract):
        first = user.left_labels[0]
        return user.right == squares and first == user.right_labels[0] and first not in user.out
    return isinstance(user, ir.Reduce)


def _size(dims: ir.Shape) -> Expr:
    return Mul(*(dim for dim in dims if dim is not None))


def _contraction(node: ir.Contract) -> Expr:
    known: dict[int, Dim | None] = dict(zip((*node.left_labels, *node.right_labels), (*node.left.dims, *node.right.dims), strict=True))
    summed = any(label not in node.out for label in known)
    return (2 if summed else 1) * _size(tuple(known.values()))


def _inverse(node: ir.Matrix) -> Expr:
    """Elimination: 2/3 n^3, and 4/3 n^3 more for the inverse."""
    n = node.arg.dims[-1]
    assert n is not None
    return (2 if node.op == "inv" else Integer(2) / 3) * entries(node.arg) * n


_FLOPS: dict[type[ir.Node], Callable[..., Expr]] = {
    ir.Map: lambda n: (len(n.args) - 1 or 1) * entries(n),
    ir.Reduce: lambda n: entries(n.arg),
    ir.Contract: _contraction,
    ir.Row: lambda n: ROW[n.op] * entries(n.arg),
    ir.Top: lambda n: entries(n.arg),
    ir.Leader: lambda n: entries(n.arg),
    ir.Complement: lambda n: 3 * entries(n),
    ir.Centred: lambda n: CENTRED * entries(n),
    ir.CentredColumns: lambda n: product_flops(n) + 2 * entries(n),
    ir.JacobianProduct: lambda n: (CENTRED + 1) * entries(n),
    ir.TimesComplement: lambda n: 4 * entries(n),
    ir.Variance: lambda n: product_flops(n) + 2 * entries(n.arg) + 6 * entries(n),
    ir.LogLikelihood: lambda n: ROW["logsumexp"] * entries(n.arg),
    ir.MinusLabels: lambda n: entries(n),
    ir.Residual: lambda n: ROW["softmax"] * entries(n.arg),
    ir.Laplacian: lambda n: entries(n),
    ir.Matrix: _inverse,
}
