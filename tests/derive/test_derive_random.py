"""Random index expressions differentiate to the derivatives of autograd, in both orders."""

from __future__ import annotations

import pytest
from derive_oracle import agree, drawn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Expr, Integer, Rational

from closedform.derive import closed_form, engine, table
from closedform.notation import (
    Dim,
    Given,
    Index,
    Let,
    Partial,
    Setting,
    cos,
    delta,
    erf,
    exp,
    indices,
    log,
    relu,
    scalar,
    sigmoid,
    sin,
    softplus,
    sqrt,
    summation,
    tanh,
    tensor,
    where,
)
from closedform.notation import less_equal as at_most

C, D = Dim("C"), Dim("D")
z, e, W, t = tensor("z", C), tensor("e", D), tensor("W", C, D), scalar("t")
i, j, k, m = indices("i j k m", C)
a, b, c, d = indices("a b c d", D)
p, h = tensor("p", C), tensor("h", C)
L = scalar("L")
FRESH = {C: (k, m), D: (c, d)}
GIVENS = (Given(z), Given(e), Given(W), Given(t))

SMOOTH = [tanh, sin, cos, sigmoid, softplus, erf, lambda u: exp(tanh(u)), lambda u: log(1 + u**2), lambda u: 1 / sqrt(1 + u**2)]
KINKED = [relu, lambda u: where(at_most(u, Rational(1, 10)), u**2, 2 * u)]


@st.composite
def expressions(draw: st.DrawFn, scope: tuple[Index, ...], depth: int) -> Expr:
    """An expression whose free indices are among ``scope``."""
    kind = draw(st.sampled_from(["leaf"] if depth == 0 else ["leaf", "add", "times", "square", "function", "sum", "sum"]))
    if kind == "leaf":
        return draw(st.sampled_from(leaves(scope)))
    if kind == "sum":
        dim = draw(st.sampled_from([C, D]))
        over = next((index for index in FRESH[dim] if index not in scope), None)
        if over is not None:
            return summation(draw(expressions((*scope, over), depth - 1)), over)
    if kind in ("add", "times"):
        left, right = draw(expressions(scope, depth - 1)), draw(expressions(scope, depth - 1))
        return left + right if kind == "add" else left * right
    inner = draw(expressions(scope, depth - 1))
    return inner**2 if kind == "square" else draw(st.sampled_from([*SMOOTH, *KINKED]))(inner)


def leaves(scope: tuple[Index, ...]) -> list[Expr]:
    rows, columns = [index for index in scope if index.dim == C], [index for index in scope if index.dim == D]
    found: list[Expr] = [t, Integer(2), Rational(-1, 3)]
    found += [z[row] for row in rows] + [e[column] for column in columns]
    found += [W[row, column] for row in rows for column in columns]
    found += [delta(first, second) for first in rows for second in rows if first.name < second.name]
    return found


SETTINGS = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@SETTINGS
@given(expressions((), 5), st.sampled_from([(z[i],), (W[i, a],), (e[a],), (t,), (z[i], z[j]), (z[i], e[a])]))
def test_closed_forms_of_random_expressions(body: Expr, variables: tuple[Expr, ...]) -> None:
    setting = Setting(GIVENS, (Let(L, body),))
    check(setting, Partial(L, *variables))


@SETTINGS
@given(expressions((i,), 3), expressions((k,), 2), st.sampled_from([(z[j],), (W[j, a],), (z[j], z[m])]))
def test_closed_forms_through_random_lets(inner: Expr, outer: Expr, variables: tuple[Expr, ...]) -> None:
    logits = Let(h[i], inner)
    softmax = Let(p[i], exp(h[i]) / summation(exp(h[k]), k))
    loss = Let(L, summation(log(p[k]) * outer + p[k] ** 2 * h[k], k))
    check(Setting(GIVENS, (logits, softmax, loss)), Partial(L, *variables))


def check(setting: Setting, target: Expr) -> None:
    form = closed_form(setting, target)
    for seed, sizes in enumerate(({C: 2, D: 3}, {C: 3, D: 2})):
        assert agree(drawn(setting, sizes, seed), target, form.expression, form.setting)


def test_a_wrong_line_in_the_table_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(table.DERIVATIVES, tanh, (lambda u: 1 - tanh(u), "planted"))
    setting = Setting(GIVENS, (Let(L, summation(tanh(z[k]), k)),))
    with pytest.raises(AssertionError):
        check(setting, Partial(L, z[i]))
    engine.deriver_of.cache_clear()  # what it remembers was derived with the planted fault
