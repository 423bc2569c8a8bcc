"""What was measured, as data: the page and the verdicts on goals are made from this alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.memory import Memory


@dataclass(frozen=True)
class Row:
    """One contender in one cell; `note` says why there is no time."""

    name: str
    seconds: float | None = None
    spread: float = 0.0
    rounds: int = 0
    memory: Memory | None = None
    ours: bool = False
    floor: bool = False
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """One race: all contenders for one quantity at one size."""

    size: str
    problem: str  # the size in words
    quantity: str
    allowed: int  # bytes of the logits or of the output, whichever is larger
    rows: tuple[Row, ...]

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name), None)

    @property
    def spread(self) -> float:
        """The noise of the machine, as the floor shows it; of the fastest contender where there is no floor."""
        timed = [row for row in self.rows if row.seconds is not None]
        quiet = [row for row in timed if row.floor] or sorted(timed, key=lambda row: row.seconds or 0.0)[:1]
        return max((row.spread for row in quiet), default=0.0)


@dataclass(frozen=True)
class Error:
    """The largest relative error of a quantity at a scale, in units of the last place (of its condition, for a product)."""

    who: str
    quantity: str
    dtype: str
    classes: int
    scale: float
    ulp: float


HOLDS = "holds"
SHORT = "falls short"
UNKNOWN = "not measured"


@dataclass(frozen=True)
class Judged:
    """A goal in words, what was measured, and the verdict."""

    subject: str
    size: str
    against: str
    limit: float
    measured: float | None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return UNKNOWN
        return HOLDS if self.measured <= self.limit else SHORT


@dataclass(frozen=True)
class Results:
    """All that the page shows."""

    machine: str
    missing: tuple[str, ...]  # libraries of peers
    cells: tuple[Cell, ...]
    errors: tuple[Error, ...]
    speed: tuple[Judged, ...]
    accuracy: tuple[Judged, ...]
    memory: tuple[Judged, ...]

    @property
    def judged(self) -> tuple[Judged, ...]:
        return self.speed + self.accuracy + self.memory


def find(cells: Iterable[Cell], size: str, quantity: str) -> Cell | None:
    """The race for a quantity at a size, if it was run."""
    return next((cell for cell in cells if (cell.size, cell.quantity) == (size, quantity)), None)
