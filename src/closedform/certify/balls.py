"""What ball arithmetic still says where neither fields nor round numbers decide."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil
from random import Random
from typing import Any

import numpy as np
from sympy import Pow, log

from closedform.certify.orders import derivative_order
from closedform.certify.real_points import satisfied
from closedform.certify.refute.points import ascending_sizes, dims_of, round_point
from closedform.certify.refute.sample import Sample
from closedform.certify.refute.search import separated
from closedform.notation import Claim, Dim, Relation, Setting
from closedform.results import Counterexample

POINTS, PRECISION = 20, 1000
CLOSE = -20.0  # decimal logarithm of a difference that is one of enclosures only


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


def counterexample_nearby(setting: Setting, claim: Claim, *, seed: int) -> Counterexample | None:
    """A counterexample among further round points of small sizes."""
    samples = _small_samples(setting, claim, 3 * POINTS, seed)
    return next((found for sample in samples if (found := separated(sample, claim))), None)


def agreement(setting: Setting, claim: Claim, *, seed: int) -> tuple[str, ...]:
    """How closely the sides are known to agree: ``agrees to 1e-200 at 20 points``; wide enclosures that meet are no agreement."""
    samples = list(_small_samples(setting, claim, 3 * POINTS, seed))
    if not samples:
        return ("no point that satisfies the conditions was found; they may contradict each other",)
    gaps = (_gap(sample, claim) for sample in samples if sample.defined(claim.lhs))
    known = list(itertools.islice((gap for gap in gaps if gap is not None), POINTS))
    if not known:
        return ("no point at which both sides exist was found",)
    close = [gap for gap in known if gap <= CLOSE]
    wide = f"the enclosures of the two sides are as wide as 1e{int(np.ceil(max(known)))} and tell nothing"
    if not close:
        return (f"at all {len(known)} points tried {wide}",)
    agrees = f"agrees to 1e{int(np.floor(max(close)))} at {len(close)} point{'s' * (len(close) > 1)}"
    return (agrees if len(close) == len(known) else f"{agrees}; at {len(known) - len(close)} more {wide}",)


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


def exists_somewhere(setting: Setting, claim: Claim) -> bool:
    """Whether both sides exist at some real point, of a few small sizes; also where no point could be drawn to tell.

    Over a field log(x) and log(-x) are the same, and every sum can be a square; real numbers are less forgiving.
    """
    bodies = [claim.lhs, claim.rhs, *(let.body for let in setting.lets)]
    if not any(body.has(log) or any(not power.exp.is_Integer for power in body.atoms(Pow)) for body in bodies):
        return True
    drawn = False
    for sample in _small_samples(setting, claim, 3 * POINTS, "domain"):
        drawn = True
        lhs, rhs = (sample.real(side, claim.free_indices) for side in (claim.lhs, claim.rhs))
        if sample.defined(claim.lhs) and np.any(np.isfinite(lhs) & np.isfinite(rhs)):
            return True
    return not drawn


def _small_samples(setting: Setting, claim: Claim, most: int, seed: object) -> Iterator[Sample]:
    """Up to so many round points, of sizes up to 4; sizes at which none is found are not tried for long."""
    order = derivative_order(setting, claim.lhs, claim.rhs)
    small = list(itertools.islice(ascending_sizes(dims_of(setting, claim.lhs, claim.rhs), setting, largest=4), 6))
    usable = small[1:4] + small[:1] + small[4:]  # at size 1 alone much is equal or does not exist
    for attempt in range(ceil(most / max(1, len(usable)))):
        for sizes in list(usable):
            values = round_point(setting, sizes, Random(f"{seed}:{attempt}"), 1 + attempt % 4, order=order)
            if values is None:
                usable.remove(sizes)
            else:
                yield Sample(setting, sizes, values)
