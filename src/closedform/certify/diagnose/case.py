"""A refuted claim with the points at which hypotheses about it are tried.

A hypothesis is an equation. It is screened in double precision at several points and sizes, all
entries at once as one long vector, and believed only when balls agree with it to many digits at
further points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random

import numpy as np
from sympy import Expr

from closedform.certify.orders import derivative_order
from closedform.certify.refute.exact import Array, Values
from closedform.certify.refute.points import dims_of, round_point, sizes_allowed
from closedform.certify.refute.sample import KinkAverseBall, Sample, has_discrete_data, nearly_equal, surely_equal
from closedform.certify.rings.ball import Ball
from closedform.errors import NotationError
from closedform.notation import Claim, Dim, Index, Setting
from closedform.syntax.text import to_text

SCREENS, WITNESSES = 6, 2
PRECISION = 160
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
    """The claim, its points for screening, and those for certainty."""

    setting: Setting
    claim: Claim
    samples: tuple[Sample, ...]
    witnesses: tuple[Sample, ...]
    vectors: dict[Expr, Array] = field(default_factory=dict, repr=False, compare=False)

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
        """Points at which the claim fails, the smallest first."""
        wrong = [sample for sample in (*self.witnesses, *self.samples) if not _almost(self.equation, sample)]
        return tuple(sorted(wrong, key=lambda sample: sum(sample.sizes.values())))

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
        """Whether an equation holds at every point: screened on the first, then on all, then in balls."""
        try:
            return all(_almost(equation, sample) for sample in self.samples) and all(_surely(equation, w) for w in self.witnesses)
        except NotationError:
            return False


def _almost(equation: Equation, sample: Sample) -> bool:
    left = equation.left_change(sample).real(equation.left, equation.left_axes)
    right = sample.real(equation.right, equation.right_axes)
    return left.shape == right.shape and bool(np.all(nearly_equal(left, right)))


def _surely(equation: Equation, sample: Sample) -> bool:
    left = equation.left_change(sample).balls(equation.left, equation.left_axes, PRECISION)
    right = sample.balls(equation.right, equation.right_axes, PRECISION)
    return surely_equal(left, right, PRECISION)


def claim_holds(case: Case, points: Sequence[Sample]) -> bool:
    """Whether the claim itself holds at each of these points, in double precision and then in balls."""
    if not points or not all(_almost(case.equation, point) for point in points):
        return False
    return all(_surely(case.equation, point) for point in points[:WITNESSES])


def make_case(setting: Setting, claim: Claim, smallest: Mapping[str, int], *, seed: int) -> Case | None:
    """Points at which the claim fails and both sides are finite; sizes grow from the generic ones towards ``smallest``."""
    dims = dims_of(setting, claim.lhs, claim.rhs)
    for more in range(max([0, *smallest.values()]) + 1):
        samples = draw_samples(setting, claim, spread_sizes(dims, SPREAD, SCREENS, more=more), SCREENS, seed=seed)
        witnesses = draw_samples(setting, claim, spread_sizes(dims, SMALL, WITNESSES, more=more), WITNESSES, seed=seed + 1)
        case = Case(setting, claim, tuple(samples), tuple(witnesses))
        if len(samples) < SCREENS - 2 or not witnesses:
            return None
        if case.failing:
            return case
    return None


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
    ring = Ball if has_discrete_data(setting, claim.lhs) else KinkAverseBall
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
