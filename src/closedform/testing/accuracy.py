"""How accurate a kernel has to be.

- ``absolute``: every entry by the largest bound of its result, which formulas as they stand in textbooks meet;
- ``relative``: each entry by its own bound, and by no more than its condition explains, so that small entries need their
  digits too (1 - p of a saturated row);
- :func:`no_worse_than` a reference: where the reference errs more than the bound, by what it errs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from closedform.check.cases import Case
from closedform.check.judge import Judge
from closedform.check.kernel import absolutely
from closedform.errors import UsageError
from closedform.testing.conditioning import relatively

RELATIVE, ABSOLUTE = "relative", "absolute"

Kernels = Callable[..., Any] | Mapping[str, Callable[..., Any]]
Allow = Callable[[Case], Case]


@dataclass(frozen=True)
class NoWorseThan:
    """An accuracy class: as near to the truth as another kernel; see :func:`no_worse_than`."""

    reference: Kernels


Accuracy = str | NoWorseThan


def no_worse_than(reference: Kernels) -> NoWorseThan:
    """As accurate as ``reference`` at each input: its largest error there is allowed, if that is more than the bound.

    Args:
        reference: kernels for the same roles, or a differentiable torch function, such as
            ``torch.nn.functional.cross_entropy``. Inputs at which it is not finite say nothing.
    """
    return NoWorseThan(reference)


def checked(accuracy: Accuracy) -> Accuracy:
    """The class itself; raises UsageError for one that there is not."""
    if accuracy in (RELATIVE, ABSOLUTE) or isinstance(accuracy, NoWorseThan):
        return accuracy
    raise UsageError(f"unknown accuracy {accuracy!r}; it is {RELATIVE!r}, {ABSOLUTE!r} or no_worse_than(reference)")


def allowance(accuracy: Accuracy, judge: Judge, reference: Judge | None) -> Allow:
    """What the class allows at a case, as a change of its bound; ``reference`` judges the kernel of :func:`no_worse_than`."""
    if accuracy == ABSOLUTE:
        return absolutely
    relative = partial(relatively, judge.derivation, judge.function, judge.dtype)
    return relative if reference is None else lambda case: _widened(relative(case), reference)


def _widened(case: Case, reference: Judge) -> Case:
    outcome = reference.outcome(case)
    got = case.view.of(outcome.result)
    known = np.isfinite(case.bound) & np.isfinite(case.truth.high)
    error = np.max(np.where(known, case.truth.distance(got), 0.0), initial=0.0) if not outcome.violation else np.inf
    return replace(case, bound=np.maximum(case.bound, error if np.isfinite(error) else np.inf))
