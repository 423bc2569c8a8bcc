"""Mistakes in factors: of the whole side, of one term or several, of one name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import sympy
from sympy import Expr, Indexed, Integer, Rational, Sum

from closedform.certify.diagnose.blocks import GUARDS, addends, replacements, scalars, totals
from closedform.certify.diagnose.case import Case, Equation
from closedform.certify.diagnose.fit import CLOSE, Quantity, fits, number
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.certify.refute.exact import Array
from closedform.certify.refute.sample import nearly_equal
from closedform.notation import Dim, Index, Partial, summation

MOST_REWRITES = 60


def whole_factor(case: Case, known: Sequence[Quantity]) -> Iterator[Diagnosis]:
    """true = f * claimed; first of all whether the true value is simply 0."""
    if case.corrected(Integer(0)):
        yield Diagnosis(Kind.EXTRA_TERM, "the true value is 0 everywhere: nothing of the claimed side belongs there")
        return
    for factor in itertools.islice(fits(case.truth, case.claimed, known, case.scale), 4):
        if factor != 0 and not _restates(case, factor) and case.corrected(factor * case.claim.rhs):
            yield _factor_found(case, factor)
            return


def _restates(case: Case, factor: Expr) -> bool:
    """Of `sum_n P[n,m] = 1` it is no finding that the right side lacks the factor sum_n P[n,m]."""
    return case.claim.rhs.is_number and not case.claim.lhs.has(Partial) and factor.has(Indexed)


def _factor_found(case: Case, factor: Expr) -> Diagnosis:
    if factor == -1:
        return Diagnosis(Kind.SIGN, "the sign is wrong: the true value is minus the claimed one")
    text = case.text(factor)
    if factor.is_number:
        sentence = f"off by a constant factor: the claimed side is {case.text(1 / factor)} times the true one; multiply it by {text}"
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
                yield _sum_assumed(case, term, factor, others) or _term_found(case, term, factor)
                return


def _sum_assumed(case: Case, term: Expr, factor: Expr, others: Expr) -> Diagnosis | None:
    """p[j] - v[j] for a gradient of sum_c v[c] log p[c], whose term p[j] has the factor sum_c v[c]: it is taken to be 1."""
    for index in () if factor.is_nonpositive else case.axes:
        rest = tuple(axis for axis in case.axes if axis != index)
        sums = ((term, Integer(1)), (-others, factor))
        if others.has(index) and all(case.holds(Equation(summation(part, index), total, rest, rest)) for part, total in sums):
            summed = f"{case.text(-others)} is taken to sum to 1 over {index.name}"
            return Diagnosis(Kind.ASSUMED_SUM, f"{summed}; the sum is {case.text(factor)}, by which {case.text(term)} has to be multiplied")
    return None


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
        changes = [f"{case.text(term)} by {case.text(weight)}" for term, weight in wrong]
        yield Diagnosis(Kind.WRONG_TERM, f"other numbers before its terms make it true: multiply {' and '.join(changes)}")


def sum_dropped(case: Case) -> Iterator[Diagnosis]:
    """One term has u[i] v[i] where the sum over that index belongs, or the other way round."""
    terms = addends(case.claim.rhs)
    for total in totals(case):
        for at in _summands(case, total):
            single = total.function.xreplace(at)
            for (k, term), (wrong, right) in itertools.product(enumerate(terms), ((single, total), (total, single))):
                if not _contains(term, wrong):
                    continue
                others = sympy.Add(*terms[:k], *terms[k + 1 :])
                corrected = case.vector(others) + _quotient(case.vector(term) * case.vector(right), case.vector(wrong))
                if np.all(nearly_equal(case.truth, corrected)) and case.corrected(others + right / wrong * term):
                    where = f" in the term {case.text(term)}" if len(terms) > 1 else ""
                    yield Diagnosis(Kind.SUM, f"{case.text(wrong)} should be {case.text(right)}{where}")
                    return


def _contains(term: Expr, part: Expr) -> bool:
    """Whether a term has all factors of ``part``, or some sum where that is one."""
    if isinstance(part, Sum):
        return term.has(Sum)
    powers = term.as_powers_dict()
    return all(powers.get(base, 0) >= exponent for base, exponent in part.as_powers_dict().items())


def _quotient(a: Array, b: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(a / b)


def _summands(case: Case, total: Expr) -> Iterator[dict[Index, Index]]:
    """Free indices in the place of the bound ones of a sum."""
    if isinstance(total, Sum):
        bound = [limit[0] for limit in total.limits]
        for at in itertools.product(*([index for index in case.axes if index.dim == b.dim] for b in bound)):
            yield dict(zip(bound, at, strict=True))


def rescaled_entry(case: Case) -> Iterator[Diagnosis]:
    """A name of the claimed side stands for a multiple of it: v / kap instead of v."""
    rhs = case.claim.rhs
    free = rhs.free_symbols
    guards = rhs.atoms(*GUARDS)  # what is compared is hardly ever seen to be another multiple
    inside = [*rhs.atoms(Indexed), *(symbol for symbol in scalars(case) if symbol in free)]
    inside = [entry for entry in inside if not any(guard.has(entry) for guard in guards)]
    scales = [*(s**e for s in scalars(case) for e in (-1, 1)), Integer(2), Rational(1, 2), Integer(-1)]
    for entry, scale in itertools.islice(itertools.product(sorted(inside, key=sympy.default_sort_key), scales), MOST_REWRITES):
        for right in replacements(rhs, entry, scale * entry):
            if entry != scale and case.corrected(right):
                yield Diagnosis(Kind.WRONG_TERM, f"{case.text(entry)} should be {case.text(scale * entry)} in {_place(case, rhs, right)}")
                return


def _place(case: Case, rhs: Expr, right: Expr) -> str:
    kept = set(right.args)
    changed = [part for part in rhs.args if part not in kept] if rhs.is_Mul or rhs.is_Add else []
    return case.text(changed[0]) if len(changed) == 1 else "the claimed side"
