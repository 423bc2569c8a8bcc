"""The interleaved timer, with a clock that the calls themselves move."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.timing import ROUNDS, Timing, interleave


class Clock:
    """Stands still but for what a call takes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def __call__(self) -> float:
        return self.now

    def call(self, name: str, seconds: float) -> Callable[[], None]:
        def run() -> None:
            self.now += seconds
            self.order.append(name)

        return run


def test_medians_are_of_single_calls() -> None:
    clock = Clock()
    times = interleave({"slow": clock.call("slow", 0.5), "fast": clock.call("fast", 0.0001)}, 4.0, clock, rest=lambda: None)
    assert times["slow"].median == pytest.approx(0.5)
    assert times["fast"].median == pytest.approx(0.0001)
    assert min(len(time.seconds) for time in times.values()) >= ROUNDS


def test_rounds_run_everyone_and_start_with_another_each_time() -> None:
    clock = Clock()
    interleave({name: clock.call(name, 0.01) for name in "abc"}, 0.2, clock, rest=lambda: None)
    turns = clock.order[3:]  # after one call each to see whether it fits
    assert ["".join(turns[i : i + 6]) for i in range(0, 18, 6)] == ["aabbcc", "bbccaa", "ccaabb"]  # first a call that is not timed


def test_a_call_longer_than_the_budget_is_timed_once() -> None:
    clock = Clock()
    times = interleave({"endless": clock.call("endless", 30.0), "short": clock.call("short", 0.1)}, 2.0, clock, rest=lambda: None)
    assert times["endless"] == Timing((30.0,))
    assert clock.order.count("endless") == 1
    assert len(times["short"].seconds) >= ROUNDS


def test_spread_is_half_the_distance_of_the_quartiles() -> None:
    assert Timing((1.0,)).spread == 0
    assert Timing((8.0, 9.0, 10.0, 11.0, 12.0)).spread == pytest.approx(0.15)
