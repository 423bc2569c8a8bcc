"""Matrix formulas, read in each layout: shapes by hand, entries against matrices of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from closedform.errors import LayoutError, NotationError
from closedform.notation import (
    Dim,
    Given,
    Identity,
    Let,
    MatrixFormula,
    Ones,
    Setting,
    derivative,
    diag,
    indices,
    kronecker,
    scalar,
    summation,
    tensor,
    vec,
    whole,
)
from closedform.notation.layouts import claim_in, shape_in
from closedform.notation.matrices import LAYOUTS, MIXED, NUMERATOR, Matrix
from closedform.pipeline.formulas import judge_formula
from closedform.results import PROVED, REFUTED
from closedform.syntax.matrices import matrix_latex, matrix_text

C, D, P = Dim("C"), Dim("d"), Dim("P")
(c,), (m,) = indices("c", C), indices("m", D)
W, e, theta, z, A, L = tensor("W", C, D), tensor("e", D), tensor("theta", P), tensor("z", C), tensor("A", C, C), scalar("L")
HEAD = Setting((Given(theta), Given(e, of=(theta,)), Given(W), Given(L, of=(z,))), (Let(z[c], summation(W[c, m] * e[m], m)),))
FIRST = MatrixFormula(
    "first", derivative(L, theta), derivative(L, z) @ whole(W) @ derivative(e, theta), layouts=(NUMERATOR,), title="as a row"
)
SECOND = MatrixFormula("second", derivative(L, theta), derivative(e, theta).T @ whole(W).T @ derivative(L, z))


@pytest.mark.parametrize(
    ("node", "shapes"),
    [
        (whole(e), ("d×1", "d×1", "d×1")),
        (derivative(L, e), ("1×d", "d×1", "d×1")),
        (derivative(z, e), ("C×d", "d×C", "C×d")),
        (derivative(L, W), ("d×C", "C×d", "C×d")),
        (derivative(L, vec(W)), ("1×C·d", "C·d×1", "C·d×1")),
        (derivative(z, vec(W, "columns")), ("C×d·C", "d·C×C", "C×d·C")),
        (derivative(L, e, vec(W)), ("d×C·d", "d×C·d", "d×C·d")),
        (derivative(L, z) @ derivative(z, e), ("1×d", None, None)),
        (derivative(z, e) @ derivative(L, z), (None, "d×1", None)),
        (derivative(z, W), (None, None, None)),
        (whole(e).T @ whole(e), ("1×1", "1×1", "1×1")),
        (kronecker(whole(W), whole(e).T), ("C×d·d", "C×d·d", "C×d·d")),
        (whole(A) - diag(z) + 2 * Identity(C), ("C×C", "C×C", "C×C")),
        (whole(A) + whole(W), (None, None, None)),
        (diag(whole(W)), (None, None, None)),
        (whole(A) @ Ones(C), ("C×1", "C×1", "C×1")),
    ],
    ids=lambda value: matrix_text(value) if isinstance(value, Matrix) else "",
)
def test_shapes_in_each_layout(node: Matrix, shapes: tuple[str | None, ...]) -> None:
    for layout, shape in zip(LAYOUTS, shapes, strict=True):
        if shape is None:
            with pytest.raises(LayoutError):
                shape_in(node, layout)
        else:
            assert shape_in(node, layout) == shape


def test_a_row_and_a_column_are_told_apart() -> None:
    first, second = judge_formula(HEAD, FIRST), judge_formula(HEAD, SECOND)
    assert [reading.holds for reading in first.readings] == [True, False, False]
    assert [reading.holds for reading in second.readings] == [False, False, True]
    assert first.verdict.verdict == second.verdict.verdict == PROVED
    assert first.readings[2].complaint == "C×1 times C×d does not fit"
    assert second.readings[2].text == "dL/dtheta[i] = sum_l(dL/dz[l]*sum_j(de[j]/dtheta[i]*W[l,j]))"


def test_a_formula_in_the_wrong_layout_is_refuted() -> None:
    wrong = MatrixFormula("wrong", FIRST.lhs, FIRST.rhs, layouts=(MIXED,))
    result = judge_formula(HEAD, wrong)
    assert result.verdict.verdict == REFUTED
    assert result.verdict.diagnosis == (
        "in the numerator layout it holds too; name it among the layouts",
        "in the mixed layout it does not fit: C×1 times C×d does not fit",
    )


def test_a_formula_that_fits_and_is_false_has_a_counterexample() -> None:
    doubled = MatrixFormula("doubled", SECOND.lhs, 2 * SECOND.rhs)
    result = judge_formula(HEAD, doubled)
    assert result.verdict.verdict == REFUTED
    assert result.verdict.counterexample is not None
    assert result.verdict.diagnosis[0].startswith("in the mixed layout it is false: dL/dtheta[i] = 2*")


def test_the_order_in_which_a_matrix_is_stacked_matters() -> None:
    curved = derivative(L, z, z)
    rows = MatrixFormula("rows", derivative(L, vec(W), vec(W)), kronecker(curved, whole(e) @ whole(e).T), layouts=LAYOUTS)
    columns = MatrixFormula("columns", derivative(L, vec(W, "columns"), vec(W, "columns")), rows.rhs, layouts=LAYOUTS)
    assert judge_formula(HEAD, rows).verdict.verdict == PROVED
    refuted = judge_formula(HEAD, columns).verdict
    assert refuted.verdict == REFUTED
    assert "the left side is d·C×d·C, the right side C·d×C·d" in refuted.diagnosis[0]


def test_the_kronecker_product_is_that_of_numpy() -> None:
    """Entry ((i,k),(j,l)) of the claim's right side is entry (i n + k, j m + l) of np.kron."""
    claim = claim_in(MatrixFormula("k", kronecker(whole(A), whole(W)), kronecker(whole(A), whole(W))), MIXED)
    rng = np.random.default_rng(0)
    a, w = rng.integers(0, 9, (2, 2)), rng.integers(0, 9, (2, 3))
    first, second = claim.rhs.args
    at = {entry.base.name: [index.name for index in entry.indices] for entry in (first, second)}
    assert at == {"A": ["i", "j"], "W": ["k", "l"]}
    np.testing.assert_array_equal(np.einsum("ij,kl->ikjl", a, w).reshape(4, 6), np.kron(a, w))


def test_formulas_are_printed_as_papers_write_them() -> None:
    assert f"{matrix_text(SECOND.lhs)} = {matrix_text(SECOND.rhs)}" == "dL/dtheta = (de/dtheta)' W' dL/dz"
    assert matrix_text(diag(z) - whole(z) @ whole(z).T) == "diag(z) - z z'"
    assert matrix_latex(derivative(L, vec(W), vec(W))) == (
        r"\frac{\partial^{2} L}{\partial \operatorname{vec}_{\mathrm{rows}}(W)\,\partial \operatorname{vec}_{\mathrm{rows}}(W)^{\top}}"
    )


def test_what_is_no_matrix_formula() -> None:
    with pytest.raises(NotationError, match="W3 has 3 axes"):
        whole(tensor("W3", C, C, C))
    with pytest.raises(NotationError, match="only a matrix can be stacked"):
        vec(z)
    with pytest.raises(NotationError, match="second derivative of the tensor z has three axes"):
        derivative(z, e, e)
    with pytest.raises(NotationError, match="formula f: the layouts are numerator, denominator, mixed; got 'row'"):
        MatrixFormula("f", whole(z), whole(z), layouts=("row",))
