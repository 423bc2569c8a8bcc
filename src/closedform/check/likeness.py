"""What a wrong result looks like: the mistakes that real kernels had, each recognised by what it does to the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from closedform.check.bounds import PRECISIONS
from closedform.check.cases import Case
from closedform.check.inputs import Inputs
from closedform.check.invariants import matrix_axes
from closedform.check.judge import BALL, Judge


def likenesses(judge: Judge, case: Case) -> tuple[str, ...]:
    """Sentences on what the failure looks like, from the case's result and from calls on changed inputs."""
    outcome = judge.outcome(case)
    if outcome.violation:
        return ()
    got, truth = case.view.of(outcome.result), case.truth.high
    judged = np.isfinite(case.bound) & np.isfinite(truth)
    wrong = judged & ~(case.truth.distance(got) <= case.bound)
    return (*_of_numbers(got, truth, case.bound, judged, wrong, judge.dtype), *_of_matrix(judge, case, got, wrong), *_of_calls(judge, case))


def _of_numbers(got: np.ndarray, truth: np.ndarray, bound: np.ndarray, judged: np.ndarray, wrong: np.ndarray, dtype: str) -> Iterator[str]:
    if not np.any(wrong):
        return
    if not np.all(np.isfinite(got[wrong])):
        yield "it is NaN or infinite where the value is finite, as exponentials are that are not shifted by the maximum"
        return
    if np.all(got[judged] == 0):
        yield "it is 0 everywhere"
        return
    factor = _common_factor(got, truth, bound, judged)
    if factor is not None:
        yield "the sign is reversed" if factor == -1 else f"it is {factor:.6g} times the value"
        return
    if np.all(got[wrong] == 0):
        yield f"entries are 0 where the value is not; the largest such value is {np.max(np.abs(truth[wrong])):.3g}"
    relative = np.abs(got[wrong] - truth[wrong]) / np.maximum(np.abs(truth[wrong]), np.finfo(float).tiny)
    lower = PRECISIONS["float32"].roundoff
    # Inputs that were rounded to float32 may cost more than its roundoff, but leave numbers that float32 has.
    rounded = bool(np.all(got[wrong].astype(np.float32) == got[wrong])) and np.max(relative) < 2.0**-6
    if dtype == "float64" and (rounded or np.max(relative) < 2.0**12 * lower) and np.max(relative) > lower / 2.0**6:
        yield "its errors are those of float32 arithmetic"
    yield from _of_places(wrong, judged)


def _common_factor(got: np.ndarray, truth: np.ndarray, bound: np.ndarray, judged: np.ndarray) -> float | None:
    """A factor that explains every entry; of a single number only -1, 2 and 1/2, as any number is some multiple of it."""
    for simple in (-1.0, 2.0, 0.5):
        if np.all(np.abs(got - simple * truth)[judged] <= 2 * bound[judged]):
            return simple
    largest = np.unravel_index(int(np.argmax(np.where(judged, np.abs(truth), -1.0))), truth.shape)
    if truth[largest] == 0 or np.count_nonzero(judged) < 2:
        return None
    with np.errstate(all="ignore"):
        factor = float(got[largest] / truth[largest])
        allowed = (1 + abs(factor)) * bound + np.abs(truth) * (bound[largest] / abs(truth[largest]))
        explains = np.all(np.abs(got - factor * truth)[judged] <= allowed[judged])
    return factor if explains and f"{factor:.6g}" != "1" else None


def _of_places(wrong: np.ndarray, judged: np.ndarray) -> Iterator[str]:
    for axis, size in enumerate(wrong.shape):
        others = tuple(k for k in range(wrong.ndim) if k != axis)
        hit = np.any(wrong, axis=others)
        if size > 2 and hit[-1] and not np.any(hit[:-1]):
            yield f"only the last entry along axis {axis} of {size} is wrong, as when a lane is dropped"
            return


def _of_matrix(judge: Judge, case: Case, got: np.ndarray, wrong: np.ndarray) -> Iterator[str]:
    rows, columns = matrix_axes(judge.function)
    if not rows or case.view.pick is not None or not np.any(wrong):
        return
    lead = got.ndim - len(judge.function.axes)
    places = np.indices(got.shape)
    on_diagonal = np.all([places[lead + r] == places[lead + c] for r, c in zip(rows, columns, strict=True)], axis=0)
    if np.all(on_diagonal[wrong]):
        yield "only entries on the diagonal are wrong"
    elif not np.any(on_diagonal & wrong) and not np.all(wrong):
        yield "only entries off the diagonal are wrong"


def _of_calls(judge: Judge, case: Case) -> Iterator[str]:
    if not judge.findings(case, witnesses=())[BALL].failed:
        return
    if BALL in (found := judge.findings(case, contiguous=True, witnesses=())) and not found[BALL].failed:
        yield "it is right when the same numbers lie contiguously in memory"
        return
    for name in case.inputs.classes:
        dense = replace(case.inputs, classes={k: v for k, v in case.inputs.classes.items() if k != name})
        found = judge.findings(replace(case, inputs=dense), witnesses=())
        if BALL in found and not found[BALL].failed:
            yield f"it is right when {name} is given as one-hot rows instead of class indices"
            return
    for extra in judge.function.extra:
        yield from _of_upstream(judge, case.inputs, extra.name)


def _of_upstream(judge: Judge, inputs: Inputs, name: str) -> Iterator[str]:
    """Compare with the result for other upstream gradients or directions."""
    values = inputs.values[name]
    if not values.size:
        return
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        f"it ignores {name}": lambda v: 2 * v + 1,
        f"only the first element of {name} is used": lambda v: np.full_like(v, v.reshape(-1)[0]),
    }
    result = judge.outcome_of(inputs).result
    for sentence, change in changes.items():
        other = replace(inputs, values={**inputs.values, name: change(values)})
        if not np.array_equal(values, change(values)) and np.array_equal(judge.outcome_of(other).result, result):
            yield sentence
            return
