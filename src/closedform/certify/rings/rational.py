"""Exact rational arithmetic, for formulas and points that stay rational."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from sympy import Rational

from closedform.certify.rings.base import Array, NumpyRing, fraction, per_matrix


class IrrationalError(Exception):
    """A value is not rational, or cannot be shown to be."""


_FUNCTIONS: dict[str, Any] = {
    "Abs": abs,
    "sign": lambda x: Fraction((x > 0) - (x < 0)),
    "relu": lambda x: max(x, Fraction(0)),
    "step": lambda x: Fraction(int(x > 0)),
}
# f(argument) = value is rational at these arguments only
_AT: dict[str, tuple[int, Fraction]] = {
    "exp": (0, Fraction(1)),
    "log": (1, Fraction(0)),
    "sin": (0, Fraction(0)),
    "cos": (0, Fraction(1)),
    "sinh": (0, Fraction(0)),
    "cosh": (0, Fraction(1)),
    "tanh": (0, Fraction(0)),
    "sigmoid": (0, Fraction(1, 2)),
    "erf": (0, Fraction(0)),
}


def _value(function: str, x: Fraction) -> Fraction:
    if function in _FUNCTIONS:
        return Fraction(_FUNCTIONS[function](x))
    argument, value = _AT.get(function, (None, Fraction(0)))
    if x != argument:
        raise IrrationalError(f"{function}({x}) is not rational")
    return value


def _root(x: Fraction) -> Fraction:
    """The square root of the square of a rational."""
    if x >= 0:
        root = Fraction(isqrt(x.numerator), isqrt(x.denominator))
        if root * root == x:
            return root
    raise IrrationalError(f"sqrt({x}) is not rational")


def _power(x: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator == 2:
        return _root(x) ** exponent.numerator
    if exponent.denominator > 1:
        raise IrrationalError(f"({x})^({exponent}) is not rational")
    return Fraction(x**exponent.numerator)


class Rationals(NumpyRing):
    """Object arrays of :class:`fractions.Fraction`.

    Raises:
        IrrationalError: where a value would leave the rationals.
        ZeroDivisionError: where one does not exist.
    """

    name = "rational"

    def number(self, value: Rational) -> Array:
        """Exact."""
        return np.asarray(fraction(value), dtype=object)

    def pi(self) -> Array:
        """Not rational."""
        raise IrrationalError("pi is not rational")

    def eye(self, n: int) -> Array:
        """Identity matrix."""
        return np.array([[Fraction(int(i == j)) for j in range(n)] for i in range(n)], dtype=object).reshape(n, n)

    def add(self, a: Array, b: Array) -> Array:
        """Entrywise sum."""
        return np.asarray(a + b, dtype=object)

    def multiply(self, a: Array, b: Array) -> Array:
        """Entrywise product."""
        return np.asarray(a * b, dtype=object)

    def power(self, a: Array, exponent: Rational) -> Array:
        """Integer powers, and square roots of squares."""
        exact = fraction(exponent)
        return np.asarray(np.frompyfunc(lambda x: _power(x, exact), 1, 1)(a), dtype=object)

    def general_power(self, a: Array, exponent: Array) -> Array:
        """As :meth:`power`, entrywise."""
        return np.asarray(np.frompyfunc(_power, 2, 1)(a, exponent), dtype=object)

    def apply(self, function: str, a: Array) -> Array:
        """An elementary function, where its value is rational."""
        return np.asarray(np.frompyfunc(lambda x: _value(function, x), 1, 1)(a), dtype=object)

    def less(self, a: Array, b: Array, or_equal: bool) -> Array:
        """1 or 0."""
        compare = np.frompyfunc(lambda x, y: Fraction(int(x <= y if or_equal else x < y)), 2, 1)
        return np.asarray(compare(a, b), dtype=object)

    def select(self, condition: Array, a: Array, b: Array) -> Array:
        """Entrywise choice."""
        return np.asarray(np.frompyfunc(lambda c, x, y: x if c == 1 else y, 3, 1)(condition, a, b), dtype=object)

    def total(self, a: Array, axis: int) -> Array:
        """Sum along an axis."""
        return np.asarray(np.add.reduce(a, axis=axis, initial=Fraction(0)), dtype=object)

    def inverse(self, a: Array) -> Array:
        """Exact inverse."""
        return per_matrix(lambda matrix: _fractions(_matrix(matrix).inv()), a)

    def det(self, a: Array) -> Array:
        """Exact determinant."""
        return per_matrix(lambda matrix: np.asarray(_fraction(_matrix(matrix).det()), dtype=object), a)


def _matrix(matrix: Array) -> fmpq_mat:
    return fmpq_mat([[fmpq(x.numerator, x.denominator) for x in row] for row in matrix.tolist()])


def _fraction(x: fmpq) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def _fractions(matrix: fmpq_mat) -> Array:
    return np.array([[_fraction(x) for x in row] for row in matrix.tolist()], dtype=object)
