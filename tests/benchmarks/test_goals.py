"""Verdicts on goals, from planted timings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import floors, goals, ours, page
from benchmarks import problems as of
from benchmarks.goals import GOALS, Goal, judge, judge_memory
from benchmarks.memory import Memory
from benchmarks.peers import autograd
from benchmarks.problems import SIZES
from benchmarks.results import HOLDS, SHORT, UNKNOWN, Cell, Results, Row
from benchmarks.run import FULL

GOAL = Goal(of.GRADIENT, "L", ours.TORCH, floors.PRODUCTS, 1.10)


def _cell(*rows: Row, allowed: int = 100) -> Cell:
    return Cell("L", "L: (B, d, C) = (3, 2, 1)", of.GRADIENT, allowed, rows)


def _results(cells: tuple[Cell, ...], missing: tuple[str, ...] = ()) -> Results:
    return Results("A machine.", missing, cells, (), judge(cells, [GOAL]), (), judge_memory(cells))


@pytest.mark.parametrize(("seconds", "verdict"), [(1.0, HOLDS), (1.09, HOLDS), (1.2, SHORT)])
def test_a_goal_holds_up_to_its_limit(seconds: float, verdict: str) -> None:
    (judged,) = judge([_cell(Row(ours.TORCH, seconds), Row(floors.PRODUCTS, 1.0))], [GOAL])
    assert judged.measured == pytest.approx(seconds)
    assert judged.verdict == verdict


def test_a_missed_goal_stands_out_on_the_page() -> None:
    results = _results((_cell(Row(ours.TORCH, 1.2, ours=True), Row(floors.PRODUCTS, 1.0)),))
    text = page.markdown(results)
    assert "| gradient: closedform, torch | L | two matrix products, torch | 1.1 | 1.2 | **falls short** |" in text
    assert "0 goals hold, 1 fall short, 0 were not measured" in text


def test_what_is_missing_is_not_measured_and_says_why() -> None:
    cell = _cell(Row(ours.TORCH, note="closedform has no gradient_W"), Row(floors.PRODUCTS, 1.0))
    (judged,) = judge([cell], [GOAL])
    assert (judged.verdict, judged.note) == (UNKNOWN, "closedform, torch: closedform has no gradient_W")
    (judged,) = judge([_cell(Row(ours.TORCH, 1.0))], [GOAL])
    assert (judged.verdict, judged.note) == (UNKNOWN, "two matrix products, torch is missing")
    (judged,) = judge([], [GOAL])
    assert (judged.verdict, judged.note) == (UNKNOWN, "not run")


def test_missing_libraries_are_named_on_the_page() -> None:
    assert "Missing here: jax." in page.markdown(_results((), missing=("jax",)))


def test_an_array_larger_than_logits_and_output_falls_short() -> None:
    row = Row(ours.TORCH, 1.0, memory=Memory(peak=300, largest=101), ours=True)
    (judged,) = judge_memory([_cell(row, allowed=100)])
    assert judged.verdict == SHORT
    (judged,) = judge_memory([_cell(replace(row, memory=Memory(300, 100)), allowed=100)])
    assert judged.verdict == HOLDS


def test_every_goal_is_of_a_race_that_a_full_run_holds() -> None:
    """A goal about a function, floor or peer that no race has would be unmeasured for ever."""
    entrants = [*ours.CONTENDERS, *floors.CONTENDERS, *autograd.CONTENDERS]
    optional = {goals.JAX, goals.FUNC, goals.CURVLINOPS, goals.BACKPACK}
    raced = {(entrant.name, entrant.quantity) for entrant in entrants}
    for goal in GOALS:
        assert goal.size in FULL.sizes
        assert goal.size in SIZES
        assert (goal.ours, goal.quantity) in raced, goal
        assert goal.other in optional or (goal.other, goal.quantity) in raced, goal
