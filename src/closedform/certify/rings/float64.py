"""Double precision: fast, approximate; nothing is ever proved with it."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from sympy import Rational

from closedform.certify.rings.base import Array, NumpyRing, fraction


def _sigmoid(x: Array) -> Array:
    # exp of a non-positive number only, so nothing overflows
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


_FUNCTIONS: dict[str, Any] = {
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "erf": np.vectorize(math.erf, otypes=[float]),
    "Abs": np.abs,
    "sign": np.sign,
    "relu": lambda x: np.maximum(x, 0.0),
    "step": lambda x: np.where(x > 0, 1.0, 0.0),
}


class Float64(NumpyRing):
    """NumPy arrays of float64; outside its domain a function gives NaN or an infinity, silently."""

    name = "float64"

    def scope(self) -> AbstractContextManager[Any]:
        """Without warnings: a NaN is an answer here."""
        return np.errstate(all="ignore")

    def number(self, value: Rational) -> Array:
        """The nearest double."""
        return np.asarray(float(fraction(value)))

    def pi(self) -> Array:
        """The nearest double."""
        return np.asarray(math.pi)

    def eye(self, n: int) -> Array:
        """Identity matrix."""
        return np.eye(n)

    def power(self, a: Array, exponent: Rational) -> Array:
        """NumPy's power, with square roots and small integers done directly."""
        if exponent == Rational(1, 2):
            return np.asarray(np.sqrt(a))
        if exponent == -1:
            return np.asarray(1.0 / a)
        return np.asarray(np.power(a, int(exponent) if exponent.is_Integer and exponent > 0 else float(fraction(exponent))))

    def general_power(self, a: Array, exponent: Array) -> Array:
        """NumPy's power."""
        return np.asarray(np.power(a, exponent))

    def apply(self, function: str, a: Array) -> Array:
        """An elementary function."""
        return np.asarray(_FUNCTIONS[function](a))

    def less(self, a: Array, b: Array, or_equal: bool) -> Array:
        """1.0 or 0.0; NaN compares as false."""
        return np.asarray(np.where(a <= b if or_equal else a < b, 1.0, 0.0))

    def select(self, condition: Array, a: Array, b: Array) -> Array:
        """NumPy's where."""
        return np.where(condition > 0.5, a, b)

    def inverse(self, a: Array) -> Array:
        """NaN where the matrix is exactly singular."""
        try:
            return np.linalg.inv(a)
        except np.linalg.LinAlgError:
            return np.full_like(a, np.nan)

    def det(self, a: Array) -> Array:
        """Determinant by LU."""
        return np.asarray(np.linalg.det(a))

    def logdet(self, a: Array) -> Array:
        """Logarithm of |det| without forming it."""
        return np.asarray(np.linalg.slogdet(a)[1])
