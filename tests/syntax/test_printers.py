"""Text and LaTeX of expressions: arranged as a person writes them, the same every time."""

from __future__ import annotations

import latex2mathml.converter
import pytest
import sympy
from expression_strategies import SETTING, expressions
from hypothesis import given, settings
from sympy import Expr, Rational, Sum

from closedform.errors import NotationError
from closedform.notation import (
    Dim,
    Index,
    delta,
    erf,
    exp,
    indices,
    inv,
    less_equal,
    log,
    logdet,
    maximum,
    partial,
    pi,
    scalar,
    sqrt,
    summation,
    tanh,
    tensor,
    where,
)
from closedform.syntax.latex import to_latex
from closedform.syntax.text import to_text

B, C, D = Dim("B"), Dim("C"), Dim("D")
a, b = indices("a b", B)
i, j, k, i2 = indices("i j k i2", C)
c, d, e = (*indices("c", C), *indices("d e", D))
p, y, P, W, A = tensor("p", C), tensor("y", C), tensor("p", B, C), tensor("W", C, D), tensor("A", C, C)
x, t, T, lam, dlt, dx, L = (scalar(name) for name in ("x", "t", "T", "lam", "dlt", "dx", "L"))

PRINTED = [
    (p[i] * (delta(i, j) - p[j]), "p[i]*(delta(i,j) - p[j])", r"p_{i} \left(\delta_{ij} - p_{j}\right)"),
    ((P[b, i] - y[i]) / B, "(p[b,i] - y[i])/B", r"\frac{p_{bi} - y_{i}}{B}"),
    (-p[i] * p[j], "-p[i]*p[j]", "-p_{i} p_{j}"),
    (1 - p[i], "1 - p[i]", "1 - p_{i}"),
    ((p[i] - p[j]) / 2, "(p[i] - p[j])/2", r"\frac{1}{2} \left(p_{i} - p_{j}\right)"),
    (x**2 - 2 * x * t, "x^2 - 2*t*x", "x^{2} - 2 t x"),
    (-x - t, "-t - x", "-t - x"),
    (3 * x / 4, "3*x/4", r"\frac{3 x}{4}"),
    (1 / (2 * x * t**2), "1/(2*t^2*x)", r"\frac{1}{2 t^{2} x}"),
    (exp(-(x**2) / 2) / sqrt(2 * pi), "exp(-x^2/2)/sqrt(2*pi)", r"\frac{\exp\left(-\frac{x^{2}}{2}\right)}{\sqrt{2 \pi}}"),
    ((1 + erf(x / sqrt(2))) / 2, "(1 + erf(x/sqrt(2)))/2",
     r"\frac{1}{2} \left(1 + \operatorname{erf}\left(\frac{x}{\sqrt{2}}\right)\right)"),
    (2 / sqrt(pi), "2/sqrt(pi)", r"\frac{2}{\sqrt{\pi}}"),
    (sqrt(8) / 3, "2*sqrt(2)/3", r"\frac{2 \sqrt{2}}{3}"),
    (x ** Rational(-3, 2), "1/x^(3/2)", r"\frac{1}{x^{3/2}}"),
    (Rational(1, 2) ** x, "(1/2)^x", r"\left(\frac{1}{2}\right)^{x}"),
    (x ** (t - 1), "x^(t - 1)", "x^{t - 1}"),
    (tanh(x) ** 2, "tanh(x)^2", r"\tanh\left(x\right)^{2}"),
    (exp(1), "exp(1)", "e"),
    (exp(p[i]) / summation(exp(p[k]), k), "exp(p[i])/sum_k(exp(p[k]))", r"\frac{e^{p_{i}}}{\sum_{k} e^{p_{k}}}"),
    (summation(W[c, d] * p[c], d, c), "sum_cd(W[c,d]*p[c])", r"\sum_{c,d} W_{cd} p_{c}"),
    (summation(p[i2], i2) * summation(y[k], k), "sum_k(y[k])*sum_{i2}(p[i2])", r"\left(\sum_{k} y_{k}\right) \sum_{i_{2}} p_{i_{2}}"),
    (summation(p[k], k) ** 2 / B, "sum_k(p[k])^2/B", r"\frac{\left(\sum_{k} p_{k}\right)^{2}}{B}"),
    (summation(p[k] * (y[k] - x), k) / B, "sum_k(p[k]*(y[k] - x))/B", r"\frac{1}{B} \sum_{k} p_{k} \left(y_{k} - x\right)"),
    (Sum(x, (i, 1, C)), "C*x", r"\sum_{i} x"),
    (partial(L, W[c, d], W[k, e]), "d2L/dW[c,d]dW[k,e]", r"\frac{\partial^{2} L}{\partial W_{cd}\,\partial W_{ke}}"),
    (partial(L, T, p[i]), "d2L/dT dp[i]", r"\frac{\partial^{2} L}{\partial T\,\partial p_{i}}"),
    (partial(L, T) * p[i] / B, "dL/dT*p[i]/B", r"\frac{\frac{\partial L}{\partial T} p_{i}}{B}"),
    (1 / partial(L, T), "1/(dL/dT)", r"\frac{1}{\frac{\partial L}{\partial T}}"),
    (dlt / dx, "(dlt)/dx", r"\frac{\delta}{\mathrm{dx}}"),
    (inv(A, j, i) * logdet(A), "inv(A)[j,i]*logdet(A)", r"\left(A^{-1}\right)_{ji} \log\left|\det A\right|"),
    (maximum(x, t, 0), "max(x, t, 0)", r"\max\left(x, t, 0\right)"),
    (
        where(less_equal(sympy.Abs(x), dlt), x**2 / 2, dlt * (sympy.Abs(x) - dlt / 2)),
        "where(abs(x) <= dlt, x^2/2, dlt*(abs(x) - dlt/2))",
        r"\begin{cases} \frac{x^{2}}{2} & \text{if } \left|x\right| \le \delta \\ "
        r"\delta \left(\left|x\right| - \frac{\delta}{2}\right) & \text{otherwise} \end{cases}",
    ),
    (lam * scalar("theta_1") * scalar("w_out") * delta(i, i2), "lam*theta_1*w_out*delta(i,i2)",
     r"\lambda \theta_{1} w_{\mathrm{out}} \delta_{i,\,i_{2}}"),
    (log(p[i] / x), "log(p[i]/x)", r"\log\left(\frac{p_{i}}{x}\right)"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "text", "latex"), PRINTED, ids=[text for _, text, _ in PRINTED])
def test_printed(expression: Expr, text: str, latex: str) -> None:
    assert to_text(expression) == text
    assert to_latex(expression) == latex


def test_lets_are_spelled_as_in_text() -> None:
    softmax = SETTING.lets[0].head
    assert to_text(softmax, SETTING) == "softmax(z)[i]"
    assert to_latex(softmax, SETTING) == r"\operatorname{softmax}(z)_{i}"
    assert to_text(softmax) == "softmax_z[i]"


def test_bound_indices_never_seem_to_be_others() -> None:
    k_of_d = Index("k", D)
    expression = summation(p[k] * W[c, k_of_d], k)
    assert to_text(expression) == "sum_{k2}(W[c,k]*p[k2])"


def test_free_indices_of_one_name_are_told_apart() -> None:
    assert to_text(p[k] * tensor("v", D)[Index("k", D)]) == "p[k]*v[k2]"


def test_what_has_no_text_is_refused() -> None:
    with pytest.raises(NotationError, match="no text for"):
        to_text(sympy.gamma(x))


@given(expressions)
@settings(max_examples=60, deadline=None)
def test_latex_is_balanced_and_becomes_mathml(expression: Expr) -> None:
    latex = to_latex(expression, SETTING)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert latex2mathml.converter.convert(latex).startswith("<math")
