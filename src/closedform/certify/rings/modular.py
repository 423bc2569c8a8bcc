"""Vectorised arithmetic modulo primes below 2^31 and their squares, in 64-bit integers.

Arrays have the draws along axis 0, and each draw has its own modulus: ``p`` broadcasts along axis 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_SMALL = 160  # below so many elements Python's own pow is faster than vectorised squaring


def spread(per_draw: Ints, like: NDArray[Any]) -> Ints:
    """One number for each draw, shaped to broadcast against ``like``."""
    return per_draw.reshape((-1,) + (1,) * (like.ndim - 1))


def multiply_squared(a: Ints, b: Ints, p: Ints) -> Ints:
    """a b mod p^2, by halves: (a0 + a1 p)(b0 + b1 p) = a0 b0 + (a0 b1 + a1 b0) p."""
    a1, a0 = np.divmod(a, p)
    b1, b0 = np.divmod(b, p)
    carry, low = np.divmod(a0 * b0, p)
    return ((a0 * b1 % p + a1 * b0 + carry) % p) * p + low


def power(a: Ints, exponent: Ints, p: Ints, *, squared: bool = False) -> Ints:
    """a ** exponent entrywise, exponents not negative, modulo p or its square."""
    a, exponent, p = np.broadcast_arrays(a, exponent, p)
    if a.size <= _SMALL:
        moduli = [int(x) ** 2 if squared else int(x) for x in p.flat]
        values = [pow(int(x), int(e), m) for x, e, m in zip(a.flat, exponent.flat, moduli, strict=True)]
        return np.array(values, dtype=np.int64).reshape(a.shape)
    result = np.ones_like(a)
    for bit in reversed(range(int(exponent.max()).bit_length())):
        result = _times(result, result, p, squared)
        result = np.where(exponent >> bit & 1, _times(result, a, p, squared), result)
    return result


def _times(a: Ints, b: Ints, p: Ints, squared: bool) -> Ints:
    return multiply_squared(a, b, p) if squared else a * b % p


def inverse(a: Ints, p: Ints) -> Ints:
    """1/a mod p; 0 where a is 0. One inversion for each draw, by a tree of products."""
    flat = np.ascontiguousarray(a.reshape(len(a), -1))
    modulus = p.reshape(-1, 1)
    units = np.where(flat == 0, 1, flat)
    levels = [units]
    while levels[-1].shape[1] > 1:
        last = levels[-1]
        if last.shape[1] % 2:
            last = np.concatenate([last, np.ones((len(last), 1), dtype=np.int64)], axis=1)
            levels[-1] = last
        levels.append(last[:, ::2] * last[:, 1::2] % modulus)
    top = levels.pop()
    down = np.array(
        [[pow(int(x), -1, int(m))] for x, m in zip(top[:, 0], np.broadcast_to(modulus[:, 0], len(top)), strict=True)], dtype=np.int64
    )
    for level in reversed(levels):
        inverses = np.empty_like(level)
        inverses[:, ::2] = down[:, : level.shape[1] // 2] * level[:, 1::2] % modulus
        inverses[:, 1::2] = down[:, : level.shape[1] // 2] * level[:, ::2] % modulus
        down = inverses
    return np.where(flat == 0, 0, down[:, : flat.shape[1]]).reshape(a.shape)


class FixedBase:
    """Powers of one base for each draw, by tables: base^e is a product of four entries.

    Args:
        base: one number for each draw, or pairs (real, imaginary) as a last axis.
        p: the primes.
        squared: compute modulo p^2.
    """

    def __init__(self, base: Ints, p: Ints, *, squared: bool = False) -> None:
        self.p, self.squared, self.complex = p, squared, base.ndim == 2
        one = np.zeros_like(base)
        one[(..., 0) if self.complex else ...] = 1
        tables = []
        for _ in range(4):
            rows = np.stack([one, base], axis=1)
            step = base
            while rows.shape[1] < 256:  # base^0..base^(n-1), then times base^n
                step = self._times(step, step)
                rows = np.concatenate([rows, self._times(rows, step[:, None])], axis=1)
            base = self._times(step, step)
            tables.append(rows)
        self.tables = tables

    def _times(self, a: Ints, b: Ints) -> Ints:
        p = self.p.reshape((-1,) + (1,) * (max(a.ndim, b.ndim) - 1))
        if not self.complex:
            return _times(a, b, p, self.squared)
        p = p[..., 0]
        real = (a[..., 0] * b[..., 0] % p - a[..., 1] * b[..., 1] % p) % p
        return np.stack([real, (a[..., 0] * b[..., 1] % p + a[..., 1] * b[..., 0] % p) % p], axis=-1)

    def __call__(self, exponent: Ints) -> Ints:
        """base ** exponent; pairs gain a last axis."""
        exponent = np.broadcast_to(exponent, (len(self.p), *exponent.shape[1:]))
        draw = spread(np.arange(len(self.p)), exponent)
        result = self.tables[0][draw, exponent & 255]
        for k in range(1, 4):
            result = self._times(result, self.tables[k][draw, exponent >> 8 * k & 255])
        return result


def mixed(*words: Ints | int) -> Ints:
    """A hash of integers to 62 bits: the value of a random function, the same for the same words."""
    state: Any = np.uint64(0x9E3779B97F4A7C15)
    for word in words:  # splitmix64, whose rounds are bijections
        with np.errstate(over="ignore"):
            state = (np.asarray(word).astype(np.uint64) ^ state) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return np.asarray((state >> np.uint64(2)).astype(np.int64))
