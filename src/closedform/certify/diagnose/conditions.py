"""A further constraint on what is given under which a refuted claim is true after all."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from sympy import Expr, Sum, Symbol

from closedform.certify.decide import is_piecewise
from closedform.certify.diagnose.case import Case, claim_holds, draw_samples, telling
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.certify.diagnose.restrictions import Restriction, restrictions
from closedform.certify.refute.exact import Values, relation_names
from closedform.certify.refute.points import satisfies
from closedform.notation import Claim, Constraint, Membership, Partial, Relation, Setting, head_name

POINTS = 4
MANY_POINTS = 24  # numbers from a small set, and branches, may satisfy more than was asked by chance


def constraints(case: Case) -> Iterator[Diagnosis]:
    """The weakest constraint of the list, on one given or on two, under which the claim holds (and says more than 0 = 0)."""
    branches = is_piecewise(case.setting, case.claim)
    for chosen in restrictions(case.setting, _variables(case)):
        if branches and any(_ties_entries(restriction) for restriction in chosen):
            continue
        if _holds_in(_narrowed(case.setting, chosen), chosen, case) and not _shown_satisfies(chosen, case) and _proved_in(chosen, case):
            verb = "is" if len(chosen) == 1 else "are"
            yield Diagnosis(Kind.CONSTRAINT, f"true if {' and '.join(item.sentence for item in chosen)}, which {verb} not given")
            return


def _ties_entries(restriction: Restriction) -> bool:
    """Whether it is an equation between entries: of no account for branches, of which each entry has its own."""
    return any(isinstance(c, Relation) and c.op == "=" and c.lhs.has(Sum) for c in restriction.constraints)


def _variables(case: Case) -> set[str]:
    """The names that the left side differentiates by."""
    return {head_name(variable) for node in case.claim.lhs.atoms(Partial) for variable in node.variables}


def _narrowed(setting: Setting, chosen: Sequence[Restriction]) -> Setting:
    further = {restriction.given.name: restriction.constraints for restriction in chosen}
    given = (dataclasses.replace(item, where=(*item.where, *further.get(item.name, ()))) for item in setting.given)
    return dataclasses.replace(setting, given=tuple(given))


def _proved_in(chosen: Sequence[Restriction], case: Case) -> bool:
    """A scalar that has one value is replaced by it, which proves more quickly than a condition does."""
    setting, claim = _narrowed(case.setting, chosen), case.claim
    for constraint in (constraint for restriction in chosen for constraint in restriction.constraints):
        sources = {source for given in setting.given for source in given.of}
        if (
            isinstance(constraint, Relation)
            and constraint.op == "="
            and isinstance(constraint.lhs, Symbol)
            and constraint.lhs not in sources
        ):
            setting, claim = _replaced(setting, claim, constraint.lhs, constraint.rhs)
    return case.proves(setting, claim)


def _replaced(setting: Setting, claim: Claim, symbol: Symbol, value: Expr) -> tuple[Setting, Claim]:
    """One given scalar has this value. What was known of it alone restricts nothing any more."""
    known = {symbol: value}

    def where(constraint: Constraint) -> Constraint:
        if not isinstance(constraint, Relation):
            return constraint
        return dataclasses.replace(constraint, lhs=constraint.lhs.xreplace(known), rhs=constraint.rhs.xreplace(known))

    kept = (given for given in setting.given if given.symbol != symbol)
    given = tuple(dataclasses.replace(item, where=tuple(where(constraint) for constraint in item.where)) for item in kept)
    lets = tuple(dataclasses.replace(let, body=let.body.xreplace(known)) for let in setting.lets)
    return Setting(given, lets), dataclasses.replace(claim, lhs=claim.lhs.xreplace(known), rhs=claim.rhs.xreplace(known))


def _holds_in(narrowed: Setting, chosen: Sequence[Restriction], case: Case) -> bool:
    """At sizes at which the claim fails without the constraint; on one point first, as most constraints fail there."""
    moved = _moved(case, {restriction.given.name for restriction in chosen})
    listed = [constraint for restriction in chosen for constraint in restriction.constraints]
    chancy = any(isinstance(constraint, Membership) for constraint in listed) or is_piecewise(narrowed, case.claim)
    for count in (1, MANY_POINTS if chancy else POINTS):
        points = list(itertools.islice(itertools.cycle(case.failing), 2 * count))
        kept: list[Values] = [{name: value for name, value in point.values.items() if name not in moved} for point in points]
        kept[len(case.failing) :] = [{} for _ in kept[len(case.failing) :]]  # once more around: other points
        samples = draw_samples(narrowed, case.claim, [point.sizes for point in points], count, seed=case.seed, kept=kept)
        if len(samples) < count or not claim_holds(case, samples):
            return False
    return telling(samples, case)


def _moved(case: Case, names: set[str]) -> set[str]:
    """The givens that have to be drawn again: the constrained ones, and with them all others if a relation ties them together."""
    tied = [relation_names(other) for other in case.setting.constraints if isinstance(other, Relation)]
    if any(other & names and other - names for other in tied):
        return {name for point in case.failing for name in point.values}
    return names


def _shown_satisfies(chosen: Sequence[Restriction], case: Case) -> bool:
    """Whether the counterexample has what is said to be missing."""
    listed = [constraint for restriction in chosen for constraint in restriction.constraints]
    return case.shown is not None and all(satisfies(case.shown.sizes, case.shown.values, c, case.setting.lets) for c in listed)
