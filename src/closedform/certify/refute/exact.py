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


def entry_value(expression: Expr, scope: Scope, at: Mapping[str, int]) -> Number:
    """The value of an expression at one choice of its free indices (0-based, by name).

    >>> C = Dim("C"); k = Index("k", C)
    >>> entry_value(Sum(k * 0 + 2, (k, 1, C)), Scope({C: 3}, {}), {})
    Fraction(6, 1)
    """
    if isinstance(expression, sympy.Rational):
        return Fraction(int(expression.p), int(expression.q))
    if isinstance(expression, Dim):
        return Fraction(scope.size[expression.name])
    if isinstance(expression, Indexed | Symbol):
        return _named_value(expression, scope, at)
    if isinstance(expression, KroneckerDelta):
        return Fraction(int(at[expression.args[0].name] == at[expression.args[1].name]))
    if isinstance(expression, Sum):
        index, *_ = expression.limits[-1]
        inner = Sum(expression.function, *expression.limits[:-1]) if len(expression.limits) > 1 else expression.function
        return sum((entry_value(inner, scope, {**at, index.name: i}) for i in range(scope.size[index.dim.name])), Fraction(0))
    return _operation_value(expression, [entry_value(arg, scope, at) for arg in expression.args])


def _named_value(entry: Expr, scope: Scope, at: Mapping[str, int]) -> Number:
    position = tuple(at[index.name] for index in entry.indices) if isinstance(entry, Indexed) else ()
    name = entry.base.name if isinstance(entry, Indexed) else entry.name
    if name in scope.values:
        return scope.values[name][position]
    let = next((let for let in scope.lets if let.name == name), None)
    if let is None:
        raise UnsupportedConstraintError(f"no value for {name}")
    return entry_value(let.body, scope, {index.name: place for index, place in zip(let.indices, position, strict=True)})


def _operation_value(expression: Expr, args: list[Number]) -> Number:
    if isinstance(expression, sympy.Add):
        return sum(args, Fraction(0))
    if isinstance(expression, sympy.Mul):
        return math.prod(args, start=Fraction(1))
    if isinstance(expression, sympy.Pow):
        power: Number = args[0] ** args[1]
        return power
    if isinstance(expression, sympy.Abs):
        return args[0] if args[0] >= 0 else -args[0]
    function = FUNCTIONS.get(type(expression).__name__)
    if function is None:
        if expression is sympy.pi:
            return math.pi
        raise UnsupportedConstraintError(f"{type(expression).__name__} in a constraint")
    return function(float(args[0]))


def assignments(indices: tuple[Index, ...], scope: Scope) -> Iterator[dict[str, int]]:
    """Every choice of the indices, in lexicographic order."""
    names = [index.name for index in indices]
    for position in itertools.product(*(range(scope.size[index.dim.name]) for index in indices)):
        yield dict(zip(names, position, strict=True))


def relation_indices(relation: Relation) -> tuple[Index, ...]:
    """The free indices of a relation, by name."""
    return tuple(sorted(free_indices(relation.lhs) | free_indices(relation.rhs), key=lambda index: (index.name, index.dim.name)))


def residuals(relation: Relation, scope: Scope) -> list[Number]:
    """``lhs - rhs`` of a relation for every value of its free indices."""
    difference, indices = _difference(relation)
    return [entry_value(difference, scope, at) for at in assignments(indices, scope)]


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
        values = residuals(relation, scope)
    except (ZeroDivisionError, OverflowError, ValueError):
        return False
    if relation.op == "=" and any(isinstance(value, float) for value in values):
        return False
    return all(COMPARE[relation.op](value, 0) for value in values)
