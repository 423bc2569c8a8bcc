"""Derivatives taken term by term: for every size what the engine derives, and in brackets that a kernel can compute."""

from __future__ import annotations

import pytest

from closedform.derive import ClosedForm, closed_form
from closedform.derive.tangent import multiplied_out, tangent
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import (
    Derivation,
    Dim,
    Given,
    Let,
    Relation,
    exp,
    indices,
    log,
    scalar,
    summation,
    tensor,
)
from closedform.pipeline.judging import judge_form
from closedform.pipeline.making import Form, closed_forms, form_of
from closedform.syntax.text import to_text

B, C, d = Dim("B"), Dim("C"), Dim("d")
(b,) = indices("b", B)
i, j, k = indices("i j k", C)
(m,) = indices("m", d)
z, y, p, W, e = tensor("z", B, C), tensor("y", B, C), tensor("p", B, C), tensor("W", C, d), tensor("e", B, d)
L, T = scalar("L"), scalar("T")
SOFTMAX = Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k))
TEMPERED = Let(p[b, i], exp(z[b, i] / T) / summation(exp(z[b, k] / T), k))
LOGITS = Let(z[b, i], summation(W[i, m] * e[b, m], m))
LABELS = Given(y, classes=True, where=(Relation("=", summation(y[b, i], i), 1),))
LOSSES = {
    "entropy": -summation(p[b, i] * log(p[b, i]), b, i) / B,
    "impurity": summation(p[b, i] * (1 - p[b, i]), b, i) / B,
    "brier": summation((p[b, i] - y[b, i]) ** 2, b, i) / B,
    "absolute": summation(y[b, k] * (1 - p[b, k]), b, k) / B,
    "cubes": summation(p[b, k] ** 3, b, k) / B,
}


def of_logits(name: str, softmax: Let = SOFTMAX) -> Derivation:
    given = (Given(z), *((Given(T),) if softmax.body.has(T) else ()), *((LABELS,) if LOSSES[name].has(y) else ()))
    return Derivation(name, name, given, (softmax, Let(L, LOSSES[name])), L, (z,), batch=B)


def of_weights(name: str) -> Derivation:
    given = (Given(W), Given(e), *((LABELS,) if LOSSES[name].has(y) else ()))
    return Derivation(name, name, given, (LOGITS, SOFTMAX, Let(L, LOSSES[name])), L, (W, e), batch=B)


def with_a_number_by_name() -> Derivation:
    """One sample, and a let without axes: the square of a mean under a softmax."""
    x, q, u, mean = tensor("x", C), tensor("q", C), tensor("u", C), scalar("m")
    lets = (
        Let(q[i], exp(x[i]) / summation(exp(x[k]), k)),
        Let(mean, summation(q[i] * u[i], i)),
        Let(L, mean**2 + summation(q[i] ** 2, i)),
    )
    return Derivation("mean", "mean", (Given(x), Given(u)), lets, L, (x,))


CASES = [
    *(of_logits(name) for name in LOSSES),
    of_logits("brier", TEMPERED),
    *(of_weights(name) for name in ("entropy", "brier")),
    with_a_number_by_name(),
]
SECOND = [(case, f) for case in CASES for f in kernel_functions(case) if f.kind in ("hvp", "hessian", "hessian_diagonal")]


def term_by_term(derivation: Derivation, function: KernelFunction) -> ClosedForm:
    first = next(f for f in kernel_functions(derivation) if f.kind == "gradient" and f.wrt == function.wrt)
    assert function.wrt is not None
    to = function.extra[-1] if function.extra else function.target.variables[-1]
    return tangent(form_of(derivation, first).closed, function.target, function.wrt, to)


@pytest.mark.parametrize(("derivation", "function"), SECOND, ids=[f"{len(c.lets)}-{c.name}-{f.name}" for c, f in SECOND])
def test_it_is_the_derivative_for_every_size(derivation: Derivation, function: KernelFunction) -> None:
    form = term_by_term(derivation, function)
    assert judge_form(derivation, Form(function, form), seed=0).verdict.all_sizes
    assert multiplied_out(form) <= multiplied_out(closed_form(form.setting, form.target))
    assert [step.rule for step in form.steps] == ["known derivatives", "product rule"]


def test_a_planted_fault_is_refuted() -> None:
    derivation = of_logits("impurity")
    function = next(f for f in kernel_functions(derivation) if f.kind == "hvp")
    form = term_by_term(derivation, function)
    wrong = ClosedForm(form.setting, form.target, 2 * form.expression, ())
    assert judge_form(derivation, Form(function, wrong), seed=0).verdict.verdict == "refuted"


@pytest.mark.parametrize(
    ("derivation", "name", "text"),
    [
        (
            of_logits("impurity"),
            "hessian",
            "2*p[b,i]*(2*p[b,k]*(p[b,k] - sum_j(p[b,j]^2)) + (delta(i,k) - p[b,k])*(sum_j(p[b,j]^2) - p[b,i])"
            " - p[b,i]*(delta(i,k) - p[b,k]))/B",
        ),
        (
            of_logits("absolute"),
            "hvp",
            "p[b,i]*(sum_k(p[b,k]*y[b,k]*(v[b,k] - sum_l(p[b,l]*v[b,l])))"
            " + (sum_k(p[b,k]*y[b,k]) - y[b,i])*(v[b,i] - sum_k(p[b,k]*v[b,k])))/B",
        ),
        (
            of_weights("absolute"),
            "hessian_diagonal_W",
            "sum_b(e[b,m]^2*p[b,i]*(2*p[b,i] - 1)*(y[b,i] - sum_k(p[b,k]*y[b,k])))/B",
        ),
    ],
    ids=["impurity-hessian", "absolute-hvp", "absolute-hessian_diagonal_W"],
)
def test_numbers_less_their_means_stay_together(derivation: Derivation, name: str, text: str) -> None:
    function = next(f for f in kernel_functions(derivation) if f.name == name)
    assert to_text(term_by_term(derivation, function).expression) == text


def test_kernels_are_made_of_it_where_the_shortest_form_would_cancel() -> None:
    def rules(derivation: Derivation) -> dict[str, str]:
        return {form.function.kind: form.closed.steps[-1].rule for form in closed_forms(derivation)}

    made = rules(of_logits("impurity"))
    assert [kind for kind, rule in made.items() if rule == "product rule"] == ["hessian", "hvp", "hessian_diagonal"]
    assert made["hessian_trace"] == "sum"
    trace = closed_forms(of_logits("impurity"))[-1]
    assert trace.function.kind == "hessian_trace"
    assert judge_form(of_logits("impurity"), trace, seed=0).verdict.all_sizes
    cross_entropy = Derivation(
        "cross_entropy", "", (Given(z), LABELS), (SOFTMAX, Let(L, -summation(y[b, i] * log(p[b, i]), b, i) / B)), L, (z,), batch=B
    )
    assert "product rule" not in rules(cross_entropy).values()  # there the shortest form is p*(v - sum(p*v)) itself
