"""Peers that are missing, contenders that compute something else, memory and errors that are known."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import accuracy, memory, plots
from benchmarks.contender import Call, Contender, UnavailableError
from benchmarks.peers import PEERS, field_of_peers
from benchmarks.problems import GRADIENT, Linear
from benchmarks.race import race
from benchmarks.results import SHORT, Cell, Error, Row


def test_a_library_that_is_not_installed_is_reported_and_the_others_run() -> None:
    field = field_of_peers({"autograd": "torch", "no_such_peer": "no-such-library"})
    assert field.missing == ("no-such-library",)
    assert field.contenders
    assert {contender.name for contender in field.contenders} >= {"torch autograd"}


def test_every_peer_has_its_file() -> None:
    assert all(find_spec(f"benchmarks.peers.{name}") for name in PEERS)


def _race(*contenders: Contender) -> dict[str, str]:
    cell = race(Linear("S", 3, 2, 4), GRADIENT, contenders, budget=0.001, rest=lambda: None)
    return {row.name: row.note if row.seconds is None else "timed" for row in cell.rows}


def test_nobody_is_timed_for_a_wrong_result() -> None:
    def missing(_: Linear) -> None:
        raise UnavailableError("there is no such function")

    ones = Contender("ones", GRADIENT, Linear, lambda p: lambda: torch.ones(4, 2))
    arrays = Contender("arrays", GRADIENT, Linear, lambda p: lambda: np.ones(8))
    wrong = Contender("wrong", GRADIENT, Linear, lambda p: lambda: torch.full((4, 2), 1.1))
    smaller = Contender("smaller", GRADIENT, Linear, lambda p: lambda: torch.ones(4))
    floor = Contender("floor", GRADIENT, Linear, lambda p: lambda: None, floor=True)
    absent = Contender("absent", GRADIENT, Linear, missing)  # type: ignore[arg-type]
    assert _race(floor, ones, arrays, wrong, smaller, absent) == {
        "floor": "timed",
        "ones": "timed",
        "arrays": "timed",
        "wrong": "computes something else",
        "smaller": "computes something else",
        "absent": "there is no such function",
    }


def test_memory_is_what_is_held_at_once() -> None:
    assert memory.of_changes([100, 50, -100, 200, -50, -200]) == memory.Memory(peak=250, largest=200)
    assert memory.of_changes([-8, 8]) == memory.Memory(peak=0, largest=8)


@pytest.mark.parametrize(
    ("count", "make"),
    [(memory.of_numpy, lambda: np.ones(2**17)), (memory.of_torch, lambda: torch.ones(2**17, dtype=torch.float64))],
)
def test_memory_of_known_arrays(count: Callable[[Call], memory.Memory], make: Callable[[], Any]) -> None:
    def two_of_a_megabyte() -> object:
        first = make()
        return first + first

    assert 2 * 2**20 <= count(two_of_a_megabyte).peak < 2.1 * 2**20


def test_truth_keeps_the_digits_that_cancel() -> None:
    row = accuracy.Row(np.array([40.0, 0.0]), 0, np.array([1.0, 2.0]))
    exact = accuracy.truth(row)
    tail = np.exp(-40.0)  # up to a relative e^-40
    assert exact[accuracy.LOSS] == pytest.approx([tail], rel=1e-14)
    assert exact[accuracy.GRADIENT] == pytest.approx([-tail, tail], rel=1e-14)
    assert exact[accuracy.DIAGONAL] == pytest.approx([tail, tail], rel=1e-14)
    assert accuracy.condition(row) == pytest.approx([tail, tail], rel=1e-14)


@pytest.mark.parametrize("who", [accuracy.OURS_TORCH, accuracy.OURS_NUMPY])
def test_our_functions_are_measured_for_every_limit(who: str) -> None:
    found = accuracy.WHO[who](accuracy.Row(np.array([40.0, 0.0]), 0, np.array([1.0, 2.0])))
    assert set(found) == set(accuracy.LIMITS) - {accuracy.BELOW}
    assert found[accuracy.LOSS] == pytest.approx([np.exp(-40.0)])


def test_an_error_is_counted_in_units_of_the_last_place() -> None:
    exact = np.array([1.0, 2.0, 0.0])
    found = exact + np.array([3.0, 10.0, 0.0]) * np.finfo("float64").eps
    assert accuracy.ulp(found, exact, exact, "float64") == 5.0


def test_a_hessian_below_zero_is_seen() -> None:
    semidefinite = np.array([1.0, -1.0, -1.0, 1.0])
    assert accuracy.below_zero(semidefinite, "float64") <= 2
    assert accuracy.below_zero(np.array([0.0, -1.0, -1.0, 1.0]), "float32") == pytest.approx(0.382 * 2**23, rel=1e-3)


def test_the_worst_of_all_scales_is_judged() -> None:
    errors = [
        Error(accuracy.OURS_TORCH, accuracy.LOSS, "float32", 10, scale, ulp) for scale, ulp in ((1.0, 2.0), (30.0, 9.0), (100.0, 3.0))
    ]
    (judged,) = accuracy.judge_accuracy([*errors, Error(accuracy.AUTOGRAD, accuracy.LOSS, "float32", 10, 30.0, 1e7)])
    assert (judged.measured, judged.verdict) == (9.0, SHORT)


def test_the_same_figures_make_the_same_picture() -> None:
    cell = Cell("S", "S: (B, d, C) = (3, 2, 1)", GRADIENT, 100, (Row("closedform, torch", 1.0, ours=True), Row("peer", 2.0)))
    picture = plots.speed([cell])
    assert "<svg" in picture
    assert plots.speed([cell]) == picture
