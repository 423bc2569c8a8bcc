"""Constructors of nodes that apply what is known of functions: every finite input gives a finite, accurate result.

Each rule is an identity of real functions, written above it. Rules look at nodes only, so a softmax is
recognised wherever it stands: in a let, in a formula, under any name. Those that keep digits where a formula would
cancel are stated, to be proved, in :mod:`closedform.lower.identities`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sympy import Expr, Integer, Rational, S, log

from closedform.lower.moments import centred, centred_columns, variance
from closedform.lower.nodes import Complement, Contract, Diagonal, Input, Map, Node, Number, Reduce, Row, View, is_softmax
from closedform.lower.views import unviewed, view

Rule = Callable[..., Node | None]


def elementwise(op: str, args: tuple[Node, ...]) -> Node:
    """The node of ``op(args)``, by the first rule that applies."""
    for rule in RULES.get(op, ()):
        found = rule(*args)
        if found is not None:
            return found
    return Map(op, args)


def power(base: Node, exponent: Expr) -> Node:
    """``base ** exponent`` for a number as exponent, written with sqrt and reciprocal where these are meant."""
    total = _sum_of_exponentials(base)
    if total is not None:  # sum(exp(u))^n = exp(n*logsumexp(u))
        return elementwise("exp", (elementwise("mul", (Number(exponent), total)),))
    if isinstance(base, Map) and base.op == "exp":  # exp(u)^n = exp(n*u)
        return elementwise("exp", (elementwise("mul", (Number(exponent), base.args[0])),))
    if exponent.is_negative:
        logistic = _one_plus_exp(base)
        if logistic is not None:  # 1/(1 + exp(x)) = sigmoid(-x)
            return power(elementwise("sigmoid", (negate(logistic),)), -exponent)
        return elementwise("div", (Number(S.One), power(base, -exponent)))
    if exponent == 1:
        return base
    if exponent == Rational(1, 2):
        return Map("sqrt", (base,))
    if exponent.is_Rational and exponent.q == 2:
        return elementwise("mul", (power(base, Integer(exponent.p // 2)), Map("sqrt", (base,))))
    return Map("pow", (base, Number(exponent)))


def negate(array: Node) -> Node:
    """Minus ``array``."""
    return elementwise("neg", (array,))


# ---------------------------------------------------------------------------------------------
# What a node is
# ---------------------------------------------------------------------------------------------


def is_number(array: Node, value: int | None = None) -> bool:
    """Whether the node is a number, or that number."""
    return isinstance(array, Number) and (value is None or array.value == value)


def _is_map(array: Node, *ops: str) -> bool:
    return isinstance(array, Map) and array.op in ops


def _through_view(rule: Callable[[Node], Node | None]) -> Rule:
    """A rule about one node that also holds below a view."""

    def applied(array: Node) -> Node | None:
        inner, restore = unviewed(array)
        found = rule(inner)
        return None if found is None else restore(found)

    return applied


def _sum_of_exponentials(array: Node) -> Node | None:
    """logsumexp(u) where the array is sum(exp(u)) over some axes, or a softmax's denominator."""
    if not (isinstance(array, Reduce) and _is_map(array.arg, "exp")):
        return None
    exponent = array.arg.parts[0]
    if len(exponent.dims) != len(array.arg.dims):
        return None
    kept = [axis for axis in range(len(exponent.dims)) if axis not in array.axes]
    found = view(exponent, (*kept, *array.axes))
    for _ in array.axes:  # log sum_kl exp(u) = logsumexp_k(logsumexp_l(u))
        found = Row("logsumexp", found)
    return found


def _one_plus_exp(array: Node) -> Node | None:
    """x where the array is 1 + exp(x)."""
    if _is_map(array, "add"):
        first, second = array.parts
        if is_number(first, 1) and _is_map(second, "exp"):
            return second.parts[0]
        if is_number(second, 1) and _is_map(first, "exp"):
            return first.parts[0]
    return None


def _row_over(array: Node, other: Node, op: str) -> tuple[Node, int] | None:
    """(X, axis) where ``other`` is Row(op, X), X being ``array`` with that axis last, broadcast along the axis."""
    inner, _ = unviewed(other)
    if not (isinstance(inner, Row) and inner.op == op):
        return None
    order = other.order if isinstance(other, View) else tuple(range(len(other.dims)))
    if len(order) != len(array.dims) or order.count(None) != 1:
        return None
    axis = order.index(None)
    kept = [position for position in range(len(order)) if position != axis]
    last = view(array, (*kept, axis))
    if [order[position] for position in kept] != list(range(len(kept))) or last != inner.arg:
        return None
    return last, axis


def _move_last_to(array: Node, axis: int) -> Node:
    rank = len(array.dims)
    order = [*range(rank - 1)]
    order.insert(axis, rank - 1)
    return view(array, tuple(order))


# ---------------------------------------------------------------------------------------------
# Rules, by operation
# ---------------------------------------------------------------------------------------------


def _neg(array: Node) -> Node | None:
    if isinstance(array, Number):
        return Number(-array.value)
    if isinstance(array, Map):
        if array.op == "neg":
            return array.args[0]
        if array.op == "sub":  # -(a - b) = b - a
            return elementwise("sub", (array.args[1], array.args[0]))
        if array.op in ("mul", "div") and is_number(array.args[0]):
            return elementwise(array.op, (negate(array.args[0]), array.args[1]))
        if array.op == "mul" and is_number(array.args[1]):
            return elementwise("mul", (array.args[0], negate(array.args[1])))
    return None


def _add(first: Node, second: Node) -> Node | None:
    if isinstance(first, Number) and isinstance(second, Number):
        return Number(first.value + second.value)
    if is_number(first, 0):
        return second
    if is_number(second, 0):
        return first
    for one, other in ((first, second), (second, first)):
        inner, restore = unviewed(other)
        if _is_map(inner, "neg"):
            return elementwise("sub", (one, restore(inner.parts[0])))
        positive = _without_sign(other)
        if positive is not None:
            return elementwise("sub", (one, positive))
    return _one_product("add", first, second)


def _without_sign(array: Node) -> Node | None:
    """-x for an x that is a negative number, or a multiple by one."""
    if isinstance(array, Number):
        return Number(-array.value) if array.value.could_extract_minus_sign() else None
    inner, restore = unviewed(array)
    if isinstance(inner, Map) and inner.op in ("mul", "div"):
        factor = _without_sign(inner.args[0]) if isinstance(inner.args[0], Number) else None
        return None if factor is None else restore(elementwise(inner.op, (factor, inner.args[1])))
    return None


def _sub(first: Node, second: Node) -> Node | None:
    if isinstance(first, Number) and isinstance(second, Number):
        return Number(first.value - second.value)
    if is_number(second, 0):
        return first
    if is_number(first, 0):
        return negate(second)
    if _is_map(second, "neg"):
        return elementwise("add", (first, second.parts[0]))
    positive = _without_sign(second)
    if positive is not None:
        return elementwise("add", (first, positive))
    if is_number(first, 1):
        return _one_minus(second)
    if is_number(second, 1):
        rest = _one_minus(first)
        return None if rest is None else negate(rest)
    normalised = _row_over(first, second, "logsumexp")
    if normalised is not None:  # u - logsumexp(u) = log_softmax(u)
        return _move_last_to(Row("log_softmax", normalised[0]), normalised[1])
    found = _less_answer(first, second) or centred(first, second) or centred_columns(first, second) or variance(first, second)
    if found is None:  # mean - x = -(x - mean)
        turned = _less_answer(second, first) or centred(second, first) or centred_columns(second, first)
        return _one_product("sub", first, second) if turned is None else negate(turned)
    return found


def _one_product(op: str, first: Node, second: Node) -> Node | None:
    """a @ x + b @ x = (a + b) @ x: one product instead of two."""
    if not (isinstance(first, Contract) and isinstance(second, Contract)):
        return None
    if (first.left_labels, first.right_labels, first.out) != (second.left_labels, second.right_labels, second.out):
        return None
    if first.right == second.right and first.left.dims == second.left.dims:
        return replace(first, left=elementwise(op, (first.left, second.left)))
    if first.left == second.left and first.right.dims == second.right.dims:
        return replace(first, right=elementwise(op, (first.right, second.right)))
    return None


def _less_answer(first: Node, second: Node) -> Node | None:
    """sigmoid(x) - y = (1 - y)*sigmoid(x) - y*sigmoid(-x): where y is 0 or 1, no digit of a confident answer is lost."""
    if not (_is_map(first, "sigmoid") and isinstance(unviewed(second)[0], Input)):
        return None
    others = elementwise("sub", (Number(Integer(1)), second))
    rest = elementwise("sigmoid", (negate(first.parts[0]),))
    return Map("sub", (elementwise("mul", (others, first)), elementwise("mul", (second, rest))))


def _one_minus(array: Node) -> Node | None:
    inner, restore = unviewed(array)
    if is_softmax(inner):  # 1 - p is the sum of the others
        return restore(Complement(inner))
    if _is_map(inner, "pow") and is_number(inner.parts[1], 2) and _is_map(inner.parts[0], "tanh"):
        double = elementwise("mul", (Number(Integer(2)), inner.parts[0].parts[0]))  # 1 - tanh(x)^2 = 4 sigmoid(2x) sigmoid(-2x)
        sides = (elementwise("sigmoid", (double,)), elementwise("sigmoid", (negate(double),)))
        return restore(elementwise("mul", (Number(Integer(4)), elementwise("mul", sides))))
    if _is_map(inner, "sigmoid"):  # 1 - sigmoid(x) = sigmoid(-x)
        return restore(elementwise("sigmoid", (negate(inner.parts[0]),)))
    return None


def _mul(first: Node, second: Node) -> Node | None:
    if isinstance(first, Number) and isinstance(second, Number):
        return Number(first.value * second.value)
    for one, other in ((first, second), (second, first)):
        found = _mul_ordered(one, other)
        if found is not None:
            return found
    for one, other in ((first, second), (second, first)):
        inner, restore = unviewed(other)
        if _is_map(inner, "div") and is_number(inner.parts[0], 1):  # a * (1/b) = a/b
            return elementwise("div", (one, restore(inner.parts[1])))
    return None


def _mul_ordered(first: Node, second: Node) -> Node | None:
    if is_number(first, 0):
        return first
    if is_number(first, 1):
        return second
    if is_number(first, -1):
        return negate(second)
    if _is_map(first, "neg"):
        return negate(elementwise("mul", (first.parts[0], second)))
    if isinstance(first, Number) and _is_map(second, "mul", "div") and is_number(second.parts[0]):
        return elementwise(second.op, (elementwise("mul", (first, second.parts[0])), second.parts[1]))  # type: ignore[attr-defined]
    return _mul_exponential(first, second)


def _mul_exponential(first: Node, second: Node) -> Node | None:
    one, restore_one = unviewed(first)
    other, restore_other = unviewed(second)
    if not _is_map(one, "exp"):
        return None
    exponent = restore_one(one.parts[0])
    if _is_map(other, "exp"):  # exp(a)*exp(b) = exp(a + b)
        return elementwise("exp", (elementwise("add", (exponent, restore_other(other.parts[0]))),))
    if _is_map(other, "sigmoid") and restore_other(other.parts[0]) == negate(exponent):  # exp(x)*sigmoid(-x) = sigmoid(x)
        return elementwise("sigmoid", (exponent,))
    return None


def _div(first: Node, second: Node) -> Node | None:
    if isinstance(first, Number) and isinstance(second, Number):
        return Number(first.value / second.value)
    if is_number(first, 1):
        inner, restore = unviewed(second)
        if _is_map(inner, "div") and is_number(inner.parts[0], 1):
            return restore(inner.parts[1])
        if _is_map(inner, "exp"):  # 1/exp(x) = exp(-x)
            return restore(elementwise("exp", (negate(inner.parts[0]),)))
    return None


def _exp(array: Node) -> Node | None:
    if isinstance(array, Row) and array.op == "log_softmax":
        return Row("softmax", array.arg)
    if _is_map(array, "log"):
        return array.parts[0]
    return None


def _log(array: Node) -> Node | None:
    total = _sum_of_exponentials(array)
    if total is not None:
        return total
    logistic = _one_plus_exp(array)
    if logistic is not None:  # log(1 + exp(x)) = softplus(x)
        return elementwise("softplus", (logistic,))
    if is_softmax(array):
        return Row("log_softmax", array.arg)
    if _is_map(array, "add", "sub") and is_number(array.parts[0], 1):  # log(1 + u) = log1p(u), which keeps the digits of a small u
        small = array.parts[1]
        return Map("log1p", (small if _is_map(array, "add") else negate(small),))
    if isinstance(array, Diagonal):  # entries of the logarithm, which may be one of the above
        return Diagonal(_log_of(array.arg), array.i, array.j)
    if isinstance(array, Number) and not array.value.free_symbols:
        return Number(log(array.value))
    if not isinstance(array, Map):
        return None
    if array.op == "exp":
        return array.args[0]
    if array.op == "sigmoid":  # log(sigmoid(x)) = -softplus(-x)
        return negate(elementwise("softplus", (negate(array.args[0]),)))
    if array.op == "cosh":
        return Map("log_cosh", array.args)
    if array.op == "pow" and _is_positive(array.args[0]):  # log(x^n) = n*log(x)
        return elementwise("mul", (array.args[1], _log_of(array.args[0])))
    if array.op in ("mul", "div") and any(_is_positive(arg) for arg in array.args):  # log(a*b) = log(a) + log(b)
        op = "add" if array.op == "mul" else "sub"
        return elementwise(op, (_log_of(array.args[0]), _log_of(array.args[1])))
    return None


def _log_of(array: Node) -> Node:
    return elementwise("log", (array,))


def _is_positive(array: Node) -> bool:
    """Whether the node is a function that may underflow, but is positive."""
    inner, _ = unviewed(array)
    if isinstance(inner, Map) and inner.op in ("mul", "div"):
        return all(_is_positive(arg) for arg in inner.args)
    return _is_map(inner, "exp", "sigmoid") or is_softmax(inner)


RULES: dict[str, tuple[Rule, ...]] = {
    "neg": (_neg,),
    "add": (_add,),
    "sub": (_sub,),
    "mul": (_mul,),
    "div": (_div,),
    "exp": (_through_view(_exp),),
    "log": (_through_view(_log),),
}
