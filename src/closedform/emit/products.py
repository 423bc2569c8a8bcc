"""Prints sums of products of two arrays: as a matrix product where the axes allow it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sympy import Integer

from closedform.emit.code import ATOM, PRODUCT, Code
from closedform.lower import nodes as ir


class ProductPrinter(ABC):
    """The part of a body printer that knows matrix products."""

    library = ""

    @abstractmethod
    def code(self, node: ir.Node) -> Code:
        """The expression of a node."""

    @abstractmethod
    def leads(self, node: ir.Node) -> bool:
        """Whether the array may have further axes in front of those of the node."""

    @abstractmethod
    def helper(self, name: str, *args: Code | str) -> Code:
        """A call of a helper function of the module, which is then printed too."""

    @abstractmethod
    def is_named(self, node: ir.Node) -> bool:
        """Whether a variable holds the array."""

    @abstractmethod
    def permuted(self, code: Code, order: list[int], *, leads: bool) -> Code:
        """Axes in another order; ``leads``: behind any axes in front."""

    @abstractmethod
    def matrix_transposed(self, code: Code, *, stack: bool) -> Code:
        """The last two axes exchanged; ``stack``: there may be others."""

    @abstractmethod
    def tensordot(self, left: Code, right: Code, axes: tuple[list[int], list[int]]) -> Code:
        """Sum over pairs of axes."""

    @abstractmethod
    def stack_times(self, stack: str, matrix: str) -> Code:
        """A matrix, or several of them, times one matrix, in one product."""

    def contract(self, node: ir.Contract) -> Code:
        """A sum of products over the axes that both have and the result lacks."""
        left, right = list(node.left_labels), list(node.right_labels)
        shared = [label for label in left if label in right]
        batch = [label for label in shared if label in node.out]
        gone = [label for label in shared if label not in node.out]
        found = self._matrix_product(node, batch, gone) or self._vector_products(node, batch, gone)
        if found is not None:
            return found
        if batch or self.leads(node) or len(gone) == 0:
            return self._einsum(node)
        free = [label for label in (*left, *right) if label not in gone]
        axes = ([left.index(label) for label in gone], [right.index(label) for label in gone])
        code = self.tensordot(self.code(node.left), self.code(node.right), axes)
        order = [free.index(label) for label in node.out]
        return code if order == sorted(order) else self.permuted(code, order, leads=False)

    def _matrix_product(self, node: ir.Contract, batch: list[int], gone: list[int]) -> Code | None:
        """``a @ b`` where the axes are those of a matrix product, with transpositions of matrices only.

        Axes in front of either matrix may be shared by both, or belong to one alone if the other has none.
        """
        if len(gone) != 1:
            return None
        left, right, out = list(node.left_labels), list(node.right_labels), list(node.out)
        rows = [label for label in left if label not in (*batch, *gone)]
        columns = [label for label in right if label not in (*batch, *gone)]
        if self.leads(node) and not (len(rows) == len(columns) == 1):  # axes in front would meet axes of the product
            return None
        if batch and (not rows or not columns or len(rows) > 1 or len(columns) > 1):
            return None
        if batch and not (out[: len(batch)] == batch == left[: len(batch)] == right[: len(batch)]):
            return None
        if len(columns) > 1 and (len(rows) != 1 or out != [*columns[:-1], *rows, columns[-1]] or right[:-2] != columns[:-1]):
            return None
        if len(rows) > 1 and (len(columns) > 1 or out != [*rows, *columns] or left[:-2] != rows[:-1]):
            return None
        if len(rows) <= 1 and len(columns) <= 1 and out != [*batch, *rows, *columns]:
            return None
        if len(rows) == len(columns) == 1 and not batch:
            special = self._of_stack(node, gone[0]) or self._of_squares(node, gone[0])
            if special is not None:
                return special
        first = self._operand(node.left, left, gone[0], last=True)
        second = self._operand(node.right, right, gone[0], last=False)
        stacked = self.leads(node.left) and not self.leads(node.right) and not batch and len(left) == len(right) == 2
        return self.stack_times(first, second) if stacked else Code(f"{first} @ {second}", PRODUCT)

    def _vector_products(self, node: ir.Contract, batch: list[int], gone: list[int]) -> Code | None:
        """``v[..., None, :] @ a`` for matrices a and as many vectors v: an einsum would turn the matrices round first."""
        sides = ((node.left, list(node.left_labels)), (node.right, list(node.right_labels)))
        for (matrices, labels), (vectors, its) in (sides, sides[::-1]):
            free = [label for label in labels if label not in (*batch, *gone)]
            if not batch or len(gone) != 1 or len(free) != 1 or its != [*batch, *gone] or self.leads(node):
                continue
            if labels[: len(batch)] == batch and list(node.out) == [*batch, *free]:
                product = f"{self.code(vectors).at(ATOM)}[..., None, :] @ {self._operand(matrices, labels, gone[0], last=False)}"
                return Code(f"({product})[..., 0, :]")
        return None

    def _of_stack(self, node: ir.Contract, gone: int) -> Code | None:
        """``x @ v.mT`` where there may be several v: one product for all of them, not one for each."""
        last = node.left_labels[-1] == node.right_labels[-1] == gone
        if not last or self.leads(node.left) or not self.leads(node.right):
            return None
        return self.helper("_stack_product", self.code(node.left), self.code(node.right))

    def _of_squares(self, node: ir.Contract, gone: int) -> Code | None:
        """``w.T @ x**2``: the squares may be larger than everything else, so they are made by blocks of rows."""
        first = node.left_labels[0] == node.right_labels[0] == gone
        base = self.squared(node.right)
        if not first or base is None or self.leads(node):
            return None
        return self.helper("_times_squares", self.code(node.left), self.code(base))

    def squared(self, node: ir.Node) -> ir.Node | None:
        """What the squares are of, where a variable holds it and none holds the squares."""
        if self.is_named(node) or not (isinstance(node, ir.Map) and node.op == "pow"):
            return None
        base, exponent = node.args
        held = isinstance(base, ir.Input) or self.is_named(base)
        return base if held and exponent == ir.Number(Integer(2)) and None not in base.dims else None

    def _operand(self, node: ir.Node, labels: list[int], gone: int, *, last: bool) -> str:
        code = self.code(node)
        if len(labels) == 1:
            return code.at(ATOM)
        wanted = len(labels) - 1 if last else len(labels) - 2
        if labels.index(gone) == wanted:
            return code.at(ATOM)
        return self.matrix_transposed(code, stack=len(labels) > 2 or self.leads(node)).at(ATOM)

    def _einsum(self, node: ir.Contract) -> Code:
        letters = {label: "ijklmnopqrstuvwxyz"[label] for label in (*node.left_labels, *node.right_labels)}
        sides = ((node.left, node.left_labels), (node.right, node.right_labels), (node, node.out))
        texts = ["..." * self.leads(side) + "".join(letters[label] for label in labels) for side, labels in sides]
        spelled = f"{texts[0]},{texts[1]}->{texts[2]}"
        return Code(f'{self.library}.einsum("{spelled}", {self.code(node.left).text}, {self.code(node.right).text})')
