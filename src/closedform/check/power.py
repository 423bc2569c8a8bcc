"""How many wrong formulas the kernel refutes: a verdict for every mutant, checked by another route.

The kernel proves over finite fields. Whether a mutant really is wrong is asked of ball arithmetic
at several sizes and exact random points instead: enclosures that do not meet show a difference,
enclosures that meet in 100 digits everywhere show that the mutant is equivalent. Some mutants exist
nowhere (the logarithm of minus a probability) or at the smallest sizes only: they may be proved or
left undecided, but not refuted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from closedform.certify import prove
from closedform.certify.orders import derivative_order
from closedform.certify.refute.points import ascending_sizes, dims_of, round_point
from closedform.certify.refute.sample import Sample, surely_equal
from closedform.certify.refute.search import separated
from closedform.certify.rings.ball import Ball
from closedform.check.mutants import Mutant
from closedform.notation import Claim
from closedform.results import PROVED, REFUTED, UNDECIDED

DIFFERENT, EQUAL, NOWHERE = "different", "equal", "nowhere"

SMALLEST, LARGEST = 3, 5  # sizes at which balls compare; 1 and 2 hide differences
POINTS = 4  # points for each combination of sizes
COMBINATIONS = 4  # combinations of sizes
RARE_POINTS = 40  # where the functions exist at none of these points: the smallest sizes, more points
PRECISION = 700  # bits: agreement to 100 digits
ROUGH = 4  # level of the random numbers: fractions with many different values


@dataclass(frozen=True)
class Outcome:
    """What the kernel said of a mutant, and what ball arithmetic says."""

    claim: str
    kind: str
    description: str
    verdict: str
    truth: str

    @property
    def right(self) -> bool:
        """Whether the verdict is the one that the balls demand."""
        if self.truth == NOWHERE:
            return self.verdict != REFUTED
        return (self.verdict, self.truth) in ((REFUTED, DIFFERENT), (PROVED, EQUAL))

    @property
    def wrong(self) -> bool:
        """A false proof or a false refutation; an undecided verdict is neither."""
        return not self.right and self.verdict != UNDECIDED


def judge(mutant: Mutant, *, seed: int = 0) -> Outcome:
    """The kernel's verdict on one mutant beside the truth by balls."""
    verdict = prove(mutant.setting, mutant.claim, seed=seed, explain=False).verdict
    return Outcome(mutant.claim.name, mutant.kind, mutant.description, verdict, truth(mutant, seed=seed))


def truth(mutant: Mutant, *, seed: int = 0) -> str:
    """``different``, ``equal`` (to 100 digits at every point tried) or ``nowhere`` (no point at which both sides exist).

    >>> from closedform.notation import Claim, Dim, Given, Let, Setting, indices, partial, scalar, summation, tensor
    >>> D = Dim("D"); (i,) = indices("i", D); x, f = tensor("x", D), scalar("f")
    >>> setting = Setting((Given(x),), (Let(f, summation(x[i] ** 2, i)),))
    >>> truth(Mutant("factor", "half", setting, Claim("gradient", partial(f, x[i]), x[i])))
    'different'
    """
    seen = NOWHERE
    for smallest, points in ((SMALLEST, POINTS), (1, RARE_POINTS)):
        for sample in _samples(mutant, smallest, points, seed):
            equal = _equal(sample, mutant.claim)
            if equal is False:
                return DIFFERENT
            seen = EQUAL if equal and smallest > 1 else seen  # small sizes hide differences
        if seen == EQUAL:
            return EQUAL
    return NOWHERE


def _equal(sample: Sample, claim: Claim) -> bool | None:
    """Whether the sides agree in 100 digits; None where they, or a function that is differentiated, do not exist."""
    plain = replace(sample, ring=Ball, interpreters={})  # at a kink its convention counts: a mutant may stand on one everywhere
    lhs, rhs = (plain.balls(side, claim.free_indices, PRECISION) for side in (claim.lhs, claim.rhs))
    if not all(value.is_finite() for value in (*lhs.flat, *rhs.flat)) or not plain.defined(claim.lhs, PRECISION):
        return None
    return surely_equal(lhs, rhs, PRECISION) or separated(sample, claim) is None


def _samples(mutant: Mutant, smallest: int, points: int, seed: int) -> Iterator[Sample]:
    setting, claim = mutant.setting, mutant.claim
    order = derivative_order(setting, claim.lhs, claim.rhs)
    allowed = ascending_sizes(dims_of(setting, claim.lhs, claim.rhs), setting, largest=LARGEST)
    large = (sizes for sizes in allowed if all(size >= smallest for size in sizes.values()))
    for number, sizes in enumerate(itertools.islice(large, COMBINATIONS)):
        for point in range(points):
            level = ROUGH if smallest > 1 else 1 + point % ROUGH  # whole numbers too: (-p)^g exists for no others
            values = round_point(setting, sizes, Random(f"{seed}:{number}:{point}"), level, order=order)
            if values is not None:
                yield Sample(setting, sizes, values)


@dataclass(frozen=True)
class Tally:
    """Counts over the mutants of one kind."""

    kind: str
    mutants: int
    refuted: int
    equivalent: int
    nowhere: int
    undecided: int
    wrong: int


def tally(outcomes: Iterable[Outcome]) -> tuple[Tally, ...]:
    """One row for each kind of mutant, in alphabetical order."""
    by_kind: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_kind.setdefault(outcome.kind, []).append(outcome)
    return tuple(_row(kind, by_kind[kind]) for kind in sorted(by_kind))


def _row(kind: str, outcomes: list[Outcome]) -> Tally:
    return Tally(
        kind=kind,
        mutants=len(outcomes),
        refuted=sum(outcome.verdict == REFUTED and outcome.right for outcome in outcomes),
        equivalent=sum(outcome.verdict == PROVED and outcome.truth == EQUAL for outcome in outcomes),
        nowhere=sum(outcome.truth == NOWHERE and outcome.right for outcome in outcomes),
        undecided=sum(outcome.verdict == UNDECIDED and not outcome.right for outcome in outcomes),
        wrong=sum(outcome.wrong for outcome in outcomes),
    )
