"""Peak memory of one call, beyond its inputs: NumPy's by tracemalloc, torch's from the allocations that its profiler records."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from torch.profiler import ProfilerActivity, profile

from benchmarks.contender import Call


@dataclass(frozen=True)
class Memory:
    """Bytes: the most that was held at once, and the largest single array (tracemalloc does not tell)."""

    peak: int
    largest: int | None = None


def of_numpy(call: Call) -> Memory:
    """What Python's allocator, which NumPy reports to, held at most."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Memory(max(0, peak - before))


def of_torch(call: Call) -> Memory:
    """What torch's allocator held at most: arrays inside an operation count too."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        call()
    results = recorded.profiler.kineto_results if recorded.profiler else None
    events = [event for event in results.events() if event.name() == "[memory]"] if results else []
    return of_changes(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns()))


def of_changes(changes: Iterable[int]) -> Memory:
    """From allocations (positive) and releases (negative) in order; what was there before does not count."""
    bytes_ = list(changes)
    return Memory(max(accumulate(bytes_, initial=0)), max((change for change in bytes_ if change > 0), default=0))
