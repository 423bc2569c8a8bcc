"""Read a matrix formula in a layout: shapes, and the same equation in index notation.

A matrix is read as its row indices, its column indices and its entry, e.g. W as (c), (m), W[c,m]; a column has no column
indices, a stacked matrix or a Kronecker product has two row indices. Then

    (A B)[i,j] = sum_k A[i,k] B[k,j]        where the columns of A run over what the rows of B run over,
    (dy/dx)[i,j] = dy[i]/dx[j]              in the numerator layout, and transposed in the denominator layout.

Shapes are compared as dimensions, not as numbers: that C and d may happen to be equal makes no formula fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sympy import Expr, S, Symbol

from closedform.errors import LayoutError
from closedform.notation.claims import Claim
from closedform.notation.expressions import delta, partial, summation
from closedform.notation.matrices import (
    DENOMINATOR,
    MIXED,
    ROWS,
    Derivative,
    Diagonal,
    Identity,
    Kronecker,
    Matrix,
    MatrixFormula,
    Ones,
    Plus,
    Product,
    Scaled,
    Stacked,
    Transpose,
    Whole,
)
from closedform.notation.tensors import Dim, Index, NamedTensor

LETTERS = "ijklmnopqrstuvw"
Axes = tuple[Index, ...]


@dataclass(frozen=True)
class Read:
    """A matrix as its row indices, column indices and entry."""

    rows: Axes
    columns: Axes
    entry: Expr

    @property
    def shape(self) -> tuple[tuple[Dim, ...], tuple[Dim, ...]]:
        return tuple(index.dim for index in self.rows), tuple(index.dim for index in self.columns)

    def at(self, rows: Axes, columns: Axes) -> Read:
        """The same matrix with other names for its indices."""
        names = dict(zip((*self.rows, *self.columns), (*rows, *columns), strict=True))
        return Read(rows, columns, self.entry.xreplace(names))


def claim_in(formula: MatrixFormula, layout: str) -> Claim:
    """The formula in index notation, as ``layout`` reads it.

    Raises:
        LayoutError: it cannot be read so: a product does not fit, or the sides differ in shape.
    """
    reader = _Reader(layout)
    left, right = reader.read(formula.lhs), reader.read(formula.rhs)
    if left.shape != right.shape:
        raise LayoutError(f"the left side is {shape_text(left)}, the right side {shape_text(right)}")
    return Claim(formula.name, left.entry, right.at(left.rows, left.columns).entry, formula.title, formula.source)


def shape_in(node: Matrix, layout: str) -> str:
    """The shape of a matrix in a layout, such as ``C×d``.

    Raises:
        LayoutError: a product or sum in it does not fit.
    """
    return shape_text(_Reader(layout).read(node))


def shape_text(read: Read) -> str:
    """A shape as it is written: rows × columns, a product of sizes with a dot."""
    rows, columns = ("·".join(dim.name for dim in axes) or "1" for axes in read.shape)
    return f"{rows}×{columns}"


# ---------------------------------------------------------------------------------------------


class _Reader:
    """Reads matrices in one layout; every index that it makes has a name of its own."""

    def __init__(self, layout: str) -> None:
        self._layout = layout
        self._names = iter([*LETTERS, *(f"i{number}" for number in range(1, 1000))])

    def read(self, node: Matrix) -> Read:
        return _READERS[type(node)](self, node)

    def _fresh(self, *dims: Dim) -> Axes:
        return tuple(Index(next(self._names), dim) for dim in dims)

    def _entries(self, symbol: NamedTensor | Symbol) -> tuple[Axes, Expr]:
        """Fresh indices for all axes of a symbol, and its entry there."""
        if not isinstance(symbol, NamedTensor):
            return (), symbol
        at = self._fresh(*symbol.dims)
        return at, symbol[at]

    def whole(self, node: Whole) -> Read:
        at, entry = self._entries(node.symbol)
        return Read(at[:1], at[1:], entry)

    def stacked(self, node: Stacked) -> Read:
        at, entry = self._entries(node.symbol)
        return Read(at if node.by == ROWS else at[::-1], (), entry)

    def derivative(self, node: Derivative) -> Read:
        target, *variables = (self.read(part) for part in (node.target, *node.variables))
        rate = partial(target.entry, *(variable.entry for variable in variables))
        if len(variables) == 2:
            return self._second(variables[0], variables[1], rate)
        (variable,) = variables
        gradient = not (target.rows or target.columns)
        if sum(bool(axes) for axes in (target.rows, target.columns, variable.rows, variable.columns)) > 2:
            raise LayoutError("the derivative of a vector by a matrix has three axes and is no matrix; stack the matrix with vec")
        flat = Read(target.rows or variable.columns, variable.rows or target.columns, rate)  # the numerator layout
        return _transposed(flat) if self._layout == DENOMINATOR or (self._layout == MIXED and gradient) else flat

    def _second(self, first: Read, second: Read, rate: Expr) -> Read:
        if first.columns or second.columns:
            raise LayoutError("a second derivative by a matrix has more than two axes; stack the matrix with vec")
        return Read(first.rows, second.rows, rate)

    def transpose(self, node: Transpose) -> Read:
        return _transposed(self.read(node.of))

    def product(self, node: Product) -> Read:
        left, right = self.read(node.left), self.read(node.right)
        if left.shape[1] != right.shape[0]:
            raise LayoutError(f"{shape_text(left)} times {shape_text(right)} does not fit")
        right = right.at(left.columns, right.columns)
        return Read(left.rows, right.columns, summation(left.entry * right.entry, *left.columns))

    def plus(self, node: Plus) -> Read:
        left, right = self.read(node.left), self.read(node.right)
        if left.shape != right.shape:
            raise LayoutError(f"{shape_text(left)} plus {shape_text(right)} does not fit")
        return Read(left.rows, left.columns, left.entry + right.at(left.rows, left.columns).entry)

    def scaled(self, node: Scaled) -> Read:
        of = self.read(node.of)
        return Read(of.rows, of.columns, node.factor * of.entry)

    def diagonal(self, node: Diagonal) -> Read:
        of = self.read(node.of)
        if len(of.rows) + len(of.columns) != 1:
            raise LayoutError(f"a diagonal is made of a vector, not of {shape_text(of)}")
        (i,) = (*of.rows, *of.columns)
        (j,) = self._fresh(i.dim)
        return Read((i,), (j,), delta(i, j) * of.entry)

    def identity(self, node: Identity) -> Read:
        i, j = self._fresh(node.dim, node.dim)
        return Read((i,), (j,), delta(i, j))

    def ones(self, node: Ones) -> Read:
        return Read(self._fresh(node.dim), (), S.One)

    def kronecker(self, node: Kronecker) -> Read:
        left, right = self.read(node.left), self.read(node.right)
        return Read((*left.rows, *right.rows), (*left.columns, *right.columns), left.entry * right.entry)


def _transposed(read: Read) -> Read:
    return Read(read.columns, read.rows, read.entry)


_READERS: dict[type[Matrix], Callable[[_Reader, Any], Read]] = {
    Whole: _Reader.whole,
    Stacked: _Reader.stacked,
    Derivative: _Reader.derivative,
    Transpose: _Reader.transpose,
    Product: _Reader.product,
    Plus: _Reader.plus,
    Scaled: _Reader.scaled,
    Diagonal: _Reader.diagonal,
    Identity: _Reader.identity,
    Ones: _Reader.ones,
    Kronecker: _Reader.kronecker,
}
