"""One role of a kernel under one condition: everything that is tried, as records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from closedform.check.backends import library
from closedform.check.bounds import PRECISIONS
from closedform.check.cases import Case, cases, drawn_case
from closedform.check.constraints import ConstraintError
from closedform.check.faults import FAULTS
from closedform.check.judge import BALL, Judge
from closedform.check.kernel import check
from closedform.check.message import failure
from closedform.functions import KernelFunction
from closedform.notation import Derivation
from closedform.results import FAILED, INCONCLUSIVE, PASSED, KernelCheck
from closedform.testing.accuracy import Accuracy, allowance
from closedform.testing.kinks import at_kinks, kink_cases
from closedform.testing.long_sizes import TITLE, long_finding, long_inputs
from closedform.testing.profiles import Profile
from closedform.testing.roles import Role, accurately
from closedform.testing.searching import search

# Dtypes in which a sum over hundreds of entries still has digits.
LONG_DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Conditions:
    """Under which a role is examined.

    Attributes:
        backend, dtype, device: of the arrays.
        accuracy: see :mod:`closedform.testing.accuracy`.
        kinks: see :mod:`closedform.testing.kinks`.
        profile: how many inputs.
        seed: of every draw.
    """

    backend: str
    dtype: str
    device: str
    accuracy: Accuracy
    kinks: str
    profile: Profile
    seed: int


def examine(role: Role, reference: Role | None, conditions: Conditions) -> tuple[KernelCheck, ...]:
    """Records of one role: the sweep over all structures, then what Hypothesis finds, then long inputs.

    What comes later is left out once something failed.
    """
    derivation, function = accurately(role.derivation, role.function)
    dtype = conditions.dtype
    judge = Judge(role.kernel, derivation, function, library(conditions.backend), dtype, conditions.device)
    other = None if reference is None else replace(judge, kernel=reference.kernel)
    allow = _allowance(conditions, judge, other)
    few = replace(conditions.profile, sweep=max(4, conditions.profile.sweep // 3), searched=0, long=0, very_long=False)
    profile = few if role.light else conditions.profile
    try:
        drawn = cases(derivation, function, dtype, profile.sweep, conditions.seed)
    except ConstraintError as error:
        return (_record(judge, BALL, INCONCLUSIVE, message=str(error)),)
    with judge.library.scope():
        swept = tuple(map(allow, (*drawn, *_at_kinks(derivation, function, dtype))))
        records = check(judge, swept, lambda choices: allow(drawn_case(derivation, function, dtype, choices)))
        if not _failed(records) and profile.searched:
            records += tuple(search(judge, swept, allow, profile, conditions.seed))
        if not _failed(records) and dtype in LONG_DTYPES and PRECISIONS[dtype] and (profile.long or profile.very_long):
            records += tuple(_long(judge, profile, conditions.seed))
    return tuple(replace(record, message=_with_history(record.message)) for record in records)


def _allowance(conditions: Conditions, judge: Judge, reference: Judge | None) -> Callable[[Case], Case]:
    allow = allowance(conditions.accuracy, judge, reference)
    return lambda case: at_kinks(judge.derivation, allow(case), conditions.kinks)


@lru_cache(maxsize=64)
def _at_kinks(derivation: Derivation, function: KernelFunction, dtype: str) -> tuple[Case, ...]:
    return kink_cases(derivation, function, dtype)


def _long(judge: Judge, profile: Profile, seed: int) -> Iterator[KernelCheck]:
    """One record for all long inputs; the shortest one that fails is shown."""
    inputs = long_inputs(judge.derivation, judge.function, profile.long, very_long=profile.very_long, seed=seed)
    found = [long_finding(judge, one) for one in sorted(inputs, key=lambda one: one.size)]
    if not found:
        return
    worst = max(finding.ratio for finding, _ in found)
    conclusive = sum(finding.conclusive for finding, _ in found)
    wrong = next(((finding, where) for finding, where in found if finding.failed), None)
    if wrong is None:
        yield _record(judge, TITLE, PASSED if conclusive else INCONCLUSIVE, worst=worst, examples=conclusive)
    else:
        finding, where = wrong
        message = f"{failure(judge, None, TITLE, finding)}\n  input: {where}; entry [k] is the sum over window k of the result"
        yield _record(judge, TITLE, FAILED, worst=worst, examples=conclusive, message=message)


def _record(judge: Judge, oracle: str, verdict: str, *, worst: float = 0.0, examples: int = 0, message: str = "") -> KernelCheck:
    names = (judge.derivation.name, judge.function.name, judge.library.name, judge.dtype)
    return KernelCheck(*names, oracle=oracle, verdict=verdict, worst=worst, examples=examples, message=message)


def _failed(records: tuple[KernelCheck, ...]) -> bool:
    return any(record.verdict == FAILED for record in records)


def _with_history(message: str) -> str:
    """The message with the fault of the same looks that a real kernel had, one for each thing that it looks like."""
    looks = [line for line in message.splitlines() if "looks like:" in line or "contract:" in line]
    seen = [next((fault for fault in FAULTS if fault.telling and re.search(fault.says, line)), None) for line in looks]
    return "\n".join([message, *(f"  as in: {fault.name} ({fault.seen})" for fault in dict.fromkeys(seen) if fault)])
