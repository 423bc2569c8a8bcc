r"""Matrix formulas as text, ``dL/de = W' dL/dz``, and as LaTeX, ``\frac{\partial L}{\partial e} = W^{\top} ...``."""

from __future__ import annotations

from sympy import Expr, Symbol

from closedform.notation import NamedTensor
from closedform.notation.matrices import (
    Derivative,
    Diagonal,
    Identity,
    Kronecker,
    Matrix,
    Ones,
    Plus,
    Product,
    Scaled,
    Stacked,
    Transpose,
    Whole,
)
from closedform.syntax.latex import LatexPrinter, to_latex
from closedform.syntax.text import ATOM, POWER, PRODUCT, SUM, Piece, to_text


def matrix_text(node: Matrix) -> str:
    """A matrix as text, with ``'`` for the transpose and ``(x)`` for the Kronecker product."""
    return _Text().piece(node)[0]


def matrix_latex(node: Matrix) -> str:
    """A matrix as LaTeX, without surrounding dollars."""
    return _Latex().piece(node)[0]


class _Text:
    """What both forms share is the order of things; a subclass spells them otherwise."""

    def name(self, symbol: NamedTensor | Symbol) -> str:
        return symbol.name

    def number(self, factor: Expr) -> str:
        return to_text(factor)

    def bracketed(self, inner: str) -> str:
        return f"({inner})"

    def stacked(self, name: str, by: str) -> str:
        return f"vec_{by}({name})"

    def fraction(self, target: str, variables: list[str]) -> Piece:
        if len(variables) == 1:
            return f"d{target}/d{variables[0]}", POWER
        first, second = variables
        return f"d2{target}/d{first} d{second}'", POWER

    def transposed(self, inner: str) -> str:
        return f"{inner}'"

    def diagonal(self, inner: str) -> str:
        return f"diag({inner})"

    def identity(self, size: str) -> str:
        return f"I_{size}"

    def ones(self, size: str) -> str:
        return f"1_{size}"

    times = " (x) "

    def piece(self, node: Matrix) -> Piece:
        """A node with how tightly it holds together."""
        if isinstance(node, Whole):
            return self.name(node.symbol), ATOM
        if isinstance(node, Stacked):
            return self.stacked(self.name(node.symbol), node.by), ATOM
        if isinstance(node, Derivative):
            return self.fraction(self.piece(node.target)[0], [self.piece(variable)[0] for variable in node.variables])
        if isinstance(node, Transpose):
            return self.transposed(self._held(node.of, ATOM)), ATOM
        if isinstance(node, Product):
            return f"{self._held(node.left, PRODUCT)} {self._held(node.right, PRODUCT)}", PRODUCT
        if isinstance(node, Kronecker):
            return f"{self._held(node.left, POWER)}{self.times}{self._held(node.right, POWER)}", PRODUCT
        if isinstance(node, Diagonal):
            return self.diagonal(self.piece(node.of)[0]), ATOM
        if isinstance(node, Identity):
            return self.identity(self.name(node.dim)), ATOM
        if isinstance(node, Ones):
            return self.ones(self.name(node.dim)), ATOM
        if isinstance(node, Plus):
            return self._sum(node), SUM
        if isinstance(node, Scaled):
            return self._scaled(node)
        raise TypeError(f"no matrix: {node!r}")

    def _held(self, node: Matrix, level: float) -> str:
        inner, own = self.piece(node)
        return inner if own >= level else self.bracketed(inner)

    def _sum(self, node: Plus) -> str:
        right = node.right
        if isinstance(right, Scaled) and right.factor == -1:
            return f"{self._held(node.left, SUM)} - {self._held(right.of, PRODUCT)}"
        return f"{self._held(node.left, SUM)} + {self._held(right, SUM)}"

    def _scaled(self, node: Scaled) -> Piece:
        if node.factor == 0:
            return "0", ATOM
        if node.factor == -1:
            return f"-{self._held(node.of, PRODUCT)}", SUM
        return f"{self.number(node.factor)} {self._held(node.of, PRODUCT)}", PRODUCT


class _Latex(_Text):
    """The same as LaTeX."""

    times = r" \otimes "

    def name(self, symbol: NamedTensor | Symbol) -> str:
        return LatexPrinter().name(symbol.name)

    def number(self, factor: Expr) -> str:
        return to_latex(factor)

    def bracketed(self, inner: str) -> str:
        return rf"\left({inner}\right)"

    def stacked(self, name: str, by: str) -> str:
        return rf"\operatorname{{vec}}_{{\mathrm{{{by}}}}}({name})"

    def fraction(self, target: str, variables: list[str]) -> Piece:
        if len(variables) == 1:
            return rf"\frac{{\partial {target}}}{{\partial {variables[0]}}}", POWER
        first, second = variables
        return rf"\frac{{\partial^{{2}} {target}}}{{\partial {first}\,\partial {self.transposed(second)}}}", POWER

    def transposed(self, inner: str) -> str:
        return rf"{inner}^{{\top}}"

    def diagonal(self, inner: str) -> str:
        return rf"\operatorname{{diag}}\left({inner}\right)"

    def identity(self, size: str) -> str:
        return f"I_{{{size}}}"

    def ones(self, size: str) -> str:
        return rf"\mathbf{{1}}_{{{size}}}"
