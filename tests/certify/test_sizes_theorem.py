"""The theorem itself, tried out: combinations that vanish at the planned sizes vanish at larger ones.

Index polynomials are drawn as sums of products; the test evaluates them in exact rational arithmetic,
by plain loops, at random points. Linear algebra finds *every* combination of the drawn terms that
vanishes at all planned sizes (most draws have some: a sum split by coinciding indices, the mean in
two forms). Each of them must vanish at larger sizes as well.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sympy import Expr

from closedform.certify.sizes.plan import SizePlan, size_plan
from closedform.notation import Claim, Dim, Given, Index, Let, Setting, delta, scalar, summation, tensor

N = Dim("N")
I, J, K, L = (Index(name, N) for name in "ijkl")
FREE, BOUND = (I, J), (K, L)
X, E, P, A = tensor("x", N), tensor("E", N), tensor("p", N), tensor("A", N, N)
KINDS = ("x", "p", "A", "delta")

Point = dict[str, Any]  # x and p: one fraction for each position; A: rows of them


@dataclass(frozen=True)
class Term:
    """N^power * sum over ``bound`` of the product of factors (kind, index, index)."""

    power: int
    bound: tuple[Index, ...]
    factors: tuple[tuple[str, Index, Index], ...]

    def notation(self) -> Expr:
        entries = {"x": lambda a, b: X[a], "p": lambda a, b: P[a], "A": lambda a, b: A[a, b], "delta": delta}
        product = sympy.Mul(*(entries[kind](a, b) for kind, a, b in self.factors))
        return N**self.power * summation(product, *self.bound)

    def value(self, n: int, values: Point, at: dict[Index, int]) -> Fraction:
        total = Fraction(0)
        for choice in itertools.product(range(n), repeat=len(self.bound)):
            where = {**at, **dict(zip(self.bound, choice, strict=True))}
            product = Fraction(1)
            for kind, a, b in self.factors:
                product *= self._factor(kind, where[a], where[b], values)
                if not product:
                    break
            total += product
        return Fraction(n) ** self.power * total

    def _factor(self, kind: str, a: int, b: int, values: Point) -> Fraction:
        if kind == "delta":
            return Fraction(int(a == b))
        return Fraction(values["A"][a][b] if kind == "A" else values[kind][a])


@st.composite
def terms(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> Term:
    bound = BOUND[: draw(st.integers(0, 2))]
    index = st.sampled_from((*FREE, *bound))
    factors = draw(st.lists(st.tuples(st.sampled_from(kinds), index, index), min_size=1, max_size=3))
    return Term(draw(st.integers(-1, 2)), bound, tuple(factors))


def point(n: int, rng: random.Random) -> Point:
    weights = [Fraction(rng.randint(1, 12)) for _ in range(n)]
    return {
        "x": [Fraction(rng.randint(-9, 9)) for _ in range(n)],
        "p": [weight / sum(weights) for weight in weights],
        "A": [[Fraction(rng.randint(-9, 9)) for _ in range(n)] for _ in range(n)],
    }


def rows(drawn: list[Term], sizes: Iterable[int], repeats: int, rng: random.Random) -> Iterator[list[Fraction]]:
    """Values of all terms at random points of the given sizes, for i = j and for i != j."""
    for n in sizes:
        for _ in range(repeats):
            values = point(n, rng)
            for at in ({I: 0, J: 0}, {I: 0, J: 1}):
                if max(at.values()) < n:
                    yield [term.value(n, values, at) for term in drawn]


def plan_for(drawn: list[Term]) -> SizePlan:
    """The plan for: a generic combination of the terms, plus x[i] x[j] to have both indices, is that."""
    coefficients = [scalar(f"c{number}") for number in range(len(drawn))]
    softmax = Let(P[I], E[I] / summation(E[K], K))
    setting = Setting((Given(X), Given(E), Given(A), *(Given(c) for c in coefficients)), (softmax,))
    combination = sympy.Add(*(c * term.notation() for c, term in zip(coefficients, drawn, strict=True)))
    return size_plan(setting, Claim("vanishes", combination + X[I] * X[J], X[I] * X[J]))


def vanishing_combinations(drawn: list[Term], sizes: Iterable[int], rng: random.Random) -> list[list[Fraction]]:
    matrix = sympy.Matrix([[sympy.Rational(v.numerator, v.denominator) for v in row] for row in rows(drawn, sizes, len(drawn) + 2, rng)])
    return [[Fraction(int(v.p), int(v.q)) for v in vector] for vector in matrix.nullspace()]


def assert_plan_suffices(drawn: list[Term], sizes: tuple[int, ...]) -> None:
    rng = random.Random(5)
    found = vanishing_combinations(drawn, sizes, rng)
    larger = (max(sizes) + 1, max(sizes) + 3)
    for row in rows(drawn, larger, 2, rng):
        for combination in found:
            assert sum(c * v for c, v in zip(combination, row, strict=True)) == 0, (sizes, combination, drawn)


def power_sums(degrees: tuple[int, ...]) -> Term:
    """sum_k x[k]^a sum_l x[l]^b ... as one term."""
    bound = (K, L, Index("m", N))[: len(degrees)]
    factors = tuple(("x", index, index) for index, degree in zip(bound, degrees, strict=True) for _ in range(degree))
    return Term(0, bound, factors)


NEWTON = [power_sums((1, 1, 1)), power_sums((2, 1)), power_sums((3,))]  # e3 is a combination: it vanishes at sizes 1 and 2
SIZE_ONLY = [Term(power, (), (("x", I, I),)) for power in (-1, 0, 1, 2)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([("x", "delta"), ("p", "delta"), KINDS]).flatmap(
        lambda kinds: st.lists(terms(kinds), min_size=2, max_size=6, unique=True)
    )
)
@example(NEWTON)
@example(SIZE_ONLY)
def test_what_vanishes_at_the_planned_sizes_vanishes_at_larger_ones(drawn: list[Term]) -> None:
    plan = plan_for(drawn)
    assert plan.open_ends == ()
    assert_plan_suffices(drawn, plan.sizes[N])


def test_a_plan_one_size_short_would_let_a_false_identity_through() -> None:
    for drawn in (NEWTON, SIZE_ONLY):
        sizes = plan_for(drawn).sizes[N]
        rng = random.Random(1)
        short = [n for n in sizes if n < 3] if drawn is NEWTON else list(sizes)[:3]
        (combination,) = vanishing_combinations(drawn, short, rng)
        (row, *_) = rows(drawn, [max(sizes)], 1, rng)
        assert sum(c * v for c, v in zip(combination, row, strict=True)) != 0
