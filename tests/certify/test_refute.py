"""Counterexamples: smallest sizes, round numbers that satisfy the constraints, values that are right."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from sympy import Integer

from closedform.certify.refute.points import ascending_sizes, round_point
from closedform.certify.refute.search import decimal, find_counterexample
from closedform.notation import (
    Claim,
    Dim,
    Given,
    InvertibleMatrix,
    Let,
    Membership,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SizeRelation,
    SymmetricMatrix,
    delta,
    equation,
    exp,
    indices,
    partial,
    positive,
    scalar,
    summation,
    tensor,
)
from closedform.results import Counterexample
from closedform.syntax.parse import parse_claims

C, D, N = Dim("C"), Dim("D"), Dim("N")
c, k = indices("c k", C)
i, j, m = indices("i j m", D)
(n,) = indices("n", N)
y, u, R, eps = tensor("y", N, C), tensor("u", D), tensor("R", D, D), scalar("eps")
SIZES = {C: 3, D: 3, N: 2}
F = Fraction
Rows = Sequence[Sequence[Fraction]]


def tried(text: str, *, seed: int = 0) -> Counterexample | None:
    (block,) = parse_claims(text)
    return find_counterexample(block.setting, block.claims[0], seed=seed)


def refuted(text: str) -> Counterexample:
    found = tried(text)
    assert found is not None
    return found


def numbers(found: Counterexample, name: str) -> list[Fraction]:
    values = found.values[name]
    assert isinstance(values, list)
    return [F(value) for value in values]


def product(a: Rows, b: Rows) -> Rows:
    return [[sum((x * y for x, y in zip(row, column, strict=True)), F(0)) for column in zip(*b, strict=True)] for row in a]


# ---------------------------------------------------------------------------------------------
# Points
# ---------------------------------------------------------------------------------------------


def point(given: Given, level: int, seed: int = 0) -> Any:
    values = round_point(Setting((given,)), SIZES, Random(seed), level)
    assert values is not None
    return values[given.name].tolist()


@pytest.mark.parametrize("level", range(5))
def test_probabilities_are_positive_and_sum_to_one(level: int) -> None:
    rows = point(Given(y, where=(positive(y[n, c]), equation(summation(y[n, k], k), 1))), level)
    assert all(sum(row) == 1 and all(entry > 0 for entry in row) for row in rows)


@pytest.mark.parametrize("level", range(5))
def test_doubly_stochastic_matrices(level: int) -> None:
    where = (positive(R[i, j]), equation(summation(R[i, j], j), 1), equation(summation(R[i, j], i), 1))
    rows = point(Given(R, where=where), level)
    assert all(sum(row) == 1 for row in (*rows, *zip(*rows, strict=True)))
    assert all(entry > 0 for row in rows for entry in row)


@pytest.mark.parametrize("level", range(5))
def test_orthogonal_matrices(level: int) -> None:
    rows = point(Given(R, where=(equation(summation(R[m, i] * R[m, j], m), delta(i, j)),)), level)
    assert product(list(zip(*rows, strict=True)), rows) == [[F(a == b) for b in range(3)] for a in range(3)]


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        (Given(u, where=(equation(summation(u[i] ** 2, i), 1),)), lambda x: sum(a * a for a in x) == 1),
        (Given(u, where=(equation(summation(u[i], i) / D, 0),)), lambda x: sum(x) == 0),
        (Given(u, where=(Membership(u[i], (Integer(-1), Integer(1))),)), lambda x: set(x) <= {-1, 1}),
        (Given(y, where=(OneHot(y),)), lambda x: all(sorted(row) == [0, 0, 1] for row in x)),
        (Given(R, where=(SymmetricMatrix(R),)), lambda x: x == [list(row) for row in zip(*x, strict=True)]),
        (Given(R, where=(equation(R[i, j], R[j, i]),)), lambda x: x == [list(row) for row in zip(*x, strict=True)]),
        (Given(R, where=(PositiveDefiniteMatrix(R),)), lambda x: all(minor > 0 for minor in minors(x))),
        (Given(R, where=(InvertibleMatrix(R),)), lambda x: minors(x)[-1] != 0),
        (Given(eps, where=(positive(eps), Relation("<", eps, Integer(1)))), lambda x: 0 < x < 1),
        (Given(eps, where=(Relation(">=", eps, Integer(3)),)), lambda x: x >= 3),
        (Given(u, where=(Relation("<", Integer(2), u[i]),)), lambda x: min(x) > 2),
    ],
)
@pytest.mark.parametrize("level", [0, 2, 4])
def test_a_round_point_satisfies_its_constraints(given: Given, holds: Callable[[Any], bool], level: int) -> None:
    assert holds(point(given, level))


def minors(x: Rows) -> list[Fraction]:
    a = x[0][0]
    b = a * x[1][1] - x[0][1] * x[1][0]
    cyclic = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    d = sum((x[0][p] * (x[1][q] * x[2][r] - x[1][r] * x[2][q]) for p, q, r in cyclic), F(0))
    return [a, b, d]


def test_constraints_that_contradict_each_other_have_no_point() -> None:
    given = Given(u, where=(equation(summation(u[i], i), 1), equation(summation(u[i], i), 2)))
    assert round_point(Setting((given,)), SIZES, Random(0), 1) is None


def test_a_one_hot_row_is_not_moved_to_satisfy_an_equation() -> None:
    given = Given(y, where=(OneHot(y), equation(summation(y[n, k], k), 0)))
    assert round_point(Setting((given,)), SIZES, Random(0), 1) is None


def test_a_bound_may_be_another_given() -> None:
    delta_, tau = scalar("dlt"), scalar("tau")
    setting = Setting((Given(delta_, where=(positive(delta_),)), Given(tau, where=(Relation(">", tau, delta_),))))
    values = round_point(setting, {}, Random(3), 2)
    assert values is not None
    assert values["tau"] > values["dlt"] > 0


def test_sizes_ascend_by_total_and_obey_the_size_relations() -> None:
    setting = Setting((Given(tensor("X", N, D), where=(SizeRelation(">=", N, D),)),))
    sizes = [(chosen[N], chosen[D]) for chosen in ascending_sizes((N, D), setting, largest=3)]
    assert sizes == [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)]


# ---------------------------------------------------------------------------------------------
# Counterexamples
# ---------------------------------------------------------------------------------------------

SIGN = """
claim sign "p - y reversed"
given z[C]
given y[C] where y onehot
let   p[c] = exp(z[c])/sum_k(exp(z[k]))
let   L = -sum_c(y[c]*log(p[c]))
show  dL/dz[j] = y[j] - p[j]
"""


def test_both_values_are_those_of_the_two_sides() -> None:
    found = refuted(SIGN)
    assert found.sizes == {"C": 2}  # at C = 1 both sides are 0
    z = [float(x) for x in numbers(found, "z")]
    labels = [int(x) for x in numbers(found, "y")]
    at = found.entry["j"] - 1
    p = math.exp(z[at]) / sum(map(math.exp, z))
    assert float(found.lhs) == pytest.approx(p - labels[at], rel=1e-11)
    assert float(found.rhs) == pytest.approx(labels[at] - p, rel=1e-11)


def test_a_difference_in_the_sixteenth_digit_is_shown_and_certain() -> None:
    found = refuted('claim tiny "scaled"\ngiven x[D]\nlet f = sum_i(x[i]^2)\nshow df/dx[i] = 2*x[i]*(1 + 1/10000000000000000)\n')
    assert found.lhs != found.rhs
    assert F(found.rhs) / F(found.lhs) == 1 + F(1, 10**16)


def test_a_claim_that_holds_at_small_sizes_is_refuted_at_the_first_size_where_it_fails() -> None:
    text = 'claim small "vanishing"\ngiven x[D]\nlet f = sum_i(x[i])\nshow df/dx[i] = 1 + (D - 1)*(D - 2)*(D - 3)*(D - 4)*x[i]\n'
    assert refuted(text).sizes == {"D": 5}


def test_only_the_dimension_that_matters_is_enlarged() -> None:
    text = """
claim two "softmax Jacobian from the two-class case"
given z[B,C]
let   p[b,c] = exp(z[b,c])/sum_k(exp(z[b,k]))
let   f[b,c] = p[b,c]
show  df[b,i]/dz[b,j] = (2*delta(i,j) - 1)*p[b,i]*(1 - p[b,i])
"""
    assert refuted(text).sizes == {"B": 1, "C": 3}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_kink_is_no_counterexample(seed: int) -> None:
    # At x = 0 the interpreter's sign is 0 and the claim's where() is -1; both are outside the claim.
    text = 'claim kink "abs"\ngiven x[D]\nlet f = sum_i(abs(x[i]))\nshow df/dx[i] = where(x[i] > 0, 1, -1)\n'
    assert tried(text, seed=seed) is None


def test_the_branch_that_fails_is_found() -> None:
    text = 'claim kink "relu"\ngiven x[D]\nlet f = sum_i(relu(x[i]))\nshow df/dx[i] = where(x[i] > -1, 1, 0)\n'
    found = refuted(text)
    assert -1 < numbers(found, "x")[found.entry["i"] - 1] < 0
    assert (found.lhs, found.rhs) == ("0", "1")


def test_true_claims_have_none() -> None:
    assert tried(SIGN.replace("y[j] - p[j]", "p[j] - y[j]")) is None


def test_labels_in_the_counterexample_satisfy_the_constraint() -> None:
    text = SIGN.replace("y onehot", "y[c] > 0, sum_c(y[c]) = 1").replace("y[j] - p[j]", "p[j]*(1 - y[j])")
    labels = numbers(refuted(text), "y")
    assert sum(labels) == 1
    assert min(labels) > 0


def test_a_scalar_claim_and_a_scalar_given() -> None:
    x, f = scalar("x"), scalar("f")
    setting = Setting((Given(x),), (Let(f, x**3),))
    found = find_counterexample(setting, Claim("power", partial(f, x), 2 * x**2))
    assert found is not None
    assert found.entry == {}
    at = F(str(found.values["x"]))
    assert (F(found.lhs), F(found.rhs)) == (3 * at**2, 2 * at**2)


def test_no_point_of_the_domain_no_counterexample() -> None:
    text = 'claim empty "log of a negative"\ngiven x[D]\nlet f = sum_i(log(-1 - x[i]^2))\nshow df/dx[i] = 1\n'
    assert tried(text) is None


def test_decimals_show_only_digits_that_are_certain() -> None:
    from flint import arb

    assert decimal(arb(1) / 3) == "0.333333333333"
    assert decimal(arb("1 +/- 0.01")) == "1.0" or decimal(arb("1 +/- 0.01")) == "1"
    assert decimal(arb("0 +/- 1e-30")) == "0"


def test_mean_zero_and_unit_norm_together_where_fractions_can_do_it() -> None:
    where = (equation(summation(u[i], i), 0), equation(summation(u[i] ** 2, i), 1))
    setting = Setting((Given(u, where=where),))
    assert round_point(setting, {D: 3}, Random(0), 2) is None  # a^2 + a b + b^2 = 1/2 has no rational solution
    values = round_point(setting, {D: 4}, Random(0), 2)
    assert values is not None
    assert (sum(values["u"]), sum(x * x for x in values["u"])) == (0, 1)


def test_an_equation_with_irrational_values_has_no_round_point() -> None:
    given = Given(u, where=(equation(summation(exp(u[i]), i), 1),))
    assert round_point(Setting((given,)), SIZES, Random(0), 1) is None


CONTRASTIVE = """
claim ties "contrastive loss: labels are compared with 0"
given d[N]
given y[N] where y[n] in {0, 1}
let   L = sum_n(where(y[n] > 0, d[n]^2, relu(1 - d[n])^2))
show  dL/dd[n] = where(y[n] > 0, 2*d[n], -2*relu(1 - d[n]))
"""


def test_labels_that_tie_with_a_constant_are_no_kink() -> None:
    assert tried(CONTRASTIVE) is None
    found = refuted(CONTRASTIVE.replace("-2*relu", "-relu"))
    assert found.sizes == {"N": 1}
    assert found.values["y"] == ["0"]
    assert float(found.lhs) == pytest.approx(2 * float(found.rhs), rel=1e-10)
