"""Several processes at once: the same results in the same order, and errors that arrive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from closedform.derivations.logsumexp import derivation as logsumexp
from closedform.derivations.softmax import derivation as softmax
from closedform.errors import UsageError
from closedform.pipeline import verify
from closedform.pipeline.parallel import mapped
from closedform.results import DerivationResult


def half(number: int) -> float:
    if number < 0:
        raise UsageError(f"{number} is negative")
    return number / 2


def test_every_item_is_worked_on_once() -> None:
    assert dict(mapped(half, [4, 2, 6], jobs=2, weight=abs)) == {0: 2.0, 1: 1.0, 2: 3.0}


def test_an_error_in_a_process_is_raised_here() -> None:
    with pytest.raises(UsageError, match="-1 is negative"):
        list(mapped(half, [3, -1, 5], jobs=2, weight=abs))


def test_the_number_of_jobs_does_not_change_what_is_found() -> None:
    told: list[tuple[str, int, int]] = []
    several = verify(softmax, logsumexp, examples=4, backends=["numpy"], jobs=2, progress=lambda *step: told.append(step))
    one = verify(softmax, logsumexp, examples=4, backends=["numpy"])
    assert [_untimed(result) for result in several] == [_untimed(result) for result in one]
    assert sorted(what for what, _, _ in told) == ["logsumexp done", "softmax done"]


def _untimed(result: DerivationResult) -> DerivationResult:
    """Without what differs from run to run: times, and the last bits of errors, which depend on how arrays lie in memory."""
    checks = tuple(replace(check, worst=0.0) for check in result.checks)
    untimed = [replace(claim, verdict=replace(claim.verdict, seconds=0.0)) for claim in (*result.claims, *result.forms)]
    claims = len(result.claims)
    return replace(result, seconds=0.0, checks=checks, claims=tuple(untimed[:claims]), forms=tuple(untimed[claims:]))
