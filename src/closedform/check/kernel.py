"""Check a generated function, or anyone's, against the definition it implements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from closedform.check.backends import kernel_of, library
from closedform.check.bounds import PRECISIONS
from closedform.check.cases import Case, cases, drawn_case
from closedform.check.constraints import ConstraintError
from closedform.check.inputs import Choices
from closedform.check.invariants import Invariant, invariants
from closedform.check.judge import BALL, WITNESSES, Finding, Judge
from closedform.check.message import failure
from closedform.check.shifts import shift_findings, shifts
from closedform.errors import UsageError
from closedform.functions import KernelFunction
from closedform.notation import Derivation
from closedform.results import FAILED, INCONCLUSIVE, PASSED, KernelCheck

COMPONENTWISE, ABSOLUTE = "componentwise", "absolute"

# Makes the case that a sequence of choices leads to.
Redraw = Callable[[Choices], Case]

# How many simpler inputs are tried when a failing one is shrunk.
SHRINKS = 60
# How often a witness is asked until it has told something: were the reference wrong, it would be so on most inputs alike,
# and each witness costs as much as it does.
ASKED = 3
# On how many inputs an oracle must have been conclusive, or on a third of those that it applies to where they are fewer.
ENOUGH = 3


def check_kernel(
    derivation: Derivation,
    function: KernelFunction,
    kernel_module: Any,
    *,
    backend: str,
    dtype: str = "float64",
    examples: int = 16,
    seed: int = 0,
    device: str = "cpu",
    accuracy: str = COMPONENTWISE,
    several: bool = False,
    through: str = "",
) -> tuple[KernelCheck, ...]:
    """Compare one kernel function with every oracle that applies to it, and with the invariants of its definition.

    Args:
        derivation: what the kernel implements.
        function: which of :func:`closedform.functions.kernel_functions`.
        kernel_module: anything with an attribute of the function's name, which takes the derivation's givens,
            then the function's further arguments, as arrays or tensors.
        backend: ``numpy`` or ``torch``.
        dtype: ``float64`` or ``float32``; with torch also ``float16`` and ``bfloat16``.
        examples: how many inputs to draw.
        seed: of the inputs; the same seed gives the same records.
        device: for torch.
        accuracy: ``componentwise``: each entry by its own bound; ``absolute``: every entry by the largest bound of
            its result, for kernels that do not promise to be right in entries that are small beside the others.
        through: ``operator.method`` where that is called in place of the function, on the same inputs: the method of
            what the module's function ``operator`` makes from the derivation's givens.
        several: whether to call it with several directions at once too, where the function is one along a direction.

    Returns:
        One record for each oracle and invariant: ``worst`` is the largest error over its bound, ``message`` shows
        the failure at an input that was made as simple as it stays wrong. A derivation whose constraints no inputs can
        be drawn for gets one inconclusive record that says so.

    Raises:
        UsageError: an unknown backend or dtype, or a module without the function.
    """
    kernel = kernel_of(kernel_module, through or function.name, derivation)
    if dtype not in PRECISIONS or (backend == "numpy" and dtype == "bfloat16"):
        raise UsageError(f"unknown dtype {dtype!r} for {backend}; bounds are known for {', '.join(PRECISIONS)}")
    function = function if several else replace(function, several="")
    called = replace(function, name=through or function.name)
    judge = Judge(kernel, derivation, called, library(backend), dtype, device)
    try:
        drawn = cases(derivation, function, dtype, examples, seed)
    except ConstraintError as error:
        names = (derivation.name, called.name, backend, dtype)
        return (KernelCheck(*names, oracle=BALL, verdict=INCONCLUSIVE, worst=0.0, message=str(error)),)
    if accuracy not in (COMPONENTWISE, ABSOLUTE):
        raise UsageError(f"unknown accuracy {accuracy!r}; it is {COMPONENTWISE!r} or {ABSOLUTE!r}")
    allow = absolutely if accuracy == ABSOLUTE else _entry_by_entry
    with judge.library.scope():
        return check(judge, tuple(map(allow, drawn)), lambda choices: allow(drawn_case(derivation, function, dtype, choices)))


def absolutely(case: Case) -> Case:
    """The case with every entry judged by the largest bound of its result."""
    known = np.where(np.isfinite(case.bound), case.bound, 0.0)
    return replace(case, bound=np.where(np.isfinite(case.bound), np.max(known, initial=0.0), np.inf))


def _entry_by_entry(case: Case) -> Case:
    return case


def check(judge: Judge, drawn: tuple[Case, ...], redraw: Redraw) -> tuple[KernelCheck, ...]:
    """The records for cases that were made before; ``redraw`` makes simpler ones of a case that fails."""
    tallies: dict[str, _Tally] = {}
    demanded = invariants(judge.function, drawn)
    for case in drawn:
        asked = [oracle for oracle in WITNESSES if oracle not in tallies or tallies[oracle].conclusive < ASKED]
        for oracle, finding in findings_of(judge, case, demanded, asked).items():
            tallies.setdefault(oracle, _Tally()).add(finding, case)
    for shift in shifts(judge.derivation):
        for finding in shift_findings(judge, shift):
            tallies.setdefault(shift.title, _Tally()).add(finding, None)
    shrinker = _Shrinker(judge, demanded, redraw)
    return tuple(_record(judge, oracle, tally, shrinker) for oracle, tally in tallies.items())


def findings_of(judge: Judge, case: Case, demanded: Iterable[Invariant], witnesses: Collection[str] = WITNESSES) -> dict[str, Finding]:
    """What the reference, the witnesses and every invariant say about one case."""
    found = judge.findings(case, witnesses=witnesses)
    if case.view.pick is None and len(found) > 1:
        result = judge.outcome(case).result
        found |= {invariant.name: invariant.of_kernel(result, case.bound) for invariant in demanded}
    return found


@dataclass
class _Tally:
    """What an oracle said about all cases."""

    findings: list[tuple[Finding, Case | None]] = field(default_factory=list)

    def add(self, finding: Finding, case: Case | None) -> None:
        self.findings.append((finding, case))

    @property
    def worst(self) -> tuple[Finding, Case | None]:
        return max(self.findings, key=lambda pair: pair[0].ratio)

    @property
    def conclusive(self) -> int:
        return sum(finding.conclusive for finding, _ in self.findings)


def _record(judge: Judge, oracle: str, tally: _Tally, shrinker: _Shrinker) -> KernelCheck:
    finding, case = tally.worst
    conclusive, tried = tally.conclusive, len(tally.findings)
    message = ""
    if finding.failed:
        verdict = FAILED
        if case is not None:
            finding, case = shrinker.simplest(oracle, finding, case)
        message = failure(judge, case, oracle, finding)
    elif conclusive >= max(1, min(ENOUGH, tried // 3)):
        verdict = PASSED
    else:
        verdict = INCONCLUSIVE
        message = f"only {conclusive} of {tried} inputs tell anything: on the others the bound is as large as the values"
    return KernelCheck(
        derivation=judge.derivation.name,
        function=judge.function.name,
        backend=judge.library.name,
        dtype=judge.dtype,
        oracle=oracle,
        verdict=verdict,
        worst=tally.worst[0].ratio,
        examples=conclusive,
        message=message,
    )


class _Shrinker:
    """Makes a failing case simpler: each choice smaller while it still fails, as Hypothesis does."""

    def __init__(self, judge: Judge, demanded: Iterable[Invariant], redraw: Redraw) -> None:
        self.judge = judge
        self.demanded = tuple(demanded)
        self.redraw = redraw
        self._found: list[tuple[Case, dict[str, Finding]]] = []

    def simplest(self, oracle: str, finding: Finding, case: Case) -> tuple[Finding, Case]:
        """A case that fails the oracle; one that was found for another oracle will do."""
        for known, findings in self._found:
            if oracle in findings and findings[oracle].failed:
                return findings[oracle], known
        left = SHRINKS
        place = -1
        while (place := place + 1) < len(case.choices):
            for smaller in self._smaller(case.choices[place]):
                if left <= 0:
                    return finding, case
                left -= 1
                simpler = self._with(case, place, smaller)
                findings = findings_of(self.judge, simpler, self.demanded)
                if oracle in findings and findings[oracle].failed:
                    finding, case = findings[oracle], simpler
                    self._found.insert(0, (case, findings))
                    break
        return finding, case

    def _smaller(self, number: int) -> list[int]:
        return sorted({0, number // 2, number - 1} - {number, -1})

    def _with(self, case: Case, place: int, number: int) -> Case:
        return self.redraw(Choices((*case.choices[:place], number, *case.choices[place + 1 :])))
