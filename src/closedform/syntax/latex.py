r"""Expressions as LaTeX, arranged as :mod:`closedform.syntax.text` arranges them.

The commands used are those that GitHub's Markdown, MathJax, KaTeX and latex2mathml all know.
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
from closedform.syntax.text import ATOM, POWER, PRODUCT, SUM, Piece, TextPrinter

GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "rho",
    "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma", "Phi",
    "Psi", "Omega",
}  # fmt: skip
SHORT = {"lam": "lambda", "eps": "varepsilon", "kap": "kappa", "dlt": "delta", "gam": "gamma", "sig": "sigma", "Lam": "Lambda"}
# LaTeX has a command of its own for these functions; the others are set upright.
COMMANDS = {"log", "sin", "cos", "tanh", "sinh", "cosh"}
NAMES = {maximum: r"\max", minimum: r"\min"}


def to_latex(expression: Expr, setting: Setting | None = None) -> str:
    r"""An expression as LaTeX, without surrounding dollars.

    Args:
        expression: any expression of :mod:`closedform.notation`.
        setting: tells which names are lets that are spelled otherwise, such as ``softmax(z)[c]``.

    Raises:
        NotationError: the expression contains something that the notation has no LaTeX for.

    >>> from closedform.notation import Dim, delta, indices, tensor
    >>> C = Dim("C"); i, j = indices("i j", C); p = tensor("p", C)
    >>> print(to_latex((delta(i, j) - p[j]) * p[i]))
    p_{i} \left(\delta_{ij} - p_{j}\right)
    """
    return LatexPrinter(setting).print(expression)


class LatexPrinter:
    """Prints expressions of one setting."""

    def __init__(self, setting: Setting | None = None) -> None:
        lets = setting.lets if setting is not None else ()
        self._spelling = {let.name: let.spelling for let in lets if let.spelling}
        # the order of terms and factors is that of the text, so that both read alike
        self._key = TextPrinter(setting).ordering_key

    def print(self, expression: Expr) -> str:
        """The LaTeX of an expression."""
        return self.whole(settle_names(sympy.sympify(expression)))

    def whole(self, expression: Expr) -> str:
        """The LaTeX of an expression that stands alone or in brackets of its own."""
        factor, rest = common_factor(expression) if isinstance(expression, Add) else (sympy.S.One, expression)
        if factor == 1:
            return self._piece(expression)[0]
        above = "" if factor.p == 1 else str(factor.p)
        front = above if factor.q == 1 else rf"\frac{{{above or 1}}}{{{factor.q}}}"
        return rf"{front} {_bracketed(self._piece(rest)[0])}"

    def held(self, expression: Expr, level: int) -> str:
        """The LaTeX of an expression, in brackets if it holds together less tightly than ``level``."""
        latex, own = self._piece(expression)
        return latex if own >= level else _bracketed(latex)

    def _piece(self, expression: Expr) -> Piece:
        for kind, method in _TABLE:
            if isinstance(expression, kind):
                return method(self, expression)
        if isinstance(expression, sympy.Function):
            return self._call(expression)
        raise NotationError(f"there is no LaTeX for {expression!r} ({type(expression).__name__})")

    # -- numbers and names ----------------------------------------------------------------------

    def _rational(self, number: Rational) -> Piece:
        if number.q == 1:
            return str(number.p), ATOM if number.p >= 0 else SUM
        sign = "-" if number.p < 0 else ""
        return rf"{sign}\frac{{{abs(number.p)}}}{{{number.q}}}", PRODUCT if number.p >= 0 else SUM

    def _entry(self, entry: Indexed) -> Piece:
        return self.entry(entry.base.name, entry.indices), ATOM

    def entry(self, name: str, at: Iterable[Index]) -> str:
        """A tensor's entry: its name with the indices as subscript."""
        spelling = self._spelling.get(name)
        if spelling is not None:
            return f"{self._spelled(spelling)}_{{{_subscript(at)}}}"
        stem, mark = _split_mark(name)
        return f"{stem}_{{{mark + ',' if mark else ''}{_subscript(at)}}}"

    def _name(self, symbol: sympy.Symbol) -> Piece:
        return (index_latex(symbol.name) if isinstance(symbol, Index) else self.name(symbol.name)), ATOM

    def name(self, name: str) -> str:
        """The name of a tensor, a scalar or a dimension."""
        if name in self._spelling:
            return self._spelled(self._spelling[name])
        stem, mark = _split_mark(name)
        return f"{stem}_{{{mark}}}" if mark else stem

    def _spelled(self, spelling: str) -> str:
        function, _, argument = spelling.partition("(")
        inner = re.sub(r"[A-Za-z][A-Za-z0-9]*", lambda name: self.name(name[0]), argument.removesuffix(")")).replace("*", " ")
        return rf"\operatorname{{{function.replace('_', '-')}}}({inner})"

    # -- sums, products, powers -----------------------------------------------------------------

    def _sum_of_terms(self, expression: Expr) -> Piece:
        latex = ""
        for negative, term in ordered_terms(expression, self._key):
            mark = (" - " if negative else " + ") if latex else ("-" if negative else "")
            latex += mark + self.held(term, PRODUCT)
        return latex, SUM

    def _product(self, expression: Expr) -> Piece:
        negative, above, below = quotient(expression, self._key)
        # sums follow the fraction, or its bar would be as long as they are
        tail = [factor for factor in above if isinstance(factor, Sum)] if below else []
        head = [factor for factor in above if factor not in tail]
        if below:
            bottom = self.whole(below[0]) if len(below) == 1 else self._row(below)
            top = self.whole(head[0]) if len(head) == 1 else self._row(head)
            parts = [rf"\frac{{{top or '1'}}}{{{bottom}}}"]
            parts += [self._row(tail)] if tail else []
        else:
            parts = [self._row(above) or "1"]
        latex = " ".join(parts)
        if negative:
            return f"-{latex}", SUM
        return latex, PRODUCT

    def _row(self, factors: list[Expr]) -> str:
        """Factors side by side; what reaches to the right without end stands last or in brackets."""
        pieces = []
        for position, factor in enumerate(factors):
            latex, level = self._piece(factor)
            last = position == len(factors) - 1
            loose = isinstance(factor, Sum) and not last
            numbers = position > 0 and latex[:1].isdigit()
            pieces.append(_bracketed(latex) if level < PRODUCT or loose or numbers else latex)
        return " ".join(pieces)

    def _power(self, power: Pow) -> Piece:
        base, exponent = power.args
        if exponent == HALF:
            return rf"\sqrt{{{self.whole(base)}}}", ATOM
        if exponent.is_Rational and exponent.is_negative:
            return self._product(power)
        latex, level = self._piece(base)
        scripted = level == ATOM and not isinstance(base, Sum)
        return f"{latex if scripted else _bracketed(latex)}^{{{self._inline(exponent)}}}", POWER

    def _inline(self, expression: Expr) -> str:
        """For exponents: a plain fraction is written with a slash."""
        if isinstance(expression, Rational) and expression.q != 1:
            return f"{expression.p}/{expression.q}"
        return self.whole(expression)

    def _exponential(self, call: Expr) -> Piece:
        (argument,) = call.args
        latex = self.whole(argument)
        if any(mark in latex for mark in (r"\frac", r"\sum", r"\left", r"\begin")):
            return rf"\exp{_bracketed(latex)}", ATOM
        return f"e^{{{latex}}}", POWER

    def _summation(self, total: Sum) -> Piece:
        over = [index for index, _, _ in total.limits]
        body = total.function
        names = ",".join(index_latex(index.name) for index in reversed(over))
        return rf"\sum_{{{names}}} {self.held(body, PRODUCT)}", PRODUCT

    # -- functions ------------------------------------------------------------------------------

    def _call(self, call: Expr) -> Piece:
        name = NAMES.get(call.func) or _function(type(call).__name__)
        return f"{name}{_bracketed(', '.join(self.whole(arg) for arg in call.args))}", ATOM

    def _absolute(self, call: Expr) -> Piece:
        return rf"\left|{self.whole(call.args[0])}\right|", ATOM

    def _delta(self, symbol: KroneckerDelta) -> Piece:
        return rf"\delta_{{{_subscript(sorted(symbol.args, key=lambda index: index.name))}}}", ATOM

    def _partial(self, derivative: Partial) -> Piece:
        variables = derivative.variables
        order = f"^{{{len(variables)}}}" if len(variables) > 1 else ""
        by = r"\,".join(rf"\partial {self._piece(variable)[0]}" for variable in variables)
        return rf"\frac{{\partial{order} {self._piece(derivative.target)[0]}}}{{{by}}}", PRODUCT

    def _comparison(self, comparison: Expr) -> Piece:
        sign = "<" if isinstance(comparison, less) else r"\le"
        left, right = comparison.args
        return f"{self.whole(left)} {sign} {self.whole(right)}", SUM - 1

    def _where(self, choice: Expr) -> Piece:
        condition, yes, no = (self.whole(arg) for arg in choice.args)
        return rf"\begin{{cases}} {yes} & \text{{if }} {condition} \\ {no} & \text{{otherwise}} \end{{cases}}", PRODUCT

    def _inverse(self, entry: Expr) -> Piece:
        matrix, *at = entry.args
        return rf"\left({self.name(matrix.name)}^{{-1}}\right)_{{{_subscript(at)}}}", ATOM

    def _determinant(self, value: Expr) -> Piece:
        name = self.name(value.args[0].name)
        return (rf"\log\left|\det {name}\right|", ATOM) if isinstance(value, logdet) else (rf"\det {name}", PRODUCT)


def _bracketed(latex: str) -> str:
    return rf"\left({latex}\right)"


def _function(name: str) -> str:
    return f"\\{name}" if name in COMMANDS else rf"\operatorname{{{name}}}"


def index_latex(name: str) -> str:
    """An index: i2 is i with the subscript 2."""
    stem, mark = _split_mark(name)
    return f"{stem}_{{{mark}}}" if mark else stem


def _subscript(at: Iterable[Index]) -> str:
    names = [index_latex(index.name) for index in at]
    return (",\\," if any(len(name) > 1 for name in names) else "").join(names)


def _split_mark(name: str) -> tuple[str, str]:
    """A name as (letter in LaTeX, what belongs in its subscript): theta_1 -> (theta, 1); y_hat wears a hat."""
    if name.endswith("_hat"):
        stem, mark = _split_mark(name.removesuffix("_hat"))
        return rf"\hat{{{stem}}}", mark
    match = re.fullmatch(r"([A-Za-z]+?)_?([0-9]*)(?:_([A-Za-z0-9_]*))?", name)
    stem, digits, rest = match.groups() if match else (name, "", None)
    mark = ",".join(part for part in (digits, _upright(rest) if rest else "") if part)
    return _letter(stem), mark


def _letter(stem: str) -> str:
    greek = SHORT.get(stem, stem if stem in GREEK else "")
    if greek:
        return f"\\{greek}"
    return stem if len(stem) == 1 else _upright(stem)


def _upright(word: str) -> str:
    if len(word) == 1 or word.isdigit():
        return word
    return ",".join(rf"\mathrm{{{part}}}" if len(part) > 1 else part for part in word.split("_") if part)


# The first kind that fits prints the expression; subclasses come before their classes.
_TABLE: tuple[tuple[Any, Callable[..., Piece]], ...] = (
    (Rational, LatexPrinter._rational),
    (sympy.Float, lambda printer, number: printer._rational(Rational(str(number)))),
    (type(pi), lambda printer, _: (r"\pi", ATOM)),
    (type(sympy.E), lambda printer, _: ("e", ATOM)),
    (Indexed, LatexPrinter._entry),
    (sympy.Symbol, LatexPrinter._name),
    (Add, LatexPrinter._sum_of_terms),
    (Mul, LatexPrinter._product),
    (Pow, LatexPrinter._power),
    (Sum, LatexPrinter._summation),
    (sympy.exp, LatexPrinter._exponential),
    (sympy.Abs, LatexPrinter._absolute),
    (KroneckerDelta, LatexPrinter._delta),
    (Partial, LatexPrinter._partial),
    ((less, less_equal), LatexPrinter._comparison),
    (where, LatexPrinter._where),
    (inv, LatexPrinter._inverse),
    ((det, logdet), LatexPrinter._determinant),
)
