"""Derivations asked for in text: settings, targets with sensible indices, and errors."""

from __future__ import annotations

import pytest

from closedform.errors import ClosedformError, ParseError, UsageError
from closedform.syntax.problem import parse_problem
from closedform.syntax.text import to_text


@pytest.mark.parametrize(
    ("equation", "given", "wrt", "order", "target"),
    [
        ("L = -sum_c(y[c]*log(softmax(z)[c]))", ["z[C]", "y[C] where sum_a(y[a]) = 1"], "z", 2, "d2L/dz[i]dz[j]"),
        ("L = sum_c(z[c]^2)", ["z[C]"], "z", 1, "dL/dz[i]"),
        ("sum_c(z[c]^2)", ["given z[C]"], "z", 3, "d3L/dz[i]dz[j]dz[k]"),
        ("sum_c(z[c]*L)", ["z[C]", "L"], "z,L", 2, "d2f/dz[i]dL"),
        ("p[i] = softmax(z)[i]", ["z[C]"], "z", 1, "dp[i]/dz[j]"),
        ("s[n] = sum_d(X[n,d]*w[d])", ["X[N,D]", "w[D]"], "X", 1, "ds[n]/dX[m,d]"),
        ("L = sum_cd(W[c,d]^2)", ["W[C,d]"], "W", 2, "d2L/dW[c,d]dW[k,e]"),
        ("L = sum_ij(A[i,j]^2)", ["A[D,D]"], "A", 1, "dL/dA[d,e]"),
        ("L = x^2*T", ["x", "T where T > 0"], ["x", "T"], 2, "d2L/dx dT"),
        ("L = x^2", ["x"], "x", 2, "d2L/dx dx"),
    ],
)
def test_targets(equation: str, given: list[str], wrt: str | list[str], order: int, target: str) -> None:
    setting, expression = parse_problem(equation, given, wrt=wrt, order=order)
    assert to_text(expression, setting) == target


def test_lets_come_before_the_equation() -> None:
    setting, target = parse_problem("L = sum_n(r[n]^2)", ["h[N]", "y[N]"], wrt="h", let=["r[n] = h[n] - y[n]"])
    assert [let.name for let in setting.lets] == ["r", "L"]
    assert to_text(target) == "dL/dh[i]"


def test_rows_become_lets() -> None:
    setting, _ = parse_problem("L = -sum_c(y[c]*log(softmax(z)[c]))", ["z[C]", "y[C]"], wrt="z")
    assert [to_text(let.head, setting) for let in setting.lets] == ["softmax(z)[c]", "L"]


@pytest.mark.parametrize(
    ("equation", "given", "wrt", "order", "kind", "message"),
    [
        ("L = x +", ["x"], "x", 1, ParseError, "<equation>:1:8: the statement ends"),
        ("L = x", ["x["], "x", 1, ParseError, "--given:1:9: the statement ends, but its bracket"),
        ("L = x + y", ["x"], "x", 1, ParseError, "there is no scalar y"),
        ("L = x\x00", ["x"], "x", 1, ParseError, "hidden character"),
        ("L = x", ["x"], "y", 1, UsageError, "a derivative is by what is given; 'y' is not. Given are: x"),
        ("L = x", ["x"], "L", 1, UsageError, "'L' is not. Given are: x"),
        ("L = x", ["x"], "x", 0, UsageError, "from 1 to 12; got 0"),
        ("L = x", ["x"], "x", 99, UsageError, "from 1 to 12; got 99"),
        ("L = x*y", ["x", "y"], "x,y", 3, UsageError, "of order 3 is by 1 or 3 variables; got 2: x, y"),
        ("x = x", ["x"], "x", 1, ParseError, "x is given already"),
    ],
)
def test_errors(equation: str, given: list[str], wrt: str, order: int, kind: type[ClosedformError], message: str) -> None:
    with pytest.raises(kind) as caught:
        parse_problem(equation, given, wrt=wrt, order=order)
    assert message in str(caught.value)
