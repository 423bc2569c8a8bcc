"""How much a kernel's test would catch: faults that shipped and mutants of the formula, planted into a right kernel.

The right kernel evaluates the proved closed form in double precision and rounds once. Each planted fault is then put to
the test's own inputs, tolerances and oracles; one that changes no result there, and a mutant that balls find equal to the
formula, is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from sympy import Expr

from closedform.certify.evaluate import evaluate
from closedform.check.backends import library
from closedform.check.bounds import PRECISIONS, ErrorAnalysis
from closedform.check.cases import cases
from closedform.check.faults import FAULTS, Site, planted
from closedform.check.invariants import invariants
from closedform.check.judge import Judge
from closedform.check.kernel import findings_of
from closedform.check.mutants import mutants
from closedform.check.power import EQUAL, truth
from closedform.check.stable import stable, stable_setting
from closedform.check.views import by_claims
from closedform.functions import KernelFunction
from closedform.notation import Claim, Derivation, Dim, Given, Setting
from closedform.report.text import table
from closedform.testing.accuracy import ABSOLUTE, NoWorseThan, allowance
from closedform.testing.kinks import at_kinks
from closedform.testing.profiles import Profile, profile
from closedform.testing.roles import Role, accurately
from closedform.testing.specification import Specification

# So many mutants of each role's formula at most, taken evenly from all of them.
MOST_MUTANTS = 40
COLUMNS = ("role", "planted", "seen", "")


@dataclass(frozen=True)
class Planted:
    """One fault in one role."""

    role: str
    name: str
    seen: str
    caught: bool


@dataclass(frozen=True)
class Power:
    """What became of every planted fault."""

    planted: tuple[Planted, ...]

    @property
    def share(self) -> float:
        """Of the faults that were caught."""
        return sum(item.caught for item in self.planted) / len(self.planted) if self.planted else 0.0

    @property
    def summary(self) -> str:
        """In one line."""
        return f"{sum(item.caught for item in self.planted)} of {len(self.planted)} planted faults and mutants caught ({self.share:.1%})"

    def __str__(self) -> str:
        missed = [(item.role, item.name, item.seen, "missed") for item in self.planted if not item.caught]
        return "\n\n".join([self.summary, *([table(COLUMNS, missed)] if missed else [])])


def kernel_power(specification: Specification, *, profile_name: str | Profile | None = None, seed: int = 0) -> Power:
    """Plant faults into every role of a kernel's test, in its first dtype."""
    found: list[Planted] = []
    for role in _distinct(specification.roles):
        trial = _Trial(specification, role, specification.dtypes[0], profile(profile_name), seed)
        found += trial.results()
    return Power(tuple(found))


def _distinct(roles: dict[str, Role]) -> list[Role]:
    """Roles that compute different things: a compiled function, say, is to compute what the eager one does."""
    return list({(role.derivation, role.function.target): role for role in reversed(roles.values())}.values())[::-1]


class _Trial:
    """One role: its inputs, made once, and the right kernel."""

    def __init__(self, specification: Specification, role: Role, dtype: str, chosen: Profile, seed: int) -> None:
        self.role, self.dtype, self.seed = role, dtype, seed
        self.derivation, self.function = accurately(role.derivation, role.function)
        self.setting = Setting((*self.derivation.given, *self.function.extra), self.derivation.lets)
        self.formula = by_claims(self.derivation, self.function.target, self.function)
        accuracy = ABSOLUTE if isinstance(specification.accuracy, NoWorseThan) else specification.accuracy
        allow = allowance(accuracy, self._judge(self._kernel(self.setting, self.formula)), None)
        drawn = cases(self.derivation, self.function, dtype, chosen.sweep, seed)
        self.cases = tuple(at_kinks(self.derivation, allow(case), specification.kinks) for case in drawn)
        self.demanded = invariants(self.function, self.cases)
        self.right = self._kernel(self.setting, self.formula)

    def results(self) -> Iterator[Planted]:
        """Every fault that changes something."""
        site = Site(self.derivation, self.function)
        module = SimpleNamespace(**{self.function.name: self.right})
        for fault in FAULTS:
            if fault.applies(site) and not (fault.name == "float32 inside float64" and self.dtype != "float64"):
                wrong = getattr(planted(module, site, fault), self.function.name)
                if self._changes(wrong):
                    yield Planted(self.role.name, fault.name, fault.seen, self._caught(wrong))
        yield from self._mutants()

    def _mutants(self) -> Iterator[Planted]:
        claim = Claim(self.function.name, self.function.target, self.formula)
        found = [mutant for mutant in mutants(self.setting, claim) if mutant.setting.given == self.setting.given]
        for mutant in found[:: 1 + len(found) // MOST_MUTANTS]:
            wrong = self._kernel(mutant.setting, mutant.claim.rhs)
            if not self._changes(wrong):
                continue
            caught = self._caught(wrong)
            if caught or truth(mutant, seed=self.seed) != EQUAL:
                yield Planted(self.role.name, f"{mutant.kind}: {mutant.description}", "mutant", caught)

    def _caught(self, kernel: Callable[..., Any]) -> bool:
        judge = self._judge(kernel)
        with judge.library.scope():
            return any(finding.failed for case in self.cases for finding in findings_of(judge, case, self.demanded, witnesses=()).values())

    def _changes(self, kernel: Callable[..., Any]) -> bool:
        """Whether some result differs from the right kernel's, or it raises."""
        wrong, right = self._judge(kernel), self._judge(self.right)
        with wrong.library.scope():
            for case in self.cases:
                one, other = wrong.outcome(case), right.outcome(case)
                if one.violation or not np.array_equal(one.result, other.result, equal_nan=True):
                    return True
        return False

    def _judge(self, kernel: Callable[..., Any]) -> Judge:
        backend = "torch" if self.dtype == "bfloat16" else "numpy"
        return Judge(kernel, self.derivation, self.function, library(backend), self.dtype, "cpu")

    def _kernel(self, setting: Setting, formula: Expr) -> Callable[..., Any]:
        return _Evaluated(self.derivation, self.function, stable_setting(setting), stable(formula), self.dtype)


class _Evaluated:
    """A formula as a kernel: evaluated with scaled exponentials, rounded once."""

    def __init__(self, derivation: Derivation, function: KernelFunction, setting: Setting, formula: Expr, dtype: str) -> None:
        self.function, self.setting, self.formula, self.dtype = function, setting, formula, dtype
        self.given = (*derivation.given, *function.extra)
        self.ring = ErrorAnalysis(PRECISIONS["float64"])

    def __call__(self, *arguments: Any) -> Any:
        arrays = [np.asarray(x.double() if hasattr(x, "double") else x, dtype=np.float64) for x in arguments]
        whole = [(item, array) for item, array, x in zip(self.given, arrays, arguments, strict=True) if not _is_classes(x)]
        sizes = {dim: size for item, array in whole for dim, size in zip(item.dims, _own(array, item), strict=True)}
        # Class indices as the one-hot rows that they stand for.
        arrays = [
            (np.arange(sizes[item.dims[-1]]) == array[..., None]).astype(np.float64) if _is_classes(x) else array
            for item, array, x in zip(self.given, arrays, arguments, strict=True)
        ]
        values = {item.name: array for item, array in zip(self.given, arrays, strict=True)}
        leading = max((array.shape[: array.ndim - len(item.dims)] for item, array in whole), key=len)
        parts = [self._at({name: array[position] for name, array in values.items()}, sizes) for position in np.ndindex(*leading)]
        result = np.stack(parts).reshape(leading + parts[0].shape)
        if hasattr(arguments[0], "double"):
            import torch

            return torch.tensor(result).to(getattr(torch, self.dtype))
        return result.astype(self.dtype)

    def _at(self, values: dict[str, np.ndarray], sizes: dict[Dim, int]) -> np.ndarray:
        exact = {name: self.ring.exact(array) for name, array in values.items()}
        with self.ring.scope():
            found = evaluate(self.formula, self.setting, sizes, exact, self.ring, self.function.axes)
            return np.asarray(self.ring.settled(found).full().value)


def _is_classes(x: Any) -> bool:
    return "int" in str(getattr(x, "dtype", ""))


def _own(array: np.ndarray, item: Given) -> tuple[int, ...]:
    """The shape without leading axes."""
    return array.shape[array.ndim - len(item.dims) :]
