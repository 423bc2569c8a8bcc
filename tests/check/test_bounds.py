"""The error analysis: rules against hand-worked bounds, and that real arithmetic never breaks them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Integer, Rational

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.ball import Ball
from closedform.check.bounds import ELEMENTARY, PRECISIONS, ErrorAnalysis, Rounded, _spread, allowed
from closedform.check.oracles.ball import balls, to_enclosure
from closedform.derivations import softmax
from closedform.notation import Dim, Given, Let, Setting, exp, indices, log, scalar, summation, tensor

SINGLE = PRECISIONS["float32"]
U = SINGLE.roundoff
C = Dim("C")
i, j, k = indices("i j k", C)
x, z = tensor("x", C), tensor("z", C)
L = scalar("L")


def ring() -> ErrorAnalysis:
    return ErrorAnalysis(SINGLE)


def analysed(body: Expr, values: np.ndarray) -> Rounded:
    analysis = ring()
    setting = Setting((Given(x),), (Let(L, body),))
    with analysis.scope():
        return analysis.settled(evaluate(L, setting, {C: len(values)}, {"x": analysis.exact(values)}, analysis, ()))


def test_a_product_of_exact_numbers_errs_by_one_roundoff() -> None:
    product = ring().multiply(ring().exact(np.asarray(3.0)), ring().exact(np.asarray(5.0)))
    assert product.error == pytest.approx(15 * U)


def test_multiplying_by_a_power_of_two_costs_only_underflow() -> None:
    product = ring().multiply(ring().number(Integer(-4)), ring().exact(np.asarray(5.0)))
    assert product.error == SINGLE.tiny


def test_a_third_is_rounded_and_a_half_is_not() -> None:
    assert ring().number(Rational(1, 3)).error == pytest.approx(U / 3)
    assert ring().number(Rational(1, 2)).error == 0


def test_a_sum_of_n_terms_errs_by_n_minus_one_roundoffs_of_their_sizes() -> None:
    result = analysed(summation(x[i], i), np.array([1.0, -1.0, 2.0]))
    assert result.value == 2
    assert result.error == pytest.approx(2 * U * 4)


def test_the_softmax_bound_is_the_textbook_one() -> None:
    values = np.array([0.0, -3.0, -20.0])
    analysis = ring()
    setting = softmax.derivation.setting
    with analysis.scope():
        p = analysis.settled(evaluate(softmax.p[softmax.i], setting, {C: 3}, {"z": analysis.exact(values)}, analysis, (softmax.i,)))
    truth = np.exp(values) / np.exp(values).sum()
    shift = np.abs(values)
    # p_i u (|z_i - m| + sum_j p_j |z_j - m| + 2c + n): n - 1 additions, a reciprocal, a product
    textbook = truth * U * (shift + np.sum(truth * shift) + 2 * ELEMENTARY + 3 + 1)
    np.testing.assert_allclose(p.value, truth, rtol=1e-14)
    np.testing.assert_allclose(p.error, textbook, rtol=0.02)


@pytest.mark.parametrize("offset", [1e7, -1e7])
def test_the_softmax_bound_does_not_grow_with_the_offset(offset: float) -> None:
    analysis = ring()
    values = np.array([0.0, -3.0, -20.0])
    setting = softmax.derivation.setting

    def error(at: np.ndarray) -> np.ndarray:
        with analysis.scope():
            return analysis.settled(
                evaluate(softmax.p[softmax.i], setting, {C: 3}, {"z": analysis.exact(at)}, analysis, (softmax.i,))
            ).error

    np.testing.assert_allclose(error(values + offset), error(values), rtol=1e-6)


def test_the_bound_of_a_logarithm_of_a_sum_is_absolute_in_the_offset() -> None:
    near = analysed(log(summation(exp(x[i]), i)), np.array([0.0, 1.0]))
    far = analysed(log(summation(exp(x[i]), i)), np.array([1e4, 1e4 + 1]))
    assert near.error < 30 * U
    assert 1e4 * U < far.error < 4e4 * U


def test_overflow_has_no_bound() -> None:
    assert np.isinf(analysed(exp(summation(x[i], i)), np.array([100.0])).error)
    assert np.isfinite(analysed(exp(summation(x[i], i)), np.array([80.0])).error)


def test_an_undecided_branch_has_no_bound() -> None:
    analysis = ring()
    a = Rounded(np.asarray(1.0), np.asarray(0.5))
    decided = analysis.less(a, analysis.exact(np.asarray(3.0)), or_equal=False)
    undecided = analysis.less(a, analysis.exact(np.asarray(1.25)), or_equal=False)
    assert decided.value == 1
    assert decided.error == 0
    assert np.isinf(undecided.error)


def test_an_unknown_function_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ValueError, match="no error rule for the function gamma"):
        _spread("gamma", np.zeros(1), np.zeros(1))


def float32_softmax(values: np.ndarray) -> np.ndarray:
    shifted = (values - values.max()).astype(np.float32)
    e = np.exp(shifted)
    return np.asarray(e / e.sum(dtype=np.float32), dtype=np.float64)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**16), st.sampled_from([1, 2, 3, 9, 64]), st.sampled_from([0.1, 1.0, 10.0, 40.0]), st.sampled_from([0.0, 1e4]))
def test_float32_arithmetic_never_breaks_the_bound(seed: int, size: int, scale: float, offset: float) -> None:
    values = (np.random.default_rng(seed).standard_normal(size) * scale + offset).astype(np.float32)
    analysis = ring()
    setting = softmax.derivation.setting
    index = softmax.i
    with analysis.scope():
        bound = analysis.settled(evaluate(softmax.p[index], setting, {C: size}, {"z": analysis.exact(values)}, analysis, (index,))).full()
    truth = to_enclosure(evaluate(softmax.p[index], setting, {C: size}, {"z": balls(values)}, Ball(200), (index,)))
    assert np.all(truth.distance(float32_softmax(values)) <= bound.error)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**16),
    st.sampled_from(["sin", "cos", "tanh", "sigmoid", "softplus", "erf", "sinh", "cosh", "exp", "log", "Abs", "relu"]),
)
def test_a_perturbed_argument_stays_within_the_spread(seed: int, function: str) -> None:
    """f(x + d) for |d| <= e is within the bound that the analysis gives f of the interval."""
    analysis, exact = ErrorAnalysis(PRECISIONS["float64"]), ErrorAnalysis(PRECISIONS["float64"])
    generator = np.random.default_rng(seed)
    at = np.abs(generator.standard_normal(5)) * 3 + 0.3 if function == "log" else generator.standard_normal(5) * 3
    error = np.full(5, 2.0 ** -generator.integers(3, 20))
    moved = at + error * generator.uniform(-1, 1, 5)
    with analysis.scope():
        bounded = analysis.settled(analysis.apply(function, Rounded(at, error))).full()
        there = exact.settled(exact.apply(function, exact.exact(moved))).full()
    assert np.all(np.abs(there.value - bounded.value) <= bounded.error)


def test_a_constant_may_come_from_the_data() -> None:
    """1 - p for p = 0, made as the sum of 32 other probabilities: 2 (2c + 33) u are allowed where the formula errs by u."""
    tolerance = allowed(np.asarray(1.0), np.asarray(U), 33, SINGLE)
    assert tolerance == pytest.approx(2 * (2 * ELEMENTARY + 33) * U)
    assert allowed(np.asarray(0.0), np.asarray(3.0), 33, SINGLE) == 6


@pytest.mark.parametrize("size", [2, 5])
def test_the_inverse_of_a_perturbed_matrix_stays_within_its_bound(size: int) -> None:
    analysis = ErrorAnalysis(PRECISIONS["float64"])
    generator = np.random.default_rng(size)
    matrix = generator.standard_normal((size, size)) + 4 * np.eye(size)
    error = np.full((size, size), 1e-6)
    moved = matrix + error * generator.uniform(-1, 1, (size, size))
    with analysis.scope():
        inverse = analysis.inverse(Rounded(matrix, error))
        logdet = analysis.logdet(Rounded(matrix, error))
        det = analysis.det(Rounded(matrix, error))
    assert np.all(np.abs(np.linalg.inv(moved) - inverse.value) <= inverse.error)
    assert np.all(inverse.error < 1e-4)
    assert abs(np.linalg.slogdet(moved)[1] - logdet.value) <= logdet.error
    assert abs(np.linalg.det(moved) - det.value) <= det.error
