"""Round points: small exact numbers for the givens that satisfy every constraint.

Coordinates are fractions, so the same point can be evaluated in any arithmetic. Level 0 uses the
roundest numbers (0, 1, 2); higher levels use more of them, which makes coincidences rarer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import prod
from random import Random
from typing import Any

import numpy as np
from sympy import Expr, Indexed, Symbol

from closedform.certify.evaluate import derivative_key
from closedform.certify.orders import unknown_derivatives
from closedform.certify.refute.equations import satisfy_equations
from closedform.certify.refute.exact import COMPARE, Array, Scope, UnsupportedConstraintError, Values, assignments, entry_value, satisfied
from closedform.notation import (
    Constraint,
    Dim,
    Given,
    Index,
    InvertibleMatrix,
    Let,
    Membership,
    NamedTensor,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SizeRelation,
    SymmetricMatrix,
    free_indices,
)

ATTEMPTS = 40  # draws of one given before the point is given up
MOST_ENTRIES = 20_000  # of the givens together; larger points are no use to anyone
MOST_UNSOLVED = 2  # of them, in which no solution of the equations was found
MOST_REJECTED = 8  # of them, in which the solution that was found does not satisfy the other constraints
GENERIC = 5  # the level at which numbers hardly ever coincide

F = Fraction
POOLS: tuple[tuple[Fraction, ...], ...] = (
    (F(0), F(1), F(2)),
    (F(-1), F(0), F(1), F(2), F(1, 2)),
    (F(-2), F(-1), F(-1, 2), F(1, 2), F(1), F(2), F(3)),
    tuple(F(n, 4) for n in range(-10, 11) if n),
    tuple(F(n, 16) for n in range(-29, 30, 2)),
    tuple(F(n, 997) for n in range(-1993, 1994, 2)),
)
# Between two finite bounds: how far along.
STEPS: tuple[tuple[Fraction, ...], ...] = (
    (F(1, 2), F(1, 4)),
    (F(1, 2), F(1, 4), F(3, 4)),
    (F(1, 2), F(1, 4), F(3, 4), F(1, 3), F(2, 3)),
    tuple(F(n, 10) for n in range(1, 10)),
    tuple(F(n, 32) for n in range(3, 30)),
    tuple(F(n, 997) for n in range(90, 907)),
)


def sizes_allowed(setting: Setting, sizes: Mapping[Dim, int]) -> bool:
    """Whether the size relations of the setting hold, such as N >= D."""
    scope = Scope(sizes, {})
    relations = (relation for relation in setting.constraints if isinstance(relation, SizeRelation))
    return all(COMPARE[r.op](entry_value(r.lhs, scope, {}), entry_value(r.rhs, scope, {})) for r in relations)


def ascending_sizes(dims: tuple[Dim, ...], setting: Setting, *, largest: int) -> Iterator[dict[Dim, int]]:
    """Allowed sizes by total, from 1 each, none above ``largest``."""
    for total in range(len(dims), largest * len(dims) + 1):
        for sizes in _compositions(total, len(dims), largest):
            chosen = dict(zip(dims, sizes, strict=True))
            if sizes_allowed(setting, chosen):
                yield chosen


def _compositions(total: int, parts: int, largest: int) -> Iterator[tuple[int, ...]]:
    if parts == 0:
        if total == 0:
            yield ()
        return
    for first in range(max(1, total - largest * (parts - 1)), min(largest, total - parts + 1) + 1):
        for rest in _compositions(total - first, parts - 1, largest):
            yield (first, *rest)


def round_point(
    setting: Setting, sizes: Mapping[Dim, int], rng: Random, level: int, *, order: int = 0, kept: Values | None = None
) -> dict[str, Array] | None:
    """Values of every given that satisfy the constraints exactly, as object arrays of fractions; None if none was found.

    Givens in ``kept`` keep those values, unchecked. Unknown functions also get their derivatives up to
    ``order``, under the interpreter's keys.

    >>> C = Dim("C"); y = __import__("closedform.notation").notation.tensor("y", C)
    >>> round_point(Setting((Given(y, where=(OneHot(y),)),)), {C: 3}, Random(0), 0)["y"].tolist().count(Fraction(1))
    1
    """
    if sum(prod(sizes[dim] for dim in given.dims) for given in setting.given) > MOST_ENTRIES:
        return None
    values: dict[str, Array] = dict(kept or {})
    pending = [constraint for constraint in setting.constraints if isinstance(constraint, Relation)]
    for given in (item for item in setting.given if item.name not in values):
        due = [r for r in pending if Scope(sizes, {**values, given.name: np.empty(0)}, setting.lets).knows(r.lhs - r.rhs)]
        pending = [r for r in pending if r not in due]
        drawn = _draw_given(given, setting, due, Scope(sizes, values, setting.lets), rng, level)
        if drawn is None:
            return None
        values[given.name] = drawn
    for given in setting.given:
        for sources in unknown_derivatives(given, order):
            key = derivative_key(given.name, [source.name for source in sources])
            if key not in values:
                values[key] = _derivative_entries(given, sources, sizes, rng, level)
    return values


def _derivative_entries(
    given: Given, sources: tuple[NamedTensor | Symbol, ...], sizes: Mapping[Dim, int], rng: Random, level: int
) -> Array:
    """Arbitrary numbers, but symmetric: derivatives by the entries of one source commute."""
    blocks = [tuple(sizes[dim] for dim in getattr(source, "dims", ())) for source in sources]
    own = tuple(sizes[dim] for dim in given.dims)
    entries = np.empty((*own, *itertools.chain.from_iterable(blocks)), dtype=object)
    drawn: dict[object, Fraction] = {}
    shapes = [given.dims, *(getattr(source, "dims", ()) for source in sources)]
    each = [[(n, dims.index(dim)) for n, dims in enumerate(shapes) if dim in dims] for dim in given.each]
    for at in itertools.product(np.ndindex(own), *map(np.ndindex, blocks)):
        if any(len({at[n][axis] for n, axis in places}) > 1 for places in each):
            entries[tuple(itertools.chain.from_iterable(at))] = Fraction(0)
            continue
        key = (at[0], tuple(sorted((source.name, position) for source, position in zip(sources, at[1:], strict=True))))
        if key not in drawn:
            drawn[key] = rng.choice(POOLS[max(level, 1)])
        entries[tuple(itertools.chain.from_iterable(at))] = drawn[key]
    return entries


def _draw_given(given: Given, setting: Setting, relations: list[Relation], scope: Scope, rng: Random, level: int) -> Array | None:
    shape = tuple(scope.sizes[dim] for dim in given.dims)
    equations = [r for r in relations if r.op == "="]
    structure = [c for c in setting.constraints if _shapes_of(c) == given.symbol]
    unsolved = rejected = 0
    for _ in range(ATTEMPTS):
        try:
            free = _free_entries(given, structure, relations, scope, rng, level, shape)
            draw: Array | None = _structured(free, structure, rng)
            if equations and draw is not None:
                draw = satisfy_equations(draw, given, equations, scope, rng)
                unsolved += draw is None
                if unsolved > MOST_UNSOLVED or rejected > MOST_REJECTED:
                    return None
            if draw is not None and _admissible(draw, given, structure, relations, scope):
                return draw
            rejected += draw is not None
        except (UnsupportedConstraintError, ZeroDivisionError, OverflowError):
            continue
    return None


def _shapes_of(constraint: Constraint) -> object:
    """The symbol that a structural constraint is about."""
    if isinstance(constraint, Membership):
        return constraint.entry.base if isinstance(constraint.entry, Indexed) else constraint.entry
    return getattr(constraint, "tensor", None)


def _free_entries(
    given: Given, structure: list[Constraint], relations: list[Relation], scope: Scope, rng: Random, level: int, shape: tuple[int, ...]
) -> Array:
    members = next((c.values for c in structure if isinstance(c, Membership)), None)
    lower, upper = _bounds(given, relations, scope, shape)
    draw = np.empty(shape, dtype=object)
    for position in np.ndindex(shape):
        if members is not None:
            draw[position] = rng.choice([F(int(m.p), int(m.q)) for m in members])
        else:
            draw[position] = _number(lower[position], upper[position], rng, level)
    return draw


def _number(lower: Any, upper: Any, rng: Random, level: int) -> Fraction:
    """A round number strictly between the bounds (None: there is none)."""
    inside = [x for x in POOLS[level] if (lower is None or x > lower) and (upper is None or x < upper)]
    if lower is not None and upper is not None:
        inside = [lower + (upper - lower) * s for s in STEPS[level]]
    elif not inside or (level and len(inside) < 2):
        edge, sign = (lower, 1) if lower is not None else (upper, -1)
        inside = [edge + sign * abs(x) for x in POOLS[max(level, 2)] if x]
    return rng.choice(inside)


def _bounds(given: Given, relations: list[Relation], scope: Scope, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Per entry, the largest lower and the smallest upper bound that single-entry inequalities give."""
    lower, upper = np.full(shape, None, dtype=object), np.full(shape, None, dtype=object)
    for relation in relations:
        for entry, other, op in ((relation.lhs, relation.rhs, relation.op), (relation.rhs, relation.lhs, relation.op.translate(FLIP))):
            if op[0] in "<>" and _is_entry_of(entry, given) and scope.knows(other):
                _tighten(lower if op[0] == ">" else upper, entry, other, op[0], scope)
    return lower, upper


FLIP = str.maketrans("<>", "><")


def _is_entry_of(entry: Expr, given: Given) -> bool:
    if isinstance(entry, Indexed):
        return entry.base == given.symbol and len(set(entry.indices)) == len(entry.indices)
    return entry == given.symbol


def _tighten(bounds: Array, entry: Expr, other: Expr, op: str, scope: Scope) -> None:
    positions = tuple(entry.indices) if isinstance(entry, Indexed) else ()
    extra = tuple(sorted(free_indices(other) - set(positions), key=lambda index: index.name))
    for at in assignments((*positions, *extra), scope):
        value = F(entry_value(other, scope, at)).limit_denominator(1000)
        where = tuple(at[index.name] for index in positions)
        if bounds[where] is None or (value > bounds[where] if op == ">" else value < bounds[where]):
            bounds[where] = value


def _structured(draw: Array, structure: list[Constraint], rng: Random) -> Array:
    """Impose one-hot rows, symmetry, or A = M M' + I for positive definite."""
    for constraint in structure:
        if isinstance(constraint, OneHot):
            draw = np.full(draw.shape, F(0), dtype=object)
            for row in np.ndindex(draw.shape[:-1]):
                draw[row][rng.randrange(draw.shape[-1])] = F(1)
        elif isinstance(constraint, SymmetricMatrix):
            below = np.arange(draw.shape[-2])[:, None] >= np.arange(draw.shape[-1])
            draw = np.where(below, draw, np.swapaxes(draw, -1, -2))
        elif isinstance(constraint, PositiveDefiniteMatrix):
            identity = [[F(int(a == b)) for b in range(draw.shape[-1])] for a in range(draw.shape[-1])]
            draw = np.matmul(draw, np.swapaxes(draw, -1, -2)) + np.array(identity, dtype=object)
    return draw


def _admissible(draw: Array, given: Given, structure: list[Constraint], relations: list[Relation], scope: Scope) -> bool:
    complete = Scope(scope.sizes, {**scope.values, given.name: draw}, scope.lets)
    if not all(_has(draw, constraint) for constraint in structure):
        return False
    return all(satisfied(relation, complete) for relation in relations)


def satisfies(sizes: Mapping[Dim, int], values: Values, constraint: Constraint, lets: tuple[Let, ...]) -> bool:
    """Whether a point has what a constraint on givens says."""
    if isinstance(constraint, Relation):
        return satisfied(constraint, Scope(sizes, values, lets))
    symbol = _shapes_of(constraint)
    return isinstance(symbol, NamedTensor | Symbol) and _has(values[symbol.name], constraint)


def _has(draw: Array, constraint: Constraint) -> bool:
    """Whether the equations have left a structure alone (one of them may have moved the entries)."""
    if isinstance(constraint, Membership):
        return all(entry in {F(int(m.p), int(m.q)) for m in constraint.values} for entry in draw.flat)
    if isinstance(constraint, OneHot):
        return all(entry in (0, 1) for entry in draw.flat) and all(total == 1 for total in np.asarray(draw.sum(axis=-1)).flat)
    if isinstance(constraint, InvertibleMatrix):
        return all(_regular(draw[at]) for at in np.ndindex(draw.shape[:-2]))
    if isinstance(constraint, SymmetricMatrix | PositiveDefiniteMatrix) and not np.array_equal(draw, np.swapaxes(draw, -1, -2)):
        return False
    if isinstance(constraint, PositiveDefiniteMatrix):  # Sylvester's criterion, by the sign of the pivots
        return all(_positive_pivots(draw[at]) for at in np.ndindex(draw.shape[:-2]))
    return True


def _positive_pivots(matrix: Array) -> bool:
    rows = np.array(matrix)
    for k in range(len(rows)):
        if rows[k, k] <= 0:
            return False
        rows[k + 1 :] -= np.outer(rows[k + 1 :, k] / rows[k, k], rows[k])
    return True


def _regular(matrix: Array) -> bool:
    """Whether a matrix of fractions has full rank, by elimination."""
    rows = [list(row) for row in matrix]
    size = len(rows)
    for column in range(size):
        pivot = next((r for r in range(column, size) if rows[r][column] != 0), None)
        if pivot is None:
            return False
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for r in range(column + 1, size):
            factor = rows[r][column] / rows[column][column]
            rows[r] = [a - factor * b for a, b in zip(rows[r], rows[column], strict=True)]
    return True


def as_text(values: Mapping[str, Array]) -> dict[str, object]:
    """Nested lists of exact numbers as text: '1/2', '-3'."""
    return {name: np.vectorize(str, otypes=[object])(array).tolist() if array.size else array.tolist() for name, array in values.items()}


def dims_of(setting: Setting, *expressions: Expr) -> tuple[Dim, ...]:
    """Every dimension of the setting and of further expressions, in a fixed order."""
    symbols = itertools.chain.from_iterable(e.free_symbols | e.atoms(Index) for e in expressions)
    extra = {s.dim if isinstance(s, Index) else s for s in symbols if isinstance(s, Dim | Index)}
    return tuple(dict.fromkeys((*setting.dims, *sorted(extra, key=lambda dim: dim.name))))
