"""Conditions under which a refuted claim is true after all: a further constraint, or particular sizes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
from sympy import Integer

from closedform.certify.diagnose_case import Case, claim_holds, draw_samples
from closedform.certify.diagnose_kinds import Diagnosis, Kind
from closedform.certify.refute_exact import relation_names
from closedform.certify.refute_points import dims_of
from closedform.certify.refute_sample import Sample
from closedform.notation import (
    Constraint,
    Dim,
    Given,
    Index,
    Membership,
    NamedTensor,
    OneHot,
    Partial,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SymmetricMatrix,
    delta,
    equation,
    head_name,
    positive,
    summation,
)

POINTS = 4
DISCRETE_POINTS = 14  # numbers from a small set may satisfy more than was asked by chance
MOST_SIZES = 6


# ---------------------------------------------------------------------------------------------
# A further constraint
# ---------------------------------------------------------------------------------------------


def constraints(case: Case, *, seed: int) -> Iterator[Diagnosis]:
    """The weakest constraint of the list, on one given, under which the claim holds (and says more than 0 = 0)."""
    for given in case.setting.given:
        for constraint, sentence in _candidates(given, varied=given.name in _variables(case)):
            if constraint in given.where:
                continue
            if _holds_in(_restricted(case.setting, given, constraint), constraint, case, seed=seed):
                yield Diagnosis(Kind.CONSTRAINT, f"true if {sentence}, which is not given")
                return


def _restricted(setting: Setting, given: Given, constraint: Constraint) -> Setting:
    narrowed = dataclasses.replace(given, where=(*given.where, constraint))
    return dataclasses.replace(setting, given=tuple(narrowed if item is given else item for item in setting.given))


def _holds_in(setting: Setting, constraint: Constraint, case: Case, *, seed: int) -> bool:
    """At sizes at which the claim fails without the constraint; on one point first, as most constraints fail there."""
    moved = _moved(case, constraint)
    enough = DISCRETE_POINTS if isinstance(constraint, Membership) else POINTS
    for count in (1, enough):
        points = list(itertools.islice(itertools.cycle(case.failing), 2 * count))
        kept = [{name: value for name, value in point.values.items() if name not in moved} for point in points]
        samples = draw_samples(setting, case.claim, [point.sizes for point in points], count, seed=seed, kept=kept)
        if len(samples) < count or not _telling(samples, case) or not claim_holds(case, samples):
            return False
    return True


def _moved(case: Case, constraint: Constraint) -> set[str]:
    """The givens that have to be drawn again: the constrained one, and with it all others if a relation ties it to them."""
    if isinstance(constraint, Relation):
        moved = relation_names(constraint)
    elif isinstance(constraint, Membership):
        moved = {head_name(constraint.entry)}
    else:
        moved = {constraint.tensor.name}  # type: ignore[union-attr]
    tied = [relation_names(other) for other in case.setting.constraints if isinstance(other, Relation)]
    if any(names & moved and names - moved for names in tied):
        return {name for point in case.failing for name in point.values}
    return moved


def _telling(samples: list[Sample], case: Case) -> bool:
    """Whether some entry is not 0 (a claim 0 = 0 under a constraint is no finding)."""
    return any(np.any(np.abs(sample.real(case.claim.lhs, case.axes)) > 1e-9) for sample in samples)


def _variables(case: Case) -> set[str]:
    """The names that the left side differentiates by."""
    return {head_name(variable) for node in case.claim.lhs.atoms(Partial) for variable in node.variables}


def _candidates(given: Given, *, varied: bool) -> Iterator[tuple[Constraint, str]]:
    """What may be true of a given, weaker constraints before stronger ones; discrete values only for what is not varied."""
    symbol, name = given.symbol, given.name
    if given.of:
        return
    if not isinstance(symbol, NamedTensor):
        yield equation(symbol, 1), f"{name} = 1"
        yield positive(symbol), f"{name} > 0"
        yield equation(symbol, 0), f"{name} = 0"
        return
    at = tuple(Index(f"{'ijkl'[k]}{k}" if k > 3 else "ijkl"[k], dim) for k, dim in enumerate(symbol.dims))
    last = "every row of " if len(at) > 1 else ""
    each = (last, "every column of ")
    for k in reversed(range(len(at))):
        where = each[0] if k == len(at) - 1 else each[1]
        yield equation(summation(symbol[at], at[k]), 1), f"{where}{name} sums to 1"
        yield equation(summation(symbol[at], at[k]), 0), f"{where}{name} sums to 0 (mean zero)"
    if len(at) == 2 and at[0].dim == at[1].dim:
        yield SymmetricMatrix(symbol), f"{name} is symmetric"
    yield positive(symbol[at]), f"all entries of {name} are positive"
    for k in reversed(range(len(at))):
        where = each[0] if k == len(at) - 1 else each[1]
        yield equation(summation(symbol[at] ** 2, at[k]), 1), f"{where}{name} has unit norm"
    if not varied:
        yield Membership(symbol[at], (Integer(0), Integer(1))), f"all entries of {name} are 0 or 1"
        yield Membership(symbol[at], (Integer(-1), Integer(1))), f"all entries of {name} are -1 or 1"
        yield OneHot(symbol), f"{last}{name} is one-hot"
    if len(at) == 2:
        yield from _matrix_candidates(symbol, at)


def _matrix_candidates(symbol: NamedTensor, at: tuple[Index, ...]) -> Iterator[tuple[Constraint, str]]:
    name = symbol.name
    other, summed = Index("m", at[1].dim), Index("n", at[0].dim)
    orthonormal: Relation = equation(summation(symbol[summed, at[1]] * symbol[summed, other], summed), delta(at[1], other))
    if at[0].dim == at[1].dim:
        yield orthonormal, f"{name} is orthogonal"
        yield PositiveDefiniteMatrix(symbol), f"{name} is symmetric positive definite"


# ---------------------------------------------------------------------------------------------
# Particular sizes
# ---------------------------------------------------------------------------------------------


def sizes(case: Case, *, seed: int) -> Iterator[Diagnosis]:
    """Dimensions with few sizes at which the claim holds, whatever the others are."""
    found = [(dim.name, *_sizes_of(case, dim, seed=seed)) for dim in dims_of(case.setting, case.claim.lhs, case.claim.rhs)]
    found = [item for item in found if (item[1] or item[2]) and len(item[1]) < MOST_SIZES]
    if found:
        telling_first = sorted(found, key=lambda item: not item[1])
        yield Diagnosis(Kind.SIZES, "true only for " + "; or for ".join(_sizes_phrase(*item) for item in telling_first))


def _sizes_of(case: Case, dim: Dim, *, seed: int) -> tuple[list[int], list[int], int]:
    """Sizes at which the claim holds, those at which it says 0 = 0, and the largest that was tried."""
    holding: list[int] = []
    trivial: list[int] = []
    for size in range(1, MOST_SIZES + 1):
        if size > 3 and not any(n > 1 for n in holding):
            return holding, trivial, size - 1
        fixed = [{**sample.sizes, dim: size} for sample in itertools.islice(itertools.cycle(case.failing), 2 * POINTS)]
        samples = draw_samples(case.setting, case.claim, fixed, POINTS, seed=seed)
        kept = all(sample.sizes[dim] == size for sample in samples)
        if len(samples) == POINTS and kept and claim_holds(case, samples):
            (holding if _telling(samples, case) else trivial).append(size)
    return holding, trivial, MOST_SIZES


def _sizes_phrase(name: str, holding: list[int], trivial: list[int], largest: int) -> str:
    def listed(sizes: list[int]) -> str:
        return " and ".join(f"{name} = {size}" for size in sizes)

    tried = f"sizes 1 to {largest} tried"
    if not holding:
        return f"{listed(trivial)}, where both sides are 0 ({tried})"
    also = f", and for {listed(trivial)}, where both sides are 0" if trivial else ""
    return f"{listed(holding)}{also} ({tried})"
