"""Mistakes in indices: transposed, a wrong letter, right at some coincidence patterns only."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import sympy
from sympy import Expr, Indexed

from closedform.certify.diagnose.blocks import replacements
from closedform.certify.diagnose.case import Case, Equation
from closedform.certify.diagnose.fit import CLOSE
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.certify.refute.exact import Array
from closedform.notation import Index, Partial, inv

MOST_REWRITES = 48


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


def patterns(case: Case) -> Iterator[Diagnosis]:
    """Right where i = j only, or where i != j only; with several pairs of indices, also where all of them agree."""
    right = np.abs(case.truth - case.claimed) <= CLOSE * case.scale
    for condition, negation, holds in _conditions(case):
        if not np.any(holds) or np.all(holds):
            continue
        for here, there, mask in ((condition, negation, holds), (negation, condition, ~holds)):
            if np.all(right[mask]) and np.mean(right[~mask]) < 0.5 and _surely_right(case, mask_name=condition, inside=mask is holds):
                yield _pattern_found(case, here, there, mask)
                return


def _conditions(case: Case) -> Iterator[tuple[str, str, Array]]:
    pairs = [(a, b) for a, b in itertools.combinations(case.axes, 2) if a.dim == b.dim]
    equal = {pair: _where_equal(case, *pair) for pair in pairs}
    for (a, b), mask in equal.items():
        yield f"{a.name} = {b.name}", f"{a.name} != {b.name}", mask
    for first, second in itertools.combinations(pairs, 2):
        if not set(first) & set(second):
            names = [f"{a.name} = {b.name}" for a, b in (first, second)]
            yield " and ".join(names), "not " + " and ".join(names), equal[first] & equal[second]


def _where_equal(case: Case, a: Index, b: Index) -> Array:
    parts = []
    for sample in case.samples:
        grid = np.indices([sample.sizes[index.dim] for index in case.axes])
        parts.append((grid[case.axes.index(a)] == grid[case.axes.index(b)]).ravel())
    return np.concatenate(parts)


def _surely_right(case: Case, *, mask_name: str, inside: bool) -> bool:
    """Balls agree that the sides are equal on the pattern."""
    witness = Case(case.setting, case.claim, case.witnesses, ())
    mask = next(holds for condition, _, holds in _conditions(witness) if condition == mask_name)
    position = 0
    for sample in case.witnesses:
        left, right = (sample.balls(side, case.axes) for side in (case.claim.lhs, case.claim.rhs))
        chosen = mask[position : position + left.size] == inside
        position += left.size
        if any(not x.overlaps(y) for x, y, here in zip(left.flat, right.flat, chosen, strict=True) if here):
            return False
    return True


def _pattern_found(case: Case, here: str, there: str, mask: Array) -> Diagnosis:
    if np.all(np.abs(case.claimed[~mask]) <= CLOSE * case.scale):
        kind = Kind.DIAGONAL_ONLY if "!=" in there else Kind.PATTERN
        what = "only the diagonal of the true value" if kind is Kind.DIAGONAL_ONLY else "a part of the true value"
        return Diagnosis(kind, f"the claimed side is {what}: right where {here}, but 0 where {there}, where the true value is not")
    zero = np.all(np.abs(case.truth[mask]) <= CLOSE * case.scale)
    both = " (both sides are 0 there)" if zero else ""
    return Diagnosis(Kind.PATTERN, f"right where {here}{both}, wrong where {there}")
