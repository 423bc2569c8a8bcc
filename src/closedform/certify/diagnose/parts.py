"""One part of a side should be another: a term inside a factor or a function, an exponent, a name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import sympy
from sympy import Expr, Indexed, Integer, Pow, Rational, Sum

from closedform.certify.diagnose.blocks import ELEMENTARY, GUARDS, entries, replacements, scalars, tensors
from closedform.certify.diagnose.case import Case
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.notation import Partial, free_indices, less, less_equal, maximum, minimum, relu, step

MOST_CHANGES = 240
NUMBERS = (Integer(-1), Integer(2), Rational(1, 2), Integer(3), Rational(1, 3), Integer(4), Rational(1, 4))

Change = tuple[Kind, Expr, Expr, Expr]  # the kind, the part as it is and as it should be, and the side with that change


def wrong_parts(case: Case) -> Iterator[Diagnosis]:
    """The claimed side with one part changed, wherever it stands; where nothing is differentiated, also the left side."""
    yield from _found(case, "")
    mirrored = _mirrored(case)
    if mirrored is not None:
        yield from _found(mirrored, " on the left side")


def _mirrored(case: Case) -> Case | None:
    """The claim with its sides exchanged."""
    lhs, rhs = case.claim.lhs, case.claim.rhs
    if lhs.has(Partial) or free_indices(lhs) != free_indices(rhs):
        return None
    return replace(case, claim=replace(case.claim, lhs=rhs, rhs=lhs))


def _found(case: Case, where: str) -> Iterator[Diagnosis]:
    if case.claim.rhs.has(Partial):
        return
    for kind, part, other, right in itertools.islice(_changes(case), MOST_CHANGES):
        if right != case.claim.rhs and not right.is_number and case.corrected(right):
            yield Diagnosis(kind, f"{case.text(part)} should be {case.text(other)}{where}: with that the claim holds")
            return


def _changes(case: Case) -> Iterator[Change]:
    rhs = case.claim.rhs
    guarded = {part for guard in rhs.atoms(*GUARDS) for part in sympy.preorder_traversal(guard)}
    nodes = [node for node in dict.fromkeys(sympy.preorder_traversal(rhs)) if node not in guarded]
    yield from _thresholds(case)
    yield from _other_names(case)
    for node in nodes:
        if isinstance(node, Pow) and node.exp.is_Rational:
            for exponent in _other_exponents(node.exp):
                yield Kind.WRONG_EXPONENT, node, node.base**exponent, rhs.xreplace({node: node.base**exponent})
    factors = [*NUMBERS, *(scalar**e for scalar in scalars(case) for e in (1, -1))]
    for node in (node for node in nodes if node.is_Add):
        for factor, term in itertools.product(factors, node.args):
            other = node.func(*(factor * arg if arg is term else arg for arg in node.args))
            yield Kind.WRONG_PART, node, other, rhs.xreplace({node: other})
    for node in (node for node in nodes if isinstance(node, (Sum, *ELEMENTARY))):
        yield from _inner_factors(rhs, node, case)


def _inner_factors(rhs: Expr, node: Expr, case: Case) -> Iterator[Change]:
    """An entry that the argument of a function, or the summand of a sum, lacks as a factor."""
    inner = node.function if isinstance(node, Sum) else node.args[0]
    axes = tuple(sorted(free_indices(inner), key=lambda index: index.name))
    for entry in (*entries(case, axes), *scalars(case)) if axes else scalars(case):
        other = node.func(entry * inner, *node.args[1:])
        yield Kind.WRONG_PART, node, other, rhs.xreplace({node: other})


def _thresholds(case: Case) -> Iterator[Change]:
    """A number in a comparison for another one with which the definitions compare."""
    known = [bound for let in case.setting.lets for bound in _compared(let.body)]
    for comparison in sorted(case.claim.rhs.atoms(less, less_equal, step, relu, maximum, minimum), key=sympy.default_sort_key):
        for bound, other in itertools.product(_compared(comparison), dict.fromkeys(known)):
            for value in (other, -other):
                if bound != value:
                    changed = comparison.xreplace({bound: value})
                    sign = -1 if bound < 0 and value < 0 else 1  # of x - 1/2, which is compared with 0
                    yield Kind.WRONG_PART, sign * bound, sign * value, case.claim.rhs.xreplace({comparison: changed})


def _compared(expression: Expr) -> list[Expr]:
    """Numbers and scalars that comparisons are with."""
    comparisons = sorted(expression.atoms(less, less_equal, step, relu, maximum, minimum), key=sympy.default_sort_key)
    terms = [term for comparison in comparisons for arg in comparison.args for term in sympy.Add.make_args(arg)]
    return list(dict.fromkeys(term for term in terms if term.is_Rational and term != 0))


def _other_exponents(exponent: Rational) -> Iterator[Rational]:
    others = (-exponent, 2 * exponent, exponent / 2, exponent + 1, exponent - 1, 3 * exponent, Rational(1))
    return (other for other in dict.fromkeys(others) if other not in (0, exponent))


def _other_names(case: Case) -> Iterator[Change]:
    """A tensor or scalar for another one of the same shape."""
    rhs = case.claim.rhs
    for entry in sorted(rhs.atoms(Indexed), key=sympy.default_sort_key):
        for tensor in tensors(case):
            if tensor != entry.base and tensor.dims == entry.base.dims:
                yield from _renamed(rhs, entry, tensor[entry.indices])
    known = scalars(case)
    for scalar, other in itertools.permutations(known, 2):
        if scalar in rhs.free_symbols:
            yield from _renamed(rhs, scalar, other)


def _renamed(rhs: Expr, entry: Expr, other: Expr) -> Iterator[Change]:
    return ((Kind.WRONG_NAME, entry, other, right) for right in replacements(rhs, entry, other))
