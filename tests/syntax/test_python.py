"""Closed forms printed as Python are complete programs that give the expression back."""

from __future__ import annotations

from typing import Any

import pytest
from sympy import Expr, Rational

from closedform.notation import (
    Dim,
    Given,
    Index,
    Let,
    Setting,
    delta,
    exp,
    indices,
    less,
    log,
    partial,
    pi,
    scalar,
    sigmoid,
    sqrt,
    summation,
    tensor,
    where,
)
from closedform.syntax.python import to_python

C, D = Dim("C"), Dim("D")
i, j, k = indices("i j k", C)
z, p, M = tensor("z", C), tensor("p", C), tensor("lambda", C, D)
x = scalar("x")
SETTING = Setting((Given(z), Given(M), Given(x)), (Let(p[i], exp(z[i]) / summation(exp(z[k]), k), spelling="softmax(z)"),))


@pytest.mark.parametrize(
    "expression",
    [
        p[i] * (delta(i, j) - p[j]) / C,
        summation(M[i, Index("C", D)] ** 2, Index("C", D)) / 2,
        Rational(1, 2) + sqrt(x) ** 3 / sqrt(pi) - x ** Rational(2, 3),
        where(less(x, 1), sigmoid(x), exp(1) + log(abs(x))),
        summation(z[i] * summation(z[k], k), i) ** 2,
        partial(p[i], z[j]),
    ],
    ids=str,
)
def test_running_the_text_gives_the_expression(expression: Expr) -> None:
    program: dict[str, Any] = {}
    exec(to_python(SETTING, p[i], expression), program)
    assert program["right"] == expression
    assert program["left"] == p[i]
