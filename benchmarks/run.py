"""Everything in order: the races, the errors, the verdicts on the goals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import accuracy, floors, goals, machine, ours, peers
from benchmarks.contender import Contender
from benchmarks.problems import QUANTITIES, QUICK, SIZES
from benchmarks.race import race
from benchmarks.results import Cell, Error, Results
from benchmarks.timing import Clock


@dataclass(frozen=True)
class Settings:
    """What to measure and for how long."""

    sizes: tuple[str, ...] = tuple(SIZES)
    only: tuple[str, ...] = ()  # quantities whose name contains one of these; all if empty
    budget: float = 8.0  # s, for each race
    clock: Clock = time.perf_counter
    dtypes: tuple[str, ...] = ("float32", "float64")  # none: accuracy is not measured
    scales: tuple[float, ...] = accuracy.SCALES
    classes: tuple[int, ...] = tuple(accuracy.ROWS)


FULL = Settings()
SHORT = Settings(QUICK, budget=1.0, dtypes=("float32",), scales=(1.0, 10.0, 30.0), classes=(10,))


def run(settings: Settings, progress: Callable[[str], None]) -> Results:
    """Measure and judge; `progress` hears which race is on."""
    field = peers.field_of_peers()
    cells = _races(settings, (*ours.CONTENDERS, *floors.CONTENDERS, *field.contenders), progress)
    errors = _errors(settings, progress)
    return Results(
        machine.describe(),
        field.missing,
        tuple(cells),
        tuple(errors),
        goals.judge(cells),
        accuracy.judge_accuracy(errors),
        goals.judge_memory(cells),
    )


def _races(settings: Settings, entrants: tuple[Contender, ...], progress: Callable[[str], None]) -> list[Cell]:
    cells = []
    for size in settings.sizes:
        problem = SIZES[size]()
        for quantity in QUANTITIES:
            entering = [entrant for entrant in entrants if entrant.enters(problem, quantity)]
            if entering and (not settings.only or any(text in quantity for text in settings.only)):
                progress(f"{quantity}, {problem}")
                cells.append(race(problem, quantity, entering, settings.budget, settings.clock))
    return cells


def _errors(settings: Settings, progress: Callable[[str], None]) -> list[Error]:
    if settings.dtypes:
        progress("errors against the scale of the logits")
    return accuracy.measure(settings.dtypes, settings.scales, settings.classes)
