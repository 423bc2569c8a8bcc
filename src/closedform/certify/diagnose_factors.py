"""Mistakes in factors and terms: the whole side, one term, a term too many or too few."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import sympy
from sympy import Expr

from closedform.certify.diagnose_blocks import addends, deltas, entries, quantities, totals
from closedform.certify.diagnose_case import Case
from closedform.certify.diagnose_fit import CLOSE, Quantity, fits, number
from closedform.certify.diagnose_kinds import Diagnosis, Kind
from closedform.certify.refute_exact import Array
from closedform.notation import Dim

MOST_CANDIDATES = 4000
FEWEST_ENTRIES = 3  # of one point, to fit a coefficient that may vary from point to point


def whole_factor(case: Case, known: Sequence[Quantity]) -> Iterator[Diagnosis]:
    """true = f * claimed."""
    for factor in itertools.islice(fits(case.truth, case.claimed, known, case.scale), 4):
        if factor != 0 and case.corrected(factor * case.claim.rhs):
            yield _factor_found(case, factor)
            return


def _factor_found(case: Case, factor: Expr) -> Diagnosis:
    if factor == -1:
        return Diagnosis(Kind.SIGN, "the sign is wrong: the true value is minus the claimed one")
    text = case.text(factor)
    if factor.is_number:
        sentence = f"off by a constant factor: the claimed side is {case.text(1 / factor)} of the true one; multiply it by {text}"
        return Diagnosis(Kind.CONSTANT_FACTOR, sentence)
    kind = Kind.SIZE_FACTOR if all(isinstance(s, Dim) for s in factor.free_symbols) else Kind.FACTOR
    return Diagnosis(kind, f"the claimed side has to be multiplied by {text}: that factor is missing")


def term_factor(case: Case, known: Sequence[Quantity]) -> Iterator[Diagnosis]:
    """true = claimed with one of its terms multiplied by f; f = 0 is a term too many."""
    terms = addends(case.claim.rhs)
    if len(terms) < 2:
        return
    for k, term in enumerate(terms):
        others = sympy.Add(*terms[:k], *terms[k + 1 :])
        for factor in itertools.islice(fits(case.truth - case.vector(others), case.vector(term), known, case.scale), 3):
            if factor != 1 and case.corrected(others + factor * term):
                yield _term_found(case, term, factor)
                return


def _term_found(case: Case, term: Expr, factor: Expr) -> Diagnosis:
    text = case.text(term)
    if factor == 0:
        return Diagnosis(Kind.EXTRA_TERM, f"the term {text} is too much: without it the claim holds")
    if factor == -1:
        return Diagnosis(Kind.SIGN, f"the term {text} has the wrong sign")
    return Diagnosis(Kind.WRONG_TERM, f"the term {text} has to be multiplied by {case.text(factor)}; the other terms are right")


def several_terms(case: Case) -> Iterator[Diagnosis]:
    """true = sum of the claimed terms with other numbers before them."""
    terms = list(dict.fromkeys(addends(case.claim.rhs)))
    if len(terms) < 2:
        return
    columns = np.stack([case.vector(term) for term in terms], axis=1)
    weights, _, rank, _ = np.linalg.lstsq(columns, case.truth, rcond=None)
    if rank < len(terms) or len(case.truth) < 2 * len(terms) or np.max(np.abs(columns @ weights - case.truth)) > CLOSE * case.scale:
        return
    exact = [number(float(np.round(weight, 9))) for weight in weights]
    if any(weight is None for weight in exact):
        return
    wrong = [(term, weight) for term, weight in zip(terms, exact, strict=True) if weight != 1]
    corrected = sympy.Add(*(weight * term for term, weight in zip(terms, exact, strict=True)))
    if 1 < len(wrong) <= 3 and case.corrected(corrected):
        listed = " and ".join(f"{case.text(term)} by {case.text(weight)}" for term, weight in wrong)
        yield Diagnosis(Kind.WRONG_TERM, f"the right numbers before its terms make it true: multiply {listed}")


# ---------------------------------------------------------------------------------------------
# Terms that the claimed side lacks
# ---------------------------------------------------------------------------------------------


def other_terms(case: Case, known: Sequence[Quantity]) -> Iterator[Diagnosis]:
    """true = claimed + t, or claimed with one of its terms replaced by t, for a simple product t of known things."""
    candidates = _candidates(case)
    if not candidates:
        return
    matrix = np.stack([values for _, values in candidates])
    terms = addends(case.claim.rhs)
    for replaced in (None, *terms):
        rest = case.claim.rhs if replaced is None else sympy.Add(*_without(terms, replaced))
        gap = case.truth - case.vector(rest)
        for term in itertools.islice(_matches(case, gap, candidates, matrix, known), 3):
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


Candidate = tuple[tuple[Expr, ...], Array]


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


def _matches(case: Case, gap: Array, candidates: list[Candidate], matrix: Array, known: Sequence[Quantity]) -> Iterator[Expr]:
    """Candidates of which the gap is a multiple, the same one for all entries of a point, with the multiple as a simple formula."""
    starts = case.starts[:-1]
    lengths = np.diff(case.starts)
    if np.max(np.abs(gap)) <= CLOSE * case.scale:
        return
    if np.min(lengths) < FEWEST_ENTRIES:  # too few entries to fit one coefficient per point: one for all points
        starts, lengths = np.array([0]), np.array([len(gap)])
    squares = np.add.reduceat(matrix * matrix, starts, axis=1)
    with np.errstate(all="ignore"):
        weights = np.where(squares > 0, np.add.reduceat(matrix * gap, starts, axis=1) / squares, 0.0)
    misfit = np.max(np.abs(np.repeat(weights, lengths, axis=1) * matrix - gap), axis=1)
    constants = [q for q in known if q.constant]
    for row in np.flatnonzero(misfit <= CLOSE * case.scale)[:12]:
        for factor in itertools.islice(fits(gap, matrix[row], constants, case.scale), 2):
            if factor != 0:
                yield sympy.Mul(factor, *candidates[row][0])


def whole_factors(case: Case) -> Iterator[Diagnosis]:
    """A factor of the whole side."""
    return whole_factor(case, quantities(case))


def scaled_terms(case: Case) -> Iterator[Diagnosis]:
    """Factors of its terms."""
    yield from term_factor(case, quantities(case))
    yield from several_terms(case)


def dropped_terms(case: Case) -> Iterator[Diagnosis]:
    """A term that is missing or stands in the place of another."""
    return other_terms(case, quantities(case))
