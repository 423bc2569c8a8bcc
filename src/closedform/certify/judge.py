"""A verdict on a claim, for every size.

Proved: the two sides agree over finite fields at all the sizes that the theorem asks for (docs/kernel.md).
Refuted: at a real point with round numbers the two sides lie in balls that do not meet. Else undecided,
with what is known. The three exclude each other by construction: a field never refutes, a ball never proves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress

from closedform.certify.balls import Point, agreement, counterexample_among, counterexample_nearby, exists_somewhere
from closedform.certify.decide import DIFFERENT, EQUAL, ERROR_BITS, NOWHERE, Outcome, Question, decide, decide_near_boundaries, question
from closedform.certify.draw import UnsupportedConstraintError
from closedform.certify.idle import without_idle_branches
from closedform.certify.one_hot import with_one_hot_rows
from closedform.certify.refute.points import dims_of, sizes_allowed
from closedform.certify.refute.search import find_counterexample
from closedform.certify.rings.base import TooLargeError
from closedform.certify.sizes.matrices import UnknownMatrix, stronger_claim
from closedform.certify.sizes.plan import SizePlan, size_plan
from closedform.notation import Claim, Dim, Setting
from closedform.results import PROVED, REFUTED, UNDECIDED, Verdict

FURTHER = (3, 6)  # how far beyond the planned sizes to look as well where the theorem on sizes does not apply
MOST_DEGREE = 2**16  # a draw then errs with a probability of at most 2^-10: x^p = x holds for every x modulo p
LEAST_ERROR_BITS = 1000.0  # smaller probabilities are not told apart
BRANCH_ROUNDS = 6  # further draws, of other magnitudes, in search of a branch that was not reached
BRANCH = "a branch of a piecewise function was reached by no draw; elsewhere the sides are equal at every size tried"
COMBINED_ROUNDS = 16  # further draws in search of combinations of branches and labels
# Of B independent outcomes a combination occurs in 2^-B of all draws; of B comparisons of B + 1 numbers with each other, up to
# B = 4, in 1/(B + 1)! of them. 40 * 3^B draws miss it with a probability of e^-27 at most.
DRAWS_FOR_EACH, SPARSENESS = 40, 3
TOGETHER = "more branches or labels act together than the draws can have combined; in every draw the sides are equal"
DIFFER = "the two sides differ over finite fields"
KINKS = "values at kinks of piecewise functions are outside the claim"


def judge(setting: Setting, claim: Claim, *, seed: int = 0) -> Verdict:
    """The verdict on ``claim``, without an explanation of what is wrong with it.

    Args:
        setting: what is given, and the definitions; what the claim is not about is left aside.
        claim: the equation.
        seed: of all randomness.
    """
    try:
        setting = with_one_hot_rows(setting.about(claim.lhs, claim.rhs))
        plainer = without_idle_branches(setting, claim, seed)
        if plainer is not None and (verdict := _judged(*plainer, seed)).verdict == PROVED:
            return verdict
        return _judged(setting, claim, seed)
    except TooLargeError as error:
        return Verdict(UNDECIDED, {}, notes=(str(error),))


def _judged(setting: Setting, claim: Claim, seed: int) -> Verdict:
    plan = size_plan(setting, claim)
    proof = _proved_in_stronger_form(setting, claim, seed) if plan.open_ends else None
    if proof is not None:
        return proof
    dims = dims_of(setting, claim.lhs, claim.rhs)
    asked = question(setting, claim, plan.degree)
    if plan.degree > MOST_DEGREE:
        return _by_balls(setting, claim, seed, [], ("the degree of the two sides is too large for finite fields to tell them apart",))
    tried: list[dict[Dim, int]] = []
    outcomes: list[Outcome] = []
    absent: list[dict[Dim, int]] = []
    for sizes in _grid(setting, dims, plan):
        tried.append(sizes)
        try:
            outcome = decide(asked, sizes, seed=seed, thorough=not outcomes)
        except (UnsupportedConstraintError, TooLargeError) as error:
            return _by_balls(setting, claim, seed, tried, (str(error),))
        if outcome.answer == DIFFERENT:
            return _by_balls(setting, claim, seed, tried, (DIFFER,), outcome.suspects)
        if outcome.answer == NOWHERE:
            absent.append(sizes)
        else:
            outcomes.append(outcome)
    if not tried:
        return Verdict(UNDECIDED, {}, notes=("none of the sizes that a proof asks for is among those that the conditions allow",))
    if not outcomes:
        return _by_balls(setting, claim, seed, tried, ("in no draw over the finite fields do both sides exist",))
    present = [sizes for sizes in tried if sizes not in absent]
    unreached = _unreached(asked, present, outcomes, seed) or _uncombined(asked, present, outcomes, seed)
    if isinstance(unreached, Verdict):
        return unreached
    if not exists_somewhere(setting, claim):
        return Verdict(UNDECIDED, _listed(tried), notes=("no real point at which both sides exist was found",))
    beyond = _beyond(plan, absent)
    notes = (*beyond, *_notes(asked, outcomes, absent, dims))
    if unreached:
        return Verdict(UNDECIDED, _listed(tried), notes=(unreached, *notes))
    if _error_bits(outcomes) < ERROR_BITS:
        unsure = f"the two sides agree in every draw, which errs with a probability of up to {_error_probability(outcomes):.0e}: too much"
        return Verdict(UNDECIDED, _listed(tried), notes=(unsure, *notes))
    return Verdict(PROVED, _listed(tried), _error_probability(outcomes), notes=notes, all_sizes=not beyond)


def _proved_in_stronger_form(setting: Setting, claim: Claim, seed: int) -> Verdict | None:
    """A proof at all sizes of the claim for arbitrary inverses and determinants, if there is one (docs/kernel.md, theorem 3)."""
    stronger = stronger_claim(setting, claim, lambda further: equal_at_all_sizes(setting, further, (), seed) is not None)
    found = equal_at_all_sizes(setting, stronger.claim, stronger.matrices, seed) if stronger else None
    if found is None or not exists_somewhere(setting, claim):
        return None
    asked, tried, outcomes = found
    notes = _notes(asked, outcomes, [], dims_of(setting, claim.lhs, claim.rhs))
    return Verdict(PROVED, _listed(tried), error_probability=_error_probability(outcomes), notes=notes)


def equal_at_all_sizes(
    setting: Setting, claim: Claim, matrices: tuple[UnknownMatrix, ...], seed: int
) -> tuple[Question, list[dict[Dim, int]], list[Outcome]] | None:
    """The outcomes at the sizes that settle all others, if the sides exist and are equal at each of them."""
    plan = size_plan(setting, claim, frozenset(matrix.tensor for matrix in matrices))
    if plan.open_ends or plan.degree > MOST_DEGREE:
        return None
    asked = question(setting, claim, plan.degree, matrices)
    tried = list(_grid(setting, dims_of(setting, claim.lhs, claim.rhs), plan))
    outcomes: list[Outcome] = []
    for sizes in tried:
        try:
            outcomes.append(decide(asked, sizes, seed=seed, thorough=not outcomes))
        except (UnsupportedConstraintError, TooLargeError):
            return None
        if outcomes[-1].answer != EQUAL:
            return None
    if not outcomes or _error_bits(outcomes) < ERROR_BITS:
        return None
    if _unreached(asked, tried, outcomes, seed) or _uncombined(asked, tried, outcomes, seed):
        return None
    return asked, tried, outcomes


def _error_bits(outcomes: list[Outcome]) -> float:
    return min(LEAST_ERROR_BITS, *(outcome.error_bits for outcome in outcomes))


def _error_probability(outcomes: list[Outcome]) -> float:
    return float(2.0 ** -_error_bits(outcomes))


def _beyond(plan: SizePlan, absent: list[dict[Dim, int]]) -> tuple[str, ...]:
    """Say so where larger sizes are not covered."""
    reasons = list(plan.open_ends)
    if not reasons and absent and not plan.exhausted >= plan.sizes.keys():
        reasons.append("claims whose sides do not exist at a size to be tested")
    return tuple(f"proved at the sizes tried; the theorem on all sizes does not cover {reason}" for reason in reasons)


def _grid(setting: Setting, dims: tuple[Dim, ...], plan: SizePlan) -> Iterator[dict[Dim, int]]:
    """Every combination of the planned sizes that the size conditions allow, small ones first; then, where the
    theorem does not say that they suffice, some much larger ones."""
    planned = itertools.product(*(plan.sizes[dim] for dim in dims))
    far = [
        tuple(plan.sizes[other][-1] + step if other == dim else plan.sizes[other][0] for other in dims)
        for step in FURTHER
        for dim in dims
        if plan.bounds[dim].open_ends and dim not in plan.exhausted
    ]
    for sizes in (*sorted(planned, key=lambda sizes: (sum(sizes), sizes)), *far):
        chosen = dict(zip(dims, sizes, strict=True))
        if sizes_allowed(setting, chosen):
            yield chosen


def _unreached(asked: Question, tried: list[dict[Dim, int]], outcomes: list[Outcome], seed: int) -> Verdict | str:
    """What to say if some comparison has only been seen to go one way; draws beside its zeros and with other magnitudes are tried first."""
    seen: dict[int, set[int]] = {}
    possible: dict[int, frozenset[int]] = {}

    def collect(outcome: Outcome) -> None:
        for k, sides in outcome.sides.items():
            seen.setdefault(k, set()).update(sides)
        possible.update(outcome.possible)

    def lacking() -> bool:
        return any(possible[k] - sides for k, sides in seen.items())

    for outcome in outcomes:
        collect(outcome)
    if asked.piecewise:
        sizes = tried[0]
        with suppress(UnsupportedConstraintError, TooLargeError):
            outcome = decide_near_boundaries(asked, sizes, seed=seed)
            if outcome.answer == DIFFERENT:
                return _by_balls(asked.setting, asked.claim, seed, [*tried, sizes], (DIFFER,), outcome.suspects)
            collect(outcome)
    for number in range(1, BRANCH_ROUNDS + 1):
        if not lacking():
            return ""
        sizes = tried[len(tried) // 2]
        outcome = decide(asked, sizes, seed=seed, round=number, thorough=True)
        if outcome.answer == DIFFERENT:
            return _by_balls(asked.setting, asked.claim, seed, [*tried, sizes], (DIFFER,), outcome.suspects)
        collect(outcome)
    return BRANCH if lacking() else ""


def _uncombined(asked: Question, tried: list[dict[Dim, int]], outcomes: list[Outcome], seed: int) -> Verdict | str:
    """What to say if branches and labels that act together may not have been seen in every combination.

    Args:
        tried: the sizes of the outcomes.
    """
    most = max(range(len(tried)), key=lambda k: outcomes[k].combined)
    rooted, sizes = min(outcome.rooted for outcome in outcomes), tried[most]
    bits = outcomes[most].combined + rooted
    drawn = sum(outcome.draws for outcome in outcomes)
    if bits == 0 or (bits <= 1 and not rooted) or drawn >= DRAWS_FOR_EACH * SPARSENESS**bits:
        return ""
    if not rooted and all(_equal_whatever_the_branches(asked, at, seed) for at in tried):
        return ""
    for number in range(BRANCH_ROUNDS + 1, BRANCH_ROUNDS + 1 + COMBINED_ROUNDS):
        outcome = decide(asked, sizes, seed=seed, round=number, thorough=True)
        if outcome.answer == DIFFERENT:
            return _by_balls(asked.setting, asked.claim, seed, [*tried, sizes], (DIFFER,), outcome.suspects)
        drawn += outcome.draws
        if outcome.answer == EQUAL:
            rooted = min(rooted, outcome.rooted)  # many draws show better which radicands need not be squares
        if drawn >= DRAWS_FOR_EACH * SPARSENESS ** (outcomes[most].combined + rooted):
            return ""
    return _by_balls(asked.setting, asked.claim, seed, tried, (TOGETHER,))


def _equal_whatever_the_branches(asked: Question, sizes: dict[Dim, int], seed: int) -> bool:
    """Whether the sides are equal with field elements for the outcomes of comparisons and for labels: then for all combinations."""
    try:
        outcome = decide(asked, sizes, seed=seed, free=True)
    except (UnsupportedConstraintError, TooLargeError):
        return False
    return outcome.answer == EQUAL and outcome.error_bits >= ERROR_BITS and not outcome.partly


def _by_balls(
    setting: Setting, claim: Claim, seed: int, tried: list[dict[Dim, int]], known: tuple[str, ...], suspects: Sequence[Point] = ()
) -> Verdict:
    """Where the fields cannot prove: refuted if two enclosures are disjoint, else undecided with what is known."""
    counterexample = (
        find_counterexample(setting, claim, seed=seed)
        or counterexample_among(suspects, setting, claim, tried[-1] if tried else {})
        or counterexample_nearby(setting, claim, seed=seed)
    )
    if counterexample is not None:
        return Verdict(REFUTED, _listed(tried), counterexample=counterexample)
    return Verdict(UNDECIDED, _listed(tried), notes=(*known, *agreement(setting, claim, seed=seed)))


def _notes(asked: Question, outcomes: list[Outcome], absent: list[dict[Dim, int]], dims: tuple[Dim, ...]) -> tuple[str, ...]:
    notes = []
    if asked.piecewise:
        notes.append(KINKS)
    if any(outcome.partly for outcome in outcomes):
        notes.append("entries at which the definition does not exist are outside the claim")
    if absent:
        listed = "; ".join(", ".join(f"{dim.name}={sizes[dim]}" for dim in dims) for sizes in absent[:6])
        notes.append(f"the definition does not exist at {listed}{' and more' if len(absent) > 6 else ''}: outside the claim")
    return tuple(notes)


def _listed(tried: list[dict[Dim, int]]) -> dict[str, tuple[int, ...]]:
    return {dim.name: tuple(sorted({sizes[dim] for sizes in tried})) for dim in (tried[0] if tried else ())}
