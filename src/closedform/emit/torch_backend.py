"""How torch spells the nodes of a program: composite operations that torch.func and torch.compile see through."""

from __future__ import annotations

from collections.abc import Mapping

from closedform.emit.base import BodyPrinter
from closedform.emit.code import ATOM, PRODUCT, Code
from closedform.lower import nodes as ir
from closedform.lower.traversal import walk


class TorchPrinter(BodyPrinter):
    """Bodies of functions that import torch only."""

    library = "torch"
    keepdims = "keepdim"
    calls: Mapping[str, str] = {
        "exp": "torch.exp({})",
        "log": "torch.log({})",
        "log1p": "torch.log1p({})",
        "sqrt": "torch.sqrt({})",
        "sin": "torch.sin({})",
        "cos": "torch.cos({})",
        "tanh": "torch.tanh({})",
        "sinh": "torch.sinh({})",
        "cosh": "torch.cosh({})",
        "abs": "torch.abs({})",
        "sign": "torch.sign({})",
        "erf": "torch.erf({})",
        "sigmoid": "torch.sigmoid({})",
        "softplus": "_softplus({})",
        "relu": "torch.relu({})",
        "log_cosh": "_log_cosh({})",
        "softmax": "_softmax({})",
        "softmax_apart": "_softmax_apart({})",
        "log_softmax": "_log_softmax({})",
        "logsumexp": "_logsumexp({})",
        "inv": "torch.linalg.inv({})",
        "det": "torch.linalg.det({})",
        "logdet": "torch.linalg.slogdet({})[1]",
    }

    def overwritten(self, code: Code, divisor: str) -> Code:
        """An array over a number, written over itself."""
        return Code(f"{code.at(ATOM)}.div_({divisor})")

    def permuted(self, code: Code, order: list[int], *, leads: bool) -> Code:
        """Axes in another order; ``leads``: behind any axes in front."""
        if order == [1, 0]:
            return self.matrix_transposed(code, stack=leads)
        if leads:
            letters = "ijklmnopqrst"
            spelled = f"...{letters[: len(order)]}->...{''.join(letters[axis] for axis in order)}"
            return Code(f'torch.einsum("{spelled}", {code.text})')
        return Code(f"{code.at(ATOM)}.permute({', '.join(map(str, order))})")

    def matrix_transposed(self, code: Code, *, stack: bool) -> Code:
        """The last two axes exchanged; ``stack``: there may be others."""
        return Code(f"{code.at(ATOM)}.{'mT' if stack else 'T'}")

    def tensordot(self, left: Code, right: Code, axes: tuple[list[int], list[int]]) -> Code:
        """Sum over pairs of axes."""
        return Code(f"torch.tensordot({left.text}, {right.text}, dims={axes})")

    def stack_times(self, stack: str, matrix: str) -> Code:
        """A matrix, or several of them, times one matrix; torch makes one product of it."""
        return Code(f"{stack} @ {matrix}", PRODUCT)

    def filled(self, node: ir.Node, dims: ir.Shape) -> Code:
        """An array with one value."""
        shape = self.shape(dims) if dims or not self.leading else self.lead()
        if any(isinstance(part, ir.Input) for part in walk(node)):  # a scalar argument is a tensor without axes
            return Code(f"{self.code(node).at(ATOM)}.expand({shape}).clone()")
        return Code(f"{self.like}.new_full({shape}, {self.code(node).text})")

    def constant(self, node: ir.Number) -> Code:
        """A number in the dtype of the arrays, as an argument of a function."""
        return Code(f"{self.like}.new_full((), {self.code(node).text})")

    def expanded(self, code: Code, dims: ir.Shape) -> Code:
        """An array repeated along axes of length one, without a copy."""
        return Code(f"{code.at(ATOM)}.expand({self.shape(dims)})")

    def own(self, name: str, *beside: str) -> str:
        """An array that nothing else holds, to be written over with what is computed from it and others, where that can be."""
        return self.helper("_own", *map(Code, (name, *beside))).text

    def copied(self, code: Code) -> str:
        """A copy, so that no result shares memory with an input."""
        return f"{code.at(ATOM)}.clone()"

    def top(self, code: Code) -> Code:
        """Where the largest entry along the last axis is."""
        return self.helper("_top", code)

    def diagonal(self, node: ir.Diagonal) -> Code:
        """Entries at which two axes agree."""
        i, j = self.axis(node.i, node.arg), self.axis(node.j, node.arg)
        return Code(f"torch.diagonal({self.code(node.arg).text}, dim1={i}, dim2={j})")

    def diagonal_of(self, node: ir.DiagonalOf) -> Code:
        """Zeros with a given diagonal."""
        names = ("dim1", "dim2")
        places = "".join(f", {name}={at}" for name, at in zip(names, self.places(node), strict=False))
        return Code(f"torch.diag_embed({self.code(node.values).text}{places})")

    def identity(self, node: ir.Identity) -> Code:
        """An identity matrix."""
        return Code(f"torch.eye({self.size(node.dim)}, dtype={self.like}.dtype, device={self.like}.device)")

    def extremum(self, node: ir.Map) -> Code:
        """The larger or the smaller of the arguments; a plain number is a bound to clamp at."""
        numbers = [arg for arg in node.args if isinstance(arg, ir.Number)]
        arrays = [arg for arg in node.args if not isinstance(arg, ir.Number)]
        code = self.code(arrays[0])
        for arg in arrays[1:]:
            code = Code(f"torch.{node.op}({code.text}, {self.code(arg).text})")
        side = "min" if node.op == "maximum" else "max"
        for number in numbers:
            code = Code(f"{code.at(ATOM)}.clamp({side}={self.code(number).text})")
        return code

    def where(self, node: ir.Map) -> Code:
        """A choice entry by entry."""
        condition, yes, no = (self.code(arg).text for arg in node.args)
        if isinstance(node.args[1], ir.Number) and isinstance(node.args[2], ir.Number):  # would have the default dtype
            yes = f"{self.like}.new_full((), {yes})"
        return Code(f"torch.where({condition}, {yes}, {no})")
