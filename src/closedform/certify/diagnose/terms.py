"""A term that the claimed side lacks, recognised as a product of known things."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import sympy
from sympy import Expr, Indexed, Sum

from closedform.certify.diagnose.blocks import addends, deltas, entries, totals
from closedform.certify.diagnose.case import Case
from closedform.certify.diagnose.fit import CLOSE, Quantity, fits
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.certify.refute.exact import Array
from closedform.notation import Index, free_indices, summation

MOST_CANDIDATES = 4000
MOST_SUMMED, MOST_FACTORS = 9, 4
FEWEST_ENTRIES = 3  # of one point, to fit a coefficient that may vary from point to point

Candidate = tuple[tuple[Expr, ...], Array]  # factors, and the values of their product (summed where that is asked)


def other_terms(case: Case, known: Sequence[Quantity]) -> Iterator[Diagnosis]:
    """true = claimed + t, or claimed with one of its terms replaced by t, for a simple product t of known things."""
    yield from _explained(case, known, _candidates(case))


def summed_terms(case: Case, known: Sequence[Quantity]) -> Iterator[Diagnosis]:
    """Likewise, where t is such a sum of products as the claimed side has, over the batch say."""
    bounds = {tuple(limit[0] for limit in node.limits) for node in case.claim.rhs.atoms(Sum)}
    for bound in sorted(bounds, key=lambda indices: (len(indices), [index.name for index in indices]))[:2]:
        if len(bound) <= 2 and not set(bound) & set(case.axes):
            yield from _explained(case, known, _summed_candidates(case, bound), bound)


def _explained(
    case: Case, known: Sequence[Quantity], candidates: Sequence[Candidate], bound: tuple[Index, ...] = ()
) -> Iterator[Diagnosis]:
    if not candidates:
        return
    matrix = np.stack([values for _, values in candidates])
    terms = addends(case.claim.rhs)
    for replaced in (None, *terms):
        rest = case.claim.rhs if replaced is None else sympy.Add(*_without(terms, replaced))
        gap = case.truth - case.vector(rest)
        for factor, product in itertools.islice(_matches(case, gap, candidates, matrix, known), 3):
            inside = [part for part in sympy.Mul.make_args(product) if free_indices(part) & set(bound)]
            outside = product / sympy.Mul(*inside)
            term = factor * outside * summation(sympy.Mul(*inside), *bound)
            if case.corrected(rest + term):
                yield _missing_found(case, term, replaced)
                return
        if replaced is None and len(terms) == 1:
            return


def _without(terms: list[Expr], term: Expr) -> list[Expr]:
    position = terms.index(term)
    return terms[:position] + terms[position + 1 :]


def _missing_found(case: Case, term: Expr, replaced: Expr | None) -> Diagnosis:
    text = case.text(term)
    if replaced is None:
        return Diagnosis(Kind.MISSING_TERM, f"the term {text} is missing: with it added the claim holds")
    return Diagnosis(Kind.WRONG_TERM, f"the term {case.text(replaced)} should be {text}; the other terms are right")


def _candidates(case: Case) -> list[Candidate]:
    """Products of up to three entries, totals and deltas, with their values; the simplest first."""
    blocks = [(block, case.vector(block)) for block in (*deltas(case), *entries(case), *totals(case))]
    blocks = [(block, values) for block, values in blocks if np.all(np.isfinite(values)) and np.any(values)]
    found: list[Candidate] = [((), np.ones_like(case.truth))]
    for count, limit in ((1, len(blocks)), (2, 60), (3, 26)):
        for chosen in itertools.combinations_with_replacement(blocks[:limit], count):
            values = np.prod([values for _, values in chosen], axis=0)
            if len(found) < MOST_CANDIDATES:
                found.append((tuple(block for block, _ in chosen), values))
    return found


def _summed_candidates(case: Case, bound: tuple[Index, ...]) -> list[Candidate]:
    """Sums over ``bound`` of products of up to four of the entries and deltas that the claimed side is made of."""
    axes = (*case.axes, *bound)
    named = {entry.base for entry in case.claim.rhs.atoms(Indexed)}
    blocks = [*deltas(case), *(entry for entry in entries(case, axes) if entry.base in named)][:MOST_SUMMED]
    values = [np.stack([sample.real(block, axes) for block in blocks]) if blocks else np.empty(0) for sample in case.samples]
    carried = [free_indices(block) for block in blocks]
    found: list[Candidate] = []
    for count in range(1, MOST_FACTORS + 1):
        for chosen in itertools.combinations_with_replacement(range(len(blocks)), count):
            if set(bound) <= set().union(*(carried[k] for k in chosen)) and len(found) < MOST_CANDIDATES:
                totals_of = [np.prod(array[list(chosen)], axis=0).sum(axis=tuple(range(-len(bound), 0))) for array in values]
                found.append((tuple(blocks[k] for k in chosen), np.concatenate([total.ravel() for total in totals_of])))
    return found


def _matches(
    case: Case, gap: Array, candidates: Sequence[Candidate], matrix: Array, known: Sequence[Quantity]
) -> Iterator[tuple[Expr, Expr]]:
    """A factor and a candidate whose product is the gap; the factor, a simple formula, may vary from point to point."""
    if np.max(np.abs(gap)) <= CLOSE * case.scale:
        return
    lengths = np.diff(case.starts)
    large = np.repeat(lengths >= FEWEST_ENTRIES, lengths)  # at the other points any candidate would fit
    lengths = lengths[lengths >= FEWEST_ENTRIES]
    if len(lengths) < 2:
        large, lengths = np.ones(len(gap), dtype=bool), np.array([len(gap)])
    columns, wanted = matrix[:, large], gap[large]
    starts = np.cumsum([0, *lengths[:-1]])
    squares = np.add.reduceat(columns * columns, starts, axis=1)
    with np.errstate(all="ignore"):
        weights = np.where(squares > 0, np.add.reduceat(columns * wanted, starts, axis=1) / squares, 0.0)
    misfit = np.max(np.abs(np.repeat(weights, lengths, axis=1) * columns - wanted), axis=1)
    constants = [q for q in known if q.constant]
    for row in np.flatnonzero(misfit <= CLOSE * case.scale)[:12]:
        for factor in itertools.islice(fits(gap, matrix[row], constants, case.scale), 2):
            if factor != 0:
                yield factor, sympy.Mul(*candidates[row][0])
