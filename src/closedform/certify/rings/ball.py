"""Ball arithmetic (Arb): every number is an interval that contains the true value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx, fmpq
from sympy import Rational

from closedform.certify.rings.base import Array, NumpyRing, fraction, per_matrix

_NAN, _ZERO, _ONE = arb("nan"), arb(0), arb(1)


def _sign(x: arb) -> arb:
    if x > 0:
        return _ONE
    if x < 0:
        return -_ONE
    return _ZERO if x == 0 else _NAN


def _step(x: arb) -> arb:
    if x > 0:
        return _ONE
    return _ZERO if x <= 0 else _NAN


def _relu(x: arb) -> arb:
    if x > 0:
        return x
    return _ZERO if x <= 0 else (_NAN if x.is_nan() else x.max(_ZERO))


_FUNCTIONS: dict[str, Callable[[arb], arb]] = {
    "exp": arb.exp,
    "log": arb.log,
    "sin": arb.sin,
    "cos": arb.cos,
    "sinh": arb.sinh,
    "cosh": arb.cosh,
    "tanh": arb.tanh,
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "softplus": lambda x: x.exp().log1p(),
    "erf": arb.erf,
    "Abs": abs,
    "sign": _sign,
    "relu": _relu,
    "step": _step,
}
_MAPPED = {name: np.frompyfunc(function, 1, 1) for name, function in _FUNCTIONS.items()}


def _less(a: arb, b: arb) -> arb:
    if a < b:
        return _ONE
    return _ZERO if a >= b else _NAN


def _less_equal(a: arb, b: arb) -> arb:
    if a <= b:
        return _ONE
    return _ZERO if a > b else _NAN


def _select(condition: arb, a: arb, b: arb) -> arb:
    if condition == 1:
        return a
    if condition == 0:
        return b
    # not known: either branch. Where both agree on an open set, as in max(x, x), nothing is lost.
    return a.union(b) if a.is_finite() and b.is_finite() else _NAN


_LESS, _LESS_EQUAL = np.frompyfunc(_less, 2, 1), np.frompyfunc(_less_equal, 2, 1)
_SELECT = np.frompyfunc(_select, 3, 1)
_GENERAL_POWER = np.frompyfunc(lambda a, b: a**b, 2, 1)


def _objects(values: Any) -> Array:
    return np.asarray(values, dtype=object)


def _matrix_axes(a: Sequence[int], b: Sequence[int], contracted: int) -> tuple[list[int], list[int], list[int]]:
    """Which axes only the first of two shapes has (longer than 1), which only the second, and which both alike."""
    kept = [k for k in range(len(a)) if k != contracted]
    left, right = [k for k in kept if a[k] > b[k]], [k for k in kept if a[k] < b[k]]
    return left, right, [k for k in kept if a[k] == b[k]]


def _inverse(matrix: Array) -> Array:
    n = len(matrix)
    try:
        rows = arb_mat(matrix.tolist()).inv().tolist()
    except ZeroDivisionError:  # singular, or not known to be invertible at this precision
        rows = [[_NAN] * n for _ in range(n)]
    return _objects(rows)


def _integer_power(x: arb, n: int) -> arb:
    """By squaring: arb's own power takes a logarithm, which a ball around 0 does not have."""
    result = arb(1)
    for bit in f"{n:b}":
        result = result * result * x if bit == "1" else result * result
    return result


class Ball(NumpyRing):
    """Object arrays of :class:`flint.arb` at a fixed working precision.

    A comparison that the balls cannot decide, and a function outside its domain, give NaN. No later
    operation takes it away but a choice between branches, which then encloses both: a finite result is
    an enclosure.

    Args:
        precision: bits; evaluate again with more where the enclosures are too wide.
    """

    most_entries = 2**20
    name = "ball"

    def __init__(self, precision: int = 128) -> None:
        self.precision = precision

    def scope(self) -> AbstractContextManager[Any]:
        """Sets the working precision of Arb."""
        return ctx.workprec(self.precision)

    def number(self, value: Rational) -> Array:
        """The smallest ball around a rational."""
        exact = fraction(value)
        return _objects(arb(fmpq(exact.numerator, exact.denominator)))

    def pi(self) -> Array:
        """A ball around pi."""
        return _objects(arb.pi())

    def eye(self, n: int) -> Array:
        """Identity matrix."""
        return _objects([[_ONE if i == j else _ZERO for j in range(n)] for i in range(n)])

    def add(self, a: Array, b: Array) -> Array:
        """Entrywise sum."""
        return _objects(a + b)

    def multiply(self, a: Array, b: Array) -> Array:
        """Entrywise product."""
        return _objects(a * b)

    def power(self, a: Array, exponent: Rational) -> Array:
        """Integer powers by multiplication, square roots directly."""
        if exponent == -1:
            return _objects(1 / a)
        if exponent == Rational(1, 2):
            return _objects(np.frompyfunc(arb.sqrt, 1, 1)(a))
        if exponent.is_Integer:
            n = int(exponent)
            powers = np.frompyfunc(lambda x: _integer_power(x, abs(n)), 1, 1)(a)
            return _objects(powers if n >= 0 else 1 / powers)
        exact = fraction(exponent)
        return _objects(np.frompyfunc(lambda x: x ** arb(fmpq(exact.numerator, exact.denominator)), 1, 1)(a))

    def general_power(self, a: Array, exponent: Array) -> Array:
        """Arb's power: of a positive base, or with an exact integer exponent."""
        return _objects(_GENERAL_POWER(a, exponent))

    def apply(self, function: str, a: Array) -> Array:
        """An elementary function."""
        return _objects(_MAPPED[function](a))

    def less(self, a: Array, b: Array, or_equal: bool) -> Array:
        """1, 0, or NaN where the balls overlap."""
        return _objects((_LESS_EQUAL if or_equal else _LESS)(a, b))

    def select(self, condition: Array, a: Array, b: Array) -> Array:
        """A ball around both branches where the condition is not known; NaN if one of them does not exist."""
        return _objects(_SELECT(condition, a, b))

    def total(self, a: Array, axis: int) -> Array:
        """Sum along an axis; an empty one sums to 0."""
        return _objects(np.add.reduce(a, axis=axis, initial=_ZERO))

    def contract(self, a: Array, b: Array, axis: int) -> Array:
        """Products of matrices where there are any, so that no array of all the products is made."""
        left, right, common = _matrix_axes(a.shape, b.shape, axis)
        if not left or not right:
            return super().contract(a, b, axis)
        rows = np.transpose(a, (*common, *left, axis, *right))
        columns = np.transpose(b, (*common, axis, *right, *left))
        shape = [max(a.shape[k], b.shape[k]) for k in (*common, *left, *right)]
        stack = int(np.prod(shape[: len(common)]))
        n = a.shape[axis]
        rows = rows.reshape(stack, int(np.prod([a.shape[k] for k in left])), n)
        columns = columns.reshape(stack, n, int(np.prod([b.shape[k] for k in right])))
        entries = [(arb_mat(x.tolist()) * arb_mat(y.tolist())).entries() for x, y in zip(rows, columns, strict=True)]
        place = np.argsort([*common, *left, *right])
        return np.transpose(_objects(entries).reshape(shape), place)

    def inverse(self, a: Array) -> Array:
        """Arb's certified inverse."""
        return per_matrix(_inverse, a)

    def det(self, a: Array) -> Array:
        """Arb's determinant."""
        return per_matrix(lambda matrix: _objects(arb_mat(matrix.tolist()).det()), a)
