"""Numbers that satisfy a given's constraints exactly, in floating point.

A closed form may use its constraints (labels that sum to one), so they must hold to the last bit:
otherwise the definition and the closed form differ by the residual, and a right kernel would be blamed.
Sums are therefore made of dyadic fractions k/2^m, whose sums are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from sympy import Expr, Indexed, Sum, Symbol

from closedform.check.bounds import PRECISIONS
from closedform.errors import UsageError
from closedform.notation import (
    Constraint,
    Given,
    InvertibleMatrix,
    Membership,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    SizeRelation,
    SymmetricMatrix,
)


class ConstraintError(UsageError):
    """No inputs can be drawn that satisfy a constraint."""


@dataclass(frozen=True)
class Domain:
    """What the entries of one given may be.

    Attributes:
        lower, upper: bounds of each entry, met strictly.
        nonzero: whether zero is excluded.
        members: the finitely many values allowed; empty when there is no such limit.
        total: what the entries sum to along ``axis``; None when they are not tied.
        axis: the axis of the sum.
        symmetric, positive_definite, invertible: of square matrices, in the last two axes.
        one_hot, classes: see the constraint and the given's attribute of these names.
    """

    lower: float = -np.inf
    upper: float = np.inf
    nonzero: bool = False
    members: tuple[float, ...] = ()
    total: float | None = None
    axis: int = -1
    symmetric: bool = False
    positive_definite: bool = False
    invertible: bool = False
    one_hot: bool = False
    classes: bool = False

    @property
    def is_free(self) -> bool:
        """Whether any array will do."""
        return self == Domain()

    def restrict(self, numbers: np.ndarray, generator: np.random.Generator, pattern: str, dtype: str) -> np.ndarray:
        """Numbers of this domain, made from free ones; exact in ``dtype``."""
        if self.is_free:
            return numbers
        if self.one_hot or (pattern == "one-hot" and self.total == 1 and self.lower < 0):
            return _one_hot(numbers, generator, self.axis)
        if self.members:
            drawn = np.asarray(self.members)[generator.integers(0, len(self.members), numbers.shape)]
            if pattern != "one-hot" or not drawn.ndim:
                return drawn
            # All but one are the first: of a mask that is 0 or 1, the largest numbers are seldom among those that it keeps.
            return np.where(_one_hot(numbers, generator, self.axis) == 1, self.members[-1], self.members[0])
        if self.total is not None:
            return _with_total(numbers, self, dtype)
        if self.symmetric or self.positive_definite or self.invertible:
            return rounded(_matrix(numbers, self), dtype)
        numbers = rounded(_within(numbers, self.lower, self.upper), dtype)
        return np.where(numbers == 0, 1.0, numbers) if self.nonzero else numbers


def domain_of(given: Given) -> Domain:
    """The domain of a given; raises ConstraintError for a constraint that no numbers can be drawn for."""
    fields: dict[str, object] = {"classes": given.classes}
    for constraint in given.where:
        fields.update(_fields(constraint, given, fields))
    if given.classes:
        fields.setdefault("total", 1.0)  # class indices stand for one-hot rows, and soft labels for rows of probabilities
    return Domain(**fields)  # type: ignore[arg-type]


def _fields(constraint: Constraint, given: Given, known: dict[str, object]) -> dict[str, object]:
    match constraint:
        case OneHot():
            return {"one_hot": True}
        case SymmetricMatrix():
            return {"symmetric": True}
        case PositiveDefiniteMatrix():
            return {"positive_definite": True}
        case InvertibleMatrix():
            return {"invertible": True}
        case SizeRelation():
            return {}
        case Membership(values=values):
            return {"members": tuple(float(value) for value in values)}
        case Relation():
            return _fields_of_relation(constraint, given, known)


def _fields_of_relation(relation: Relation, given: Given, known: dict[str, object]) -> dict[str, object]:
    left, right, op = relation.lhs, relation.rhs, relation.op
    if left.is_number and not right.is_number:
        left, right, op = right, left, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
    if right.is_number and _is_entry(left, given):
        number = float(right)
        if op in (">", ">="):
            return {"lower": max(number, float(known.get("lower", -np.inf)))}  # type: ignore[arg-type]
        if op in ("<", "<="):
            return {"upper": min(number, float(known.get("upper", np.inf)))}  # type: ignore[arg-type]
        if op == "!=" and number == 0:
            return {"nonzero": True}
    if op == "=" and right.is_number and isinstance(left, Sum) and _is_entry(left.function, given) and len(left.limits) == 1:
        index = left.limits[0][0]
        entry = left.function
        if isinstance(entry, Indexed) and list(entry.indices).count(index) == 1:
            # Counted from the end, as a leading shape may come before the given's own axes.
            return {"total": float(right), "axis": list(entry.indices).index(index) - len(entry.indices)}
    raise ConstraintError(
        f"no inputs can be drawn for the constraint {relation.lhs} {relation.op} {relation.rhs} on {given.name}; "
        "kernels are checked for bounds on entries, sums of entries along one axis, membership, one-hot rows and kinds of matrices"
    )


def _is_entry(expression: Expr, given: Given) -> bool:
    if isinstance(expression, Indexed):
        return bool(expression.base == given.symbol)
    return isinstance(expression, Symbol) and expression == given.symbol


def _one_hot(numbers: np.ndarray, generator: np.random.Generator, axis: int) -> np.ndarray:
    moved = np.moveaxis(numbers, axis, -1)
    place = generator.integers(0, moved.shape[-1], moved.shape[:-1])
    return np.moveaxis((np.arange(moved.shape[-1]) == place[..., None]).astype(np.float64), -1, axis)


def rounded(numbers: np.ndarray, dtype: str) -> np.ndarray:
    """The nearest numbers of a dtype, as float64; what the dtype cannot hold becomes its largest numbers."""
    precision = PRECISIONS[dtype]
    numbers = np.clip(numbers, -precision.largest / 4, precision.largest / 4)
    if dtype != "bfloat16":
        return np.asarray(numbers.astype(dtype).astype(np.float64))
    mantissa, exponent = np.frexp(numbers)
    return np.asarray(np.ldexp(np.round(mantissa / precision.roundoff) * precision.roundoff, exponent))


def _with_total(numbers: np.ndarray, domain: Domain, dtype: str) -> np.ndarray:
    """Multiples of total/2^k that sum to the total: exact in the dtype, and in any order of adding."""
    parts = 1 << min(12, round(-math.log2(PRECISIONS[dtype].roundoff)) - 1)
    weights = np.exp(np.moveaxis(np.clip(numbers, -5, 5), domain.axis, -1))
    least = 1 if domain.lower >= 0 else 0
    free = parts - least * weights.shape[-1]
    counts = np.floor(weights / weights.sum(axis=-1, keepdims=True) * free) + least
    largest = counts.argmax(axis=-1)[..., None]
    rest = parts - counts.sum(axis=-1, keepdims=True)
    counts = counts + np.where(np.arange(counts.shape[-1]) == largest, rest, 0.0)
    return np.moveaxis(counts * (domain.total or 0.0) / parts, -1, domain.axis)


def _matrix(numbers: np.ndarray, domain: Domain) -> np.ndarray:
    size = numbers.shape[-1]
    if domain.positive_definite:
        return numbers @ np.swapaxes(numbers, -1, -2) / size + np.eye(size)
    if domain.invertible:
        numbers = numbers + 2 * np.sqrt(size) * np.eye(size)  # the Gaussian part's singular values stay below 2 sqrt(n)
    if domain.symmetric:
        lower = np.tril(numbers)
        return lower + np.swapaxes(np.tril(numbers, -1), -1, -2)
    return numbers


def _within(numbers: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """A monotone map of the line into the interval, away from its ends."""
    if np.isfinite(lower) and np.isfinite(upper):
        return lower + (upper - lower) * (0.05 + 0.9 / (1 + np.exp(-np.clip(numbers, -30, 30))))
    if np.isfinite(lower):
        return lower + 0.125 + np.abs(numbers)
    if np.isfinite(upper):
        return upper - 0.125 - np.abs(numbers)
    return numbers
