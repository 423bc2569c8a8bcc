"""Recognise a ratio of two vectors as a simple formula: a number, a size, a scalar, an entry, or a small polynomial in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import sympy
from sympy import Expr, Rational

from closedform.certify.refute.exact import Array

CLOSE = 1e-8
EXPONENTS = (Rational(1), Rational(-1), Rational(2), Rational(-2), Rational(1, 2), Rational(-1, 2), Rational(3), Rational(-3))
UNITS = (sympy.S.One, sympy.pi, sympy.sqrt(2), sympy.sqrt(sympy.pi), sympy.sqrt(2 * sympy.pi), sympy.log(2))
MOST_PAIRED = 12  # sizes and scalars of which products of two are tried
FEWEST = 4  # values below which nothing is recognised


@dataclass(frozen=True, eq=False)
class Quantity:
    """Something that a factor may be made of, with its value at every entry of every point."""

    expression: Expr
    values: Array
    constant: bool  # the same for all entries of a point: a size or a scalar


def fit_factor(numerator: Array, denominator: Array, quantities: Sequence[Quantity], scale: float) -> Expr | None:
    """A simple expression f with numerator = f * denominator, up to rounding; None if there is none."""
    return next(fits(numerator, denominator, quantities, scale), None)


def fits(numerator: Array, denominator: Array, quantities: Sequence[Quantity], scale: float) -> Iterator[Expr]:
    """Every simple f that fits, simplest first."""
    largest = np.max(np.abs(denominator), initial=0.0)
    used = np.abs(denominator) > 1e-9 * largest
    if np.count_nonzero(used) < FEWEST or np.any(np.abs(numerator[~used]) > CLOSE * scale):
        return
    ratio = numerator[used] / denominator[used]
    if not np.all(np.isfinite(ratio)):
        return
    if (c := constant(ratio)) is not None:
        yield c
        return
    near = [Quantity(q.expression, q.values[used], q.constant) for q in quantities]
    near = [q for q in near if np.all(np.isfinite(q.values)) and np.ptp(q.values) > 0]
    yield from _powers(ratio, near)
    yield from _polynomials(ratio, near)
    yield from _products(ratio, [q for q in near if q.constant][:MOST_PAIRED])


def constant(values: Array) -> Expr | None:
    """The exact number that all of the values are, if it is a simple one."""
    middle = float(np.median(values))
    if np.max(np.abs(values - middle)) > CLOSE * max(abs(middle), 1e-3):
        return None
    return number(middle)


def number(value: float) -> Expr | None:
    """A simple closed form of a number: a fraction, or one times pi, sqrt(2), ...

    >>> number(0.75), number(2 * 3.141592653589793), number(0.123456789123)
    (3/4, 2*pi, None)
    """
    if abs(value) < 1e-9:
        return sympy.S.Zero
    for unit in UNITS:
        for exponent in (1, -1) if unit != 1 else (1,):
            factor = unit**exponent
            rough = value / float(factor)
            fraction = Fraction(rough).limit_denominator(48)
            if fraction and abs(float(fraction) - rough) <= 1e-9 * abs(rough):
                return Rational(fraction.numerator, fraction.denominator) * factor
    fraction = Fraction(value).limit_denominator(2_000_000)
    if abs(float(fraction) - value) <= 2e-14 * abs(value):
        return Rational(fraction.numerator, fraction.denominator)
    return None


def _powers(ratio: Array, quantities: Sequence[Quantity]) -> Iterator[Expr]:
    """c * q^e."""
    for quantity in quantities:
        for exponent in EXPONENTS:
            power = _power(quantity.values, exponent)
            if power is not None and (c := constant(ratio / power)) is not None:
                yield c * quantity.expression**exponent


def _power(values: Array, exponent: Rational) -> Array | None:
    if (not exponent.is_Integer and np.any(values <= 0)) or (exponent < 0 and np.any(values == 0)):
        return None
    power = values ** float(exponent)
    return power if np.all(power != 0) and np.all(np.isfinite(power)) else None


def _polynomials(ratio: Array, quantities: Sequence[Quantity]) -> Iterator[Expr]:
    """a + b q, then a + b q + c q^2, and their reciprocals; also a + b/q for sizes and scalars."""
    for degree in (1, 2):
        for quantity in quantities:
            choices = [(quantity.expression, quantity.values)]
            if quantity.constant and np.all(quantity.values != 0):
                choices.append((1 / quantity.expression, 1 / quantity.values))
            for expression, values in choices:
                if len(np.unique(np.round(values, 9))) > degree + 1:
                    yield from _polynomial(ratio, expression, values, degree)


def _polynomial(ratio: Array, expression: Expr, values: Array, degree: int) -> Iterator[Expr]:
    basis = np.stack([values**k for k in range(degree + 1)], axis=1)
    for side, exponent in ((ratio, 1), (1 / ratio if np.all(ratio != 0) else None, -1)):
        if side is None:
            continue
        weights = np.linalg.lstsq(basis, side, rcond=None)[0]
        if np.max(np.abs(basis @ weights - side)) <= CLOSE * np.max(np.abs(side)):
            exact = [number(float(np.round(w, 10))) for w in weights]
            if all(w is not None for w in exact):
                lowest = next((k for k, w in enumerate(exact) if w != 0), 0)  # p - p^2 reads better as p (1 - p)
                rest = sympy.Add(*(w * expression ** (k - lowest) for k, w in enumerate(exact) if k >= lowest))
                yield (expression**lowest * rest) ** exponent


def _products(ratio: Array, quantities: Sequence[Quantity]) -> Iterator[Expr]:
    """c * q^e * r^f of two sizes or scalars."""
    choices = [[(q.expression**e, power) for e in EXPONENTS[:6] if (power := _power(q.values, e)) is not None] for q in quantities]
    for firsts, seconds in combinations(choices, 2):
        for (first, values), (second, others) in product(firsts, seconds):
            if (c := constant(ratio / (values * others))) is not None:
                yield c * first * second
