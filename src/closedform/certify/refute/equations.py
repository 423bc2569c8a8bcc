"""Round solutions of the equations among the constraints.

Tried in turn, and always checked exactly afterwards:

* scaling, where every fibre along some axes has to sum to a number (probabilities: 2, 1, 1 becomes 1/2, 1/4, 1/4);
* elimination, for equations that are affine in the entries (mean zero, doubly stochastic, symmetric written out);
* projection onto the affine solutions from near a constant tensor, where inequalities reject elimination's solutions;
* rational points of spheres by stereographic projection (unit norm), and orthogonal matrices by Cayley's transform.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import isqrt
from random import Random

import numpy as np

from closedform.certify.refute.exact import Array, Scope, UnsupportedConstraintError, residuals
from closedform.notation import Given, Relation

F = Fraction
Rows = list[list[Fraction]]

MOST_CANDIDATES = 64
MOST_CENTRED = 30


def satisfy_equations(draw: Array, given: Given, equations: list[Relation], scope: Scope, rng: Random) -> Array | None:
    """A tensor near ``draw`` that satisfies the equations exactly, or None. Inequalities are the caller's to check."""

    def residual(entries: Array) -> Iterator[Fraction]:
        filled = Scope(scope.sizes, {**scope.values, given.name: entries}, scope.lets)
        for value in itertools.chain.from_iterable(residuals(equation, filled) for equation in equations):
            if isinstance(value, float):
                raise UnsupportedConstraintError(f"an equation on {given.name} with irrational values")
            yield value

    # Elimination may leave the range that the draw respected (a negative probability): wait for a solution inside it.
    fallback: Array | None = None
    for candidates in (_scaled(draw), _affine(draw, residual, rng), _curved(draw, rng)):
        for candidate in itertools.islice(candidates, MOST_CANDIDATES):
            if not any(residual(candidate)):
                if _in_range_of(candidate, draw):
                    return candidate
                fallback = candidate if fallback is None else fallback
        if fallback is not None:  # what solves affine equations are no curves
            return fallback
    return None


def _in_range_of(candidate: Array, draw: Array) -> bool:
    """No negative entry or zero where the draw had none, and none that is much larger."""
    smallest, largest = min(draw.flat), max(abs(x) for x in draw.flat)
    if smallest >= 0:
        return all(x > 0 or (x == 0 and smallest == 0) for x in candidate.flat)
    return all(abs(x) <= 4 * max(largest, 1) for x in candidate.flat)


def _scaled(draw: Array) -> Iterator[Array]:
    """The draw itself, and divided by its sums along each axis and over all of it."""
    yield draw
    for axes in (*((axis,) for axis in reversed(range(draw.ndim))), tuple(range(draw.ndim))):
        if not axes:
            return
        totals = draw.sum(axis=axes, keepdims=True)
        if all(total != 0 for total in np.asarray(totals).flat):
            yield draw / totals


def _affine(draw: Array, residual: Callable[[Array], Iterator[Fraction]], rng: Random) -> Iterator[Array]:
    """Solutions of equations that are affine in the entries: A x = b read off by unit steps."""
    flat = np.array(draw.flat, dtype=object)

    def at(vector: Array) -> list[Fraction]:
        return list(residual(vector.reshape(draw.shape)))

    origin = np.array([F(0)] * len(flat), dtype=object)
    constant = at(origin)
    doubled = [2 * value - c for value, c in zip(at(flat), constant, strict=True)]
    if doubled != at(2 * flat):
        return
    steps = [np.array(origin) for _ in flat]
    for k, step in enumerate(steps):
        step[k] = F(1)
    columns = [[value - c for value, c in zip(at(step), constant, strict=True)] for step in steps]
    rows: Rows = [[column[r] for column in columns] for r in range(len(constant))]
    right = [-c for c in constant]
    order = list(range(len(flat)))
    for _ in range(2):
        yield _eliminated(rows, right, flat, order).reshape(draw.shape)
        rng.shuffle(order)
    middle = np.array([F(1) + F(rng.randrange(-3, 4), 16) for _ in flat], dtype=object)
    yield _projected(rows, right, middle * F(1, max(draw.shape)) if draw.ndim else middle).reshape(draw.shape)


def _eliminated(rows: Rows, right: list[Fraction], values: Array, order: list[int]) -> Array:
    """Keep ``values`` where they are free; solve for the pivots, chosen from the end of ``order``."""
    system = [[*row, b] for row, b in zip(rows, right, strict=True)]
    pivots: list[tuple[int, list[Fraction]]] = []
    for column in reversed(order):
        pivot = next((row for row in system if row[column] != 0), None)
        if pivot is None:
            continue
        system.remove(pivot)
        pivot = [x / pivot[column] for x in pivot]
        system = [[a - row[column] * b for a, b in zip(row, pivot, strict=True)] for row in system]
        pivots = [(c, [a - row[column] * b for a, b in zip(row, pivot, strict=True)]) for c, row in pivots]
        pivots.append((column, pivot))
    solved = np.array(values)
    chosen = {column for column, _ in pivots}
    for column, row in pivots:
        solved[column] = row[-1] - sum((row[k] * values[k] for k in range(len(values)) if k not in chosen), F(0))
    return solved


def _projected(rows: Rows, right: list[Fraction], values: Array) -> Array:
    """The nearest solution: x + A'(AA')^-1 (b - A x), with dependent equations left out."""
    gram = [[sum((a * b for a, b in zip(row, other, strict=True)), F(0)) for other in rows] for row in rows]
    gap = [b - sum((a * x for a, x in zip(row, values, strict=True)), F(0)) for row, b in zip(rows, right, strict=True)]
    weights = _eliminated(gram, gap, np.array([F(0)] * len(rows), dtype=object), list(range(len(rows))))
    return np.array([x + sum((w * row[k] for w, row in zip(weights, rows, strict=True)), F(0)) for k, x in enumerate(values)], dtype=object)


def _curved(draw: Array, rng: Random) -> Iterator[Array]:
    """Tensors of signs, of unit vectors along each set of axes, and orthogonal matrices."""
    if not draw.ndim:
        yield from (np.array(F(s), dtype=object) for s in (1, -1, 2, -2))
        return
    signs = np.array([F(rng.choice((-1, 1))) for _ in draw.flat], dtype=object)
    for axes in (*((axis,) for axis in reversed(range(draw.ndim))), tuple(range(draw.ndim))):
        yield _unit_vectors(draw, axes, rng)
    if draw.ndim == 2:
        yield from _orthogonal(draw.shape[0], draw.shape[1], rng)
    yield signs.reshape(draw.shape)
    yield from _centred(draw, rng)


def _centred(draw: Array, rng: Random) -> Iterator[Array]:
    """Fibres along the last axis that sum to 0 and have unit norm (or mean square 1), where whole numbers of that kind exist."""
    size, fibres = draw.shape[-1], int(np.prod(draw.shape[:-1]))
    for _ in range(MOST_CENTRED):
        rows = [[rng.choice((-3, -2, -1, 1, 2, 3)) for _ in range(size - 1)] for _ in range(fibres)]
        rows = [[*row, -sum(row)] for row in rows]
        for norms in ([1] * fibres, [size] * fibres):
            squares = [F(sum(x * x for x in row), norm) for row, norm in zip(rows, norms, strict=True)]
            roots = [F(isqrt(q.numerator), isqrt(q.denominator)) for q in squares]
            if all(root and root * root == q for root, q in zip(roots, squares, strict=True)):
                scaled = [[x / root for x in row] for row, root in zip(rows, roots, strict=True)]
                yield np.array(scaled, dtype=object).reshape(draw.shape)


def _unit_vectors(draw: Array, axes: tuple[int, ...], rng: Random) -> Array:
    moved = np.array(np.moveaxis(draw, axes, range(-len(axes), 0)))
    shape = moved.shape
    fibres = moved.reshape(int(np.prod(shape[: draw.ndim - len(axes)])), -1)
    for row in range(len(fibres)):
        fibres[row] = _unit_vector(fibres.shape[1], rng)
    return np.moveaxis(fibres.reshape(shape), range(-len(axes), 0), axes)


def _unit_vector(size: int, rng: Random) -> Array:
    """(2t, |t|^2 - 1)/(|t|^2 + 1): every rational unit vector but one is of this form."""
    t = [F(rng.choice((-2, -1, 1, 2, 3)), rng.choice((1, 1, 2))) for _ in range(size - 1)]
    square = sum((x * x for x in t), F(0))
    vector = [2 * x / (square + 1) for x in t] + [(square - 1) / (square + 1)]
    rng.shuffle(vector)
    return np.array(vector, dtype=object)


def _orthogonal(rows: int, columns: int, rng: Random) -> Iterator[Array]:
    """(I - S)(I + S)^-1 with S antisymmetric; part of it where the matrix is not square."""
    size = max(rows, columns)
    skew = np.array([[F(0)] * size for _ in range(size)], dtype=object)
    for a, b in itertools.combinations(range(size), 2):
        skew[a, b] = F(rng.choice((-2, -1, 1, 2)), rng.choice((1, 2)))
        skew[b, a] = -skew[a, b]
    identity = np.array([[F(int(a == b)) for b in range(size)] for a in range(size)], dtype=object)
    columns_of_inverse = [_eliminated((identity + skew).tolist(), list(unit), identity[0], list(range(size))) for unit in identity]
    cayley = (identity - skew) @ np.array(columns_of_inverse, dtype=object).T
    flips = np.array([F(rng.choice((-1, 1))) for _ in range(size)], dtype=object)
    yield (cayley * flips)[:rows, :columns]
