"""What there is to know of a node besides its residues: where it exists, and on which sides of zero it can lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from closedform.certify.rings.node import AXIS_OPS, Node, moved
from closedform.certify.rings.tower import Tower


class PossibleSides:
    """On which sides of zero a node can lie, as far as its structure and the constraints show.

    Args:
        known: nodes that a constraint says are positive (1) or negative (-1); an expression is recognised by
            its residues.
    """

    def __init__(self, tower: Tower, known: Sequence[tuple[Node, int]]) -> None:
        self._tower = tower
        self._known: dict[bytes, int] = {}
        for node, side in known:
            residues = tower.plane(0).at(node)
            p = tower.moduli[0].reshape((-1,) + (1,) * (residues.ndim - 1))
            self._known |= {self._key(residues): side, self._key(-residues % p): -side}

    def _key(self, residues: Any) -> bytes:
        return np.ascontiguousarray(np.squeeze(residues)).tobytes()

    def __call__(self, node: Node) -> frozenset[int]:
        """A subset of -1, 0, 1."""
        stated = self._stated(node)
        if stated is not None:
            return frozenset({stated})
        match node.op:
            case "number":
                return frozenset({int(np.sign(float(node.meta)))})
            case "leaf" if node.meta.integers is not None or node.meta.positive:
                return frozenset(int(side) for side in np.unique(np.sign(node.meta.real)))
            case "exp" | "gpow" | "root":
                return frozenset({1})
            case "eye":
                return frozenset({0, 1})
            case "ipow" if node.meta % 2 == 0:
                return frozenset({1})
            case "arrange" | "broadcast" | "diagonal" | "reshape" | "inv" | "ipow" | "total":
                return self(node.args[0])
            case "add":
                return self(node.args[0]) | self(node.args[1])
            case "mul" if node.args[0] is node.args[1]:
                return frozenset({1})
            case "mul":
                return frozenset(a * b for a in self(node.args[0]) for b in self(node.args[1]))
        return frozenset({-1, 1})

    def _stated(self, node: Node) -> int | None:
        if not self._known or node.op not in ("add", "leaf", "shadowed"):
            return None
        return self._known.get(self._key(self._tower.plane(0).at(node)))


def nonexistent(node: Node, tower: Tower, known: dict[Node, Any]) -> Any:
    """The entries that depend on a division by zero and its like; None for none."""
    if not tower.flags:
        return None
    if node not in known:
        known[node] = _combined(node, tower, known)
    return known[node]


def _combined(node: Node, tower: Tower, known: dict[Node, Any]) -> Any:
    below = [nonexistent(arg, tower, known) for arg in node.args]
    own = tower.flags.get(node)
    if node.op == "select":
        condition, a, b = (np.zeros((1,) + (1,) * len(node.shape), dtype=bool) if w is None else w for w in below)
        result = condition | (a | b if tower.free else np.where(tower.real.at(node.args[0]) > 0.5, a, b))
    else:
        present = [_carried(node, arg, wrong) for arg, wrong in zip(node.args, below, strict=True) if wrong is not None]
        result = None
        for wrong in present:
            result = wrong if result is None else result | wrong
    if own is not None:
        result = own if result is None else result | own
    return result


def _carried(node: Node, arg: Node, wrong: Any) -> Any:
    wrong = np.broadcast_to(wrong, (len(wrong), *arg.shape))
    if node.op in AXIS_OPS:
        return moved(node.op, node.meta, wrong)
    if node.op in ("total", "product"):
        return wrong.any(axis=node.meta + 1)
    if node.op in ("matinv", "det"):
        wrong = wrong.any(axis=(-1, -2), keepdims=True)
        return wrong if node.op == "matinv" else wrong[..., 0, 0]
    if node.op in ("solve", "concat"):
        return wrong.reshape(len(wrong), -1).any(axis=1).reshape((-1,) + (1,) * len(node.shape))
    return wrong
