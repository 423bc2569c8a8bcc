"""Makes every radicand a square, as the square of a real number is, by drawing as little as possible again."""

from __future__ import annotations

from typing import Any

import numpy as np

from closedform.certify.rings.modular import power, spread
from closedform.certify.rings.node import Node, ties
from closedform.certify.rings.planes import ANGLES, NotSquareError
from closedform.certify.rings.tower import Tower

PATIENCE = 48  # half of all numbers are squares: that many failures in a row are no bad luck
ROUNDS = 2000


class UnluckyChainsError(Exception):
    """In the draws of ``mask`` a radicand never is a square, whatever is drawn: a constant, or negative everywhere."""

    def __init__(self, mask: Any, constant: Node | None = None) -> None:
        super().__init__("a radicand is not a square modulo the primes of a chain")
        self.mask, self.constant = mask, constant


def settle(tower: Tower, node: Node, level: int = 0) -> Any:
    """The residues of ``node`` at a level, after leaves have been drawn again until all square roots exist.

    Only the entries are drawn again that feed a radicand which is not a square, and only at the level
    at which it is not.

    Raises:
        UnluckyChainsError: for some draws that cannot be.
    """
    failures: dict[tuple[Node, int], Any] = {}
    for _ in range(ROUNDS):
        try:
            residues = tower.plane(level).at(node)
            if tower.strict:
                _check_signs(tower)
            return residues
        except NotSquareError as error:
            failed = error.mask.reshape(len(error.mask), -1).any(axis=1)
            count = (failures.get((error.node, error.level), 0) + 1) * failed
            failures[error.node, error.level] = count
            source = _to_redraw(error)
            if source is None:
                raise UnluckyChainsError(failed, error.node) from None
            if (count > PATIENCE + 8 * error.mask[0].size).any():
                raise UnluckyChainsError(count > PATIENCE) from None
            _redraw(tower, source, error)
    raise UnluckyChainsError(np.ones(tower.draws, dtype=bool))


def _check_signs(tower: Tower) -> None:
    """Demand that what is compared with zero is a square where it is positive, and not one where it is negative.

    Then sqrt(r^2) = |r| holds, which connects roots and comparisons.
    """
    for node in tower.comparisons():
        if node in tower.sides:
            compared = node.args[0]
            residues = tower.plane(0).at(compared)
            p = spread(tower.moduli[0], residues)
            character = power(residues, (p - 1) // 2, p)
            sign = np.sign(tower.real.at(compared))
            wrong = (residues != 0) & ((character == 1) != (sign > 0))
            if wrong.any():
                raise NotSquareError(compared, 0, wrong)


Source = tuple[Node, int]  # a leaf, at a level


def _to_redraw(error: NotSquareError) -> Source | None:
    """The leaf whose entries feed the fewest entries of the radicand; the least deep level, the largest leaf, by name."""
    tied = ties(error.node, {})
    shape = error.node.shape

    def preference(source: Source) -> tuple[int, int, int, str]:
        leaf, level = source
        axes = {axis for axis in tied[leaf] if axis is not None}
        return int(np.prod([shape[axis] for axis in axes], dtype=int)), -level, int(np.prod(leaf.shape, dtype=int)), leaf.meta.name

    return max(_sources(error.node, error.level, {}), key=preference, default=None)


def _sources(node: Node, level: int, known: dict[Source, frozenset[Source]]) -> frozenset[Source]:
    """Which residues a node at a level is computed from: exp takes its argument from the next level."""
    if (node, level) not in known:
        if node.op == "leaf":
            drawn = node.meta.integers is None and node.meta.drawn(level)
            known[node, level] = frozenset({(node, level)} if drawn else ())
        else:
            known[node, level] = frozenset().union(*(_sources(arg, at, known) for arg, at in _arguments(node, level)))
    return known[node, level]


def _arguments(node: Node, level: int) -> list[Source]:
    if node.op in ("sin", "cos"):
        return [(node.args[0], ANGLES)]
    if node.op == "exp" and level < 2:
        return [(node.args[0], level + 1)]
    if node.op == "gpow" and level < 2:
        return [(node.args[0], level), (node.args[1], level + 1)]
    return [(arg, level) for arg in node.args]


def _redraw(tower: Tower, source: Source, error: NotSquareError) -> None:
    leaf, level = source
    axes = ties(error.node, {})[leaf]
    tied = [axis for axis in axes if axis is not None]
    if len(set(tied)) < len(tied):  # a diagonal of the leaf feeds the radicand
        axes, tied = (None,) * len(axes), []
    mask: Any = np.broadcast_to(error.mask, (tower.draws, *error.node.shape))
    loose = tuple(axis + 1 for axis in range(len(error.node.shape)) if axis not in tied)
    mask = mask.any(axis=loose, keepdims=True)
    order = [0, *(axis + 1 for axis in tied), *loose]
    mask = mask.transpose(order).reshape(tower.draws, *(error.node.shape[axis] for axis in tied))
    mask = mask[(slice(None), *(None if axis is None else slice(None) for axis in axes))]
    leaf.meta.redraw(level, tower.moduli[level], mask)
    tower.forget(level)
