"""The real point that accompanies the residues of a draw."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from closedform.certify.rings.node import AXIS_OPS, Node, moved
from closedform.certify.rings.planes import Plane

Array = Any


class Real(Plane):
    """A real point that satisfies the same constraints; it decides comparisons, and nothing else depends on it."""

    def __init__(self, tower: Any) -> None:
        super().__init__(tower)
        self._scales: dict[Node, Array] = {}

    def number(self, node: Node) -> Array:
        return np.full(1, float(node.meta))

    size = number

    def eye(self, node: Node) -> Array:
        return np.eye(node.meta)[None]

    def leaf(self, node: Node) -> Array:
        return node.meta.real

    def shadowed(self, node: Node) -> Array:
        return node.meta

    def add(self, node: Node) -> Array:
        return self.at(node.args[0]) + self.at(node.args[1])

    def mul(self, node: Node) -> Array:
        return self.at(node.args[0]) * self.at(node.args[1])

    def total(self, node: Node) -> Array:
        return self.at(node.args[0]).sum(axis=node.meta + 1)

    def product(self, node: Node) -> Array:
        return self.at(node.args[0]).prod(axis=node.meta + 1)

    def inv(self, node: Node) -> Array:
        return 1.0 / self.at(node.args[0])

    def ipow(self, node: Node) -> Array:
        return self.at(node.args[0]) ** node.meta

    def root(self, node: Node) -> Array:
        return np.sqrt(self.at(node.args[0]))

    def exp(self, node: Node) -> Array:
        return np.exp(self.at(node.args[0]))

    def log(self, node: Node) -> Array:
        return np.log(np.abs(self.at(node.args[0])))

    def gpow(self, node: Node) -> Array:
        return np.abs(self.at(node.args[0])) ** self.at(node.args[1])

    def erf(self, node: Node) -> Array:
        return np.vectorize(math.erf, otypes=[float])(self.at(node.args[0]))

    def cos(self, node: Node) -> Array:
        return np.cos(self.at(node.args[0]))

    def sin(self, node: Node) -> Array:
        return np.sin(self.at(node.args[0]))

    def sign(self, node: Node) -> Array:
        return self._compared(node, node.args[0])

    def step(self, node: Node) -> Array:
        return np.where(self._compared(node, node.args[0]) > 0, 1.0, 0.0)

    def less(self, node: Node) -> Array:
        # meta: whether equality counts
        sign = self._compared(node, node.args[0])
        return np.where(sign < 0, 1.0, np.where(sign == 0, float(node.meta), 0.0))

    def _compared(self, node: Node, difference: Node) -> Array:
        """The sign; an entry too near to zero to tell, unless it is zero in the field too, is flagged."""
        a = self.at(difference)
        zero = self.tower.plane(0).at(difference) == 0
        a, zero = np.broadcast_arrays(a, zero)
        near = np.abs(a) <= 1e-9 * self._scale(difference)
        self.flag(node, np.isnan(a) | (near & ~zero) | (~near & zero))
        sign = np.where(near, 0.0, np.sign(np.nan_to_num(a)))
        self.tower.sides.setdefault(node, set()).update(int(side) for side in (-1, 1) if (sign == side).any())
        return sign

    def _scale(self, node: Node) -> Array:
        """How large the value is before terms cancel: rounding errors are relative to that."""
        if node not in self._scales:
            self._scales[node] = self._scale_of(node)
        return self._scales[node]

    def _scale_of(self, node: Node) -> Array:
        if node.op in AXIS_OPS:
            return moved(node.op, node.meta, self._scale(node.args[0]))
        match node.op:
            case "leaf" | "number" | "size" | "shadowed" | "eye":
                return np.abs(self.at(node))
            case "add":
                return self._scale(node.args[0]) + self._scale(node.args[1])
            case "mul":
                return self._scale(node.args[0]) * self._scale(node.args[1])
            case "total":
                return self._scale(node.args[0]).sum(axis=node.meta + 1)
            case "root" | "exp" | "gpow":
                return np.abs(self.at(node))
        return np.maximum(np.abs(self.at(node)), 1.0)

    def matinv(self, node: Node) -> Array:
        a = self.at(node.args[0])
        try:
            return np.linalg.inv(a)
        except np.linalg.LinAlgError:
            return np.full_like(a, np.nan)

    def det(self, node: Node) -> Array:
        return np.linalg.det(self.at(node.args[0]))
