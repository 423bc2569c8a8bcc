"""Conditions under which a refuted claim is true after all: a further constraint, or particular sizes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Indexed, Integer, Symbol

from closedform.certify.decide import is_piecewise
from closedform.certify.diagnose.case import Case, claim_holds, draw_samples
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.certify.refute.exact import Values, relation_names
from closedform.certify.refute.points import dims_of
from closedform.certify.refute.sample import Sample
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
    SymmetricMatrix,
    delta,
    equation,
    head_name,
    positive,
    summation,
)

POINTS = 4
MANY_POINTS = 24  # numbers from a small set, and branches, may satisfy more than was asked by chance
MOST_SIZES = 6
MOST_PAIRS = 8


# ---------------------------------------------------------------------------------------------
# A further constraint
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Restriction:
    """A constraint that one given may satisfy, and how to say so."""

    given: Given
    constraint: Constraint
    sentence: str


def constraints(case: Case, *, seed: int) -> Iterator[Diagnosis]:
    """The weakest constraint of the list, on one given or on two, under which the claim holds (and says more than 0 = 0)."""
    varied = _variables(case)
    singles = [restriction for given in case.setting.given for restriction in _candidates(given, varied=given.name in varied)]
    singles = [restriction for restriction in singles if not _settled(restriction)]
    usual = [restriction for restriction in singles if restriction.given.name not in varied and _is_usual(restriction)]
    pairs = [pair for pair in itertools.combinations(usual, 2) if pair[0].given != pair[1].given]
    for chosen in (*((single,) for single in singles), *pairs[:MOST_PAIRS]):
        if _holds_in(chosen, case, seed=seed):
            verb = "is" if len(chosen) == 1 else "are"
            yield Diagnosis(Kind.CONSTRAINT, f"true if {' and '.join(item.sentence for item in chosen)}, which {verb} not given")
            return


def _settled(restriction: Restriction) -> bool:
    """Whether what is given says it already, or rules it out: positive numbers are positive and do not sum to 0."""
    given, wanted = restriction.given, restriction.constraint
    return wanted in given.where or (
        _is_positive(given) and isinstance(wanted, Relation) and (wanted.op, wanted.rhs) in ((">", 0), ("=", 0))
    )


def _is_positive(given: Given) -> bool:
    entries = [c.lhs for c in given.where if isinstance(c, Relation) and c.op == ">" and c.rhs.is_nonnegative]
    return any(isinstance(entry, Indexed | Symbol) and head_name(entry) == given.name for entry in entries)


def _is_usual(restriction: Restriction) -> bool:
    """Scalars that are 1, labels that sum to 1, unit vectors, symmetric matrices: what people assume two of."""
    return restriction.sentence.endswith(("= 1", "sums to 1", "has unit norm", "is symmetric"))


def _holds_in(chosen: Sequence[Restriction], case: Case, *, seed: int) -> bool:
    """At sizes at which the claim fails without the constraint; on one point first, as most constraints fail there."""
    setting = case.setting
    for restriction in chosen:
        narrowed = dataclasses.replace(restriction.given, where=(*restriction.given.where, restriction.constraint))
        setting = dataclasses.replace(setting, given=tuple(narrowed if item is restriction.given else item for item in setting.given))
    moved = _moved(case, {restriction.given.name for restriction in chosen})
    chancy = any(isinstance(restriction.constraint, Membership) for restriction in chosen) or is_piecewise(setting, case.claim)
    for count in (1, MANY_POINTS if chancy else POINTS):
        points = list(itertools.islice(itertools.cycle(case.failing), 2 * count))
        kept: list[Values] = [{name: value for name, value in point.values.items() if name not in moved} for point in points]
        kept[len(case.failing) :] = [{} for _ in kept[len(case.failing) :]]  # once more around: other points
        samples = draw_samples(setting, case.claim, [point.sizes for point in points], count, seed=seed, kept=kept)
        if len(samples) < count or not claim_holds(case, samples):
            return False
    return _telling(samples, case)


def _moved(case: Case, names: set[str]) -> set[str]:
    """The givens that have to be drawn again: the constrained ones, and with them all others if a relation ties them together."""
    tied = [relation_names(other) for other in case.setting.constraints if isinstance(other, Relation)]
    if any(other & names and other - names for other in tied):
        return {name for point in case.failing for name in point.values}
    return names


def _telling(samples: list[Sample], case: Case) -> bool:
    """Whether some entry is not 0 (a claim 0 = 0 under a constraint is no finding)."""
    return any(np.any(np.abs(sample.real(case.claim.lhs, case.axes)) > 1e-9) for sample in samples)


def _variables(case: Case) -> set[str]:
    """The names that the left side differentiates by."""
    return {head_name(variable) for node in case.claim.lhs.atoms(Partial) for variable in node.variables}


def _candidates(given: Given, *, varied: bool) -> Iterator[Restriction]:
    """What may be true of a given, weaker constraints before stronger ones; discrete values only for what is not varied."""
    if given.of:
        return
    is_tensor = isinstance(given.symbol, NamedTensor)
    listed = _tensor_candidates(given.symbol, varied) if is_tensor else _scalar_candidates(given.symbol, varied)
    for constraint, sentence in listed:
        yield Restriction(given, constraint, sentence)


def _scalar_candidates(symbol: Symbol, varied: bool) -> Iterator[tuple[Constraint, str]]:
    """A derivative that is right at one value of its variable is right by accident."""
    yield positive(symbol), f"{symbol.name} > 0"
    if not varied:
        yield equation(symbol, 1), f"{symbol.name} = 1"
        yield equation(symbol, 0), f"{symbol.name} = 0"


def _tensor_candidates(symbol: NamedTensor, varied: bool) -> Iterator[tuple[Constraint, str]]:
    name = symbol.name
    at = tuple(Index(f"i{k}", dim) for k, dim in enumerate(symbol.dims))
    lines = [f"{_line(len(at), k)}{name}" for k in range(len(at))]
    for k in reversed(range(len(at))):
        yield equation(summation(symbol[at], at[k]), 1), f"{lines[k]} sums to 1"
        yield equation(summation(symbol[at], at[k]), 0), f"{lines[k]} sums to 0 (mean zero)"
    square = len(at) == 2 and at[0].dim == at[1].dim
    if square:
        yield SymmetricMatrix(symbol), f"{name} is symmetric"
    yield positive(symbol[at]), f"all entries of {name} are positive"
    for k in reversed(range(len(at))):
        yield equation(summation(symbol[at] ** 2, at[k]), 1), f"{lines[k]} has unit norm"
    if not varied:
        yield Membership(symbol[at], (Integer(0), Integer(1))), f"all entries of {name} are 0 or 1"
        yield Membership(symbol[at], (Integer(-1), Integer(1))), f"all entries of {name} are -1 or 1"
        yield OneHot(symbol), f"{lines[-1]} is one-hot"
    if square:
        other, summed = Index("m", at[1].dim), Index("n", at[0].dim)
        yield equation(summation(symbol[summed, at[1]] * symbol[summed, other], summed), delta(at[1], other)), f"{name} is orthogonal"
        yield PositiveDefiniteMatrix(symbol), f"{name} is symmetric positive definite"


def _line(rank: int, axis: int) -> str:
    """What runs along an axis: nothing to say of a vector, rows and columns of a matrix."""
    if rank == 1:
        return ""
    return ("every column of ", "every row of ")[axis] if rank == 2 else f"along axis {axis + 1}, "


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
