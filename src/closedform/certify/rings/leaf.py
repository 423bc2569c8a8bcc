"""Random inputs: independent residues at every level, and a real point beside them."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closedform.certify.rings.modular import Ints, spread

Floats = NDArray[np.float64]


class Leaf:
    """One given tensor in all draws.

    Where the real number is positive its residues are squares, where it is negative they are not: the
    primes are 3 modulo 4, so the quadratic character multiplies as signs do.

    Args:
        name: with the seed it determines the residues.
        real: the real point, draws along axis 0.
        seed: of the whole tower.
        integers: entries that are integers known beforehand, instead of random residues.
        label: whether these are the labels of a given.
        values: which integers the entries may be.
        positive: whether all entries are positive by a constraint.
    """

    def __init__(
        self,
        name: str,
        real: Floats,
        seed: int,
        integers: Ints | None = None,
        *,
        values: tuple[int, ...] | None = None,
        positive: bool = False,
        label: bool = False,
    ) -> None:
        self.name, self.real, self.seed, self.positive, self.label = name, real, seed, positive, label
        self.integers, self.values = integers, values
        self._residues: dict[tuple[int, bool], Ints] = {}
        self._rounds = 0

    def residues(self, level: int, p: Ints) -> Ints:
        """Modulo the primes ``p`` of a level."""
        if (level, False) not in self._residues:
            root = self._random(level, 0, p)
            square = root * root % spread(p, root)
            self._residues[level, False] = np.where(self.real < 0, spread(p, root) - square, square)
        return self._residues[level, False]

    def lifted(self, level: int, p: Ints) -> Ints:
        """Modulo the squares of the primes of a level."""
        if (level, True) not in self._residues:
            self._residues[level, True] = self._random(level, 1, p)
        return self.residues(level, p) + self._residues[level, True] * spread(p, self.real)

    def drawn(self, level: int) -> bool:
        """Whether residues of that level are in use."""
        return (level, False) in self._residues

    def redraw(self, level: int, p: Ints, mask: Any) -> None:
        """Other residues at one level, where the mask is set."""
        old = self._residues.pop((level, False))
        self._residues[level, False] = np.where(mask, self.residues(level, p), old)

    def _random(self, level: int, digit: int, p: Ints) -> Ints:
        self._rounds += 1
        rng = np.random.default_rng([self.seed, zlib.crc32(self.name.encode()), level, digit, self._rounds])
        return rng.integers(1, spread(p, self.real), size=self.real.shape, dtype=np.int64)


def constant_integers(array: Any) -> Ints:
    """Integers as an array of int64."""
    return np.asarray(np.rint(array), dtype=np.int64)
