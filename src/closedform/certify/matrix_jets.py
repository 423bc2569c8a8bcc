"""Inverse, determinant and logdet of jets of matrices, whose axes are called ``ROW`` and ``COLUMN``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from closedform.certify.jets import Jet, Jets, highest, join, split
from closedform.certify.named import Named, Token
from closedform.certify.rings.base import Array

ROW, COLUMN, INNER = Token("matrix", 0, 0), Token("matrix", 0, 1), Token("matrix", 0, 2)


def matrix_key(function: str, matrix: str) -> str:
    """Under which name ``values`` may hold ``inv``, ``det`` or ``logdet`` of a matrix, to be taken for its own.

    Derivatives then still follow the rules, as in d inv(S) = -inv(S) dS inv(S).
    """
    return f"{function} {matrix}"


@dataclass(frozen=True)
class MatrixFunctions:
    """The functions of the matrix ``name``; those that ``values`` has under :func:`matrix_key` are taken from there."""

    jets: Jets
    name: str
    size: int
    values: Mapping[str, Array]

    def inverse(self, a: Jet) -> Jet:
        """(a + e b)^-1 = a^-1 - e a^-1 b a^-1."""
        bit = highest(a)
        if not bit:
            return {0: self._value("inv", self.jets.ring.inverse, a, (ROW, COLUMN))}
        a0, b = split(a, bit)
        f = self.inverse(a0)
        return join(f, self.jets.negative(self._matmul(self._matmul(f, b), f)), bit)

    def logdet(self, a: Jet) -> Jet:
        """log|det(a + e b)| = log|det a| + e tr(a^-1 b)."""
        bit = highest(a)
        if not bit:
            return {0: self._value("logdet", self.jets.ring.logdet, a, ())}
        a0, b = split(a, bit)
        return join(self.logdet(a0), self._trace_of_product(self.inverse(a0), b), bit)

    def det(self, a: Jet) -> Jet:
        """det(a + e b) = det a (1 + e tr(a^-1 b))."""
        bit = highest(a)
        if not bit:
            return {0: self._value("det", self.jets.ring.det, a, ())}
        a0, b = split(a, bit)
        f = self.det(a0)
        return join(f, self.jets.multiply(f, self._trace_of_product(self.inverse(a0), b)), bit)

    def _matmul(self, a: Jet, b: Jet) -> Jet:
        return self.jets.total(
            self.jets.multiply(self.jets.rename(a, {COLUMN: INNER}), self.jets.rename(b, {ROW: INNER})), INNER, self.size
        )

    def _trace_of_product(self, a: Jet, b: Jet) -> Jet:
        product = self.jets.multiply(a, self.jets.rename(b, {ROW: COLUMN, COLUMN: ROW}))
        return self.jets.total(self.jets.total(product, ROW, self.size), COLUMN, self.size)

    def _value(self, name: str, function: Callable[[Array], Array], jet: Jet, axes: tuple[Token, ...]) -> Named:
        key = matrix_key(name, self.name)
        if key in self.values:
            return Named(axes, self.values[key])
        arrays, ring, a = self.jets.arrays, self.jets.ring, self.jets.base(jet)
        others = tuple(axis for axis in a.axes if axis not in (ROW, COLUMN))
        aligned = arrays.aligned(a, (*others, ROW, COLUMN))
        if not {ROW, COLUMN} <= set(a.axes):  # a matrix that is constant along an axis still has `size` rows there
            aligned = ring.add(aligned, ring.multiply(ring.eye(self.size), arrays.aligned(self.jets.zero, (ROW, COLUMN))))
        return Named((*others, *axes), function(aligned))
