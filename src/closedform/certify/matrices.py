"""Random matrices that satisfy quadratic equations: orthogonal ones, projections, involutions.

Every construction is generic: its matrices are dense among all that satisfy the equation (both components of
the orthogonal group, projections of every rank, oblique before symmetric ones).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from closedform.certify.real_points import Floats
from closedform.certify.rings.leaf import constant_integers
from closedform.certify.rings.node import Node
from closedform.certify.rings.tower import Tower


def matmul(tower: Tower, a: Node, b: Node) -> Node:
    """Product over the last two axes."""
    rank = len(a.shape)
    left = tower.arrange(a, [*range(rank), None])
    right = tower.arrange(b, [*range(rank - 2), None, rank - 2, rank - 1])
    return tower.total(tower.multiply(left, right), rank - 1)


def matrix_candidates(name: str, base: Node, tower: Tower) -> Iterator[Node]:
    """Matrices of the shape of ``base``, the least special first.

    A general U diag(e) U^-1 with e in {0, 1} is any projection, with e in {-1, 1} any involution; an orthogonal
    U gives the symmetric ones. Rectangular ones are part of an orthogonal matrix.
    """
    rows, columns = base.shape
    rotation = _rotation(name, max(rows, columns), tower)
    if rows != columns:
        corner = np.eye(max(rows, columns))
        left, right = _constant(f"{name} rows", corner[:rows], tower), _constant(f"{name} columns", corner[:, :columns], tower)
        yield matmul(tower, matmul(tower, left, rotation), right)
        return
    rng = np.random.default_rng([tower.seed, 6])
    share = rng.uniform(size=(tower.draws, 1))
    ones = (rng.uniform(size=(tower.draws, rows)) < share).astype(float)
    zero_one = _diagonal(f"{name} zero one", ones, tower)
    signs = _diagonal(f"{name} signs", 2 * ones - 1, tower)
    for basis, inverse in ((base, tower.inverse(base)), (rotation, tower.arrange(rotation, [1, 0]))):
        for eigenvalues in (zero_one, signs):
            yield matmul(tower, matmul(tower, basis, eigenvalues), inverse)
        if basis is base:
            yield rotation


def _rotation(name: str, size: int, tower: Tower) -> Node:
    """Cayley's transform (I - S)(I + S)^-1 of an antisymmetric S; in half of the draws with a reflection."""
    leaf = tower.leaf(f"{name} cayley", np.zeros((tower.draws, size, size)))
    skew = tower.subtract(leaf, tower.arrange(leaf, [1, 0]))
    eye = tower.eye(size)
    rotation = matmul(tower, tower.subtract(eye, skew), tower.inverse(tower.add(eye, skew)))
    signs = np.ones((tower.draws, size))
    signs[::2, 0] = -1
    return matmul(tower, rotation, _diagonal(f"{name} reflection", signs, tower))


def _diagonal(name: str, entries: Floats, tower: Tower) -> Node:
    leaf = tower.leaf(name, entries, constant_integers(entries))
    return tower.multiply(tower.arrange(leaf, [0, None]), tower.eye(entries.shape[1]))


def _constant(name: str, matrix: Floats, tower: Tower) -> Node:
    repeated = np.broadcast_to(matrix, (tower.draws, *matrix.shape))
    return tower.leaf(name, repeated, constant_integers(repeated))
