"""What ball arithmetic still says where neither fields nor round numbers decide."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from closedform.certify.real_points import draw_labels, draw_real, satisfied
from closedform.certify.refute import separated
from closedform.certify.refute_points import derivative_order, round_point
from closedform.certify.refute_sample import Sample
from closedform.notation import Claim, Dim, Relation, Setting
from closedform.results import Counterexample

SCALES = (20.0, 300.0, 5000.0, 0.05, 0.002, 20.0, 300.0)
POINTS, PRECISION = 20, 1000


def far_counterexample(setting: Setting, claim: Claim, sizes: Mapping[Dim, int], *, seed: int) -> Counterexample | None:
    """Points of very small and very large magnitude, where round numbers near 1 show nothing."""
    if any(isinstance(c, Relation) and c.op == "=" for c in setting.constraints) or any(given.of for given in setting.given):
        return None
    rng = np.random.default_rng([seed, 5])
    scales = np.array(SCALES)
    points: dict[str, Any] = {}
    for given in setting.given:
        labels = draw_labels(given, setting, sizes, rng, len(scales))
        points[given.name] = draw_real(given, setting, sizes, rng, scales) if labels is None else labels
    exact = np.frompyfunc(lambda x: Fraction(float(f"{x:.2g}")).limit_denominator(10**6), 1, 1)
    for k in range(len(scales)):
        values = {name: np.asarray(exact(entries[k]), dtype=object) for name, entries in points.items()}
        if satisfied(setting, sizes, {name: entries.astype(float) for name, entries in values.items()}):
            found = separated(Sample(setting, sizes, values), claim)
            if found is not None:
                return found
    return None


def agreement(setting: Setting, claim: Claim, tried: Sequence[Mapping[Dim, int]], *, seed: int) -> tuple[str, ...]:
    """How closely the sides are known to agree: ``agrees to 1e-200 at 20 points``; nothing if no point exists."""
    order = derivative_order(setting, claim.lhs, claim.rhs)
    worst, count = 0.0, 0
    for attempt, sizes in itertools.islice(((a, s) for a in range(POINTS) for s in tried[:4]), 4 * POINTS):
        values = round_point(setting, sizes, Random(f"{seed}:{attempt}"), 1 + attempt % 4, order=order)
        gap = None if values is None else _gap(Sample(setting, sizes, values), claim)
        if gap is not None:
            worst, count = max(worst, gap), count + 1
        if count == POINTS:
            break
    if not count:
        return ("no point at which both sides exist was found",)
    return (f"agrees to 1e{int(np.floor(worst))} at {count} points",)


def _gap(sample: Sample, claim: Claim) -> float | None:
    """Decimal logarithm of a bound on the difference relative to the larger side; None where a side does not exist."""
    lhs, rhs = (sample.balls(side, claim.free_indices, PRECISION) for side in (claim.lhs, claim.rhs))
    worst = None
    for left, right in zip(lhs.flat, rhs.flat, strict=True):
        if left.is_finite() and right.is_finite():
            bound = abs(left - right).abs_upper() / (1 + left.abs_upper())
            gap = float(bound.log() / 2.302585092994046) if bound > 0 else -PRECISION * 0.301
            worst = gap if worst is None else max(worst, gap)
    return worst
