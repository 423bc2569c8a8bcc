"""The three witnesses, each against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from closedform.check.cases import Case, prepare
from closedform.check.inputs import Recipe, Texture, build
from closedform.check.oracles.autograd import by_autograd
from closedform.check.oracles.ball import Enclosure, enclose
from closedform.check.oracles.differences import by_differences
from closedform.check.views import View, view
from closedform.derivations import cross_entropy, softmax
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation, Dim, Given, Let, indices, scalar, summation, tensor

# softmax at z = (0, log 3) is p = (1/4, 3/4), so J = diag(p) - p p' = 3/16 [[1, -1], [-1, 1]]
Z = np.array([0.0, math.log(3.0)])
P = np.array([0.25, 0.75])
J = np.array([[3, -3], [-3, 3]]) / 16
C = Dim("C")


def function_of(derivation: Derivation, name: str) -> KernelFunction:
    return next(function for function in kernel_functions(derivation) if function.name == name)


def whole(derivation: Derivation, name: str, sizes: dict[Dim, int]) -> View:
    return view(derivation, function_of(derivation, name), sizes, np.random.default_rng(0))


SOFTMAX = [
    ("value", {}, P),
    ("jacobian", {}, J),
    ("jvp", {"v": np.array([16.0, 0.0])}, np.array([3.0, -3.0])),
    ("vjp", {"g": np.array([0.0, 16.0])}, np.array([-3.0, 3.0])),
]


@pytest.mark.parametrize(("name", "extra", "expected"), SOFTMAX)
def test_ball_arithmetic_gives_the_hand_worked_values_of_softmax(name: str, extra: dict[str, np.ndarray], expected: np.ndarray) -> None:
    seen = whole(softmax.derivation, name, {C: 2})
    bound = np.full(expected.shape, 1e-28)
    enclosure = enclose(seen.target, seen.setting, {C: 2}, {"z": Z, **extra}, seen.axes, bound)
    # log 3 is rounded, so the values are those of p to a few units of the last place
    np.testing.assert_allclose(enclosure.high, expected, rtol=1e-15)
    assert np.all(enclosure.radius < bound / 64)


@pytest.mark.parametrize(("name", "extra", "expected"), SOFTMAX)
def test_autograd_gives_the_hand_worked_values_of_softmax(name: str, extra: dict[str, np.ndarray], expected: np.ndarray) -> None:
    seen = whole(softmax.derivation, name, {C: 2})
    np.testing.assert_allclose(by_autograd(softmax.derivation, seen, {C: 2}, {"z": Z, **extra}), expected, rtol=1e-14)


@pytest.mark.parametrize(("name", "extra", "expected"), SOFTMAX[1:])
def test_differences_give_the_hand_worked_values_of_softmax(name: str, extra: dict[str, np.ndarray], expected: np.ndarray) -> None:
    seen = whole(softmax.derivation, name, {C: 2})
    projection = by_differences(softmax.derivation, seen, {C: 2}, {"z": Z, **extra}, np.random.default_rng(0))
    assert projection is not None
    sums = np.sum(projection.weights * expected, axis=tuple(range(1, projection.weights.ndim)))
    np.testing.assert_allclose(projection.value.high, sums, rtol=1e-14, atol=1e-15)
    assert np.all(projection.value.radius < 1e-30)


def test_a_value_has_no_finite_difference() -> None:
    seen = whole(softmax.derivation, "value", {C: 2})
    assert by_differences(softmax.derivation, seen, {C: 2}, {"z": Z}, np.random.default_rng(0)) is None


# With one sample of class 2: L = log 4 - log 3, gradient p - y = (1/4, -1/4), Hessian J, trace 3/8
CROSS_ENTROPY = [
    ("value", math.log(4 / 3)),
    ("gradient", np.array([[0.25, -0.25]])),
    ("hessian", J[None]),
    ("hessian_diagonal", np.array([[3, 3]]) / 16),
    ("hessian_trace", 3 / 8),
]


@pytest.mark.parametrize(("name", "expected"), CROSS_ENTROPY)
def test_all_three_agree_on_the_cross_entropy(name: str, expected: np.ndarray) -> None:
    derivation = cross_entropy.derivation
    sizes = {Dim("B"): 1, C: 2}
    values = {"z": Z[None], "y": np.array([[0.0, 1.0]])}
    seen = whole(derivation, name, sizes)
    enclosure = enclose(seen.target, seen.setting, sizes, values, seen.axes, np.full(np.shape(expected), 1e-30))
    np.testing.assert_allclose(enclosure.high, expected, rtol=1e-15)
    np.testing.assert_allclose(by_autograd(derivation, seen, sizes, values), expected, rtol=1e-14)
    projection = by_differences(derivation, seen, sizes, values, np.random.default_rng(0))
    if projection is not None:
        sums = np.sum(projection.weights * expected, axis=tuple(range(1, projection.weights.ndim)))
        np.testing.assert_allclose(projection.value.high, sums, rtol=1e-14, atol=1e-15)


def test_precision_grows_until_the_enclosure_is_narrower_than_the_bound() -> None:
    seen = whole(softmax.derivation, "jacobian", {C: 2})
    z = np.array([0.0, -2000.0])  # p_1 (1 - p_1) = exp(-2000): 1 - p_1 needs thousands of bits
    bound = np.full((2, 2), 1e-300)
    enclosure = enclose(seen.target, seen.setting, {C: 2}, {"z": z}, seen.axes, bound)
    assert np.all(enclosure.radius <= bound / 64)


def test_a_value_that_does_not_exist_is_not_a_number() -> None:
    x, L = tensor("x", C), scalar("L")
    (i,) = indices("i", C)
    derivation = Derivation("reciprocal", "Sum of reciprocals", (Given(x),), (Let(L, summation(1 / x[i], i)),), L, (x,))
    seen = whole(derivation, "value", {C: 2})
    enclosure = enclose(seen.target, seen.setting, {C: 2}, {"x": np.array([0.0, 1.0])}, (), np.asarray(1e-10))
    assert np.isnan(enclosure.high)


def test_a_distance_is_never_understated() -> None:
    # 1/3 as two doubles: 1/3 itself is not one
    third = Enclosure(np.asarray(1 / 3), np.asarray(2.0**-54 / 3), np.asarray(1e-40))
    assert third.distance(np.asarray(1 / 3)) == pytest.approx(2.0**-54 / 3, rel=1e-12)


def test_autograd_has_nothing_to_say_where_the_definition_overflows() -> None:
    recipe = Recipe((("C", 3),), (), (("z", Texture(1, offset=1e7)),))
    case = prepare(softmax.derivation, function_of(softmax.derivation, "jacobian"), recipe, "float64")
    assert isinstance(case, Case)
    autograd = case.autograd()
    assert autograd is not None
    assert np.all(np.isinf(autograd.value.radius))
    assert np.all(np.isfinite(case.truth.high))


def test_a_large_hessian_is_compared_by_a_column() -> None:
    derivation = cross_entropy.derivation
    function = function_of(derivation, "hessian")
    recipe = Recipe((("B", 2), ("C", 33)), (), (("z", Texture(1)), ("y", Texture(2, "soft"))))
    inputs = build(recipe, derivation.given, (), "float64")
    seen = view(derivation, function, inputs.sizes, np.random.default_rng(3))
    assert seen.pick is not None
    z = inputs.values["z"]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    hessian = (p[:, :, None] * np.eye(33) - p[:, :, None] * p[:, None, :]) / 2
    case = prepare(derivation, function, recipe, "float64")
    np.testing.assert_allclose(case.view.of(hessian), case.truth.high, rtol=1e-13)
    autograd = case.autograd()
    assert autograd is not None
    np.testing.assert_allclose(autograd.value.high, case.truth.high, rtol=1e-12)
