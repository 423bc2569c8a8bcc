"""How many comparisons and labels act *together*: which combinations of branches an equality must have met.

Regard a difference as a function of the outcomes of its comparisons and of its labels, of m values each (2 for a
comparison). It is a sum of functions f_S of sets S of outcomes, none inside the others. Fix everything outside a
largest S whose own share is not zero: the rest is not zero at one combination of S at least. So

    a difference that is not zero is not zero for a share of at least 2^-B of all combinations,
    B = the largest sum over S of log2 m,

and B is small where many comparisons stand side by side (sum_k relu(x_k) has B = 1), large where they are multiplied
or enter one nonlinear function.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from math import inf, log2, prod

import numpy as np

from closedform.certify.rings.node import AXIS_OPS, COMPARISONS, Node, axis_map, renamed

# A comparison or label; along which axis of the node each of its axes runs, None where all its entries are used; of how many values.
Outcome = tuple[Node, tuple[int | None, ...], int]
ONE = -1  # for an axis along which there is one outcome only: of length 1, or the entries of a one-hot row

_LINEAR = AXIS_OPS | {"shadowed", "total", "concat"}


@dataclass(frozen=True)
class _Reach:
    """What one entry of a node depends on.

    Attributes:
        bits: B.
        outcomes: all comparisons and labels; an axis that is None stands for all entries along it.
    """

    bits: float
    outcomes: frozenset[Outcome]


def combined_bits(node: Node, undecided: Set[Node], tied: Set[Node] = frozenset()) -> float:
    """B for the entries of ``node``.

    Args:
        undecided: what can have two outcomes: comparisons, and square roots that may be s or -s.
        tied: comparisons of what may be zero. Whether it is, the outcomes below may say: sum_b m[b] > 0 fails where all labels are 0.
    """
    return _reach(node, _Open(undecided, tied), {}).bits


@dataclass(frozen=True)
class _Open:
    undecided: Set[Node]
    tied: Set[Node]


def _reach(node: Node, open: _Open, known: dict[Node, _Reach]) -> _Reach:
    if node not in known:
        known[node] = _combined(node, open, known)
    return known[node]


def _combined(node: Node, open: _Open, known: dict[Node, _Reach]) -> _Reach:
    own = _own(node, open.undecided)
    if node.op in COMPARISONS and node not in open.tied:
        return _Reach(_bits(own), own)
    to = axis_map(node)
    below = [_reach(arg, open, known) for arg in node.args]
    outcomes = frozenset((outcome, renamed(axes, to), values) for reach in below for outcome, axes, values in reach.outcomes)
    outcomes |= own
    return _Reach(min(_bits(outcomes), _interaction(node, [reach.bits for reach in below])), outcomes)


def _own(node: Node, undecided: Set[Node]) -> frozenset[Outcome]:
    if node.op == "leaf" and node.meta.label:
        return frozenset({_label(node)})
    return frozenset({_outcome(node, 2, None)} if node in undecided else ())


def _interaction(node: Node, below: list[float]) -> float:
    """B of a node from that of its arguments: sums leave it as it is, products add; elsewhere everything may act together."""
    match node.op:
        case "add":
            return max(below)
        case op if op in _LINEAR:
            return max(below)
        case "mul":
            return sum(below)
        case "ipow":
            return float(node.meta * below[0])
        case "product":
            return node.args[0].shape[node.meta] * below[0]
        case "select":
            return below[0] + max(below[1:])
    return inf


def _bits(outcomes: Iterable[Outcome]) -> float:
    """log2 of the number of combinations."""
    return sum(log2(values) * prod(n for n, axis in zip(node.shape, axes, strict=True) if axis is None) for node, axes, values in outcomes)


def _label(node: Node) -> Outcome:
    entries = node.meta.integers
    for axis, n in enumerate(node.shape):
        if n > 1 and np.isin(entries, (0, 1)).all() and (entries.sum(axis=axis + 1) == 1).all():
            return _outcome(node, 1, axis)  # not counted: see docs/kernel.md
    return _outcome(node, len(np.unique(entries)), None)


def _outcome(node: Node, values: int, row: int | None) -> Outcome:
    return node, tuple(ONE if n == 1 or axis == row else axis for axis, n in enumerate(node.shape)), values
