"""One way of computing one quantity: what the measurements race."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.problems import Problem

Call = Callable[[], object]


class UnavailableError(Exception):
    """A contender cannot run here; the message says what is missing."""


@dataclass(frozen=True)
class Contender:
    """A name, a quantity, and how to make the call that is timed; `prepare` does what a user would do once (compile, keep a graph)."""

    name: str
    quantity: str
    problem: type
    prepare: Callable[..., Call]
    sizes: tuple[str, ...] = ()  # where it is run; everywhere if empty
    floor: bool = False  # does the unavoidable work only, so its result means nothing
    ours: bool = False

    def enters(self, problem: Problem, quantity: str) -> bool:
        return isinstance(problem, self.problem) and quantity == self.quantity and (not self.sizes or problem.name in self.sizes)
