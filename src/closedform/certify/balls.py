"""What ball arithmetic still says where neither fields nor round numbers decide."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from closedform.certify.real_points import satisfied
from closedform.certify.refute import separated
from closedform.certify.refute_points import derivative_order, round_point
from closedform.certify.refute_sample import Sample
from closedform.notation import Claim, Dim, Relation, Setting
from closedform.results import Counterexample

POINTS, PRECISION = 20, 1000


Point = Mapping[str, Any]  # given name -> real entries


def counterexample_among(points: Sequence[Point], setting: Setting, claim: Claim, sizes: Mapping[Dim, int]) -> Counterexample | None:
    """A counterexample at or near one of some real points, rounded as far as it goes.

    Equations do not survive rounding, so a setting with equations has none.
    """
    if any(isinstance(c, Relation) and c.op == "=" for c in setting.constraints):
        return None
    for digits in (1, 2, 4, 17):
        rounded = np.frompyfunc(lambda x, digits=digits: Fraction(f"{x:.{digits}g}"), 1, 1)
        for point in points:
            if any(not np.all(np.isfinite(entries)) for entries in point.values()):
                continue
            values = {name: np.asarray(rounded(entries), dtype=object) for name, entries in point.items()}
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


def exists_somewhere(setting: Setting, claim: Claim, tried: Sequence[Mapping[Dim, int]]) -> bool:
    """Whether both sides exist at some real point; also where no round point could be drawn to tell.

    Over a field log(x) and log(-x) are the same, and every sum can be a square; real numbers are less forgiving.
    """
    order = derivative_order(setting, claim.lhs, claim.rhs)
    drawn = False
    for attempt, sizes in itertools.islice(((a, s) for a in range(POINTS) for s in (tried[0], tried[len(tried) // 2])), 2 * POINTS):
        values = round_point(setting, sizes, Random(f"domain:{attempt}"), 1 + attempt % 4, order=order)
        if values is not None:
            drawn = True
            sample = Sample(setting, sizes, values)
            lhs, rhs = (sample.real(side, claim.free_indices) for side in (claim.lhs, claim.rhs))
            if np.any(np.isfinite(lhs) & np.isfinite(rhs)):
                return True
    return not drawn
