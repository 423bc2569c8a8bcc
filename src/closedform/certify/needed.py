"""What must not be zero for a formula to exist: the nodes whose reciprocals every entry of it is made of.

A reciprocal in a branch of a ``where`` counts if both branches have it, as the branch that is not taken does not matter.
"""

from __future__ import annotations

from closedform.certify.rings.node import AXIS_OPS, COMPARISONS, Node, axis_map, renamed

# A node that is inverted, and along which axis of the formula each of its axes runs, None where all its entries are used.
_Inverted = tuple[Node, tuple[int | None, ...]]
ONE = -1  # for an axis of length one

# What exists only if all of its arguments do; "concat" and "reshape" do not keep apart which entries use which.
_STRICT = (AXIS_OPS - {"reshape"}) | COMPARISONS | {"add", "mul", "total", "product", "inv", "ipow", "root", "gpow", "exp", "log"}


def never_zero(node: Node) -> frozenset[Node]:
    """The nodes of which no entry is zero where any entry of ``node`` exists.

    The sizes of all dimensions have to be 2 at least: a length of 1 is taken for an axis along which nothing varies.
    """
    inverted = (other for other, axes in _inverted(node, {}) if not any(axis not in (None, ONE) for axis in axes))
    return frozenset(factor for other in inverted for factor in _factors(other))


def _inverted(node: Node, known: dict[Node, frozenset[_Inverted]]) -> frozenset[_Inverted]:
    if node not in known:
        known[node] = _below(node, known) | _own(node)
    return known[node]


def _own(node: Node) -> frozenset[_Inverted]:
    if node.op != "inv":
        return frozenset()
    return frozenset({(node.args[0], tuple(ONE if n == 1 else axis for axis, n in enumerate(node.shape)))})


def _below(node: Node, known: dict[Node, frozenset[_Inverted]]) -> frozenset[_Inverted]:
    if node.op == "select":
        condition, yes, no = (_inverted(arg, known) for arg in node.args)
        return condition | (yes & no)
    if node.op not in _STRICT:
        return frozenset()
    found = frozenset().union(*(_inverted(arg, known) for arg in node.args))
    if node.op == "diagonal":  # has the entries only at which both axes agree
        found = frozenset((other, axes) for other, axes in found if not set(node.meta) <= set(axes))
    to = axis_map(node)
    return frozenset((other, renamed(axes, to)) for other, axes in found)


def _factors(node: Node) -> set[Node]:
    """The node, and what is not zero because it is not."""
    kept = node.op in ("mul", "ipow", "arrange", "broadcast")
    return {node}.union(*(_factors(arg) for arg in node.args if kept))
