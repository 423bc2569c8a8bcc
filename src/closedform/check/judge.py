"""One kernel function on one case: how its result compares with each oracle."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from closedform.check.backends import Library, Outcome, call
from closedform.check.cases import Case, Witness
from closedform.check.inputs import Inputs
from closedform.functions import KernelFunction
from closedform.notation import Derivation

BALL, AUTOGRAD, DIFFERENCES, CONTRACT = "ball arithmetic", "autograd", "finite differences", "contract"
# Those that are asked beside the reference, in case it is wrong itself.
WITNESSES = (AUTOGRAD, DIFFERENCES)

# A comparison whose tolerance exceeds this part of the largest value says nothing.
TELLING = 0.5


@dataclass(frozen=True, eq=False)
class Finding:
    """What one oracle says about one case.

    Attributes:
        ratio: the largest error over its bound; above 1 the kernel is wrong.
        conclusive: whether the bound was small beside the values.
        place: index of the worst entry; () for a sum of entries or a number.
        got, expected, tolerance: there.
        detail: what was found, where it is not a number that differs.
    """

    ratio: float
    conclusive: bool
    place: tuple[int, ...] = ()
    got: float = float("nan")
    expected: float = float("nan")
    tolerance: float = float("nan")
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Whether the kernel is wrong."""
        return self.ratio > 1


@dataclass(frozen=True, eq=False)
class Judge:
    """Calls one kernel function; knows the derivation, the library and the dtype."""

    kernel: Callable[..., Any]
    derivation: Derivation
    function: KernelFunction
    library: Library
    dtype: str
    device: str

    def outcome(self, case: Case, *, contiguous: bool = False) -> Outcome:
        """Call the kernel on the case's inputs."""
        return self.outcome_of(case.inputs, contiguous=contiguous)

    def outcome_of(self, inputs: Inputs, *, contiguous: bool = False) -> Outcome:
        """Call the kernel on inputs."""
        return call(self.kernel, self.derivation, self.function, inputs, self.library, self.dtype, self.device, contiguous=contiguous)

    def findings(self, case: Case, *, contiguous: bool = False, witnesses: Collection[str] = WITNESSES) -> dict[str, Finding]:
        """What the reference and each of the witnesses that applies says; a broken contract is all there is to say."""
        outcome = self.outcome(case, contiguous=contiguous)
        if outcome.violation:
            return {CONTRACT: Finding(np.inf, True, detail=outcome.violation)}
        got = case.view.of(outcome.result)
        found = {CONTRACT: Finding(0.0, True), BALL: compare(got, case.truth.distance(got), case.bound, case.truth.high)}
        if outcome.written is not None:
            written = case.view.of(outcome.written)
            if compare(written, case.truth.distance(written), case.bound, case.truth.high).failed and not found[BALL].failed:
                found[CONTRACT] = Finding(np.inf, True, detail="with out= it wrote other values than it returns")
        for name, ask in ((AUTOGRAD, case.autograd), (DIFFERENCES, case.differences)):
            if name in witnesses and (witness := ask()) is not None:
                found[name] = against(witness, got, case.bound)
        return found


def against(witness: Witness, got: np.ndarray, bound: np.ndarray) -> Finding:
    """Compare with a witness, whose own error is part of the tolerance."""
    if witness.weights is not None:
        axes = tuple(range(1, witness.weights.ndim))
        with np.errstate(all="ignore"):
            terms = np.where(witness.weights == 0, 0.0, witness.weights * got)
            allowed = np.where(witness.weights == 0, 0.0, np.abs(witness.weights) * bound)
            # The sum of n products is itself rounded: n roundoffs of float64 of the terms.
            bound = np.sum(allowed, axis=axes) + (np.count_nonzero(terms[0]) if len(terms) else 0) * 2.0**-53 * np.sum(
                np.abs(terms), axis=axes
            )
            got = np.sum(terms, axis=axes)
    value = witness.value
    with np.errstate(all="ignore"):
        distance = np.abs((got - value.high) - value.low)
    return compare(got, distance, bound + value.radius, value.high)


def compare(got: np.ndarray, distance: np.ndarray, tolerance: np.ndarray, expected: np.ndarray) -> Finding:
    """The worst entry; entries where no bound is known or the definition has no value are passed over."""
    got, distance, tolerance, expected = (np.asarray(a, dtype=np.float64) for a in (got, distance, tolerance, expected))
    if not got.size:
        return Finding(0.0, True)
    judged = np.isfinite(tolerance) & np.isfinite(expected)
    if not np.any(judged):
        return Finding(0.0, False)
    with np.errstate(all="ignore"):
        ratio = np.where(distance <= 0, 0.0, distance / tolerance)
    ratio = np.where(judged, np.where(np.isnan(ratio), np.inf, ratio), 0.0)
    scale = float(np.max(np.abs(expected[judged])))
    telling = judged & ((tolerance <= TELLING * scale) | (distance == 0))
    place = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    worst = float(ratio[place])
    return Finding(
        ratio=worst,
        conclusive=worst > 1 or bool(np.any(telling)),
        place=tuple(int(k) for k in place),
        got=float(got[place]),
        expected=float(expected[place]),
        tolerance=float(tolerance[place]),
    )
