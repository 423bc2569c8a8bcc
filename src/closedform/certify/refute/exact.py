"""Constraints evaluated exactly: fractions in, fractions out.

A point with round coordinates satisfies an equation only if it does so exactly, so the checks
here are rational arithmetic, entry by entry. Functions with irrational values give floats, which
serve for inequalities and never for equations.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Indexed, KroneckerDelta, Sum, Symbol

from closedform.notation import Dim, Index, Let, Relation, free_indices

Array = np.ndarray[Any, np.dtype[Any]]
Values = Mapping[str, Array]
Number = Fraction | float

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "cosh": math.cosh,
    "sinh": math.sinh,
    "erf": math.erf,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
}


class UnsupportedConstraintError(Exception):
    """A constraint that exact evaluation does not know; the point is not used."""


@dataclass(frozen=True)
class Scope:
    """Where an expression is evaluated: concrete sizes, values of the givens, and the lets."""

    sizes: Mapping[Dim, int]
    values: Values
    lets: tuple[Let, ...] = ()
    # By name: comparing SymPy's symbols is slow, and names are unique here.
    size: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", {dim.name: size for dim, size in self.sizes.items()})

    def knows(self, expression: Expr) -> bool:
        """Whether every name of the expression has a value or a definition here."""
        return names_of(expression) <= set(self.values) | {let.name for let in self.lets}


Place = Mapping[str, int]  # index name -> position, from 0
Evaluation = Callable[[Scope, Place], Number]


def entry_value(expression: Expr, scope: Scope, at: Place) -> Number:
    """The value of an expression at one choice of its free indices (0-based, by name).

    >>> C = Dim("C"); k = Index("k", C)
    >>> entry_value(Sum(k * 0 + 2, (k, 1, C)), Scope({C: 3}, {}), {})
    Fraction(6, 1)
    """
    return _evaluation(expression)(scope, at)


@lru_cache(maxsize=2048)
def _evaluation(expression: Expr) -> Evaluation:
    """The expression as a function; it is walked once, and evaluated at many points and entries."""
    if isinstance(expression, sympy.Rational):
        number = Fraction(int(expression.p), int(expression.q))
        return lambda scope, at: number
    if isinstance(expression, Dim):
        dim = expression.name
        return lambda scope, at: Fraction(scope.size[dim])
    if isinstance(expression, Indexed | Symbol):
        return _named(expression)
    if isinstance(expression, KroneckerDelta):
        one, other = (index.name for index in expression.args)
        return lambda scope, at: Fraction(int(at[one] == at[other]))
    if isinstance(expression, Sum):
        return _summed(expression)
    return _operation(expression, [_evaluation(arg) for arg in expression.args])


def _named(entry: Expr) -> Evaluation:
    indices = tuple(index.name for index in entry.indices) if isinstance(entry, Indexed) else ()
    name = entry.base.name if isinstance(entry, Indexed) else entry.name

    def value(scope: Scope, at: Place) -> Number:
        position = tuple(at[index] for index in indices)
        if name in scope.values:
            number: Number = scope.values[name][position]
            return number
        let = next((let for let in scope.lets if let.name == name), None)
        if let is None:
            raise UnsupportedConstraintError(f"no value for {name}")
        return entry_value(let.body, scope, {index.name: place for index, place in zip(let.indices, position, strict=True)})

    return value


def _summed(expression: Sum) -> Evaluation:
    *others, (index, *_) = expression.limits
    inner = _evaluation(Sum(expression.function, *others) if others else expression.function)
    name, dim = index.name, index.dim.name
    return lambda scope, at: sum((inner(scope, {**at, name: place}) for place in range(scope.size[dim])), Fraction(0))


def _operation(expression: Expr, parts: list[Evaluation]) -> Evaluation:
    if isinstance(expression, sympy.Add):
        return lambda scope, at: sum((part(scope, at) for part in parts), Fraction(0))
    if isinstance(expression, sympy.Mul):
        return lambda scope, at: math.prod((part(scope, at) for part in parts), start=Fraction(1))
    if isinstance(expression, sympy.Pow):
        base, exponent = parts
        return lambda scope, at: _power(base(scope, at), exponent(scope, at))
    if isinstance(expression, sympy.Abs):
        return lambda scope, at: _absolute(parts[0](scope, at))
    function = FUNCTIONS.get(type(expression).__name__)
    if function is not None:
        return lambda scope, at: function(float(parts[0](scope, at)))
    if expression is sympy.pi:
        return lambda scope, at: math.pi
    raise UnsupportedConstraintError(f"{type(expression).__name__} in a constraint")


def _absolute(value: Number) -> Number:
    return value if value >= 0 else -value


def _power(base: Number, exponent: Number) -> Number:
    value: Number = base**exponent
    return value


def assignments(indices: tuple[Index, ...], scope: Scope) -> Iterator[dict[str, int]]:
    """Every choice of the indices, in lexicographic order."""
    names = [index.name for index in indices]
    for position in itertools.product(*(range(scope.size[index.dim.name]) for index in indices)):
        yield dict(zip(names, position, strict=True))


def relation_indices(relation: Relation) -> tuple[Index, ...]:
    """The free indices of a relation, by name."""
    return tuple(sorted(free_indices(relation.lhs) | free_indices(relation.rhs), key=lambda index: (index.name, index.dim.name)))


def residuals(relation: Relation, scope: Scope) -> Iterator[Number]:
    """``lhs - rhs`` of a relation for every value of its free indices, one after another."""
    difference, indices = _difference(relation)
    return (entry_value(difference, scope, at) for at in assignments(indices, scope))


@lru_cache(maxsize=512)
def _difference(relation: Relation) -> tuple[Expr, tuple[Index, ...]]:
    return relation.lhs - relation.rhs, relation_indices(relation)


@lru_cache(maxsize=512)
def names_of(expression: Expr) -> frozenset[str]:
    """The givens and lets that an expression names."""
    return frozenset(str(symbol) for symbol in expression.free_symbols if not isinstance(symbol, Dim | Index | Indexed))


def relation_names(relation: Relation) -> set[str]:
    """The givens and lets that a relation is about."""
    return {*names_of(relation.lhs), *names_of(relation.rhs)}


def satisfied(relation: Relation, scope: Scope) -> bool:
    """Whether a relation holds exactly; an equation between irrational values never counts as satisfied."""
    try:
        return all(_satisfies(value, relation.op) for value in residuals(relation, scope))
    except (ZeroDivisionError, OverflowError, ValueError):
        return False


def _satisfies(value: Number, op: str) -> bool:
    return COMPARE[op](value, 0) and not (op == "=" and isinstance(value, float))
