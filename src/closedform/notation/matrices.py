"""Matrix formulas: products, transposes and derivatives of whole tensors, as papers write them.

``derivative(L, theta)`` has no shape by itself: one book makes it a row, another a column. A
:class:`MatrixFormula` therefore says in which *layouts* it holds, and :mod:`.layouts` reads it in each of them.
A vector stands for a column::

    >>> from closedform.notation import Dim, scalar, tensor
    >>> C, D = Dim("C"), Dim("d")
    >>> W, z, e, L = whole(tensor("W", C, D)), tensor("z", C), tensor("e", D), scalar("L")
    >>> formula = MatrixFormula("dL/de", derivative(L, e), W.T @ derivative(L, z), layouts=("denominator", "mixed"))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol

from closedform.errors import NotationError
from closedform.notation.expressions import free_indices
from closedform.notation.tensors import Dim, Index, NamedTensor

NUMERATOR, DENOMINATOR, MIXED = "numerator", "denominator", "mixed"
LAYOUTS = (NUMERATOR, DENOMINATOR, MIXED)
ROWS, COLUMNS = "rows", "columns"


class Matrix:
    """An expression of matrix calculus; build it with ``@``, ``+``, ``-``, numbers in front, and ``.T``."""

    @property
    def T(self) -> Matrix:
        """The transpose."""
        return Transpose(self)

    def __matmul__(self, other: Matrix) -> Matrix:
        return Product(self, other)

    def __add__(self, other: Matrix) -> Matrix:
        return Plus(self, other)

    def __sub__(self, other: Matrix) -> Matrix:
        return Plus(self, Scaled(sympy.S.NegativeOne, other))

    def __neg__(self) -> Matrix:
        return Scaled(sympy.S.NegativeOne, self)

    def __rmul__(self, factor: Any) -> Matrix:
        return Scaled(sympy.sympify(factor), self)


@dataclass(frozen=True)
class Whole(Matrix):
    """A scalar, a vector (a column) or a matrix, by its name."""

    symbol: NamedTensor | Symbol

    def __post_init__(self) -> None:
        _checked(self.symbol)


@dataclass(frozen=True)
class Stacked(Matrix):
    """vec(W): the entries of a matrix as one column, row after row or column after column."""

    symbol: NamedTensor
    by: str = ROWS

    def __post_init__(self) -> None:
        if self.by not in (ROWS, COLUMNS):
            raise NotationError(f"a matrix is stacked by {ROWS!r} or by {COLUMNS!r}; got {self.by!r}")
        if not isinstance(self.symbol, NamedTensor) or len(self.symbol.dims) != 2:
            raise NotationError(f"only a matrix can be stacked into a vector; got {self.symbol!r}")


@dataclass(frozen=True)
class Derivative(Matrix):
    """d target / d variable, or the second derivative by two variables: the first along rows, the second along columns."""

    target: Whole
    variables: tuple[Whole | Stacked, ...]

    def __post_init__(self) -> None:
        if len(self.variables) == 2 and isinstance(self.target.symbol, NamedTensor):
            raise NotationError(
                f"the second derivative of the tensor {self.target.symbol.name} has three axes; only a scalar's is a matrix"
            )


@dataclass(frozen=True)
class Transpose(Matrix):
    """The transpose."""

    of: Matrix


@dataclass(frozen=True)
class Product(Matrix):
    """The matrix product."""

    left: Matrix
    right: Matrix


@dataclass(frozen=True)
class Plus(Matrix):
    """The sum of two matrices of one shape."""

    left: Matrix
    right: Matrix


@dataclass(frozen=True)
class Scaled(Matrix):
    """A number times a matrix."""

    factor: Expr
    of: Matrix

    def __post_init__(self) -> None:
        if free_indices(self.factor):
            raise NotationError(f"the factor of a matrix is a number; {self.factor} has free indices")


@dataclass(frozen=True)
class Diagonal(Matrix):
    """The diagonal matrix of a vector."""

    of: Matrix


@dataclass(frozen=True)
class Identity(Matrix):
    """The identity of a size."""

    dim: Dim


@dataclass(frozen=True)
class Ones(Matrix):
    """The column of ones of a size."""

    dim: Dim


@dataclass(frozen=True)
class Kronecker(Matrix):
    """The Kronecker product: row (i, k) and column (j, l) hold A[i,j]*B[k,l]."""

    left: Matrix
    right: Matrix


@dataclass(frozen=True)
class MatrixFormula:
    """``lhs = rhs`` between matrices, which holds in exactly the ``layouts`` that are named.

    In each of them both sides must have one shape, and their entries are equal for all sizes; in every other
    layout a product does not fit, the shapes differ, or the entries do.

    Attributes:
        layouts: out of ``numerator`` (a derivative has a row for each entry of what is differentiated), ``denominator``
            (a row for each variable) and ``mixed`` (gradients of scalars have the shape of their variable, Jacobians
            of vectors a row for each output).
        cites: the numbers of the formulas of the source that it states.
    """

    name: str
    lhs: Matrix
    rhs: Matrix
    layouts: tuple[str, ...] = (MIXED,)
    title: str = ""
    source: str = ""
    cites: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        unknown = [layout for layout in self.layouts if layout not in LAYOUTS]
        if unknown or not self.layouts:
            raise NotationError(f"formula {self.name}: the layouts are {', '.join(LAYOUTS)}; got {', '.join(map(repr, unknown)) or 'none'}")

    @property
    def symbols(self) -> tuple[NamedTensor | Symbol, ...]:
        """What the formula is about, in order of appearance."""
        return tuple(dict.fromkeys((*_symbols(self.lhs), *_symbols(self.rhs))))


def whole(symbol: NamedTensor | Symbol) -> Whole:
    """A tensor or scalar as a matrix: a vector is a column."""
    return Whole(symbol)


def vec(symbol: NamedTensor, by: str = ROWS) -> Stacked:
    """The entries of a matrix as one column: ``rows`` one after another (as memory holds them), or ``columns``."""
    return Stacked(symbol, by)


def derivative(target: NamedTensor | Symbol, *variables: NamedTensor | Symbol | Stacked) -> Derivative:
    """The derivative of ``target`` by one variable, or of a scalar by two (its Hessian, or a block of it)."""
    if not 1 <= len(variables) <= 2:
        raise NotationError(f"a matrix holds a first or a second derivative; got {len(variables)} variables")
    return Derivative(Whole(target), tuple(v if isinstance(v, Stacked) else Whole(v) for v in variables))


def diag(of: Matrix | NamedTensor) -> Diagonal:
    """The diagonal matrix of a vector."""
    return Diagonal(of if isinstance(of, Matrix) else Whole(of))


def kronecker(left: Matrix, right: Matrix) -> Kronecker:
    """The Kronecker product of two matrices."""
    return Kronecker(left, right)


def _checked(symbol: Any) -> None:
    if isinstance(symbol, NamedTensor):
        if len(symbol.dims) > 2:
            raise NotationError(f"{symbol.name} has {len(symbol.dims)} axes; a matrix formula is about scalars, vectors and matrices")
    elif not isinstance(symbol, Symbol) or isinstance(symbol, Dim | Index):
        raise NotationError(f"a matrix formula is about named tensors and scalars; got {symbol!r}")


def _symbols(node: Matrix) -> tuple[NamedTensor | Symbol, ...]:
    if isinstance(node, Whole | Stacked):
        return (node.symbol,)
    parts = [value for value in vars(node).values() if isinstance(value, Matrix | tuple)]
    inner = [part for value in parts for part in (value if isinstance(value, tuple) else (value,))]
    return tuple(symbol for part in inner for symbol in _symbols(part))
