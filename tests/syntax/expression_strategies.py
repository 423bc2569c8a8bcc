"""Random expressions of the notation, and the setting that their names come from."""

from __future__ import annotations

import sympy
from hypothesis import strategies as st
from sympy import Expr, Rational

from closedform.notation import (
    Dim,
    Given,
    Index,
    Let,
    Partial,
    Setting,
    delta,
    det,
    erf,
    exp,
    indices,
    inv,
    less,
    less_equal,
    log,
    logdet,
    maximum,
    minimum,
    partial,
    pi,
    relu,
    scalar,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    step,
    summation,
    tanh,
    tensor,
    where,
)

C, D = Dim("C"), Dim("D")
I, J, K, I2 = indices("i j k i2", C)
M, N = indices("m n", D)
z, W, A = tensor("z", C), tensor("W", C, D), tensor("A", C, C)
x, dx, y, dy, T = scalar("x"), scalar("dx"), scalar("y"), scalar("dy"), scalar("T")
L, p = scalar("L"), tensor("p", C)
s = tensor("softmax_z", C)
SETTING = Setting(
    tuple(Given(symbol) for symbol in (z, W, A, x, dx, y, dy, T)),
    (
        Let(s[I], exp(z[I]) / summation(exp(z[K]), K), spelling="softmax(z)"),
        Let(p[I], s[I] * x),
        Let(L, summation(p[I] * W[I, M], I, M)),
    ),
)
FREE = (I, J, M)

LEAVES: tuple[Expr, ...] = (
    *(x, dx, y, dy, T, L, C, D, pi, det(A), logdet(A)),
    *(sympy.Integer(n) for n in (-2, -1, 0, 1, 2, 3, 10)),
    *(Rational(1, 2), Rational(-2, 3), Rational(7, 4)),
    *(entry[i] for entry in (z, p, s) for i in (I, J, K, I2)),
    *(W[i, m] for i in (I, K) for m in (M, N)),
    *(A[i, j] for i in (I, K) for j in (I, J, I2)),
    *(delta(i, j) for i in (I, K) for j in (J, I2)),
    *(inv(A, I, J), inv(A, K, I2)),
    *(partial(p[I], z[J]), partial(p[K], z[K]), partial(L, T, W[I, M], x, T), partial(s[I], z[J], z[K])),
)
FUNCTIONS = (exp, log, sqrt, sin, tanh, erf, sign, abs, sigmoid, softplus, relu, step)
EXPONENTS = (2, 3, -1, -2, Rational(1, 2), Rational(-3, 2))


@st.composite
def _expression(draw: st.DrawFn, depth: int) -> Expr:
    kind = draw(st.integers(0, 11)) if depth else 0
    if kind == 0:
        return draw(st.sampled_from(LEAVES))
    a = draw(_expression(depth - 1))
    if kind == 1:
        return draw(st.sampled_from(FUNCTIONS))(a)
    if kind == 2:
        return a ** draw(st.sampled_from(EXPONENTS))
    if kind == 3:
        return summation(a, *draw(st.lists(st.sampled_from([I, J, K, I2, M, N]), min_size=1, max_size=2, unique=True)))
    b = draw(_expression(depth - 1))
    if kind <= 5:
        return a + b if kind == 4 else a - b
    if kind <= 8:
        return a * b if kind < 8 else a / b
    if kind == 9:
        return draw(st.sampled_from((maximum, minimum)))(a, b)
    if kind == 10:
        return a**b if b.is_Symbol and not a.is_zero else a - 2 * b
    c = draw(_expression(depth - 1))
    condition = draw(st.sampled_from([less(a, b), less_equal(a, b), less_equal(a, b) * less(b, c), less(b, a)]))
    return where(condition, c, a)


def _bound(expression: Expr) -> Expr:
    """Sum over the indices that are not free in a claim."""
    loose = {symbol for symbol in expression.free_symbols if isinstance(symbol, Index)} - set(FREE)
    return summation(expression, *sorted(loose, key=lambda index: index.name))


def _is_real(expression: Expr) -> bool:
    return not expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I)


def _rebuilt(expression: Expr) -> Expr:
    """The expression as SymPy makes it from its parts; it leaves some, such as Abs(Abs(x)), undone at first."""
    if not expression.args or isinstance(expression, sympy.Indexed | Partial):
        return expression
    return expression.func(*(arg if isinstance(arg, sympy.Tuple) else _rebuilt(arg) for arg in expression.args))


expressions: st.SearchStrategy[Expr] = _expression(4).map(sympy.sympify).filter(_is_real).map(_bound).map(_rebuilt).filter(_is_real)
