"""Particular sizes at which a refuted claim is true."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Integer

from closedform.certify.diagnose.case import Case, claim_holds, draw_samples, telling
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.certify.refute.points import dims_of
from closedform.notation import Dim, SizeRelation

POINTS = 4
MOST_SIZES = 6
FEW_SIZES = 3  # beyond them only where the claim still holds at some


@dataclass(frozen=True)
class Tried:
    """What is known of the sizes from 1 to ``largest`` of one dimension, whatever the others are.

    Attributes:
        holding: the claim is proved there.
        trivial: of them, those at which both sides are 0.
        unsure: the claim holds at the points that were tried, and has no proof.
    """

    dim: Dim
    holding: tuple[int, ...]
    trivial: tuple[int, ...]
    unsure: tuple[int, ...]
    largest: int


def sizes(case: Case) -> Iterator[Diagnosis]:
    """Dimensions with few sizes at which the claim holds, whatever the others are."""
    found = [_tried(case, dim) for dim in dims_of(case.setting, case.claim.lhs, case.claim.rhs)]
    found = [tried for tried in found if tried.holding]
    everywhere = next((tried for tried in found if len(tried.holding) == tried.largest), None)
    if everywhere is not None:
        yield from _only_beyond(case, everywhere)
        return
    if found:
        telling_first = sorted(found, key=lambda tried: tried.holding == tried.trivial)
        only = "" if any(tried.unsure for tried in found) else "only "
        yield Diagnosis(Kind.SIZES, f"true {only}for " + "; or for ".join(map(_phrase, telling_first)))


def _tried(case: Case, dim: Dim) -> Tried:
    known: dict[bool, list[int]] = {True: [], False: []}  # proved, and unsure
    trivial: list[int] = []
    for size in range(1, MOST_SIZES + 1):
        if size > FEW_SIZES and not any(n > 1 for n in known[True]):
            return Tried(dim, tuple(known[True]), tuple(trivial), tuple(known[False]), size - 1)
        fixed = [{**sample.sizes, dim: size} for sample in itertools.islice(itertools.cycle(case.failing), 2 * POINTS)]
        samples = draw_samples(case.setting, case.claim, fixed, POINTS, seed=case.seed)
        if len(samples) == POINTS and all(sample.sizes[dim] == size for sample in samples) and claim_holds(case, samples):
            certain = _proved_at(case, dim, size)
            known[certain].append(size)
            trivial += [size] if certain and not telling(samples, case) else []
    return Tried(dim, tuple(known[True]), tuple(trivial), tuple(known[False]), MOST_SIZES)


def _proved_at(case: Case, dim: Dim, size: int) -> bool:
    """Whether the claim is true at this size for all others; it is not where the counterexample has this one."""
    if not case.setting.given or (case.shown is not None and case.shown.sizes[dim] == size):
        return False
    first, *others = case.setting.given
    narrowed = dataclasses.replace(first, where=(*first.where, SizeRelation("=", dim, Integer(size))))
    return case.proves(dataclasses.replace(case.setting, given=(narrowed, *others)), case.claim)


def _only_beyond(case: Case, tried: Tried) -> Iterator[Diagnosis]:
    """All sizes that were tried are right: the claim fails later, at the counterexample's."""
    if case.shown is not None and case.shown.sizes[tried.dim] > tried.largest:
        zero = ", where both sides are 0," if tried.holding == tried.trivial else ""
        name = tried.dim.name
        sentence = (
            f"true for {name} = 1 to {tried.largest}, the sizes tried{zero or ','} and wrong at {name} = {case.shown.sizes[tried.dim]}"
        )
        yield Diagnosis(Kind.SIZES, sentence)


def _phrase(tried: Tried) -> str:
    def listed(sizes: tuple[int, ...]) -> str:
        return " and ".join(f"{tried.dim.name} = {size}" for size in sizes)

    saying = tuple(size for size in tried.holding if size not in tried.trivial)
    ending = f"(sizes 1 to {tried.largest} tried)"
    if not saying:
        return f"{listed(tried.trivial)}, where both sides are 0 {ending}"
    also = f", and for {listed(tried.trivial)}, where both sides are 0" if tried.trivial else ""
    return f"{listed(saying)}{also} {ending}"
