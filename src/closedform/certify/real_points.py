"""Real points that satisfy constraints, many at once: the shadow that decides comparisons and signs.

Simple bounds, labels and matrix structure are drawn directly; equations are then satisfied by
Newton's method, in logarithms where the entries are positive. Nothing is proved from these numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Indexed, Symbol

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.float64 import Float64
from closedform.notation import (
    Dim,
    Given,
    Index,
    Let,
    Membership,
    NamedTensor,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SymmetricMatrix,
    free_indices,
    head_name,
    scalar,
    tensor,
)

Floats = NDArray[np.float64]
MOST_LISTED = 256  # labels of so many patterns are drawn from the list of those that satisfy the equations
_COMPARE = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "!=": np.not_equal}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!=", "=": "="}


class NoPointError(Exception):
    """The conditions on labels contradict each other at these sizes."""


def bounds(given: Given, setting: Setting, sizes: Mapping[Dim, int]) -> tuple[Floats, Floats]:
    """Lower and upper bounds of the entries, from inequalities that compare an entry with a number."""
    shape = tuple(sizes[dim] for dim in given.dims)
    lower, upper = np.full(shape, -np.inf), np.full(shape, np.inf)
    for relation in relations_on(given, setting):
        for entry, op, other in ((relation.lhs, relation.op, relation.rhs), (relation.rhs, _MIRRORED[relation.op], relation.lhs)):
            number = _number(other, sizes)
            if not is_entry(entry, given) or number is None:
                continue
            where = _positions(entry, shape)
            if op in (">", ">="):
                lower[where] = np.maximum(lower[where], number)
            if op in ("<", "<="):
                upper[where] = np.minimum(upper[where], number)
    return lower, upper


def is_bound(relation: Relation, setting: Setting) -> bool:
    """Whether an inequality compares the entries of one given with a number."""
    sides = ((relation.lhs, relation.rhs), (relation.rhs, relation.lhs))
    numeric = any(is_entry(a, given) and not (b.free_symbols - b.atoms(Dim)) for a, b in sides for given in setting.given)
    return numeric and relation.op in ("<", "<=", ">", ">=")


def relations_on(given: Given, setting: Setting) -> list[Relation]:
    """The relations that name a given, wherever they are stated."""
    return [c for c in setting.constraints if isinstance(c, Relation) and any(names(side, given) for side in (c.lhs, c.rhs))]


def is_entry(expression: Expr, given: Given) -> bool:
    """Whether the expression is an entry of the given, or the given number itself."""
    return isinstance(expression, Indexed | Symbol) and not isinstance(expression, Index | Dim) and head_name(expression) == given.name


def names(expression: Expr, given: Given) -> bool:
    """Whether an expression names the given."""
    tensors = {base.name for base in expression.atoms(NamedTensor)}
    scalars = {symbol.name for symbol in expression.free_symbols if not isinstance(symbol, Index | Dim)}
    return given.name in tensors | scalars


def _number(expression: Expr, sizes: Mapping[Dim, int]) -> float | None:
    if any(not isinstance(symbol, Dim) for symbol in expression.free_symbols):
        return None
    return float(expression.xreplace({dim: sympy.Integer(sizes[dim]) for dim in expression.atoms(Dim)}))


def _positions(entry: Expr, shape: tuple[int, ...]) -> Any:
    """Where an entry such as A[i,i] lies: all positions at which equal indices agree."""
    if not isinstance(entry, Indexed):
        return ...
    grid = np.indices(shape)
    where = np.ones(shape, dtype=bool)
    for a, first in enumerate(entry.indices):
        for b, second in enumerate(entry.indices[:a]):
            if first == second:
                where &= grid[a] == grid[b]
    return where


def draw_real(given: Given, setting: Setting, sizes: Mapping[Dim, int], rng: np.random.Generator, scales: Floats) -> Floats:
    """Real entries within the simple bounds, one draw for each of ``scales``, draws along axis 0."""
    shape = tuple(sizes[dim] for dim in given.dims)
    scale = scales.reshape((-1,) + (1,) * len(shape))
    lower, upper = bounds(given, setting, sizes)
    normal = rng.normal(size=(len(scales), *shape)) * scale
    spread = np.exp(np.clip(rng.normal(size=(len(scales), *shape)) * 0.7 + np.log(scale), -6, 6))
    uniform = rng.uniform(0.03, 0.97, size=(len(scales), *shape))
    with np.errstate(invalid="ignore"):
        real = np.where(np.isfinite(lower), np.where(np.isfinite(upper), lower + uniform * (upper - lower), lower + spread), normal)
        real = np.where(np.isfinite(upper) & ~np.isfinite(lower), upper - spread, real)
    structure = structures(given, setting)
    if any(isinstance(c, SymmetricMatrix) for c in structure):
        real = np.tril(real) + np.swapaxes(np.tril(real, -1), -1, -2)
    if any(isinstance(c, PositiveDefiniteMatrix) for c in structure):
        real = real @ np.swapaxes(real, -1, -2) + np.eye(shape[-1])
    return real


def structures(given: Given, setting: Setting) -> list[Any]:
    """The constraints that are not relations and concern a given."""
    found: list[Any] = []
    for c in setting.constraints:
        if isinstance(c, Membership):
            if is_entry(c.entry, given):
                found.append(c)
        elif not isinstance(c, Relation) and getattr(c, "tensor", None) == given.symbol:
            found.append(c)
    return found


def label_values(given: Given, setting: Setting) -> tuple[sympy.Rational, ...]:
    """What the entries of labels may be."""
    structure = structures(given, setting)
    if any(isinstance(c, OneHot) for c in structure):
        return sympy.S.Zero, sympy.S.One
    return next(c.values for c in structure if isinstance(c, Membership))


def draw_labels(given: Given, setting: Setting, sizes: Mapping[Dim, int], rng: np.random.Generator, draws: int) -> Floats | None:
    """Entries that are members of a finite set or one-hot rows; None where the given is neither.

    Every draw has its own share of each value, so that rare patterns (all labels equal) occur too.
    """
    shape = (draws, *(sizes[dim] for dim in given.dims))
    structure = structures(given, setting)
    if any(isinstance(c, OneHot) for c in structure):
        return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
    memberships = [c for c in structure if isinstance(c, Membership)]
    if not memberships:
        return None
    values = np.array([float(v) for v in label_values(given, setting)])
    symmetric = any(isinstance(c, SymmetricMatrix) for c in structure)
    others = [other for other in setting.given if other != given]
    equations = [r for r in relations_on(given, setting) if r.op == "=" and not any(names(r.lhs - r.rhs, other) for other in others)]

    def one() -> Floats:
        share = rng.dirichlet(np.ones(len(values)))
        entries = rng.choice(values, size=shape[1:], p=share)
        return np.tril(entries) + np.tril(entries, -1).T if symmetric else entries

    def candidates(tries: int) -> Iterable[Floats]:
        for _ in range(tries):
            yield one()
        for axis in range(len(shape) - 1):
            rows = np.eye(shape[axis + 1])[rng.integers(shape[axis + 1], size=shape[1 : axis + 1] + shape[axis + 2 :])]
            yield np.moveaxis(rows, -1, axis)
        for _ in range(600):
            yield one()

    def admissible(entries: Floats) -> bool:
        return all(np.all(np.abs(r) < 1e-9) for r in (_residual(e, setting, sizes, {given.name: entries}) for e in equations))

    count = int(np.prod(shape[1:], dtype=int))
    if equations and len(values) ** count <= MOST_LISTED:
        every = (np.reshape(entries, shape[1:]) for entries in product(values, repeat=count))
        listed = [entries for entries in every if admissible(entries) and not (symmetric and (entries != entries.T).any())]
        if not listed:
            raise NoPointError(f"no values of {given.name} satisfy its conditions")
        return np.stack([listed[k] for k in rng.integers(len(listed), size=draws)])
    found: list[Floats] = []
    tries = 60
    for _ in range(draws):
        tested = 0
        for entries in candidates(tries) if equations else (one(),):
            if not equations or admissible(entries):
                found.append(entries)
                break
            tested += 1
        else:
            return np.full(shape, np.nan)
        if tested >= tries:
            tries = 1  # what chance hardly ever meets is not tried so often again
    return np.stack(found)


def _residual(relation: Relation, setting: Setting, sizes: Mapping[Dim, int], values: Mapping[str, Any]) -> Any:
    difference = relation.lhs - relation.rhs
    return evaluate(difference, setting, sizes, values, Float64(), sorted(free_indices(difference), key=str))


def residual_let(relation: Relation, name: str) -> Let:
    """The difference of the two sides of an equation as a named tensor, so that it can be differentiated."""
    at = tuple(sorted(free_indices(relation.lhs - relation.rhs), key=str))
    return Let(tensor(name, *(index.dim for index in at))[at] if at else scalar(name), relation.lhs - relation.rhs)


def satisfied(setting: Setting, sizes: Mapping[Dim, int], values: Mapping[str, Any]) -> bool:
    """Whether a real point satisfies every relation, inequalities strictly where they are strict."""
    for relation in (c for c in setting.constraints if isinstance(c, Relation)):
        difference = np.asarray(_residual(relation, setting, sizes, values), dtype=float)
        holds = np.abs(difference) < 1e-8 if relation.op == "=" else _COMPARE[relation.op](difference, 0.0)
        if not np.all(holds):
            return False
    return True


def solve_equations(
    given: Given, equations: list[tuple[Let, Expr, tuple[Index, ...]]], setting: Setting, sizes: Mapping[Dim, int], values: dict[str, Any]
) -> bool:
    """Newton's method for one given, the others fixed.

    Steps are the least; where all entries are positive, the least by sum_i dx[i]^2/x[i], which keeps them so: a sum that is to be 1
    then takes a single step, x/sum(x).

    Args:
        equations: the residual as a let of ``setting``, its derivative by the given, and the derivative's axes.
    """
    ring = Float64()
    for _ in range(60):
        x = np.asarray(values[given.name], dtype=float)
        residuals = [evaluate(let.head, setting, sizes, values, ring, let.indices) for let, _, _ in equations]
        f = np.concatenate([np.asarray(residual, dtype=float).reshape(-1) for residual in residuals])
        if not np.all(np.isfinite(f)):
            return False
        if np.abs(f).max(initial=0.0) < 1e-13:
            return True
        slopes = [evaluate(slope, setting, sizes, values, ring, (*let.indices, *at)) for let, slope, at in equations]
        jacobian = np.concatenate([np.asarray(slope, dtype=float).reshape(-1, x.size) for slope in slopes])
        flat = x.reshape(-1)
        weight = np.sqrt(flat) if np.all(x > 0) else np.ones(x.size)
        step = weight * np.linalg.lstsq(jacobian * weight, f, rcond=1e-10)[0]
        leaves = np.all(x > 0) and not np.all(step < flat)
        moved = flat * np.exp(-np.clip(step / flat, -1, 1)) if leaves else flat - step
        values[given.name] = moved.reshape(x.shape)
    return bool(np.abs(f).max(initial=0.0) < 1e-9)
