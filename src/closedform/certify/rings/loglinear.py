"""Writes a node as  rest + sum_k coefficient_k log(argument_k),  through sums, products and axes.

Modulo primes exp(u) and u live at different levels, so exp(log x) = x must be seen in the structure:
softmax written as exp(z - log(sum exp z)) is the common case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Rational

from closedform.certify.rings.node import AXIS_OPS, Node

if TYPE_CHECKING:
    from closedform.certify.rings.tower import Tower


@dataclass(frozen=True, eq=False)
class LogTerm:
    """coefficient * log(argument), both with ``summed`` further axes in front, over which it is summed."""

    coefficient: Node
    argument: Node
    summed: int


Parts = tuple[Node | None, list[LogTerm]]


class LogLinear:
    """Takes nodes of one tower apart."""

    def __init__(self, tower: Tower) -> None:
        self.tower = tower
        self._known: dict[Node, Parts] = {}

    def of(self, node: Node) -> Parts:
        """The rest (None for zero) and the terms."""
        if node not in self._known:
            self._known[node] = self._parts(node) if node.logs else (node, [])
        return self._known[node]

    def _parts(self, node: Node) -> Parts:
        tower = self.tower
        if node.op == "log":
            one = self._full(tower.number(Rational(1)), len(node.shape))
            return None, [LogTerm(one, node.args[0], 0)]
        if node.op == "add":
            (a, s), (b, t) = self.of(node.args[0]), self.of(node.args[1])
            return (tower.add(a, b) if a is not None and b is not None else a or b), s + t
        if node.op == "mul":
            a, b = node.args
            if a.logs:
                a, b = b, a
            if a.logs:
                return node, []  # a product of logarithms is not linear in them
            rest, terms = self.of(b)
            scaled = [LogTerm(tower.multiply(self._front(a, term.summed), term.coefficient), term.argument, term.summed) for term in terms]
            return (None if rest is None else tower.multiply(a, rest)), scaled
        rest, terms = self.of(node.args[0])
        if node.op == "total":
            size = node.args[0].shape[node.meta]
            # a rest that broadcasts along the axis is summed at its full length
            total = None if rest is None else tower.total(self._stretched(rest, node.meta, size), node.meta)
            return total, [self._summed(term, node.meta, size) for term in terms]
        if node.op == "arrange":
            return (None if rest is None else tower.arrange(rest, node.meta)), [self._arranged(term, node.meta) for term in terms]
        if node.op in AXIS_OPS - {"reshape"}:
            shape = node.args[0].shape
            return self._moved(node, rest), [self._term_moved(node, term, shape) for term in terms]
        return node, []

    def _front(self, a: Node, count: int) -> Node:
        return self.tower.arrange(a, [None] * count + list(range(len(a.shape))))

    def _full(self, a: Node, rank: int) -> Node:
        return self._front(a, rank - len(a.shape))

    def _stretched(self, a: Node, axis: int, size: int) -> Node:
        return self.tower.broadcast(a, (*a.shape[:axis], size, *a.shape[axis + 1 :]))

    def _summed(self, term: LogTerm, axis: int, size: int) -> LogTerm:
        at = axis + term.summed
        coefficient = self._stretched(term.coefficient, at, size)
        order = [at, *(k for k in range(len(coefficient.shape)) if k != at)]
        return LogTerm(self.tower.arrange(coefficient, order), self.tower.arrange(term.argument, order), term.summed + 1)

    def _arranged(self, term: LogTerm, order: tuple[int | None, ...]) -> LogTerm:
        full = [*range(term.summed), *(None if axis is None else axis + term.summed for axis in order)]
        return LogTerm(self.tower.arrange(term.coefficient, full), self.tower.arrange(term.argument, full), term.summed)

    def _moved(self, node: Node, rest: Node | None) -> Node | None:
        if rest is None:
            return None
        full = self.tower.broadcast(rest, node.args[0].shape)
        return self.tower.broadcast(full, node.meta) if node.op == "broadcast" else self.tower.diagonal(full, *node.meta)

    def _term_moved(self, node: Node, term: LogTerm, shape: tuple[int, ...]) -> LogTerm:
        results = []
        for a in (term.coefficient, term.argument):
            full = self.tower.broadcast(a, (*a.shape[: term.summed], *shape))
            if node.op == "broadcast":
                results.append(self.tower.broadcast(full, (*a.shape[: term.summed], *node.meta)))
            else:
                results.append(self.tower.diagonal(full, *(axis + term.summed for axis in node.meta)))
        return LogTerm(results[0], results[1], term.summed)
