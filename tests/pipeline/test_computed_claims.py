"""A derivation can say which of several equal formulas its kernels compute; a formula that is not equal is refuted."""

from __future__ import annotations

from sympy import Expr

from closedform.functions import kernel_functions
from closedform.notation import Claim, Derivation, Dim, Given, Let, indices, log, partial, scalar, summation, tanh, tensor
from closedform.pipeline.judging import judge_form
from closedform.pipeline.making import Form, closed_forms
from closedform.results import PROVED, REFUTED
from closedform.syntax.text import to_text

C = Dim("C")
i, j, k = indices("i j k", C)
x, L = tensor("x", C), scalar("L")
TRACE = summation(partial(L, x[j], x[j]), j)
GRADIENT = partial(L, x[k])


def _form(kind: str, lhs: Expr, rhs: Expr, *, computed: bool = True) -> tuple[Derivation, Form]:
    """Sum of log(1 + x^2)/2, with one claim."""
    derivation = Derivation(
        name="cauchy",
        title="Cauchy loss",
        given=(Given(x),),
        lets=(Let(L, summation(log(1 + x[i] ** 2), i) / 2),),
        output=L,
        wrt=(x,),
        claims=(Claim("claim", lhs, rhs, computed=computed),),
    )
    at = [function.kind for function in kernel_functions(derivation)].index(kind)
    return derivation, closed_forms(derivation)[at]


def test_kernels_compute_the_right_side_of_such_a_claim() -> None:
    claimed = 1 / (x[k] + 1 / x[k])
    derivation, form = _form("gradient", GRADIENT, claimed)
    assert to_text(form.closed.expression) == "1/(x[k] + 1/x[k])"
    assert judge_form(derivation, form, seed=0).verdict.verdict == PROVED


def test_other_claims_leave_the_derived_form() -> None:
    _, form = _form("gradient", GRADIENT, 1 / (x[k] + 1 / x[k]), computed=False)
    assert to_text(form.closed.expression) == "x[k]/(1 + x[k]^2)"


def test_names_of_bound_indices_do_not_matter() -> None:
    _, form = _form("hessian_trace", TRACE, summation((1 - x[k] ** 2) / (1 + x[k] ** 2) ** 2, k))
    assert to_text(form.closed.expression) == "sum_k((1 - x[k]^2)/(1 + x[k]^2)^2)"


def test_a_formula_that_is_not_equal_is_refuted_before_anyone_uses_the_kernel() -> None:
    derivation, form = _form("gradient", GRADIENT, tanh(x[k]))
    assert judge_form(derivation, form, seed=0).verdict.verdict == REFUTED
