"""Counterexamples: the smallest sizes and round numbers at which the two sides of a claim differ.

Double precision finds the point; balls of growing precision decide. Two enclosures that do not
meet are a proof that the sides differ there, whatever the rest of the kernel does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from random import Random

import numpy as np
from flint import arb

from closedform.certify.orders import derivative_order
from closedform.certify.refute.exact import Array
from closedform.certify.refute.points import GENERIC, as_text, ascending_sizes, dims_of, round_point
from closedform.certify.refute.sample import Sample, has_discrete_data, nearly_equal
from closedform.certify.rings.ball import Ball
from closedform.notation import Claim, Dim, Setting
from closedform.results import Counterexample

LARGEST_SIZE = 8
MOST_SIZES = 150  # combinations of sizes that are tried
THOROUGH = 30  # of them, the first ones, with numbers of every roundness; later ones with the general levels only
PRECISIONS = (64, 256, 2048)  # enclosures that still meet at the last one are taken for equal
DIGITS = 12
ATTEMPT_LEVELS = (0, 0, 1, 2, 3, 4)  # roundest numbers first
SECOND_LOOKS = 16  # points at which balls look for a difference that double precision does not show
TIE_SIZES, TIE_POINTS = 12, 8
ROUNDING = 1e-11  # a relative difference that is hardly one of rounding
VISIBLE = 1e-4  # a relative difference that a person sees; smaller ones are shown only where there is no larger


def find_counterexample(setting: Setting, claim: Claim, *, seed: int = 0) -> Counterexample | None:
    """Smallest sizes, then roundest numbers, at which the sides provably differ; None if none was found.

    >>> from closedform.notation import indices, partial, scalar, summation, tensor, Given, Let
    >>> D = Dim("D"); (i,) = indices("i", D); x, f = tensor("x", D), scalar("f")
    >>> setting = Setting((Given(x),), (Let(f, summation(x[i] ** 2, i)),))
    >>> find_counterexample(setting, Claim("half", partial(f, x[i]), x[i]))
    Counterexample(sizes={'D': 1}, values={'x': ['2']}, entry={'i': 1}, lhs='4', rhs='2')
    """
    unclear: list[tuple[float, Sample]] = []
    for sample in _samples(setting, claim, seed):
        difference = _relative_difference(sample, claim)
        if difference >= VISIBLE and (found := separated(sample, claim)):
            return found
        unclear.append((difference, sample))
    # Nothing that double precision can tell for sure: balls look at the points where it saw most, the smaller ones first.
    unclear.sort(key=lambda pair: -min(pair[0], ROUNDING))
    found = next((found for _, sample in unclear[:SECOND_LOOKS] if (found := separated(sample, claim))), None)
    return found or (_at_ties(setting, claim, seed) if has_discrete_data(setting, claim.lhs) else None)


def _at_ties(setting: Setting, claim: Claim, seed: int) -> Counterexample | None:
    """With plain balls, where labels tie with a constant at every point: two generic points have to agree that the sides differ."""
    dims = dims_of(setting, claim.lhs, claim.rhs)
    order = derivative_order(setting, claim.lhs, claim.rhs)
    for sizes in itertools.islice(ascending_sizes(dims, setting, largest=LARGEST_SIZE), TIE_SIZES):
        found: list[Counterexample] = []
        for attempt in range(TIE_POINTS):
            values = round_point(setting, sizes, Random(f"{seed}:ties:{attempt}"), GENERIC, order=order)
            counterexample = None if values is None else separated(Sample(setting, sizes, values, ring=Ball), claim)
            found += [] if counterexample is None else [counterexample]
        if len(found) > 1:
            return found[0]
    return None


def _samples(setting: Setting, claim: Claim, seed: int) -> Iterator[Sample]:
    dims = dims_of(setting, claim.lhs, claim.rhs)
    order = derivative_order(setting, claim.lhs, claim.rhs)
    for rank, sizes in enumerate(itertools.islice(ascending_sizes(dims, setting, largest=LARGEST_SIZE), MOST_SIZES)):
        for attempt, level in enumerate(ATTEMPT_LEVELS if rank < THOROUGH else ATTEMPT_LEVELS[-2:]):
            rng = Random(f"{seed}:{sorted((dim.name, n) for dim, n in sizes.items())}:{attempt}")
            values = round_point(setting, sizes, rng, level, order=order)
            if values is None:
                break
            yield Sample(setting, sizes, values)


def _relative_difference(sample: Sample, claim: Claim) -> float:
    axes = claim.free_indices
    lhs, rhs = sample.real(claim.lhs, axes), sample.real(claim.rhs, axes)
    finite = np.isfinite(lhs) & np.isfinite(rhs)
    if not finite.any():
        return 0.0
    gap = np.where(finite, np.abs(lhs - rhs), 0.0)
    scale = max(float(np.max(np.abs(np.where(finite, side, 0.0)))) for side in (lhs, rhs))
    return float(np.max(gap)) / scale if scale else 0.0


def separated(sample: Sample, claim: Claim) -> Counterexample | None:
    """The first entry whose two enclosures do not meet, at the lowest precision that shows it."""
    axes = claim.free_indices
    for precision in PRECISIONS:
        lhs, rhs = (sample.balls(side, axes, precision) for side in (claim.lhs, claim.rhs))
        apart = _apart(lhs, rhs)
        if apart.any() and sample.defined(claim.lhs, precision):
            at = _most_telling(sample, claim, apart)
            entry = {index.name: position + 1 for index, position in zip(axes, at, strict=True)}
            left, right = _told_apart(lhs[at], rhs[at])
            return Counterexample(_named(sample.sizes), as_text(sample.values), entry, left, right)
        if not _may_meet_later(lhs, rhs, precision):
            return None
    return None


def _apart(lhs: Array, rhs: Array) -> Array:
    finite = np.frompyfunc(lambda x, y: bool(x.is_finite() and y.is_finite() and not x.overlaps(y)), 2, 1)
    return np.asarray(finite(lhs, rhs)).astype(bool)


def _may_meet_later(lhs: Array, rhs: Array, precision: int) -> bool:
    """Whether more precision could separate an entry: some pair is finite (a NaN stays, a kink is a kink)."""
    return any(x.is_finite() and y.is_finite() for x, y in zip(lhs.flat, rhs.flat, strict=True)) or precision == PRECISIONS[0]


def _most_telling(sample: Sample, claim: Claim, apart: Array) -> tuple[int, ...]:
    """The first entry that differs visibly, else the first that differs."""
    axes = claim.free_indices
    visible = apart & ~nearly_equal(sample.real(claim.lhs, axes), sample.real(claim.rhs, axes), VISIBLE)
    chosen = visible if visible.any() else apart
    return tuple(int(position) for position in np.argwhere(chosen)[0])


def _told_apart(lhs: arb, rhs: arb) -> tuple[str, str]:
    """Both values as decimals, with as many guaranteed digits as it takes to see the difference."""
    digits = DIGITS
    while (texts := (decimal(lhs, digits), decimal(rhs, digits)))[0] == texts[1] and digits < 700:
        digits *= 2
    return texts


def decimal(value: arb, digits: int = DIGITS) -> str:
    """Decimal text of which every digit is right to within one unit of the last; "0" for a small ball around 0.

    >>> decimal(arb(1) / 4), decimal(arb(-3))
    ('0.25', '-3')
    """
    if value.contains(0):
        return "0"
    text = str(value.str(digits, radius=False))
    mantissa, exponent, power = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa + exponent + power


def _named(sizes: Mapping[Dim, int]) -> dict[str, int]:
    return {dim.name: size for dim, size in sizes.items()}
