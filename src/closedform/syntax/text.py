"""Expressions as text in closedform notation: the inverse of the parser.

Text is arranged as a person would write it, ``p[i]*(delta(i,j) - p[j])`` or ``(p[b,i] - y[b,i])/B``,
and reading it back gives the same expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import sympy
from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Rational, Sum, pi

from closedform.errors import NotationError
from closedform.notation import Index, Partial, Setting, det, inv, less, less_equal, logdet, maximum, minimum, where
from closedform.syntax.names import settle_names
from closedform.syntax.order import HALF, common_factor, ordered_terms, quotient

# How tightly a piece of text holds together, loosest first.
SUM, PRODUCT, POWER, ATOM = range(4)
Piece = tuple[str, int]

FUNCTIONS = {
    "exp", "log", "sin", "cos", "tanh", "sinh", "cosh", "erf", "sigmoid", "softplus", "relu", "step", "sign",
}  # fmt: skip
RENAMED = {sympy.Abs: "abs", maximum: "max", minimum: "min"}


def to_text(expression: Expr, setting: Setting | None = None) -> str:
    """An expression as text that the parser reads back to the same expression.

    Args:
        expression: any expression of :mod:`closedform.notation`.
        setting: tells which names are lets that text spells otherwise, such as ``softmax(z)[c]``.

    Raises:
        NotationError: the expression contains something that the notation has no text for.

    >>> from closedform.notation import Dim, delta, indices, tensor
    >>> C = Dim("C"); i, j = indices("i j", C); p = tensor("p", C)
    >>> to_text((delta(i, j) - p[j]) * p[i])
    'p[i]*(delta(i,j) - p[j])'
    """
    return TextPrinter(setting).print(expression)


class TextPrinter:
    """Prints expressions of one setting; remembers the text of subexpressions while it lives."""

    def __init__(self, setting: Setting | None = None) -> None:
        lets = setting.lets if setting is not None else ()
        self._spelling = {let.name: let.spelling for let in lets if let.spelling}
        self._pieces: dict[Expr, Piece] = {}

    def print(self, expression: Expr) -> str:
        """The text of an expression."""
        return self.whole(settle_names(sympy.sympify(expression)))

    def whole(self, expression: Expr) -> str:
        """The text of an expression that stands alone or in brackets of its own."""
        factor, rest = common_factor(expression) if isinstance(expression, Add) else (sympy.S.One, expression)
        if factor == 1:
            return self._piece(expression)[0]
        above = "" if factor.p == 1 else f"{factor.p}*"
        below = "" if factor.q == 1 else f"/{factor.q}"
        return f"{above}({self._piece(rest)[0]}){below}"

    def held(self, expression: Expr, level: int) -> str:
        """The text of an expression, in brackets if it holds together less tightly than ``level``."""
        text, own = self._piece(expression)
        return text if own >= level else f"({text})"

    def _piece(self, expression: Expr) -> Piece:
        if expression not in self._pieces:
            self._pieces[expression] = self._make(expression)
        return self._pieces[expression]

    def ordering_key(self, expression: Expr) -> str:
        """The text of a subexpression, by which terms and factors are put in order."""
        return self._piece(expression)[0]

    def _make(self, expression: Expr) -> Piece:
        for kind, method in _TABLE:
            if isinstance(expression, kind):
                return method(self, expression)
        name = RENAMED.get(expression.func, type(expression).__name__)
        if name in FUNCTIONS or expression.func in RENAMED:
            return f"{name}({self._list(expression.args)})", ATOM
        raise NotationError(f"closedform notation has no text for {expression!r} ({type(expression).__name__})")

    def _list(self, expressions: Iterable[Expr]) -> str:
        return ", ".join(self.whole(expression) for expression in expressions)

    def _rational(self, number: Rational) -> Piece:
        if number.q == 1:
            return str(number.p), ATOM if number.p >= 0 else SUM
        return f"{number.p}/{number.q}", PRODUCT if number.p >= 0 else SUM

    def _entry(self, entry: Indexed) -> Piece:
        return f"{self._named(entry.base.name)}[{_at(entry.indices)}]", ATOM

    def _name(self, symbol: sympy.Symbol) -> Piece:
        return (symbol.name if isinstance(symbol, Index) else self._named(symbol.name)), ATOM

    def _named(self, name: str) -> str:
        return self._spelling.get(name, name)

    def _sum_of_terms(self, expression: Expr) -> Piece:
        text = ""
        for negative, term in ordered_terms(expression, self.ordering_key):
            mark = (" - " if negative else " + ") if text else ("-" if negative else "")
            text += mark + self.held(term, PRODUCT)
        return text, SUM

    def _product(self, expression: Expr) -> Piece:
        negative, above, below = quotient(expression, self.ordering_key)
        top = "*".join(self._factor(factor) for factor in above) or "1"
        if below:
            bottom = "*".join(self.held(factor, POWER) for factor in below)
            if _seems_derivative(top, bottom):
                top = f"({top})"
            top = f"{top}/{bottom}" if len(below) == 1 else f"{top}/({bottom})"
        if negative:
            return f"-{top}", SUM
        return top, PRODUCT if len(above) + len(below) > 1 or below else self._piece(above[0])[1]

    def _factor(self, factor: Expr) -> str:
        return self.held(factor, PRODUCT if isinstance(factor, Partial) else POWER)

    def _power(self, power: Pow) -> Piece:
        base, exponent = power.args
        if exponent == HALF:
            return f"sqrt({self.whole(base)})", ATOM
        if exponent.is_Rational and exponent.is_negative:
            return self._product(power)
        return f"{self.held(base, ATOM)}^{self.held(exponent, ATOM)}", POWER

    def _summation(self, total: Sum) -> Piece:
        body = total.function
        over = [index for index, _, _ in total.limits if index in body.free_symbols]
        # a sum over an index that its body lacks counts: it is a factor of the size
        sizes = [dim for index, _, dim in total.limits if index not in body.free_symbols]
        if sizes:
            return self._product(Mul(*sizes, Sum(body, *((index, 1, index.dim) for index in over)) if over else body))
        names = [index.name for index in reversed(over)]
        if all(len(name) == 1 for name in names):
            return f"sum_{''.join(names)}({self.whole(body)})", ATOM
        return f"sum_{{{','.join(names)}}}({self.whole(body)})", ATOM

    def _delta(self, symbol: KroneckerDelta) -> Piece:
        # SymPy sorts the two indices by its own order; by name reads better and is the same object
        return f"delta({','.join(sorted((index.name for index in symbol.args), key=_natural))})", ATOM

    def _partial(self, derivative: Partial) -> Piece:
        order = str(len(derivative.variables)) if len(derivative.variables) > 1 else ""
        by = ""
        for variable in derivative.variables:
            text = self.ordering_key(variable)
            by += f"d{text}" if not by or by.endswith("]") else f" d{text}"
        return f"d{order}{self.ordering_key(derivative.target)}/{by}", PRODUCT

    def _comparison(self, comparison: Expr) -> Piece:
        sign = "<" if isinstance(comparison, less) else "<="
        left, right = comparison.args
        return f"{self.whole(left)} {sign} {self.whole(right)}", SUM - 1

    def _where(self, choice: Expr) -> Piece:
        return f"where({self._list(choice.args)})", ATOM

    def _inverse(self, entry: Expr) -> Piece:
        matrix, *at = entry.args
        return f"inv({self._matrix(matrix)})[{_at(at)}]", ATOM

    def _determinant(self, value: Expr) -> Piece:
        return f"{type(value).__name__}({self._matrix(value.args[0])})", ATOM

    def _matrix(self, matrix: Expr) -> str:
        return self._named(matrix.name)


def _at(indices: Iterable[Index]) -> str:
    return ",".join(index.name for index in indices)


def _natural(name: str) -> tuple[str, int]:
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)


def _seems_derivative(top: str, bottom: str) -> bool:
    """Whether a quotient of two names, such as dlt/dx, could be read as a derivative."""
    last = re.split(r"[*]", top)[-1]
    return bool(re.match(r"d[0-9]*[A-Za-z]", last) and re.match(r"d[A-Za-z]", bottom)) and "/" not in last


# The first kind that fits prints the expression; subclasses come before their classes.
_TABLE: tuple[tuple[Any, Callable[..., Piece]], ...] = (
    (Rational, TextPrinter._rational),
    (sympy.Float, lambda printer, number: printer._rational(Rational(str(number)))),
    (type(pi), lambda printer, _: ("pi", ATOM)),
    (type(sympy.E), lambda printer, _: ("exp(1)", ATOM)),
    (Indexed, TextPrinter._entry),
    (sympy.Symbol, TextPrinter._name),
    (Add, TextPrinter._sum_of_terms),
    (Mul, TextPrinter._product),
    (Pow, TextPrinter._power),
    (Sum, TextPrinter._summation),
    (KroneckerDelta, TextPrinter._delta),
    (Partial, TextPrinter._partial),
    ((less, less_equal), TextPrinter._comparison),
    (where, TextPrinter._where),
    (inv, TextPrinter._inverse),
    ((det, logdet), TextPrinter._determinant),
)
