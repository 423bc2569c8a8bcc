"""Runs one race: prepare every contender, compare their results, time them side by side, count their memory."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from benchmarks import floors, memory, ours
from benchmarks import problems as of
from benchmarks.contender import Call, Contender, UnavailableError
from benchmarks.problems import Linear, Problem
from benchmarks.results import Cell, Row
from benchmarks.timing import Clock, Rest, Timing, idle, interleave

AGREE = 1e-3  # of the largest entry: enough to see that the same thing is computed; accuracy is measured elsewhere
PROFILED = 3.0  # s: slower calls are not run once more for their memory
BY_TRACEMALLOC = (ours.NUMPY, ours.OPERATOR_NUMPY, floors.BY_ROWS, floors.PRODUCTS_NUMPY, floors.PRODUCT_NUMPY)
NOT_COUNTED = ("JAX, jit",)  # its allocator reports to neither


def race(
    problem: Problem, quantity: str, entrants: Iterable[Contender], budget: float, clock: Clock = time.perf_counter, rest: Rest = idle
) -> Cell:
    """The cell of a problem and a quantity; see :func:`.timing.interleave`."""
    entrants = list(entrants)
    calls: dict[str, Call] = {}
    notes: dict[str, str] = {}
    expected: np.ndarray | None = None
    for entrant in entrants:
        try:
            call = entrant.prepare(problem)
            result = None if entrant.floor else as_array(call())
        except UnavailableError as error:
            notes[entrant.name] = str(error)
            continue
        expected = _copy(result) if expected is None else expected
        if result is not None and not _agree(result, expected):
            notes[entrant.name] = "computes something else"
        else:
            calls[entrant.name] = call
    times = interleave(calls, budget, clock, rest)
    rows = tuple(_row(entrant, calls, times, notes) for entrant in entrants)
    return Cell(problem.name, str(problem), quantity, _allowed(problem, quantity, expected), rows)


def as_array(result: Any) -> np.ndarray:
    """What a contender returned, of whatever library."""
    return result.detach().numpy() if isinstance(result, torch.Tensor) else np.asarray(result)


def _copy(result: np.ndarray | None) -> np.ndarray | None:
    return None if result is None else result.copy()


def _agree(result: np.ndarray, expected: np.ndarray | None) -> bool:
    if expected is None:
        return True
    if result.size != expected.size:
        return False
    return bool(np.abs(result.ravel() - expected.ravel()).max() <= AGREE * np.abs(expected).max())


def _row(entrant: Contender, calls: dict[str, Call], times: dict[str, Timing], notes: dict[str, str]) -> Row:
    name = entrant.name
    if name not in calls:
        return Row(name, ours=entrant.ours, floor=entrant.floor, note=notes[name])
    time = times[name]
    counted = time.median < PROFILED and name not in NOT_COUNTED and not entrant.floor
    counter = memory.of_numpy if name in BY_TRACEMALLOC else memory.of_torch
    held = counter(calls[name]) if counted else None
    return Row(name, time.median, time.spread, len(time.seconds), held, entrant.ours, entrant.floor)


def _allowed(problem: Problem, quantity: str, result: np.ndarray | None) -> int:
    """Bytes of the logits (of each direction) or of the output, whichever is larger."""
    logits = 4 * problem.B * problem.C * (of.DIRECTIONS if quantity == of.HVPS and isinstance(problem, Linear) else 1)
    return max(logits, 0 if result is None else result.nbytes)
