"""Mistakes in indices: transposed, a wrong letter, right at some coincidence patterns only."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import sympy
from sympy import Expr, Indexed

from closedform.certify.diagnose.blocks import replacements
from closedform.certify.diagnose.case import Case, Equation
from closedform.certify.diagnose.fit import CLOSE
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.certify.refute.exact import Array
from closedform.notation import Index, Partial, delta, inv

MOST_REWRITES = 48
MOST_AXES = 3
FEW = 0.5  # of the entries elsewhere that may be right as well

Pairs = tuple[tuple[Index, Index], ...]


# ---------------------------------------------------------------------------------------------
# Transposed
# ---------------------------------------------------------------------------------------------


def transposed_indices(case: Case) -> Iterator[Diagnosis]:
    """true[i,j] = claimed[j,i], for every permutation of the free indices over one dimension."""
    for order in _permutations(case.axes):
        if case.holds(Equation(case.claim.lhs, case.claim.rhs, case.axes, order)):
            moved = [(a, b) for a, b in zip(order, case.axes, strict=True) if a != b]
            swaps = [(a, b) for a, b in moved if (b, a) in moved and case.axes.index(a) < case.axes.index(b)]
            if 2 * len(swaps) == len(moved):
                listed = ", ".join(f"{a.name} and {b.name}" for a, b in swaps)
                yield Diagnosis(Kind.TRANSPOSED_INDICES, f"the indices are transposed: with {listed} exchanged the claim holds")
            else:
                listed = ", ".join(f"{a.name} -> {b.name}" for a, b in moved)
                yield Diagnosis(Kind.TRANSPOSED_INDICES, f"the indices are permuted: with {listed} on the claimed side the claim holds")
            return


def _permutations(axes: tuple[Index, ...]) -> Iterator[tuple[Index, ...]]:
    """Those that keep the dimensions, the ones that move fewest indices first."""
    orders = [order for order in itertools.permutations(axes) if all(a.dim == b.dim for a, b in zip(order, axes, strict=True))]
    return iter(sorted(orders, key=lambda order: sum(a != b for a, b in zip(order, axes, strict=True)))[1:])


def symmetrised(case: Case) -> Iterator[Diagnosis]:
    """true[i,j] = (claimed[i,j] + claimed[j,i])/2, such as a derivative by a matrix that is taken twice."""
    for i, j in itertools.combinations(case.axes, 2):
        if i.dim == j.dim and case.corrected((case.claim.rhs + case.claim.rhs.xreplace({i: j, j: i})) / 2):
            what = f"the true value is the mean of the claimed side and of itself with {i.name} and {j.name} exchanged"
            yield Diagnosis(Kind.SYMMETRIC_PART, f"only the part that is symmetric in {i.name} and {j.name} is right: {what}")
            return


def rewritten(case: Case) -> Iterator[Diagnosis]:
    """One matrix transposed, everywhere or in one place; or one index letter exchanged in one place."""
    for kind, right, sentence in itertools.islice(_rewrites(case), MOST_REWRITES):
        if case.corrected(right):
            yield Diagnosis(kind, sentence)
            return


def _rewrites(case: Case) -> Iterator[tuple[Kind, Expr, str]]:
    rhs = case.claim.rhs
    square = [entry for entry in _entries_of(rhs) if _off_diagonal(_at(entry))]
    names = sorted({_label(entry) for entry in square})
    for name in names:
        chosen = {entry: _moved(entry, (_at(entry)[1], _at(entry)[0])) for entry in square if _label(entry) == name}
        yield Kind.TRANSPOSED_MATRIX, rhs.xreplace(chosen), f"{name} has to be transposed: with its two indices exchanged the claim holds"
    if len(square) > 1:
        everything = {entry: _moved(entry, (_at(entry)[1], _at(entry)[0])) for entry in square}
        sentence = f"{' and '.join(names)} have to be transposed: with their indices exchanged the claim holds"
        yield Kind.TRANSPOSED_MATRIX, rhs.xreplace(everything), sentence
        for entry in square:
            turned = _moved(entry, (_at(entry)[1], _at(entry)[0]))
            yield Kind.TRANSPOSED_MATRIX, rhs.xreplace({entry: turned}), f"{case.text(entry)} should be {case.text(turned)}"
    for entry in _entries_of(rhs):
        at = _at(entry)
        for axis, other in itertools.product(range(len(at)), case.axes):
            if other.dim == at[axis].dim and other not in at and at[axis] in case.axes:
                moved = _moved(entry, (*at[:axis], other, *at[axis + 1 :]))
                for right in replacements(rhs, entry, moved):
                    yield Kind.WRONG_INDEX, right, f"{case.text(entry)} should be {case.text(moved)}{_place(case, rhs, right)}"


def _place(case: Case, rhs: Expr, right: Expr) -> str:
    """In which factor or term, if only one has changed."""
    kept = set(right.args)
    changed = [part for part in rhs.args if part not in kept]
    return f" in {case.text(changed[0])}" if len(changed) == 1 and changed[0].args and not isinstance(changed[0], Indexed) else ""


def _entries_of(expression: Expr) -> list[Expr]:
    found = {node for node in expression.atoms(Indexed, inv) if not expression.atoms(Partial)}
    return sorted(found, key=sympy.default_sort_key)


def _off_diagonal(at: tuple[Index, ...]) -> bool:
    return len(at) == 2 and at[0].dim == at[1].dim and at[0] != at[1]


def _at(entry: Expr) -> tuple[Index, ...]:
    return tuple(entry.indices) if isinstance(entry, Indexed) else tuple(entry.args[1:])


def _moved(entry: Expr, at: tuple[Index, ...]) -> Expr:
    return entry.base[at] if isinstance(entry, Indexed) else inv(entry.args[0], *at)


def _label(entry: Expr) -> str:
    return str(entry.base.name) if isinstance(entry, Indexed) else f"inv({entry.args[0].name})"


# ---------------------------------------------------------------------------------------------
# Coincidence patterns
# ---------------------------------------------------------------------------------------------


def patterns(case: Case, shown: Mapping[str, int]) -> Iterator[Diagnosis]:
    """Right where i = j only, or where i != j only; with several pairs of indices, also where all of them agree.

    Args:
        shown: the entry at which the counterexample is, which may not be one that is said to be right.
    """
    right = np.abs(case.truth - case.claimed) <= CLOSE * case.scale
    for pairs, holds in _conditions(case):
        if not np.any(holds) or np.all(holds):
            continue
        is_shown = all(shown.get(a.name) == shown.get(b.name) for a, b in pairs)
        for inside, mask in ((True, holds), (False, ~holds)):
            if is_shown == inside or not np.all(right[mask]) or np.mean(right[~mask]) >= FEW:
                continue
            equation = _where_right(case, pairs, inside=inside)
            if equation is not None and case.holds(equation):
                yield from _pattern_found(case, *_words(pairs, inside=inside), mask)
                return


def _where_right(case: Case, pairs: Pairs, *, inside: bool) -> Equation | None:
    """The claim at equal indices, or with the factor 1 - delta(i,j), which is costly with many free indices."""
    left, right = case.claim.lhs, case.claim.rhs
    if inside:
        same = {b: a for a, b in pairs}
        axes = tuple(index for index in case.axes if index not in same)
        return Equation(left.xreplace(same), right.xreplace(same), axes, axes)
    if len(case.axes) > MOST_AXES:
        return None
    elsewhere = 1 - sympy.Mul(*(delta(a, b) for a, b in pairs))
    return Equation(elsewhere * left, elsewhere * right, case.axes, case.axes)


def _words(pairs: Pairs, *, inside: bool) -> tuple[str, str]:
    """Where it is right, and where it is wrong."""
    condition = " and ".join(f"{a.name} = {b.name}" for a, b in pairs)
    negation = condition.replace("=", "!=") if len(pairs) == 1 else f"not {condition}"
    return (condition, negation) if inside else (negation, condition)


def _conditions(case: Case) -> Iterator[tuple[Pairs, Array]]:
    pairs = [(a, b) for a, b in itertools.combinations(case.axes, 2) if a.dim == b.dim]
    equal = {pair: _where_equal(case, *pair) for pair in pairs}
    yield from (((pair,), mask) for pair, mask in equal.items())
    for first, second in itertools.combinations(pairs, 2):
        if not set(first) & set(second):
            yield (first, second), equal[first] & equal[second]


def _where_equal(case: Case, a: Index, b: Index) -> Array:
    parts = []
    for sample in case.samples:
        grid = np.indices([sample.sizes[index.dim] for index in case.axes])
        parts.append((grid[case.axes.index(a)] == grid[case.axes.index(b)]).ravel())
    return np.concatenate(parts)


def _pattern_found(case: Case, here: str, there: str, mask: Array) -> Iterator[Diagnosis]:
    if np.all(np.abs(case.claimed[~mask]) <= CLOSE * case.scale):
        kind = Kind.DIAGONAL_ONLY if "!=" in there else Kind.PATTERN
        what = "only the diagonal of the true value" if kind is Kind.DIAGONAL_ONLY else "a part of the true value"
        sentence = f"the claimed side is {what}: right where {here}, but 0 where {there}, where the true value is not"
        yield Diagnosis(kind, sentence)
    elif np.any(np.abs(case.truth[mask]) > CLOSE * case.scale):  # 0 = 0 off the diagonal is no finding
        yield Diagnosis(Kind.PATTERN, f"right where {here}, wrong where {there}")
