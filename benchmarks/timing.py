"""Interleaved timing: each round runs every contender once, so what disturbs the machine disturbs all of them.

Libraries keep pools of threads that go on spinning after a call, for 10 ms (OpenMP) or 110 ms (OpenBLAS), and would take a core from
the next contender, more from whoever stands behind one that spins long. So every turn begins when those threads are asleep, with a
call that is not timed, which wakes its own: as in a program that uses this one library.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.contender import Call

Clock = Callable[[], float]
Rest = Callable[[], None]

IDLE = 5e-3  # s, for which the process must have done nothing before a turn
LONGEST_REST = 1.0  # s
SHORTEST = 4e-3  # s: faster calls are repeated within a round, so that the clock and cold caches don't count
ROUNDS = 5  # at least, but for calls that take a whole budget


@dataclass(frozen=True)
class Timing:
    """Seconds of one call, once for each round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """Half the distance of the quartiles, relative to the median: the noise."""
        if len(self.seconds) < 2:
            return 0.0
        low, _, high = quantiles(self.seconds, n=4)
        return (high - low) / 2 / self.median


def idle() -> None:
    """Wait until no thread of the process is running."""
    for _ in range(round(LONGEST_REST / IDLE)):
        busy = time.process_time()
        time.sleep(IDLE)
        if time.process_time() - busy < IDLE / 10:
            return


def interleave(calls: Mapping[str, Call], budget: float, clock: Clock = time.perf_counter, rest: Rest = idle) -> dict[str, Timing]:
    """Time the calls round by round, for `budget` seconds in all; a call that takes the budget alone is timed once, and sits out.

    Args:
        rest: waits before each contender's turn.
    """
    first = {name: _timed(call, 1, clock) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    racing = [name for name in calls if first[name] < budget]
    repeats = {name: _repeats(calls[name], first[name], clock) for name in racing}
    end = clock() + budget
    done = 0
    while racing and (done < ROUNDS or clock() < end) and clock() < end + budget:
        # Each round starts with another contender: nobody always runs after the one that leaves the caches full.
        for name in racing[done % len(racing) :] + racing[: done % len(racing)]:
            rest()
            calls[name]()  # wakes the threads that it uses
            samples[name].append(_timed(calls[name], repeats[name], clock))
        done += 1
    return {name: Timing(tuple(samples[name] or [first[name]])) for name in calls}


def _repeats(call: Call, first: float, clock: Clock) -> int:
    """How often a call is made in a round; a short one is timed once more for that, as the first may have been cold."""
    return 1 if first >= SHORTEST else max(1, round(SHORTEST / max(_timed(call, 1, clock), 1e-7)))


def _timed(call: Call, repeats: int, clock: Clock) -> float:
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = clock()
        for _ in range(repeats):
            call()
        return (clock() - start) / repeats
    finally:
        if enabled:
            gc.enable()
