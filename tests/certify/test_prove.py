"""Verdicts: a corpus of true and of false claims, all sizes, branches, domains, and what is reported."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from flint import arb
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Add, Expr, Integer, Mul, Pow, Rational

from closedform.certify import prove
from closedform.certify.evaluate import evaluate
from closedform.certify.rings.ball import Ball
from closedform.certify.rings.chains import SMOOTH, moduli
from closedform.notation import (
    Claim,
    Dim,
    Given,
    InvertibleMatrix,
    Let,
    Membership,
    Relation,
    Setting,
    delta,
    det,
    equation,
    exp,
    indices,
    inv,
    less,
    log,
    logdet,
    partial,
    positive,
    relu,
    scalar,
    sqrt,
    summation,
    tanh,
    tensor,
    where,
)
from closedform.results import PROVED, REFUTED, UNDECIDED, Verdict
from closedform.syntax.parse import ClaimBlock, parse_claims

CLAIMS = Path(__file__).parent / "claims"
N, C, D = Dim("N"), Dim("C"), Dim("D")
n, m = indices("n m", N)
i, j, k = indices("i j k", C)
a, b, c = indices("a b c", D)
x, z, p = tensor("x", N), tensor("z", C), tensor("p", C)
f, s = scalar("f"), scalar("s")
SOFTMAX = Setting((Given(z),), (Let(p[i], exp(z[i]) / summation(exp(z[k]), k)),))


def blocks(name: str) -> list[ClaimBlock]:
    return list(parse_claims((CLAIMS / name).read_text(), file=name))


@pytest.mark.parametrize("block", blocks("true.claims"), ids=lambda block: block.name)
def test_true_claims_are_proved(block: ClaimBlock) -> None:
    verdict = prove(block.setting, block.claims[0])
    assert verdict.verdict == PROVED, verdict
    assert verdict.error_probability is not None
    assert verdict.error_probability < 2.0**-100


@pytest.mark.parametrize("block", blocks("false.claims"), ids=lambda block: block.name)
def test_false_claims_are_refuted(block: ClaimBlock) -> None:
    verdict = prove(block.setting, block.claims[0], seed=1)
    assert verdict.verdict == REFUTED, verdict
    assert verdict.counterexample is not None
    assert verdict.counterexample.lhs != verdict.counterexample.rhs
    assert verdict.error_probability is None


@pytest.mark.parametrize("vanishing", [(1,), (2, 3), (2, 3, 4, 5), (1, 2, 3, 4, 5, 6, 7)])
def test_what_vanishes_at_small_sizes_only_is_refuted(vanishing: tuple[int, ...]) -> None:
    factor = Mul(*(N - size for size in vanishing))
    setting = Setting((Given(x),), (Let(f, factor * summation(x[n] ** 2, n)),))
    verdict = prove(setting, Claim("zero", partial(f, x[n]), Integer(0)))
    assert verdict.verdict == REFUTED
    assert verdict.counterexample is not None
    assert verdict.counterexample.sizes["N"] not in vanishing


def test_what_holds_at_two_classes_only_is_refuted() -> None:
    claim = Claim("two classes", partial(p[i], z[j]), (2 * delta(i, j) - 1) * p[i] * (1 - p[i]))
    verdict = prove(SOFTMAX, claim)
    assert verdict.verdict == REFUTED
    assert verdict.counterexample is not None
    assert verdict.counterexample.sizes == {"C": 3}


@pytest.mark.parametrize("seed", range(5))
def test_a_sliver_between_two_branches_is_found(seed: int) -> None:
    # The two sides differ where 1 < x < 3/2 only.
    setting = Setting((Given(x),), (Let(f, summation(relu(x[n] - 1), n)),))
    claim = Claim("shifted kink", partial(f, x[n]), where(less(Rational(3, 2), x[n]), 1, 0))
    assert prove(setting, claim, seed=seed).verdict == REFUTED


def test_a_branch_far_from_one_is_found() -> None:
    setting = Setting((Given(x),), (Let(f, summation(where(less(200, x[n]), x[n] ** 2, x[n]), n)),))
    assert prove(setting, Claim("linear", partial(f, x[n]), Integer(1))).verdict == REFUTED


def test_a_branch_that_no_draw_reaches_is_not_proved() -> None:
    setting = Setting((Given(x),), (Let(f, summation(where(less(10**30, x[n]), x[n] ** 2, x[n]), n)),))
    verdict = prove(setting, Claim("linear", partial(f, x[n]), Integer(1)))
    assert verdict.verdict == UNDECIDED
    assert "branch" in verdict.notes[0]


def test_a_branch_that_cannot_be_reached_does_not_matter() -> None:
    lower, upper = scalar("lower"), scalar("upper")
    known = Setting((Given(lower), Given(upper, where=(Relation(">", upper, lower),))), (Let(f, relu(upper - lower) + relu(exp(lower))),))
    assert prove(known, Claim("above", partial(f, upper), Integer(1))).verdict == PROVED


def test_kinks_are_named_as_outside_the_claim() -> None:
    setting = Setting((Given(x),), (Let(f, summation(relu(x[n]), n)),))
    verdict = prove(setting, Claim("step", partial(f, x[n]), where(less(0, x[n]), 1, 0)))
    assert verdict.verdict == PROVED
    assert any("kinks" in note for note in verdict.notes)


def test_sizes_at_which_the_definition_does_not_exist_are_outside_the_claim() -> None:
    # X'X is singular where N < D; that the fit to a fit is itself needs more of the inverse than theorem 3 knows
    X, A, w = tensor("X", N, D), tensor("A", D, D), tensor("w", D)
    lets = (Let(A[a, b], summation(X[n, a] * X[n, b], n)), Let(w[a], summation(inv(A, a, b) * X[n, b] * x[n], b, n)))
    refitted = summation(inv(A, a, b) * X[m, b] * X[m, c] * w[c], b, c, m)
    verdict = prove(Setting((Given(X), Given(x)), lets), Claim("fit of a fit", refitted, w[a]))
    assert verdict.verdict == PROVED
    assert any("does not exist at" in note for note in verdict.notes)
    assert any("does not cover" in note for note in verdict.notes)
    assert not verdict.all_sizes
    assert str(verdict).startswith("proved at the sizes tried only (N = ")
    assert (verdict.label, Verdict(PROVED, {}).label) == ("proved (sizes tried)", "proved")


@pytest.mark.parametrize("count", [4, 6, 30])
def test_a_constant_that_is_zero_modulo_known_primes_is_not_zero(count: int) -> None:
    order = np.random.default_rng([0, 0, 2]).permutation(len(SMOOTH))  # as draws with seed 0 take them at N = 2
    constant = Mul(*(Integer(moduli(SMOOTH[k])[0]) for k in order[:count]))
    assert prove(Setting((Given(x),)), Claim("zero", constant * x[n], Integer(0)), seed=0).verdict == REFUTED


def test_unknown_functions_prove_chain_rules_and_gauss_newton_splits() -> None:
    theta, e, L = tensor("theta", D), tensor("e", C), scalar("L")
    setting = Setting((Given(theta), Given(e, of=(theta,))), (Let(L, summation(tanh(e[i]) ** 2, i)),))
    slope = 2 * tanh(e[i]) * (1 - tanh(e[i]) ** 2)
    curvature = 2 * (1 - tanh(e[i]) ** 2) * (1 - 3 * tanh(e[i]) ** 2)
    chain = Claim("chain rule", partial(L, theta[a]), summation(slope * partial(e[i], theta[a]), i))
    gauss_newton = summation(curvature * partial(e[i], theta[a]) * partial(e[i], theta[b]), i)
    whole = gauss_newton + summation(slope * partial(e[i], theta[a], theta[b]), i)
    hessian = partial(L, theta[a], theta[b])
    assert prove(setting, chain).verdict == PROVED
    assert prove(setting, Claim("split", hessian, whole)).verdict == PROVED
    assert prove(setting, Claim("Gauss-Newton", hessian, gauss_newton)).verdict == REFUTED


def test_a_constraint_makes_the_difference() -> None:
    y, L = tensor("y", C), scalar("L")
    lets = (*SOFTMAX.lets, Let(L, -summation(y[i] * log(p[i]), i)))
    claim = Claim("p - y", partial(L, z[j]), p[j] - y[j])
    assert prove(Setting((Given(z), Given(y, where=(equation(summation(y[i], i), 1),))), lets), claim).verdict == PROVED
    assert prove(Setting((Given(z), Given(y)), lets), claim).verdict == REFUTED


def test_equations_that_cannot_be_drawn_for_are_undecided_and_say_so() -> None:
    odd = Given(x, where=(equation(summation(exp(x[n]) + x[n] ** 3, n), 5),))
    verdict = prove(Setting((odd,), (Let(f, summation(x[n] ** 2, n)),)), Claim("gradient", partial(f, x[n]), 2 * x[n]))
    assert verdict.verdict == UNDECIDED
    assert "equations on x" in verdict.notes[0]


def test_labels_are_tried_in_all_their_combinations() -> None:
    # wrong only when all three labels are 1 and N is 3: a product that is rarely not zero
    y = tensor("y", N)
    labels = Given(y, where=(Membership(y[n], (Rational(0), Rational(1))),))
    setting = Setting((Given(x), labels), (Let(f, summation(x[n] * y[n] ** 2, n)),))
    assert prove(setting, Claim("idempotent", partial(f, x[n]), y[n])).verdict == PROVED
    assert prove(setting, Claim("all ones", partial(f, x[n]), y[n] * (2 - summation(y[m], m) / N))).verdict == REFUTED


def test_logdet_of_an_invertible_matrix() -> None:
    A = tensor("A", D, D)
    setting = Setting((Given(A, where=(InvertibleMatrix(A),)),), (Let(f, logdet(A)),))
    assert prove(setting, Claim("transposed", partial(f, A[a, b]), inv(A, b, a))).verdict == PROVED
    assert prove(setting, Claim("not", partial(f, A[a, b]), inv(A, a, b))).verdict == REFUTED


def test_the_same_seed_gives_the_same_verdict() -> None:
    claim = Claim("jacobian", partial(p[i], z[j]), p[i] * (delta(i, j) - p[i]))
    first, second = (prove(SOFTMAX, claim, seed=4) for _ in range(2))
    assert (first.counterexample, first.diagnosis, first.sizes) == (second.counterexample, second.diagnosis, second.sizes)


# -- soundness: random formulas, judged by fields and by balls --------------------------------------
def formulas() -> st.SearchStrategy[Expr]:
    """Smooth functions of the entries of x and a positive number s, with a sum here and there."""
    leaves = st.sampled_from([x[n], x[n], s, Integer(2), Rational(1, 2), N])

    def extended(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        return st.one_of(
            st.tuples(inner, inner).map(lambda two: Add(*two)),
            st.tuples(inner, inner).map(lambda two: Mul(*two)),
            inner.map(lambda e: e**2),
            inner.map(tanh),
            inner.map(lambda e: exp(-(e**2))),
            inner.map(lambda e: log(1 + e**2)),
            inner.map(lambda e: sqrt(s + e**2)),
            inner.map(lambda e: Pow(1 + e**2, s)),
            inner.map(lambda e: summation(e.xreplace({n: m}), m)),
        )

    return st.recursive(leaves, extended, max_leaves=4)


@given(formulas(), formulas(), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_proved_means_equal_and_refuted_means_different(left: Expr, right: Expr, disguise: int) -> None:
    disguised = [right, left + 0 * right, (left**2 + 2 * left * s + s**2) / (left + s) - s, left * exp(right) * exp(-right)][disguise]
    setting = Setting((Given(x), Given(s, where=(positive(s),))))
    lhs, rhs = x[n] ** 3 + left, x[n] ** 3 + disguised
    assume(lhs.has(n) and rhs.has(n))
    verdict = prove(setting, Claim("random", lhs, rhs)).verdict
    if disguise:
        assert verdict == PROVED
    if verdict == PROVED:
        assert _gap(setting, lhs, rhs) < 1e-30
    else:
        assert verdict == REFUTED


def _gap(setting: Setting, left: Expr, right: Expr) -> float:
    """The largest difference of two formulas at some points, by balls."""
    rng = Random(5)
    worst = 0.0
    for size in (1, 2, 3, 5):
        values = {
            "x": np.array([arb(rng.uniform(-2, 2)) for _ in range(size)], dtype=object),
            "s": np.asarray(arb(rng.uniform(0.2, 2)), dtype=object),
        }
        sides = [evaluate(side, setting, {N: size}, values, Ball(256), (n,)) for side in (left, right)]
        worst = max(
            [worst, *(float(abs(u - v).abs_upper()) for u, v in zip(sides[0].flat, sides[1].flat, strict=True) if (u - v).is_finite())]
        )
    return worst


def test_sides_that_exist_nowhere_together_are_not_proved() -> None:
    # log(1 - x) and log(x - 1) have the same derivative and no point in common
    setting = Setting((Given(s),), (Let(f, log(1 - s)),))
    assert prove(setting, Claim("logarithms", f, log(s - 1))).verdict == UNDECIDED


@pytest.mark.parametrize(
    ("constraint", "claimed"),
    [
        ("projection", "symmetric"),  # oblique projections are not
        ("orthogonal", "determinant"),  # reflections have -1
        ("involution", "symmetric"),
    ],
)
def test_constraints_are_drawn_in_general_not_in_special_cases(constraint: str, claimed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closedform.certify.verdict.diagnose", lambda *_, **__: ())  # the verdict matters here, not why
    P = tensor("P", D, D)
    square = summation(P[a, c] * P[c, b], c)
    relation = {
        "projection": equation(square, P[a, b]),
        "involution": equation(square, delta(a, b)),
        "orthogonal": equation(summation(P[c, a] * P[c, b], c), delta(a, b)),
    }[constraint]
    claim = {"symmetric": Claim("symmetric", P[a, b], P[b, a]), "determinant": Claim("determinant", det(P), Integer(1))}[claimed]
    assert prove(Setting((Given(P, where=(relation,)),)), claim).verdict != PROVED


def test_a_derivative_of_what_does_not_exist_is_not_proved() -> None:
    setting = Setting((Given(s),), (Let(f, log(-exp(s))),))
    assert prove(setting, Claim("gradient", partial(f, s), Integer(1))).verdict == UNDECIDED
