"""Drawn points satisfy their constraints: exactly over the fields, and the real point beside them too."""

import numpy as np
import pytest
from sympy import Expr, Integer, Rational

from closedform.certify.draw import UnsupportedConstraintError, draw_point
from closedform.certify.evaluate import Interpreter
from closedform.certify.real_points import residual_let, satisfied, solve_equations
from closedform.certify.rings.chains import SMOOTH
from closedform.certify.rings.node import Node
from closedform.certify.rings.tower import Tower
from closedform.certify.settle import settle
from closedform.notation import (
    Constraint,
    Dim,
    Given,
    Index,
    Membership,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SymmetricMatrix,
    delta,
    equation,
    exp,
    free_indices,
    indices,
    partial,
    positive,
    scalar,
    summation,
    tensor,
)

N, D = Dim("N"), Dim("D")
n, m = indices("n m", N)
i, j, k = indices("i j k", D)
x, v, P, R, A = tensor("x", D), tensor("v", D), tensor("P", N, D), tensor("R", D, D), tensor("A", D, D)
W = tensor("W", N, D)
s = scalar("s")
SIZES = {N: 5, D: 4}

EQUATIONS: dict[str, tuple[Given, ...]] = {
    "sum to one": (Given(x, where=(equation(summation(x[i], i), 1),)),),
    "probabilities": (Given(P, where=(positive(P[n, i]), equation(summation(P[n, i], i), 1))),),
    "mean zero": (Given(x, where=(equation(summation(x[i], i), 0),)),),
    "unit norm": (Given(x, where=(equation(summation(x[i] ** 2, i), 1),)),),
    "unit rows": (Given(P, where=(equation(summation(P[n, i] ** 2, i), 1),)),),
    "norm of another": (Given(s, where=(positive(s),)), Given(x, where=(equation(summation(x[i] ** 2, i), s**2),))),
    "orthogonal to another": (Given(v), Given(x, where=(equation(summation(x[i] * v[i], i), 0),))),
    "orthonormal to another": (
        Given(v, where=(equation(summation(v[i] ** 2, i), 1),)),
        Given(x, where=(equation(summation(x[i] ** 2, i), 1), equation(summation(x[i] * v[i], i), 0))),
    ),
    "standardised": (Given(x, where=(equation(summation(x[i], i), 0), equation(summation(x[i] ** 2, i), D))),),
    "doubly stochastic": (Given(R, where=(positive(R[i, j]), equation(summation(R[i, j], i), 1), equation(summation(R[i, j], j), 1))),),
    "symmetric written out": (Given(R, where=(equation(R[i, j], R[j, i]),)),),
    "antisymmetric": (Given(R, where=(equation(R[i, j], -R[j, i]),)),),
    "zero diagonal": (Given(R, where=(equation(R[i, i], 0), SymmetricMatrix(R))),),
    "orthogonal matrix": (Given(R, where=(equation(summation(R[k, i] * R[k, j], k), delta(i, j)),)),),
    "orthonormal columns": (Given(W, where=(equation(summation(W[n, i] * W[n, j], n), delta(i, j)),)),),
    "idempotent": (Given(R, where=(equation(summation(R[i, k] * R[k, j], k), R[i, j]), SymmetricMatrix(R))),),
    "oblique projection": (Given(R, where=(equation(summation(R[i, k] * R[k, j], k), R[i, j]),)),),
    "involution": (Given(R, where=(equation(summation(R[i, k] * R[k, j], k), delta(i, j)),)),),
    "positive definite with unit trace": (Given(A, where=(PositiveDefiniteMatrix(A), equation(summation(A[i, i], i), 1))),),
    "defined by an equation": (Given(v), Given(x, where=(equation(x[i], exp(v[i])),))),
}


def drawn(givens: tuple[Given, ...], *, real: bool, draws: int = 4) -> tuple[Tower, Setting, dict[str, Node]]:
    setting = Setting(givens)
    ring = Tower(SMOOTH[:draws], 7)
    return ring, setting, draw_point(setting, SIZES, ring, np.ones(draws), order=0, real=real)


def entries(ring: Tower, setting: Setting, values: dict[str, Node], expression: Expr) -> Node:
    return Interpreter(setting, SIZES, values, ring).entries(expression, sorted(free_indices(expression), key=str))


@pytest.mark.parametrize("name", EQUATIONS)
def test_equations_hold_exactly_at_two_levels_and_for_the_real_point(name: str) -> None:
    if name == "orthonormal columns":
        assert SIZES[N] >= SIZES[D]
    ring, setting, values = drawn(EQUATIONS[name], real=True)
    for relation in (c for c in setting.constraints if isinstance(c, Relation) and c.op == "="):
        difference = entries(ring, setting, values, relation.lhs - relation.rhs)
        for level in (0, 1):
            assert not settle(ring, difference, level).any()
    for draw in range(ring.draws):
        point = {given.name: np.asarray(ring.real.at(values[given.name]))[draw] for given in setting.given}
        assert satisfied(setting, SIZES, point)


@pytest.mark.parametrize("name", EQUATIONS)
def test_draws_stay_generic(name: str) -> None:
    ring, setting, values = drawn(EQUATIONS[name], real=False)
    node = values[setting.given[-1].name]
    settle(ring, node)
    residues = ring.plane(0).at(node)
    assert len({int(value) for value in residues.flat if value}) >= min(4, residues[0].size)


@pytest.mark.parametrize(
    ("constraint", "check"),
    [
        (positive(x[i]), lambda real: (real > 0).all()),
        (Relation("<", x[i], Integer(1)), lambda real: (real < 1).all()),
        (Relation(">=", Rational(1, 2) * D, x[i]), lambda real: (real <= 2).all()),
        (Membership(x[i], (Rational(-1), Rational(1))), lambda real: np.isin(real, [-1, 1]).all()),
        (Membership(x[i], (Rational(0), Rational(1, 2), Rational(1))), lambda real: np.isin(real, [0, 0.5, 1]).all()),
        (OneHot(x), lambda real: (real.sum(axis=-1) == 1).all()),
        (Relation(">", summation(x[i], i), Integer(2)), lambda real: (real.sum(axis=-1) > 2).all()),
    ],
)
def test_the_real_point_satisfies_inequalities_and_labels(constraint: Constraint, check: object) -> None:
    ring, _, values = drawn((Given(x, where=(constraint,)),), real=True)
    assert check(np.asarray(ring.real.at(values["x"])))  # type: ignore[operator]


def test_labels_are_the_same_integers_at_every_level() -> None:
    ring, _, values = drawn((Given(x, where=(OneHot(x),)),), real=False)
    assert (ring.plane(0).at(values["x"]) == ring.plane(1).at(values["x"])).all()
    assert (ring.plane(0).at(values["x"]).sum(axis=1) == 1).all()


def test_labels_may_have_to_satisfy_equations() -> None:
    binary = Membership(P[n, i], (Rational(0), Rational(1)))
    ring, _, values = drawn((Given(P, where=(binary, equation(summation(P[n, i], i), 1))),), real=False)
    assert (ring.plane(0).at(values["P"]).sum(axis=2) == 1).all()


def test_structured_matrices() -> None:
    ring, _, values = drawn((Given(A, where=(PositiveDefiniteMatrix(A),)), Given(R, where=(SymmetricMatrix(R),))), real=True)
    for name in "AR":
        residues = ring.plane(0).at(values[name])
        assert (residues == residues.swapaxes(1, 2)).all()
    assert (np.linalg.eigvalsh(ring.real.at(values["A"])) > 0).all()


@pytest.mark.parametrize(
    "constraint",
    [
        equation(summation(exp(x[i]), i), 1),  # neither affine nor homogeneous
        equation(summation(x[i] ** 2, i), -1),  # no real point; the field has none that is a square either
    ],
)
def test_unsupported_equations_are_said_to_be(constraint: Relation) -> None:
    with pytest.raises(UnsupportedConstraintError):
        drawn((Given(x, where=(constraint,)),), real=True)


def test_unknown_functions_have_symmetric_second_derivatives() -> None:
    e = tensor("e", N)
    setting = Setting((Given(x), Given(e, of=(x,))))
    ring = Tower(SMOOTH[:3], 7)
    values = draw_point(setting, SIZES, ring, np.ones(3), order=2, real=False)
    second = ring.plane(0).at(values["d e / x x"])
    assert second.shape == (3, 5, 4, 4)
    assert (second == second.swapaxes(2, 3)).all()
    assert Index("i", D).dim == D


def test_positive_entries_that_are_to_sum_to_one_are_divided_by_their_sum() -> None:
    relation = equation(summation(x[i], i), 1)
    let = residual_let(relation, "residual")
    setting = Setting((Given(x, where=(positive(x[i]), relation)),), (let,))
    values = {"x": np.array([3.0, 1e-9, 0.5, 40.0])}
    assert solve_equations(setting.given[0], [(let, partial(let.head, x[i]), (i,))], setting, SIZES, values)
    assert np.allclose(values["x"], np.array([3.0, 1e-9, 0.5, 40.0]) / (43.5 + 1e-9), rtol=1e-12, atol=0)
