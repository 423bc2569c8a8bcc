"""Inputs that Hypothesis chooses: it draws recipes, and makes one that fails as small as it can."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
from hypothesis.database import DirectoryBasedExampleDatabase

from closedform.check.cases import Case, maps_over_leading, prepare
from closedform.check.inputs import Recipe
from closedform.check.invariants import invariants
from closedform.check.judge import Finding, Judge
from closedform.check.kernel import findings_of
from closedform.check.message import failure
from closedform.check.strategies import recipes
from closedform.results import FAILED, INCONCLUSIVE, PASSED, KernelCheck
from closedform.testing.accuracy import Allow
from closedform.testing.profiles import Profile

DATABASE = ".hypothesis/examples"


class _FoundError(Exception):
    """Raised inside the Hypothesis test for an input that fails."""


def search(judge: Judge, swept: tuple[Case, ...], allow: Allow, profile: Profile, seed: int) -> Iterator[KernelCheck]:
    """One record for each oracle; of the failing input that is left after shrinking."""
    demanded = invariants(judge.function, swept)
    worst: dict[str, float] = {}
    conclusive: dict[str, int] = {}
    found: list[tuple[Case, str, Finding]] = []

    def try_one(recipe: Recipe) -> None:
        case = allow(prepare(judge.derivation, judge.function, recipe, judge.dtype))
        # The witnesses have had their say in the sweep.
        for oracle, finding in findings_of(judge, case, demanded, witnesses=()).items():
            worst[oracle] = max(worst.get(oracle, 0.0), finding.ratio)
            conclusive[oracle] = conclusive.get(oracle, 0) + finding.conclusive
            if finding.failed:
                found[:] = [(case, oracle, finding)]
                raise _FoundError

    # Hypothesis keys its database and its derandomised draws by the test's name.
    try_one.__name__ = f"{judge.derivation.name}_{judge.function.name}_{judge.library.name}_{judge.dtype}"
    strategy = recipes(
        judge.derivation.given, judge.function.extra, lets=judge.derivation.lets, leading=maps_over_leading(judge.derivation)
    )
    test = hypothesis.settings(
        max_examples=profile.searched,
        derandomize=profile.derandomize,
        database=DirectoryBasedExampleDatabase(DATABASE) if profile.database else None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )(hypothesis.given(recipe=strategy)(try_one))
    if not profile.derandomize:
        test = hypothesis.seed(seed)(test)
    failed = None
    try:
        test()
    except (_FoundError, hypothesis.errors.Flaky, hypothesis.errors.FlakyFailure):
        failed = found[-1]
    for oracle, ratio in worst.items():
        is_wrong = failed is not None and failed[1] == oracle
        yield KernelCheck(
            judge.derivation.name,
            judge.function.name,
            judge.library.name,
            judge.dtype,
            oracle=f"{oracle}, inputs by Hypothesis",
            verdict=FAILED if is_wrong else PASSED if conclusive[oracle] else INCONCLUSIVE,
            worst=ratio,
            examples=conclusive[oracle],
            message=failure(judge, failed[0], oracle, failed[2]) if failed is not None and is_wrong else "",
        )
