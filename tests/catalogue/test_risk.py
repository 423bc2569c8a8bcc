"""Expected and empirical risk in exact arithmetic: every sample of small distributions is enumerated.

The catalogue proves the identities behind the bounds (expected_risk, complexity_penalty); the inequalities are
held here, with rational probabilities, and balls for the exponential and the logarithm.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from math import prod

import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

Model = tuple[Fraction, ...]  # its loss at each example


def samples(q: tuple[Fraction, ...], n: int) -> Iterator[tuple[Fraction, tuple[int, ...]]]:
    """Every i.i.d. sample of n examples with its probability."""
    for drawn in itertools.product(range(len(q)), repeat=n):
        yield prod((q[k] for k in drawn), start=Fraction(1)), drawn


def expected(q: tuple[Fraction, ...], model: Model) -> Fraction:
    return sum((a * b for a, b in zip(q, model, strict=True)), Fraction(0))


def empirical(model: Model, drawn: tuple[int, ...]) -> Fraction:
    return sum((model[k] for k in drawn), Fraction(0)) / len(drawn)


def ball(number: Fraction) -> arb:
    return arb(fmpq(number.numerator, number.denominator))


def beyond(q: tuple[Fraction, ...], models: tuple[Model, ...], n: int, eps: Fraction) -> Fraction:
    """P(some model's expected risk exceeds its empirical risk by eps or more)."""
    bad = (p for p, drawn in samples(q, n) if any(expected(q, model) - empirical(model, drawn) >= eps for model in models))
    return sum(bad, Fraction(0))


def exceeds(difference: Fraction, log_of: Fraction, n: int) -> bool:
    """Whether difference > sqrt(log(log_of)/(2 n)), decided in balls."""
    return difference > 0 and bool(2 * n * ball(difference) ** 2 > ball(log_of).log())


@st.composite
def distributions(draw: st.DrawFn, models: int = 1) -> tuple[tuple[Fraction, ...], tuple[Model, ...], int]:
    """Probabilities of at most three examples, losses in [0, 1], a sample size."""
    weights = draw(st.lists(st.integers(1, 9), min_size=2, max_size=3))
    q = tuple(Fraction(weight, sum(weights)) for weight in weights)
    loss = st.integers(0, 6).map(lambda number: Fraction(number, 6))
    losses = st.tuples(*[loss] * len(q))
    return q, tuple(draw(st.lists(losses, min_size=models, max_size=models))), draw(st.integers(1, 5))


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(distributions())
def test_the_empirical_risk_is_right_in_the_mean_with_variance_over_n(drawn: tuple[tuple[Fraction, ...], tuple[Model, ...], int]) -> None:
    q, (model,), n = drawn
    mu = expected(q, model)
    variance = sum((a * (loss - mu) ** 2 for a, loss in zip(q, model, strict=True)), Fraction(0))
    risks = [(p, empirical(model, sample)) for p, sample in samples(q, n)]
    assert sum(p for p, _ in risks) == 1
    assert sum(p * risk for p, risk in risks) == mu
    assert sum(p * (risk - mu) ** 2 for p, risk in risks) == variance / n


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(distributions(models=3), st.integers(1, 6))
def test_hoeffding_and_the_union_bound(drawn: tuple[tuple[Fraction, ...], tuple[Model, ...], int], sixths: int) -> None:
    q, models, n = drawn
    eps = Fraction(sixths, 6)
    assert not ball(beyond(q, models, n, eps)) > len(models) * (-2 * n * ball(eps) ** 2).exp()
    for model in models:
        assert not ball(beyond(q, (model,), n, eps)) > (-2 * n * ball(eps) ** 2).exp()


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(distributions(models=3), st.sampled_from([Fraction(1, 20), Fraction(1, 4), Fraction(3, 4)]))
def test_the_penalty_holds_for_all_models_and_so_for_the_one_that_training_picks(
    drawn: tuple[tuple[Fraction, ...], tuple[Model, ...], int], delta: Fraction
) -> None:
    q, models, n = drawn
    one_sided, two_sided = len(models) / delta, 2 * len(models) / delta
    best = min(expected(q, model) for model in models)
    fails, picked_fails = Fraction(0), Fraction(0)
    for p, sample in samples(q, n):
        gaps = [expected(q, model) - empirical(model, sample) for model in models]
        picked = min(models, key=lambda model: empirical(model, sample))
        fails += p * any(exceeds(gap, one_sided, n) for gap in gaps)
        picked_fails += p * exceeds((expected(q, picked) - best) / 2, two_sided, n)
    assert fails <= delta  # L_D <= L_S + penalty, for every model
    assert picked_fails <= delta  # the minimiser of L_S has an expected risk within two penalties of the least


COIN = (Fraction(1, 2), Fraction(1, 2))
HEADS, TAILS = (Fraction(1), Fraction(0)), (Fraction(0), Fraction(1))


@pytest.mark.parametrize(
    ("models", "n", "eps", "factor", "exponent"),
    [
        ((HEADS, TAILS), 1, Fraction(1, 2), 1, 2),  # without the union bound: one of the two always looks perfect
        ((HEADS,), 2, Fraction(1, 2), 1, 4),  # twice the exponent
    ],
)
def test_bounds_that_promise_more_are_caught(models: tuple[Model, ...], n: int, eps: Fraction, factor: int, exponent: int) -> None:
    assert ball(beyond(COIN, models, n, eps)) > factor * (-exponent * n * ball(eps) ** 2).exp()
    assert not ball(beyond(COIN, models, n, eps)) > len(models) * (-2 * n * ball(eps) ** 2).exp()
