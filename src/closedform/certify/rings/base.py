"""What the interpreter asks of a number system, and the part that all NumPy-backed ones share.

A ring computes on *arrays of its elements* with positional axes, broadcasting as NumPy does. The
interpreter never looks inside an array. Conditions are arrays of 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from sympy import Rational

Array = Any  # of elements of the ring at hand


class TooLargeError(Exception):
    """An evaluation would need arrays beyond what memory and patience allow."""


class Ring:
    """Arrays of ring elements; subclasses fill in the arithmetic.

    ``apply`` knows exp, log, sin, cos, sinh, cosh, tanh, sigmoid, softplus, erf, Abs, sign, relu, step.
    """

    name = "ring"
    most_entries = 2**23  # of one array

    def demand(self, shape: Sequence[int]) -> None:
        """Raise TooLargeError where an array of this shape would have too many entries; before it is made."""
        if (entries := prod(shape)) > self.most_entries:
            raise TooLargeError(f"the sizes at hand need arrays of {float(entries):.0e} entries; at most {self.most_entries:,}")

    def scope(self) -> AbstractContextManager[Any]:
        """Entered around an evaluation, for rings with global state such as a working precision."""
        return nullcontext()

    # -- elements -------------------------------------------------------------------------------
    def number(self, value: Rational) -> Array:
        """A rational number, as an array without axes."""
        raise NotImplementedError

    def size(self, n: int) -> Array:
        """The size of a dimension: a number at hand, another one at other sizes."""
        return self.number(Rational(n))

    def pi(self) -> Array:
        """The number pi, as an array without axes."""
        raise NotImplementedError

    def eye(self, n: int) -> Array:
        """Identity matrix: Kronecker's delta of two indices of size ``n``."""
        raise NotImplementedError

    # -- arithmetic -----------------------------------------------------------------------------
    def add(self, a: Array, b: Array) -> Array:
        """Entrywise sum."""
        raise NotImplementedError

    def multiply(self, a: Array, b: Array) -> Array:
        """Entrywise product."""
        raise NotImplementedError

    def power(self, a: Array, exponent: Rational) -> Array:
        """A constant rational power; a fractional one of the positive base."""
        raise NotImplementedError

    def general_power(self, a: Array, exponent: Array) -> Array:
        """``a ** exponent`` for a positive base."""
        return self.apply("exp", self.multiply(exponent, self.apply("log", a)))

    def apply(self, function: str, a: Array) -> Array:
        """An elementary function by its name in the notation."""
        raise NotImplementedError

    def less(self, a: Array, b: Array, or_equal: bool) -> Array:
        """1 where a < b (or a <= b), else 0."""
        raise NotImplementedError

    def select(self, condition: Array, a: Array, b: Array) -> Array:
        """``a`` where the condition is 1, else ``b``; what stands in the other branch does not matter."""
        raise NotImplementedError

    # -- axes -----------------------------------------------------------------------------------
    def arrange(self, a: Array, order: Sequence[int | None]) -> Array:
        """Axis ``order[k]`` of ``a`` becomes axis k of the result; None makes a new axis of length 1."""
        raise NotImplementedError

    def broadcast(self, a: Array, shape: Sequence[int]) -> Array:
        """Repeat axes of length 1 up to ``shape``."""
        raise NotImplementedError

    def diagonal(self, a: Array, first: int, second: int) -> Array:
        """Entries where two axes agree; the two become one, which comes last."""
        raise NotImplementedError

    def total(self, a: Array, axis: int) -> Array:
        """Sum along an axis."""
        raise NotImplementedError

    def contract(self, a: Array, b: Array, axis: int) -> Array:
        """Sum along an axis of the product of two arrays of as many axes; they broadcast along all but this one."""
        self.demand(np.broadcast_shapes(a.shape, b.shape))
        return self.total(self.multiply(a, b), axis)

    # -- matrices, on the last two axes ------------------------------------------------------------
    def inverse(self, a: Array) -> Array:
        """Inverse of a square matrix."""
        raise NotImplementedError

    def det(self, a: Array) -> Array:
        """Determinant of a square matrix."""
        raise NotImplementedError

    def logdet(self, a: Array) -> Array:
        """Logarithm of the absolute value of the determinant."""
        return self.apply("log", self.apply("Abs", self.det(a)))


class NumpyRing(Ring):
    """Axes and sums by NumPy, for element types that NumPy arrays (also object arrays) hold."""

    def add(self, a: Array, b: Array) -> Array:
        """Entrywise sum."""
        return np.asarray(a + b)

    def multiply(self, a: Array, b: Array) -> Array:
        """Entrywise product."""
        return np.asarray(a * b)

    def arrange(self, a: Array, order: Sequence[int | None]) -> Array:
        """Transpose, then insert axes of length 1."""
        moved = np.transpose(a, [axis for axis in order if axis is not None])
        return moved[tuple(None if axis is None else slice(None) for axis in order)]

    def broadcast(self, a: Array, shape: Sequence[int]) -> Array:
        """A read-only view of the larger shape."""
        return np.broadcast_to(a, tuple(shape))

    def diagonal(self, a: Array, first: int, second: int) -> Array:
        """NumPy's diagonal puts the common axis last."""
        return np.diagonal(a, axis1=first, axis2=second)

    def total(self, a: Array, axis: int) -> Array:
        """Sum along an axis."""
        return np.asarray(np.sum(a, axis=axis))


def fraction(value: Rational) -> Fraction:
    """A SymPy rational as Python's."""
    return Fraction(int(value.p), int(value.q))


def per_matrix(function: Any, a: Array) -> Array:
    """Map a function of one square object array over the leading axes; it returns a matrix or a number."""
    flat = a.reshape((-1, *a.shape[-2:]))
    results = [np.asarray(function(matrix), dtype=a.dtype) for matrix in flat]
    return np.stack(results).reshape(a.shape[:-2] + results[0].shape)
