"""A refuted claim with the points at which hypotheses about it are tried.

A hypothesis is an equation. It is screened in double precision at several points and sizes, all
entries at once as one long vector; then balls have to agree with it to many digits at further points, the
counterexample may not contradict it, and the kernel has to prove it. Only then is it believed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from random import Random

import numpy as np
from sympy import Expr

from closedform.certify.balls import counterexample_nearby
from closedform.certify.judge import judge
from closedform.certify.orders import derivative_order
from closedform.certify.refute.exact import Array, Values
from closedform.certify.refute.points import dims_of, round_point, sizes_allowed
from closedform.certify.refute.sample import KinkAverseBall, Sample, has_discrete_data, nearly_equal, surely_equal
from closedform.certify.rings.ball import Ball
from closedform.errors import NotationError
from closedform.notation import Claim, Dim, Index, Setting
from closedform.results import PROVED, Counterexample
from closedform.syntax.text import to_text

SCREENS, WITNESSES = 6, 2
MOST_DOUBTED = 3
PRECISION = 160
TINY = 1e-9
# Sizes of the k-th dimension at the n-th point: SPREAD[(n + k) % len(SPREAD)], so that they vary independently.
SPREAD = (3, 4, 2, 5, 3, 2, 4)
SMALL = (3, 2, 3)

Change = Callable[[Sample], Sample]


def unchanged(sample: Sample) -> Sample:
    """The point as it is."""
    return sample


@dataclass(frozen=True)
class Equation:
    """``left = right``: entries compared along ``left_axes`` and ``right_axes``; ``change`` may alter the setting at each point."""

    left: Expr
    right: Expr
    left_axes: tuple[Index, ...]
    right_axes: tuple[Index, ...]
    left_change: Change = unchanged


@dataclass(frozen=True)
class Case:
    """The claim, its points for screening, those for certainty, and the one that is shown as its counterexample.

    Attributes:
        vectors: values at the points for screening, remembered.
        doubted: hypotheses that hold at the points and have no proof; after a few of them no more are tried.
    """

    setting: Setting
    claim: Claim
    samples: tuple[Sample, ...]
    witnesses: tuple[Sample, ...]
    shown: Sample | None = None
    seed: int = 0
    vectors: dict[Expr, Array] = field(default_factory=dict, repr=False, compare=False)
    doubted: list[Claim] = field(default_factory=list, repr=False, compare=False)

    @cached_property
    def axes(self) -> tuple[Index, ...]:
        return self.claim.free_indices

    @cached_property
    def truth(self) -> Array:
        """The left side at every entry of every point."""
        return self.vector(self.claim.lhs)

    @cached_property
    def claimed(self) -> Array:
        """The right side at every entry of every point."""
        return self.vector(self.claim.rhs)

    @cached_property
    def scale(self) -> float:
        """The largest magnitude on either side."""
        return float(max(np.max(np.abs(self.truth), initial=0.0), np.max(np.abs(self.claimed), initial=0.0)))

    @cached_property
    def starts(self) -> Array:
        """Where each point begins in a vector."""
        lengths = [int(np.prod([sample.sizes[index.dim] for index in self.axes])) for sample in self.samples]
        return np.cumsum([0, *lengths])

    @cached_property
    def failing(self) -> tuple[Sample, ...]:
        """Points at which the claim fails, the smallest first; the counterexample only where there is no other."""
        wrong = [sample for sample in (*self.witnesses, *self.samples) if not _almost(self.equation, sample)]
        shown = () if self.shown is None else (self.shown,)
        return tuple(sorted(wrong, key=lambda sample: sum(sample.sizes.values()))) or shown

    @property
    def equation(self) -> Equation:
        """The claim as it stands."""
        return Equation(self.claim.lhs, self.claim.rhs, self.axes, self.axes)

    def vector(self, expression: Expr) -> Array:
        """All entries at all points, one after another."""
        if expression not in self.vectors:
            self.vectors[expression] = np.concatenate([sample.real(expression, self.axes).ravel() for sample in self.samples])
        return self.vectors[expression]

    def text(self, expression: Expr) -> str:
        """As the person would write it."""
        return to_text(expression, self.setting)

    def corrected(self, right: Expr) -> bool:
        """Whether the claim holds with this right side instead."""
        return self.holds(Equation(self.claim.lhs, right, self.axes, self.axes))

    def holds(self, equation: Equation) -> bool:
        """Whether an equation holds: screened at the first point, then at all, then in balls, then proved."""
        try:
            return (
                all(_almost(equation, sample) for sample in self.samples)
                and all(_surely(equation, w) for w in self.witnesses)
                and not (self.shown and _contradicts(self.shown, equation))
                and self._proved(equation)
            )
        except NotationError:
            return False

    def _proved(self, equation: Equation) -> bool:
        """What is claimed of another setting has no proof in this one: its points have to do."""
        if equation.left_change is not unchanged:
            return True
        right = equation.right.xreplace(dict(zip(equation.right_axes, equation.left_axes, strict=True)))
        return self.proves(self.setting, Claim(self.claim.name, equation.left, right))

    def proves(self, setting: Setting, claim: Claim) -> bool:
        """Whether the kernel proves another claim than this one."""
        if len(self.doubted) >= MOST_DOUBTED:
            return False
        if proved(setting, claim, seed=self.seed):
            return True
        self.doubted.append(claim)
        return False


def proved(setting: Setting, claim: Claim, *, seed: int) -> bool:
    """Whether the kernel proves a claim, and where that says nothing of other sizes, small ones show no counterexample either."""
    verdict = judge(setting, claim, seed=seed)
    return verdict.verdict == PROVED and (verdict.all_sizes or counterexample_nearby(setting, claim, seed=seed) is None)


def _almost(equation: Equation, sample: Sample) -> bool:
    left = equation.left_change(sample).real(equation.left, equation.left_axes)
    right = sample.real(equation.right, equation.right_axes)
    return left.shape == right.shape and bool(np.all(nearly_equal(left, right)))


def _surely(equation: Equation, sample: Sample) -> bool:
    left = equation.left_change(sample).balls(equation.left, equation.left_axes, PRECISION)
    right = sample.balls(equation.right, equation.right_axes, PRECISION)
    return surely_equal(left, right, PRECISION)


def _contradicts(sample: Sample, equation: Equation) -> bool:
    """Whether two enclosures do not meet at this point."""
    left = equation.left_change(sample).balls(equation.left, equation.left_axes, PRECISION)
    right = sample.balls(equation.right, equation.right_axes, PRECISION)
    return any(x.is_finite() and y.is_finite() and not x.overlaps(y) for x, y in zip(left.flat, right.flat, strict=True))


def claim_holds(case: Case, points: Sequence[Sample]) -> bool:
    """Whether the claim itself holds at each of these points, in double precision and then in balls."""
    if not points or not all(_almost(case.equation, point) for point in points):
        return False
    return all(_surely(case.equation, point) for point in points[:WITNESSES])


def telling(samples: Sequence[Sample], case: Case) -> bool:
    """Whether some entry is not 0 (a claim 0 = 0 under a condition is no finding)."""
    return any(np.any(np.abs(sample.real(case.claim.lhs, case.axes)) > TINY) for sample in samples)


def make_case(setting: Setting, claim: Claim, counterexample: Counterexample, *, seed: int) -> Case | None:
    """Points at which the claim fails and both sides are finite; sizes grow from the generic ones towards the counterexample's."""
    dims = dims_of(setting, claim.lhs, claim.rhs)
    shown = _shown(setting, claim, dims, counterexample)
    screens = SCREENS if claim.free_indices else 2 * SCREENS  # one entry a point
    for more in range(max([0, *counterexample.sizes.values()]) + 1):
        samples = draw_samples(setting, claim, spread_sizes(dims, SPREAD, screens, more=more), screens, seed=seed)
        witnesses = draw_samples(setting, claim, spread_sizes(dims, SMALL, WITNESSES, more=more), WITNESSES, seed=seed + 1)
        case = Case(setting, claim, tuple(samples), tuple(witnesses), shown, seed)
        if len(samples) < screens - 2 or not witnesses:
            return None
        if case.failing:
            return case
    return None


def _shown(setting: Setting, claim: Claim, dims: Sequence[Dim], counterexample: Counterexample) -> Sample | None:
    """The counterexample as a point; None if it does not say all that a point needs."""
    if not counterexample.values.keys() >= {given.name for given in setting.given}:
        return None
    exact = np.frompyfunc(Fraction, 1, 1)
    values = {name: np.asarray(exact(np.array(entries, dtype=object)), dtype=object) for name, entries in counterexample.values.items()}
    return Sample(setting, {dim: counterexample.sizes[dim.name] for dim in dims}, values, ring=_ring(setting, claim))


def _ring(setting: Setting, claim: Claim) -> type[Ball]:
    return Ball if has_discrete_data(setting, claim.lhs) else KinkAverseBall


def spread_sizes(dims: Sequence[Dim], spread: Sequence[int], count: int, *, more: int = 0) -> list[dict[Dim, int]]:
    """Sizes for ``count`` points, and as many again in case that some of them cannot be used."""
    return [{dim: spread[(point + k) % len(spread)] + more for k, dim in enumerate(dims)} for point in range(2 * count)]


def draw_samples(
    setting: Setting, claim: Claim, wanted: Sequence[Mapping[Dim, int]], count: int, *, seed: int, kept: Sequence[Values] = ()
) -> list[Sample]:
    """Up to ``count`` points with generic numbers at these sizes (or the nearest that are allowed), where both sides are finite.

    ``kept`` has, for each of ``wanted``, values that some of the givens keep.
    """
    order = derivative_order(setting, claim.lhs, claim.rhs)
    ring = _ring(setting, claim)
    found: list[Sample] = []
    for attempt, sizes in enumerate(wanted):
        allowed = sizes if sizes_allowed(setting, sizes) else _nearest_allowed(setting, sizes)
        point = (
            None
            if allowed is None
            else round_point(setting, allowed, Random(f"{seed}:{attempt}"), 4, order=order, kept=kept[attempt] if kept else None)
        )
        if allowed is None or point is None:
            if not found and attempt >= 2:
                return []
            continue
        sample = Sample(setting, allowed, point, ring=ring)
        finite = all(np.all(np.isfinite(sample.real(side, claim.free_indices))) for side in (claim.lhs, claim.rhs))
        if finite and sample.defined(claim.lhs):
            found.append(sample)
        if len(found) == count:
            break
    return found


def _nearest_allowed(setting: Setting, sizes: Mapping[Dim, int]) -> dict[Dim, int] | None:
    """Raise one dimension until the size relations hold."""
    for step in range(1, 6):
        for dim in sizes:
            raised = {**sizes, dim: sizes[dim] + step}
            if sizes_allowed(setting, raised):
                return raised
    return None
