"""How NumPy spells the nodes of a program."""

from __future__ import annotations

from collections.abc import Mapping

from closedform.emit.base import BodyPrinter
from closedform.emit.code import ATOM, Code
from closedform.lower import nodes as ir


class NumpyPrinter(BodyPrinter):
    """Bodies of functions that import NumPy only."""

    library = "np"
    keepdims = "keepdims"
    calls: Mapping[str, str] = {
        "exp": "np.exp({})",
        "log": "np.log({})",
        "log1p": "np.log1p({})",
        "sqrt": "np.sqrt({})",
        "sin": "np.sin({})",
        "cos": "np.cos({})",
        "tanh": "np.tanh({})",
        "sinh": "np.sinh({})",
        "cosh": "np.cosh({})",
        "abs": "np.abs({})",
        "sign": "np.sign({})",
        "erf": "_erf({})",
        "sigmoid": "_sigmoid({})",
        "softplus": "np.logaddexp(0, {})",
        "relu": "np.maximum({}, 0)",
        "log_cosh": "_log_cosh({})",
        "softmax": "_softmax({})",
        "softmax_apart": "_softmax_apart({})",
        "log_softmax": "_log_softmax({})",
        "logsumexp": "_logsumexp({})",
        "inv": "np.linalg.inv({})",
        "det": "np.linalg.det({})",
        "logdet": "np.linalg.slogdet({})[1]",
    }

    def overwritten(self, code: Code, divisor: str) -> Code:
        """An array over a number, written over itself."""
        return self.helper("_divided", code, divisor)

    def permuted(self, code: Code, order: list[int], *, leads: bool) -> Code:
        """Axes in another order; ``leads``: behind any axes in front."""
        if order == [1, 0]:
            return self.matrix_transposed(code, stack=leads)
        if leads:
            letters = "ijklmnopqrst"
            spelled = f"...{letters[: len(order)]}->...{''.join(letters[axis] for axis in order)}"
            return Code(f'np.einsum("{spelled}", {code.text})')
        return Code(f"{code.at(ATOM)}.transpose({', '.join(map(str, order))})")

    def matrix_transposed(self, code: Code, *, stack: bool) -> Code:
        """The last two axes exchanged; ``stack``: there may be others."""
        return Code(f"{code.at(ATOM)}.{'mT' if stack else 'T'}")

    def tensordot(self, left: Code, right: Code, axes: tuple[list[int], list[int]]) -> Code:
        """Sum over pairs of axes."""
        return Code(f"np.tensordot({left.text}, {right.text}, axes={axes})")

    def stack_times(self, stack: str, matrix: str) -> Code:
        """A matrix, or several of them, times one matrix, in one product, where NumPy makes one for each."""
        return self.helper("_stack_times", stack, matrix)

    def filled(self, node: ir.Node, dims: ir.Shape) -> Code:
        """An array with one value."""
        value = self.code(node).text
        if not dims and not self.leading:
            return Code(f"{self.like}.dtype.type({value})")
        shape = self.shape(dims) if dims else self.lead()
        return Code(f"np.full({shape}, {value}, {self.like}.dtype)")

    def constant(self, node: ir.Number) -> Code:
        """A number in the dtype of the arrays, as an argument of a function."""
        return Code(f"{self.like}.dtype.type({self.code(node).text})")

    def expanded(self, code: Code, dims: ir.Shape) -> Code:
        """An array repeated along axes of length one, without a copy."""
        return Code(f"np.broadcast_to({code.text}, {self.shape(dims)})")

    def own(self, name: str, *beside: str) -> str:
        """An array that nothing else holds, to be written over with what is computed from it and others, where that can be."""
        return name

    def copied(self, code: Code) -> str:
        """A copy, so that no result shares memory with an input."""
        return f"{code.at(ATOM)}.copy()"

    def top(self, code: Code) -> Code:
        """Where the largest entry along the last axis is."""
        return Code(f"{code.at(ATOM)}.argmax(-1)[..., None]")

    def diagonal(self, node: ir.Diagonal) -> Code:
        """Entries at which two axes agree."""
        i, j = self.axis(node.i, node.arg), self.axis(node.j, node.arg)
        return Code(f"np.diagonal({self.code(node.arg).text}, axis1={i}, axis2={j})")

    def diagonal_of(self, node: ir.DiagonalOf) -> Code:
        """Zeros with a given diagonal."""
        return self.helper("_diagonal", self.code(node.values), *self.places(node))

    def identity(self, node: ir.Identity) -> Code:
        """An identity matrix."""
        return Code(f"np.eye({self.size(node.dim)}, dtype={self.like}.dtype)")

    def extremum(self, node: ir.Map) -> Code:
        """The larger or the smaller of the arguments."""
        code = self.code(node.args[0])
        for arg in node.args[1:]:
            code = Code(f"np.{node.op}({code.text}, {self.code(arg).text})")
        return code

    def where(self, node: ir.Map) -> Code:
        """A choice entry by entry."""
        condition, yes, no = (self.code(arg).text for arg in node.args)
        if node.args[1].is_plain and node.args[2].is_plain:  # two plain numbers would make float64
            yes = f"{self.like}.dtype.type({yes})"
            no = f"{self.like}.dtype.type({no})"
        return Code(f"np.where({condition}, {yes}, {no})")
