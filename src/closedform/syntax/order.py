"""The order in which a person would write the terms of a sum and the factors of a product.

SymPy keeps sums and products in an order of its own. Here they get one that reads well and is
always the same: positive terms before negative ones, numbers before deltas before entries; in a
product numbers, scalars, deltas, entries, functions, brackets, sums. Both printers use it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

from sympy import Add, Expr, Indexed, Integer, KroneckerDelta, Mul, Pow, Rational, S, Sum, pi

from closedform.notation import Partial

Key = Callable[[Expr], str]
HALF = S.Half
_LARGEST_ROOT = 10**9  # beyond this, constants are left as SymPy has them


def ordered_terms(expression: Expr, text: Key) -> list[tuple[bool, Expr]]:
    """The terms of a sum as (is subtracted, absolute term), in print order."""
    terms = []
    for term in Add.make_args(expression):
        negative = is_negative(term)
        terms.append((negative, -term if negative else term))
    return sorted(terms, key=lambda item: (item[0], _term_rank(item[1]), len(text(item[1])), text(item[1])))


def is_negative(term: Expr) -> bool:
    """Whether a term is printed with a minus sign in front."""
    coefficient = term.as_coeff_Mul()[0]
    return bool(coefficient.is_Number and coefficient.is_negative)


def _term_rank(term: Expr) -> int:
    if term.is_Number:
        return 0
    return 1 if any(isinstance(factor, KroneckerDelta) for factor in Mul.make_args(term)) else 2


def common_factor(expression: Expr) -> tuple[Rational, Expr]:
    """(c, e) with expression = c*e where every term of the sum has the coefficient c or -c; else (1, expression)."""
    sizes = {abs(term.as_coeff_Mul(rational=True)[0]) for term in Add.make_args(expression)}
    if len(sizes) != 1:
        return S.One, expression
    (size,) = sizes
    return size, Add(*(term / size for term in Add.make_args(expression)))


def quotient(expression: Expr, text: Key) -> tuple[bool, list[Expr], list[Expr]]:
    """A product as (is negative, factors above the bar, factors below it), each in print order."""
    above: list[Expr] = []
    below: list[Expr] = []
    constants: list[Expr] = []
    for factor in Mul.make_args(expression):
        base, exponent = factor.args if isinstance(factor, Pow) else (factor, S.One)
        if factor.is_Rational or ((base.is_Integer or base is pi) and abs(exponent) == HALF):
            constants.append(factor)
        elif exponent.is_Rational and exponent.is_negative:
            below.append(Pow(base, -exponent))
        else:
            above.append(factor)
    negative, top, bottom = _constant(constants)

    def rank(factor: Expr) -> tuple[int, str]:
        return _factor_rank(factor), text(factor)

    return negative, [*top, *sorted(above, key=rank)], [*bottom, *sorted(below, key=rank)]


def _factor_rank(factor: Expr) -> int:
    base = factor.base if isinstance(factor, Pow) else factor
    if base.is_Number or base is pi:
        return 0
    if base.is_Symbol:
        return 1
    if isinstance(base, KroneckerDelta):
        return 2
    if isinstance(base, Partial):
        return 3
    if isinstance(base, Indexed):
        return 4
    if isinstance(base, Add):
        return 6
    return 7 if isinstance(base, Sum) else 5


def _constant(factors: list[Expr]) -> tuple[bool, list[Expr], list[Expr]]:
    """A constant such as sqrt(2)/(2*sqrt(pi)) as a person has it: 1/sqrt(2*pi)."""
    rational = Mul(*(factor for factor in factors if factor.is_Rational))
    roots = [factor for factor in factors if not factor.is_Rational]
    square = Mul(rational**2, *(root**2 for root in roots))
    number, rest = square.as_coeff_Mul(rational=True)
    if not roots or max(number.p, number.q) > _LARGEST_ROOT:
        above = [] if abs(rational.p) == 1 else [Integer(abs(rational.p))]
        below = [] if rational.q == 1 else [Integer(rational.q)]
        return bool(rational.is_negative), [*above, *roots], below
    up, down = (rest, S.One) if rest is pi else (S.One, 1 / rest)
    return bool(rational.is_negative), _root(number.p, up), _root(number.q, down)


def _root(number: int, rest: Expr) -> list[Expr]:
    """sqrt(number*rest) as a list of factors, perfect squares taken out."""
    outside, inside = 1, number
    for candidate in range(isqrt(min(number, 10**6)), 1, -1):
        if inside % (candidate * candidate) == 0:
            outside *= candidate
            inside //= candidate * candidate
    radicand = Integer(inside) * rest
    factors: list[Expr] = [] if outside == 1 else [Integer(outside)]
    return factors if radicand == 1 else [*factors, Pow(radicand, HALF, evaluate=False)]
