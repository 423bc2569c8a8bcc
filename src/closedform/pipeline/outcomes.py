"""What the functions of the pipeline return: frozen, and printing as the command line prints them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sympy import Expr

from closedform.derive import ClosedForm
from closedform.files import write_all
from closedform.report import text
from closedform.results import PROVED, REFUTED, ClaimResult, DerivationResult, ModuleResult
from closedform.syntax.python import to_python


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on a sequence of claims."""

    results: tuple[ClaimResult, ...]

    @property
    def ok(self) -> bool:
        """Every claim is proved."""
        return all(result.verdict.verdict == PROVED for result in self.results)

    def __iter__(self) -> Iterator[ClaimResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __str__(self) -> str:
        against = [str(result) for result in self.results if result.verdict.verdict != PROVED or result.verdict.limited]
        return "\n\n".join([text.table(text.CHECK_COLUMNS, map(text.check_row, self.results)), *against, self.summary])

    @property
    def summary(self) -> str:
        """How many claims got which verdict."""
        count = {kind: sum(result.verdict.verdict == kind for result in self.results) for kind in (PROVED, REFUTED)}
        undecided = len(self.results) - sum(count.values())
        limited = sum(result.verdict.limited for result in self.results)
        at_sizes = f" ({limited} at the sizes tried only)" if limited else ""
        return f"{count[PROVED]} proved{at_sizes}, {count[REFUTED]} refuted, {undecided} undecided"


@dataclass(frozen=True)
class DerivedForm:
    """A closed form with its verdict.

    Attributes:
        closed: the equation as SymPy expressions in index notation (``target``, ``expression``), with its setting.
        result: the same as text and LaTeX, with steps and verdict.
    """

    closed: ClosedForm
    result: ClaimResult

    @property
    def name(self) -> str:
        """Of the kernel function that it is for."""
        return self.result.claim

    @property
    def expression(self) -> Expr:
        """The right side."""
        return self.closed.expression

    @property
    def python(self) -> str:
        """A Python program that states the equation in closedform's notation."""
        return to_python(self.closed.setting, self.closed.target, self.closed.expression)

    def __str__(self) -> str:
        return f"{self.result.lhs_text} = {self.result.derived_text}"


@dataclass(frozen=True)
class Derived:
    """Closed forms, each certified against the definition."""

    forms: tuple[DerivedForm, ...]

    @property
    def ok(self) -> bool:
        """Every form is proved."""
        return all(form.result.verdict.verdict == PROVED for form in self.forms)

    def __iter__(self) -> Iterator[DerivedForm]:
        return iter(self.forms)

    def __getitem__(self, name: str) -> DerivedForm:
        return next(form for form in self.forms if form.name == name)

    def __str__(self) -> str:
        return "\n".join(map(str, self.forms))


@dataclass(frozen=True)
class Generated:
    """Generated modules with the files that they belong in."""

    modules: tuple[ModuleResult, ...]
    paths: tuple[Path, ...]

    @property
    def ok(self) -> bool:
        """The files exist and have exactly this text."""
        return not self.stale

    @property
    def stale(self) -> tuple[Path, ...]:
        """The files that are missing or differ."""
        pairs = zip(self.paths, self.modules, strict=True)
        return tuple(path for path, module in pairs if not path.is_file() or path.read_bytes() != module.source.encode())

    def write(self) -> tuple[Path, ...]:
        """Write every file that is stale, or none if one of them cannot be written; returns those written."""
        stale = self.stale
        write_all({path: module.source for path, module in zip(self.paths, self.modules, strict=True) if path in stale})
        return stale

    def __str__(self) -> str:
        return "\n\n".join(module.source for module in self.modules)


@dataclass(frozen=True)
class Verification:
    """What ``verify`` found, one record for each derivation."""

    results: tuple[DerivationResult, ...]

    @property
    def ok(self) -> bool:
        """Everything holds."""
        return all(result.ok for result in self.results)

    def __iter__(self) -> Iterator[DerivationResult]:
        return iter(self.results)

    def __str__(self) -> str:
        problems = [problem for result in self.results for problem in text.problems(result)]
        notes = dict.fromkeys(f"note: {note}" for result in self.results for note in result.notes)
        return "\n\n".join([text.table(text.VERIFY_COLUMNS, map(text.verify_row, self.results)), *problems, *notes])
