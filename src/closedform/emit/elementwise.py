"""Prints elementwise operations and numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from sympy import Integer

from closedform.emit.code import COMPARISON, PRODUCT, SIGN, SUM, Code, minus, power
from closedform.emit.code import divisor as divisor_code
from closedform.emit.code import number as number_code
from closedform.lower import nodes as ir
from closedform.notation import Dim


class ElementwisePrinter(ABC):
    """The part of a body printer that knows arithmetic, entry by entry."""

    guard: bool
    in_out: ir.Node | None = None  # what may be computed in the argument ``out``
    owned: frozenset[str] = frozenset()  # inputs that nothing else holds, and that are used once

    @abstractmethod
    def code(self, node: ir.Node) -> Code:
        """The expression of a node."""

    @abstractmethod
    def leads(self, node: ir.Node) -> bool:
        """Whether the array may have further axes in front of those of the node."""

    @abstractmethod
    def size(self, dim: Dim) -> str:
        """The variable that holds a size."""

    @abstractmethod
    def call(self, op: str, *args: Code) -> Code:
        """A function of the table."""

    @abstractmethod
    def helper(self, name: str, *args: Code | str) -> Code:
        """A call of a helper function of the module, which is then printed too."""

    @abstractmethod
    def place(self, node: ir.Node, *beside: str) -> list[str]:
        """Where the array is computed, as a further argument of a helper function; ``beside``: what else it is computed from."""

    @abstractmethod
    def is_named(self, node: ir.Node) -> bool:
        """Whether a variable holds the array."""

    @abstractmethod
    def constant(self, node: ir.Number) -> Code:
        """A number in the dtype of the arrays, as an argument of a function."""

    @abstractmethod
    def extremum(self, node: ir.Map) -> Code:
        """The larger or the smaller of the arguments."""

    @abstractmethod
    def where(self, node: ir.Map) -> Code:
        """A choice entry by entry."""

    def number(self, node: ir.Number) -> Code:
        """A number, or a function of sizes."""
        return number_code(node.value, self._sizes_of(node), guard=self.guard)

    def _sizes_of(self, node: ir.Number) -> dict[Dim, str]:
        found = sorted((s for s in node.value.free_symbols if isinstance(s, Dim)), key=lambda dim: dim.name)
        return {dim: self.size(dim) for dim in found}

    def elementwise(self, node: ir.Map) -> Code:
        """An elementwise operation."""
        args = node.args
        gram = self._gram(node)
        if gram is not None:
            return gram
        if node.op in ("mul", "div") and isinstance(args[0], ir.Number) and not isinstance(args[1], ir.Number):
            return self._scaled(args[0], args[1]) if node.op == "mul" else self._binary(node)
        if node.op == "mul" and isinstance(args[1], ir.Number):
            return self._scaled(args[1], args[0])
        if node.op in self.BINARY:
            return self._binary(node)
        if node.op == "neg":
            return minus(self.code(args[0]))
        if node.op == "pow":
            return self._power(*args)
        if node.op in ("maximum", "minimum"):
            return self.extremum(node)
        if node.op == "where":
            return self.where(node)
        return self.call(node.op, *(self.constant(arg) if isinstance(arg, ir.Number) else self.code(arg) for arg in args))

    def _power(self, base: ir.Node, exponent: ir.Node) -> Code:
        if exponent == ir.Number(Integer(2)) and isinstance(base, ir.CentredColumns) and not self.is_named(base):
            return self.helper("_squared", self.code(base))  # the largest array of its function: a second one costs page faults
        return power(self.code(base), self.code(exponent))

    BINARY: Mapping[str, tuple[str, int, int, int]] = {
        "add": ("+", SUM, SUM, PRODUCT),
        "sub": ("-", SUM, SUM, PRODUCT),
        "mul": ("*", PRODUCT, PRODUCT, SIGN),
        "div": ("/", PRODUCT, PRODUCT, SIGN),
        "less": ("<", COMPARISON, SUM, SUM),
        "less_equal": ("<=", COMPARISON, SUM, SUM),
        "not_equal": ("!=", COMPARISON, SUM, SUM),
    }

    MIRRORED: Mapping[str, str] = {"<": ">", "<=": ">="}

    def _gram(self, node: ir.Map) -> Code | None:
        """s*sum_b(x[b,c,m]*x[b,k,n]), where it may be computed in ``out``: half of the blocks, and their mirror images."""
        if node != self.in_out or node.op != "mul":
            return None
        scale, product = node.args
        if not (isinstance(scale, ir.Number) and isinstance(product, ir.Contract)):
            return None
        square = product.left == product.right and len(product.left.dims) == 3 and len(product.out) == 4
        ordered = (*product.left_labels[1:], *product.right_labels[1:]) == product.out
        if not (square and ordered and product.left_labels[0] == product.right_labels[0]):
            return None
        outer = ("symmetric=True",) if _is_outer(product.left) else ()
        return self.helper("_gram", self.code(product.left), self.number(scale), "out", *outer)

    def jacobian_product(self, node: ir.JacobianProduct) -> Code:
        """p*(x - sum(p*x)) for a softmax p."""
        return self.helper("_softmax_jvp", *map(self.code, node.parts), *self.place(node, self.code(node.weights).text))

    def reusable(self, node: ir.Node) -> ir.Node | None:
        """The array of its shape that the helper for the node may write over, if nothing else needs it."""
        return node.arg if isinstance(node, ir.Row | ir.Residual | ir.JacobianProduct | ir.TimesComplement) else None

    def is_fresh(self, node: ir.Node) -> bool:
        """Whether the array is a product that nothing else holds, so that it may be written over; no derivative rule keeps it."""
        fresh = isinstance(node, ir.Contract | ir.Residual | ir.JacobianProduct | ir.TimesComplement)
        fresh = fresh or (isinstance(node, ir.Input) and node.name in self.owned)
        return fresh and bool(node.dims) and not self.is_named(node)

    def _binary(self, node: ir.Map) -> Code:
        sign, level, left, right = self.BINARY[node.op]
        if sign in self.MIRRORED and isinstance(node.args[0], ir.Number):  # 0 < x reads x > 0
            node, sign = ir.Map(node.op, node.args[::-1]), self.MIRRORED[sign]
        return Code(f"{self.code(node.args[0]).at(left)} {sign} {self.code(node.args[1]).at(right)}", level)

    def _scaled(self, factor: ir.Number, array: ir.Node) -> Code:
        """A number times an array: one pass over the array, and no division of plain numbers by zero in values."""
        code, value = self.code(array), factor.value
        above, below = value.as_numer_denom()
        sizes = self._sizes_of(factor)
        if below == 1 or not below.free_symbols:
            return Code(f"{self.number(factor).at(PRODUCT)} * {code.at(SIGN)}", PRODUCT)
        under = divisor_code(below, sizes, guard=self.guard)
        if above == 1:
            return self.overwritten(code, under) if self.is_fresh(array) else Code(f"{code.at(PRODUCT)} / {under}", PRODUCT)
        if above == -1:
            return Code(f"{minus(code).at(PRODUCT)} / {under}", PRODUCT)
        top = number_code(above, sizes, guard=self.guard)
        if not array.dims and not self.leads(array):
            return Code(f"{top.at(PRODUCT)} * {code.at(SIGN)} / {under}", PRODUCT)
        return Code(f"{code.at(PRODUCT)} * ({top.at(PRODUCT)} / {under})", PRODUCT)

    @abstractmethod
    def overwritten(self, code: Code, divisor: str) -> Code:
        """An array over a number, written over itself."""


def _is_outer(node: ir.Node) -> bool:
    """Whether x[b,c,m] = u[b,c]*w[b,m]."""
    if not (isinstance(node, ir.Map) and node.op == "mul" and len(node.args) == 2):
        return False
    lacking = [[axis for axis, dim in enumerate(arg.dims) if dim is None] for arg in node.args]
    return sorted(lacking) == [[1], [2]]
