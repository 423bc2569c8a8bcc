"""Properties that a result has whatever the input: found on the definition, demanded of the kernel.

Nothing is declared. Each candidate below is tried on the definition's own values, in balls, at every input;
only one that holds at all of them (and says something at one) is demanded of a kernel, with the entries' bounds
as the tolerance. So softmax's Jacobian is found to have rows that sum to 0, the cross-entropy to be convex, and
neither is assumed of a loss that is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Indexed

from closedform.check.cases import Case
from closedform.check.judge import Finding
from closedform.check.oracles.ball import Enclosure
from closedform.functions import KernelFunction
from closedform.notation import Index, Partial

# Relative width of what the reference values are known to: two doubles.
KNOWN = 2.0**-100


@dataclass(frozen=True, eq=False)
class Invariant:
    """A property of results.

    Attributes:
        name: as it is reported.
        of_truth: whether it holds for an enclosed result, and whether it says anything there.
        of_kernel: by how much a kernel's result misses it, over what the bounds allow.
    """

    name: str
    of_truth: Callable[[Enclosure], tuple[bool, bool]]
    of_kernel: Callable[[np.ndarray, np.ndarray], Finding]


def invariants(function: KernelFunction, cases: Sequence[Case]) -> tuple[Invariant, ...]:
    """Those that the definition has at every one of the cases."""
    whole = [case for case in cases if case.view.pick is None and np.all(np.isfinite(case.truth.high))]
    found = []
    for candidate in _candidates(function):
        answers = [candidate.of_truth(case.truth) for case in whole]
        if answers and all(holds for holds, _ in answers) and any(telling for _, telling in answers):
            found.append(candidate)
    return tuple(found)


def _candidates(function: KernelFunction) -> list[Invariant]:
    rank = len(function.axes)
    rows, columns = matrix_axes(function)
    found = []
    for k, index in enumerate(function.axes):
        axis = k - rank  # leading axes may come before
        if function.kind == "value":
            found.append(_constant_sum(f"sums to 1 over {index.name}", axis, 1.0))
        else:
            found.append(_constant_sum(_sum_name(function, index, rows, columns), axis, 0.0))
    if columns:
        found.append(_symmetric(rows, columns, rank))
        if function.kind == "hessian":
            found.append(_semidefinite(rows, columns, rank))
    if function.kind in ("value", "hessian_diagonal", "hessian_trace"):
        found.append(_nonnegative())
    return found


def matrix_axes(function: KernelFunction) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions of the row and the column axes of a square matrix, without those that both share; empty for other results."""
    if function.kind not in ("jacobian", "hessian") or not isinstance(function.target, Partial):
        return (), ()
    first, second = (arg.indices if isinstance(arg, Indexed) else () for arg in function.target.args[-2:])
    if [index.dim for index in first] != [index.dim for index in second]:
        return (), ()
    place = {index: k for k, index in enumerate(function.axes)}
    pairs = [(place[a], place[b]) for a, b in zip(first, second, strict=True) if a != b]
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)


def _sum_name(function: KernelFunction, index: Index, rows: tuple[int, ...], columns: tuple[int, ...]) -> str:
    place = function.axes.index(index)
    if len(columns) == 1 and place in (*rows, *columns):
        if function.kind == "jacobian":
            return "rows sum to 0" if place in columns else "columns sum to 0"
        return "H.1 = 0" if place in columns else "1.H = 0"
    return f"sums to 0 over {index.name}"


def _constant_sum(name: str, axis: int, total: float) -> Invariant:
    def of_truth(truth: Enclosure) -> tuple[bool, bool]:
        size = np.sum(np.abs(truth.high), axis=axis)
        exact = np.apply_along_axis(math.fsum, axis, np.concatenate([truth.high, truth.low], axis=axis)) - total
        width = np.sum(truth.radius, axis=axis) + KNOWN * size
        return bool(np.all(np.abs(exact) <= width)), bool(np.any(size > 0))

    def of_kernel(got: np.ndarray, bound: np.ndarray) -> Finding:
        n = got.shape[axis]
        with np.errstate(invalid="ignore"):  # infinite entries of both signs, where nothing is promised
            defect = np.sum(got, axis=axis) - total
        tolerance = np.sum(bound, axis=axis) + n * 2.0**-53 * (np.sum(np.abs(got), axis=axis) + abs(total))
        return _finding(defect, tolerance, np.max(np.abs(got), initial=0.0))

    return Invariant(name, of_truth, of_kernel)


def _symmetric(rows: tuple[int, ...], columns: tuple[int, ...], rank: int) -> Invariant:
    def transposed(a: np.ndarray) -> np.ndarray:
        lead = a.ndim - rank
        order = list(range(a.ndim))
        for r, c in zip(rows, columns, strict=True):
            order[lead + r], order[lead + c] = order[lead + c], order[lead + r]
        return np.transpose(a, order)

    def of_truth(truth: Enclosure) -> tuple[bool, bool]:
        gap = np.abs((truth.high - transposed(truth.high)) + (truth.low - transposed(truth.low)))
        width = truth.radius + transposed(truth.radius) + KNOWN * np.abs(truth.high)
        return bool(np.all(gap <= width)), truth.high.size > 1

    def of_kernel(got: np.ndarray, bound: np.ndarray) -> Finding:
        with np.errstate(invalid="ignore"):  # infinite on both sides
            defect = got - transposed(got)
        return _finding(defect, bound + transposed(bound), np.max(np.abs(got), initial=0.0))

    return Invariant("symmetric", of_truth, of_kernel)


def _semidefinite(rows: tuple[int, ...], columns: tuple[int, ...], rank: int) -> Invariant:
    def matrices(a: np.ndarray) -> np.ndarray:
        lead = a.ndim - rank
        shared = [k for k in range(a.ndim) if k - lead not in (*rows, *columns)]
        moved = np.transpose(a, [*shared, *(lead + r for r in rows), *(lead + c for c in columns)])
        size = math.prod(a.shape[lead + r] for r in rows)
        return moved.reshape(-1, size, size)

    def lowest(a: np.ndarray) -> np.ndarray:
        square = matrices(a)
        return np.linalg.eigvalsh((square + np.swapaxes(square, -1, -2)) / 2)[:, 0]

    def norms(a: np.ndarray) -> np.ndarray:
        return np.sqrt(np.sum(matrices(a) ** 2, axis=(-1, -2)))

    def of_truth(truth: Enclosure) -> tuple[bool, bool]:
        if not truth.high.size:
            return True, False
        square = matrices(truth.high)
        size = square.shape[-1] * np.max(np.abs(square), axis=(-1, -2))  # the norm, without squares that underflow
        allowed = (8 + square.shape[-1]) * 2.0**-50 * size + norms(truth.radius)
        return bool(np.all(lowest(truth.high) >= -allowed)), bool(np.any(size > allowed))

    def of_kernel(got: np.ndarray, bound: np.ndarray) -> Finding:
        if not got.size or not np.all(np.isfinite(got)):
            return Finding(0.0, False)
        # Weyl: eigenvalues move by no more than the norm of the change, and eigvalsh itself is backward stable.
        tolerance = norms(bound) + (got.shape[-1] + 8) * 2.0**-50 * norms(got)
        return _finding(np.minimum(lowest(got), 0.0), tolerance, np.max(np.abs(got), initial=0.0))

    return Invariant("positive semidefinite", of_truth, of_kernel)


def _nonnegative() -> Invariant:
    def of_truth(truth: Enclosure) -> tuple[bool, bool]:
        return bool(np.all(truth.high >= -truth.radius)), bool(np.any(truth.high > 0))

    def of_kernel(got: np.ndarray, bound: np.ndarray) -> Finding:
        return _finding(np.minimum(got, 0.0), bound, np.max(np.abs(got), initial=0.0))

    return Invariant("non-negative", of_truth, of_kernel)


def _finding(defect: np.ndarray, tolerance: np.ndarray, scale: float) -> Finding:
    defect, tolerance = np.asarray(defect), np.asarray(tolerance)
    known = np.isfinite(tolerance)
    if not defect.size or not np.any(known):
        return Finding(0.0, not defect.size)
    with np.errstate(all="ignore"):
        ratio = np.where(known, np.where(defect == 0, 0.0, np.abs(defect) / tolerance), 0.0)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    place = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    worst = float(ratio[place])
    telling = worst > 1 or bool(np.any(known & ((tolerance <= scale) | (defect == 0))))
    return Finding(worst, telling, tuple(int(k) for k in place), float(defect[place]), 0.0, float(tolerance[place]))
