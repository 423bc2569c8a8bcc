"""The reference: the definition in ball arithmetic, its derivatives by jets, at whatever precision it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb
from sympy import Expr

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.ball import Ball
from closedform.certify.rings.base import Ring
from closedform.notation import Dim, Index, Setting

# Working precision of the first try, and where to give up: a value that 4096 bits don't fix is singular here.
FIRST, LAST = 128, 4096
# How much narrower than the bound an enclosure must be, so that its width decides nothing.
NARROWER = 64.0


@dataclass(frozen=True, eq=False)
class Enclosure:
    """Real numbers ``high + low`` (an unevaluated sum of two doubles), known up to ``radius``."""

    high: np.ndarray
    low: np.ndarray
    radius: np.ndarray

    def distance(self, got: np.ndarray) -> np.ndarray:
        """An upper bound on the distance between numbers and these."""
        with np.errstate(all="ignore"):
            return np.abs((got - self.high) - self.low) + self.radius


def balls(values: np.ndarray) -> np.ndarray:
    """Exact balls of doubles."""
    out = np.empty(np.shape(values), dtype=object)
    flat = out.reshape(-1)
    for k, value in enumerate(np.asarray(values, dtype=np.float64).reshape(-1).tolist()):
        flat[k] = arb(value)
    return flat.reshape(np.shape(values))


class _Balls(Ball):
    """Balls at the sizes of drawn inputs, which are few and small; the usual limit is for sizes that a proof asks for."""

    most_entries = Ring.most_entries


def enclose(
    expression: Expr,
    setting: Setting,
    sizes: Mapping[Dim, int],
    values: Mapping[str, np.ndarray],
    axes: Sequence[Index],
    bound: np.ndarray,
) -> Enclosure:
    """The entries of an expression, each far narrower than its bound; NaN where the definition does not exist."""
    exact = {name: balls(array) for name, array in values.items()}
    precision = FIRST
    while True:
        result = to_enclosure(evaluate(expression, setting, sizes, exact, _Balls(precision), axes))
        with np.errstate(all="ignore"):
            excess = np.where(np.isfinite(bound), NARROWER * result.radius / bound, 0.0)
        if precision >= LAST or not np.any(excess > 1):
            return result
        worst = float(np.max(np.where(np.isfinite(excess), excess, 0.0), initial=0.0))
        # Where nothing is known, as of log(1 - p) with p near 1, the bits that it takes are not known either.
        wanted = precision + math.ceil(math.log2(worst)) + 32 if worst > 1 else 4 * precision
        precision = min(LAST, max(wanted, 2 * precision))


def to_enclosure(result: np.ndarray) -> Enclosure:
    """Balls as sums of two doubles with a radius."""
    flat = [_split(ball) for ball in np.asarray(result, dtype=object).reshape(-1)]
    parts = np.array(flat, dtype=np.float64).reshape(-1, 3).T
    high, low, radius = (part.reshape(np.shape(result)) for part in parts)
    return Enclosure(high, low, radius)


def _split(ball: arb) -> tuple[float, float, float]:
    if not ball.is_finite():
        return math.nan, 0.0, math.inf
    middle = ball.mid()
    high = float(middle)
    if not math.isfinite(high):
        return high, 0.0, 0.0
    low = middle - arb(high)
    # Rounding `low` to a double costs at most 2^-53 of it.
    return high, float(low), float(ball.rad()) * (1 + 2.0**-20) + abs(float(low)) * 2.0**-52
