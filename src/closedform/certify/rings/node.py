"""Arrays over the tower of fields, kept as expressions: what they are is computed on demand, plane by plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation on arrays; equal operations on equal arguments are one node.

    Attributes:
        op: the operation, a method of every plane.
        args: the nodes that it works on, aligned to one number of axes.
        meta: what else the operation needs: an axis, an exponent, a number.
        shape: of the result, without the axis of the draws; 1 where it broadcasts.
        logs: whether the node may be a sum with a logarithm in it.
    """

    op: str
    args: tuple[Node, ...]
    meta: Any
    shape: tuple[int, ...]
    logs: bool = field(default=False)


# The structural operations move entries and do not compute: the same in every plane.
AXIS_OPS = frozenset({"arrange", "broadcast", "diagonal", "reshape"})
# Decided by an order, which fields lack: of one argument with zero.
COMPARISONS = frozenset({"sign", "step", "less"})


def side_of(node: Node, other: Node) -> bool:
    """Whether a node is sign(u) or step(u) of the other one, u: the product does not jump at u = 0."""
    return node.op in ("sign", "step") and node.args[0] is other


def moved(op: str, meta: Any, a: Any) -> Any:
    """Apply an axis operation to an array with the draws along axis 0."""
    if op == "arrange":
        moved_axes = np.transpose(a, [0, *(axis + 1 for axis in meta if axis is not None)])
        return moved_axes[(slice(None), *(None if axis is None else slice(None) for axis in meta))]
    if op == "broadcast":
        return np.broadcast_to(a, (len(a), *meta))
    if op == "diagonal":
        return np.diagonal(a, axis1=meta[0] + 1, axis2=meta[1] + 1)
    return np.reshape(np.broadcast_to(a, (len(a), *meta[0])), (len(a), *meta[1]))


def constant_digest(node: Node, known: dict[Node, bytes | None]) -> bytes | None:
    """What a constant is made of, the same for the same formula in every tower; None for what depends on an input."""
    if node not in known:
        below = [constant_digest(arg, known) for arg in node.args]
        known[node] = None if node.op in ("leaf", "shadowed") else _digest(f"{node.op} {node.meta!r} {node.shape}", below)
    return known[node]


def _digest(head: str, below: Sequence[bytes | None]) -> bytes | None:
    parts = [part for part in below if part is not None]
    return sha256(b" ".join([head.encode(), *parts])).digest() if len(parts) == len(below) else None


Ties = dict[Node, tuple[int | None, ...]]


def ties(node: Node, known: dict[Node, Ties]) -> Ties:
    """For each leaf below a node, which axis of the node each axis of the leaf runs along, or None.

    Entries of the leaf that differ along a tied axis feed different entries of the node.
    """
    if node not in known:
        known[node] = _ties(node, known)
    return known[node]


def _ties(node: Node, known: dict[Node, Ties]) -> Ties:
    if node.op == "leaf":
        return {node: tuple(range(len(node.shape)))}
    to = axis_map(node)
    return _merged([{leaf: renamed(axes, to) for leaf, axes in ties(arg, known).items()} for arg in node.args])


def axis_map(node: Node) -> Mapping[int, int | None]:
    """Along which axis of the node an axis of its arguments runs, None for one that ends in it; the others keep their place."""
    rank = len(node.args[0].shape) if node.args else 0
    match node.op:
        case "matinv" | "det":
            return dict.fromkeys((rank - 2, rank - 1))
        case "solve" | "reshape" | "concat":
            return dict.fromkeys(range(rank))
        case "arrange":
            return {axis: k for k, axis in enumerate(node.meta) if axis is not None}
        case "diagonal":
            first, second = node.meta
            kept = [axis for axis in range(rank) if axis not in (first, second)]
            return {axis: k for k, axis in enumerate(kept)} | {first: len(kept), second: len(kept)}
        case "total" | "product":
            return {k: None if k == node.meta else k - (k > node.meta) for k in range(rank)}
    return {}


def renamed(axes: Sequence[int | None], to: Mapping[int, int | None]) -> tuple[int | None, ...]:
    """The axes after an operation with that :func:`axis_map`."""
    return tuple(None if axis is None else to.get(axis, axis) for axis in axes)


def _merged(parts: Sequence[Ties]) -> Ties:
    result: Ties = {}
    for part in parts:
        for leaf, axes in part.items():
            old = result.get(leaf, axes)
            result[leaf] = tuple(a if a == b else None for a, b in zip(old, axes, strict=True))
    return result
