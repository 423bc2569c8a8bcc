"""Pieces of Python expressions, and numbers as code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Mul, Pow, Rational

from closedform.errors import LoweringError
from closedform.notation import Dim

# How tightly a piece of code holds together, loosest first.
COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
_SIMPLE = re.compile(r"-?([A-Za-z_][A-Za-z0-9_.]*|[0-9.]+)\Z")


@dataclass(frozen=True)
class Code:
    """The text of an expression and how tightly it holds together."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        """The text, in brackets if it holds together less tightly than ``level``."""
        return self.text if self.level >= level else f"({self.text})"


def power(base: Code, exponent: Code) -> Code:
    """``base ** exponent``, spaced as the formatter spaces it."""
    left, right = base.at(ATOM), exponent.at(SIGN)
    tight = _SIMPLE.match(left) and _SIMPLE.match(right)
    return Code(f"{left}**{right}" if tight else f"{left} ** {right}", POWER)


def minus(code: Code) -> Code:
    """``-code``; the sign goes to the first factor of a product, but not into a matrix product."""
    if code.level == PRODUCT and "@" not in code.text:
        return Code("-" + code.text, PRODUCT)
    return Code("-" + code.at(SIGN), SIGN)


def number(value: Expr, sizes: Mapping[Dim, str], *, guard: bool) -> Code:
    """A number, or a rational function of sizes.

    Args:
        value: the number.
        sizes: the variables that hold the sizes.
        guard: let a divisor be at least 1: the derivative of the mean over nothing is a sum over nothing.
    """
    if not value.free_symbols:
        return _constant(value)
    above, below = value.as_numer_denom()
    top = _polynomial(above, sizes)
    if below == 1:
        return top
    return Code(f"{top.at(PRODUCT)} / {divisor(below, sizes, guard=guard)}", PRODUCT)


def divisor(value: Expr, sizes: Mapping[Dim, str], *, guard: bool) -> str:
    """What stands behind a division sign."""
    code = _polynomial(value, sizes)
    if guard and value.free_symbols:
        return f"max({code.text}, 1)"
    return code.at(POWER)


def _constant(value: Expr) -> Code:
    if value.is_Integer:
        return Code(str(value), ATOM if value >= 0 else SIGN)
    if value.is_Rational and Rational(repr(float(value))) != value:
        return Code(f"{value.p} / {value.q}", PRODUCT)
    digits = repr(float(value.evalf(30)))
    return Code(digits, ATOM if not digits.startswith("-") else SIGN)


def _polynomial(value: Expr, sizes: Mapping[Dim, str]) -> Code:
    if not value.free_symbols:
        return _constant(value)
    if isinstance(value, Dim):
        return Code(sizes[value])
    if isinstance(value, Add):
        terms = sorted(value.args, key=lambda term: term.could_extract_minus_sign())
        text = _polynomial(terms[0], sizes).text
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            text += f" {'-' if negative else '+'} {_polynomial(-term if negative else term, sizes).at(PRODUCT)}"
        return Code(text, SUM)
    if isinstance(value, Mul):
        above, below = value.as_numer_denom()
        if below != 1:
            return Code(f"{_polynomial(above, sizes).at(PRODUCT)} / {_polynomial(below, sizes).at(POWER)}", PRODUCT)
        return Code(" * ".join(_polynomial(factor, sizes).at(SIGN) for factor in value.args), PRODUCT)
    if isinstance(value, Pow):
        return power(_polynomial(value.base, sizes), _constant(value.exp))
    raise LoweringError(f"{value} is not a function of sizes that code is known for")
