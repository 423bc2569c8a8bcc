"""SymPy's arithmetic for numbers that come from a text: bounded before anything is computed.

SymPy evaluates exact powers at once (2**10**9 never returns), so every operation on constants is
checked here first, against :mod:`closedform.syntax.limits`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, S

from closedform.syntax import limits
from closedform.syntax.source import LimitError, Source, Spot, TextNotationError


class Arithmetic:
    """The arithmetic of one statement; it counts how much exact numbers grow."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._bits = 0

    def number(self, text: str, spot: Spot) -> Rational:
        """The exact value of an unsigned number as written: 3, 0.25, 1e-6."""
        mantissa, _, exponent = text.lower().partition("e")
        if len(mantissa) > limits.DIGITS:
            raise self._error(LimitError, spot, f"a number has at most {limits.DIGITS} digits; this one has {len(mantissa):,}")
        if len(exponent) > 5 or abs(int(exponent or 0)) > limits.DECIMAL_EXPONENT:
            message = f"the decimal exponent of a number is at most {limits.DECIMAL_EXPONENT} in size; got e{exponent[:20]}"
            raise self._error(LimitError, spot, message)
        value = Fraction(mantissa) * Fraction(10) ** int(exponent or 0)
        self._count(value.numerator.bit_length() + value.denominator.bit_length(), spot)
        return Rational(value.numerator, value.denominator)

    def add(self, terms: Sequence[Expr], spot: Spot) -> Expr:
        """The sum."""
        return self._constant(Add(*terms), spot)

    def multiply(self, factors: Sequence[Expr], spot: Spot) -> Expr:
        """The product."""
        product = Mul(*factors)
        for exponent in _exponents(product):
            self._check_exponent(exponent, spot)
        return self._constant(product, spot)

    def power(self, base: Expr, exponent: Expr, spot: Spot) -> Expr:
        """The power, and with the exponent -1 the quotient."""
        if base.is_zero and not exponent.is_positive:
            what = "division by zero" if exponent.is_negative else f"0 to the power {exponent}"
            raise self._error(TextNotationError, spot, f"{what} has no value")
        self._check_power(base, exponent, spot)
        return self._constant(Pow(base, exponent), spot)

    def call(self, function: Callable[..., Expr], arguments: Sequence[Expr], spot: Spot) -> Expr:
        """The value of a function."""
        if function is sympy.sqrt:
            return self.power(arguments[0], S.Half, spot)
        if function is sympy.exp:
            # exp(c*log(b)) becomes b**c
            for term in Add.make_args(arguments[0]):
                coefficient, rest = term.as_coeff_Mul()
                if isinstance(rest, sympy.log):
                    self._check_power(rest.args[0], coefficient, spot)
        return self._constant(function(*arguments), spot)

    def _check_power(self, base: Expr, exponent: Expr, spot: Spot) -> None:
        if not exponent.is_Rational:
            return
        for factor in (S.One, *_exponents(base)):
            self._check_exponent(exponent * factor, spot)
        numbers = [factor.base if isinstance(factor, Pow) else factor for factor in Mul.make_args(base)]
        bits = sum(number.p.bit_length() + number.q.bit_length() for number in numbers if number.is_Rational and abs(number) != 1)
        self._count(int(bits * abs(exponent)), spot)

    def _check_exponent(self, exponent: Rational, spot: Spot) -> None:
        if max(abs(exponent), exponent.q) > limits.EXPONENT:
            message = f"a constant exponent is at most {limits.EXPONENT:,}, powers of powers multiplied; write a name for a larger one"
            raise self._error(LimitError, spot, message)

    def _count(self, bits: int, spot: Spot) -> None:
        self._bits += bits if bits > limits.SMALL_BITS else 0
        if self._bits > limits.BITS:
            message = f"the exact numbers of a statement have at most {limits.BITS // 10 * 3:,} digits in all; these have more"
            raise self._error(LimitError, spot, message)

    def _constant(self, value: Expr, spot: Spot) -> Expr:
        """The value; a constant must be real and of moderate size."""
        if value.is_Rational or not value.is_number:
            return value
        number = value.evalf(15) if value.is_finite is not False else value
        if not number.is_Float:
            if value.is_finite is not False and number.is_real is not False and not number.has(S.ImaginaryUnit, S.NaN):
                return value  # softplus(2): SymPy cannot evaluate it, and so cannot stumble over it
            raise self._error(TextNotationError, spot, f"expected a real number; got {sympy.sstr(number)[:60]}")
        if abs(number) > limits.MAGNITUDE:
            raise self._error(LimitError, spot, "a constant is at most 1e300 in size; this one is larger")
        return value

    def _error(self, kind: type[LimitError | TextNotationError], spot: Spot, message: str) -> Exception:
        return self._source.error(kind, spot, message)


def _exponents(product: Expr) -> list[Rational]:
    """The constant exponents of a product's factors."""
    return [factor.exp for factor in Mul.make_args(product) if isinstance(factor, Pow) and factor.exp.is_Rational]
