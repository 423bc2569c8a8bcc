"""Constraints: what is known of the givens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr

from closedform.errors import NotationError
from closedform.notation.tensors import NamedTensor


@dataclass(frozen=True)
class Relation:
    """``lhs op rhs`` for every value of its free indices; op is one of ``= != < <= > >=``."""

    op: str
    lhs: Expr
    rhs: Expr

    def __post_init__(self) -> None:
        if self.op not in ("=", "!=", "<", "<=", ">", ">="):
            raise NotationError(f"a relation is one of = != < <= > >=; got {self.op!r}")
        object.__setattr__(self, "lhs", sympy.sympify(self.lhs))
        object.__setattr__(self, "rhs", sympy.sympify(self.rhs))


@dataclass(frozen=True)
class Membership:
    """Every entry is one of finitely many numbers, ``x[a] in {0, 1}``."""

    entry: Expr
    values: tuple[sympy.Rational, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(map(sympy.Rational, self.values)))


@dataclass(frozen=True)
class OneHot:
    """Along the last axis one entry is 1 and the others are 0."""

    tensor: NamedTensor


@dataclass(frozen=True)
class SymmetricMatrix:
    """A[i,j] = A[j,i]."""

    tensor: NamedTensor


@dataclass(frozen=True)
class InvertibleMatrix:
    """The determinant is not zero."""

    tensor: NamedTensor


@dataclass(frozen=True)
class PositiveDefiniteMatrix:
    """Symmetric, with positive eigenvalues."""

    tensor: NamedTensor


@dataclass(frozen=True)
class SizeRelation:
    """A condition on sizes, ``N >= D``; either side may be a number."""

    op: str
    lhs: Expr
    rhs: Expr


Constraint = Relation | Membership | OneHot | SymmetricMatrix | InvertibleMatrix | PositiveDefiniteMatrix | SizeRelation


def positive(entry: Expr) -> Relation:
    """The constraint ``entry > 0``."""
    return Relation(">", entry, sympy.S.Zero)


def equation(lhs: Any, rhs: Any) -> Relation:
    """The constraint ``lhs = rhs``, for every value of the free indices."""
    return Relation("=", lhs, rhs)
