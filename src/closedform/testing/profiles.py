"""How long a test may take: ``dev`` while writing a kernel, ``ci`` before a merge, ``nightly`` for rare inputs."""

from __future__ import annotations

import os
from dataclasses import dataclass

from closedform.errors import UsageError

VARIABLE = "CLOSEDFORM_PROFILE"


@dataclass(frozen=True)
class Profile:
    """How many inputs a check tries.

    Attributes:
        name: as it is selected.
        sweep: inputs that go through all structures (gaps, ties, offsets, layouts, sizes) in turn, the same every time.
        searched: inputs that Hypothesis chooses.
        long: long inputs for each dimension (odd sizes to 1,100, powers of two +-1), and whether one very long one.
        derandomize: whether Hypothesis chooses the same inputs every time.
        database: whether Hypothesis keeps failing inputs, in ``.hypothesis``, to try them first next time.
    """

    name: str
    sweep: int
    searched: int
    long: int
    very_long: bool
    derandomize: bool
    database: bool


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("dev", sweep=6, searched=0, long=1, very_long=False, derandomize=True, database=False),
        Profile("ci", sweep=16, searched=6, long=2, very_long=True, derandomize=True, database=False),
        Profile("nightly", sweep=64, searched=2000, long=12, very_long=True, derandomize=False, database=True),
    )
}


def profile(name: str | Profile | None = None) -> Profile:
    """A profile by name; without one, that of the variable CLOSEDFORM_PROFILE, else ``ci`` where CI is set, else ``dev``.

    >>> profile("ci").sweep
    16
    """
    if isinstance(name, Profile):
        return name
    chosen = name or os.environ.get(VARIABLE) or ("ci" if os.environ.get("CI") else "dev")
    if chosen not in PROFILES:
        raise UsageError(f"unknown profile {chosen!r}; profiles are {', '.join(PROFILES)}")
    return PROFILES[chosen]
