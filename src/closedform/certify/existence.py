"""What there is to know of a node besides its residues: where it exists, and on which sides of zero it can lie."""

from __future__ import annotations

from collections.abc import Sequence, Set
from fractions import Fraction
from math import inf
from typing import Any

import numpy as np

from closedform.certify.definite import is_semidefinite
from closedform.certify.rings.node import AXIS_OPS, Node, moved, side_of
from closedform.certify.rings.tower import Tower

Range = tuple[Fraction | float, Fraction | float]  # exact but for infinities
ANY, POSITIVE, NEGATIVE = (-inf, inf), (0.0, inf), (-inf, 0.0)


class PossibleSides:
    """On which sides of zero a node can lie, as far as interval arithmetic and the constraints show.

    Args:
        known: nodes that a constraint says are positive (1) or negative (-1); an expression is recognised by
            its residues.
        nonzero: nodes of which no entry is zero, see :mod:`.needed`.
    """

    def __init__(self, tower: Tower, known: Sequence[tuple[Node, int]] = (), *, nonzero: Set[Node] = frozenset()) -> None:
        self._tower = tower
        self._nonzero = nonzero
        self._stated: dict[bytes, Range] = {}
        self._ranges: dict[Node, Range] = {}
        self._whole: dict[Node, bool] = {}
        self._apart: dict[Node, bool] = {}
        for node, side in known:
            residues = tower.plane(0).at(node)
            p = tower.moduli[0].reshape((-1,) + (1,) * (residues.ndim - 1))
            above, below = (POSITIVE, NEGATIVE)[::side]
            self._stated |= {self._key(residues): above, self._key(-residues % p): below}

    def _key(self, residues: Any) -> bytes:
        return np.ascontiguousarray(np.squeeze(residues)).tobytes()

    def __call__(self, node: Node) -> frozenset[int]:
        """A subset of -1 and 1; which entries are zero is not asked."""
        low, high = self._range(node)
        return frozenset(side for side, has in ((-1, low < 0), (1, high > 0)) if has)

    def with_zero(self, node: Node) -> frozenset[int]:
        """A subset of -1, 0 and 1; without 0 if entries are zero at single points at most, not on a whole region."""
        low, high = self._range(node)
        return self(node) | ({0} if low <= 0 <= high and not self._nowhere_zero(node) else set())

    def _range(self, node: Node) -> Range:
        """Numbers between which the real values lie."""
        if node not in self._ranges:
            low, high = self._computed(node)
            if self._stated and node.op in ("add", "leaf", "shadowed"):
                least, most = self._stated.get(self._key(self._tower.plane(0).at(node)), ANY)
                low, high = max(low, least), min(high, most)
            if node in self._nonzero and self._is_whole(node):  # so it is 1 at least, or -1 at most
                low, high = (max(low, 1) if low >= 0 else low), (min(high, -1) if high <= 0 else high)
            self._ranges[node] = low, high
        return self._ranges[node]

    def _computed(self, node: Node) -> Range:
        match node.op:
            case "number":
                return Fraction(str(node.meta)), Fraction(str(node.meta))
            case "size":
                return 1, inf
            case "leaf" if node.meta.values is not None:
                return Fraction(min(node.meta.values)), Fraction(max(node.meta.values))
            case "leaf" if node.meta.positive:
                return POSITIVE
            case "exp" | "gpow" | "root":
                return POSITIVE
            case "eye" | "step" | "less":
                return 0.0, 1.0
            case "sign":
                return -1.0, 1.0
            case "ipow" if node.meta % 2 == 0:
                return POSITIVE
            case "inv" | "ipow":
                low, high = self._range(node.args[0])
                return (0.0 if low >= 0 else -inf), (0.0 if high <= 0 else inf)
            case "arrange" | "broadcast" | "diagonal" | "reshape":
                return self._range(node.args[0])
            case "det" if self._is_semidefinite(node.args[0]):
                return POSITIVE
            case "total" if self._is_quadratic_form(node):
                return POSITIVE
            case "total":
                low, high = self._range(node.args[0])  # of one or more terms
                return (low if low >= 0 else -inf), (high if high <= 0 else inf)
            case "add":
                return _plus(*map(self._range, node.args))
            case "mul":
                return self._product(*node.args)
            case "select":
                return self._chosen(node)
        return ANY

    def _is_whole(self, node: Node) -> bool:
        """Whether all entries are whole numbers, because labels are, and sums and products of such."""
        if node not in self._whole:
            match node.op:
                case "number":
                    self._whole[node] = bool(node.meta.is_Integer)
                case "leaf":
                    self._whole[node] = node.meta.values is not None
                case "size" | "eye" | "sign" | "step" | "less":
                    self._whole[node] = True
                case _:
                    made = node.op in AXIS_OPS or node.op in ("add", "mul", "total", "product", "ipow", "select")
                    self._whole[node] = made and all(map(self._is_whole, node.args))
        return self._whole[node]

    def _nowhere_zero(self, node: Node) -> bool:
        """Whether all entries differ from zero but for single points, as far as their making shows."""
        if node not in self._apart:
            self._apart[node] = node in self._nonzero or self._is_apart(node)
        return self._apart[node]

    def _is_apart(self, node: Node) -> bool:
        match node.op:
            case "number":
                return bool(node.meta != 0)
            case "leaf":  # an input without labels is what it likes, unless its bounds leave no choice
                return node.meta.values is None and not node.meta.label and bool((node.meta.real != 0).all())
            case "exp" | "size":
                return True
            case "mul" | "product" | "inv" | "ipow" | "root" | "arrange" | "broadcast" | "diagonal" | "reshape":
                return all(map(self._nowhere_zero, node.args))
            case "gpow":
                return self._nowhere_zero(node.args[0])
            case "add" | "total":  # nothing cancels
                one_sided = any(all(side not in self(arg) for arg in node.args) for side in (-1, 1))
                return one_sided and any(map(self._nowhere_zero, node.args))
            case "select":
                _, yes, no = node.args
                return all(map(self._nowhere_zero, (yes, no))) or any(
                    self._nowhere_zero(arg) and -1 not in self(arg) for arg in (yes, no) if self._tower.chooses(node) == "larger"
                )
        return False

    def _is_semidefinite(self, matrix: Node) -> bool:
        rank = len(matrix.shape)
        return is_semidefinite(matrix, rank - 2, rank - 1, lambda node: self._range(node)[0] >= 0)

    def _is_quadratic_form(self, total: Node) -> bool:
        """Whether it is the sum of all entries of a positive semidefinite matrix, such as x[i] S[i,j] x[j]."""
        inner = self._summed_last(total.args[0])
        if inner is None:
            return False
        i, j = total.meta + (inner.meta <= total.meta), inner.meta
        return is_semidefinite(inner.args[0], i, j, lambda node: self._range(node)[0] >= 0)

    def _summed_last(self, node: Node) -> Node | None:
        """A sum that equals the node, as a*sum(b) is the sum of a*b."""
        if node.op == "total":
            return node
        if node.op == "mul":
            for a, b in (node.args, node.args[::-1]):
                if b.op == "total" and len(a.shape) == len(b.shape):
                    spread = [*range(b.meta), None, *range(b.meta, len(a.shape))]
                    return self._tower.total(self._tower.multiply(self._tower.arrange(a, spread), b.args[0]), b.meta)
        return None

    def _product(self, a: Node, b: Node) -> Range:
        if a is b:
            return POSITIVE
        if side_of(a, b) or side_of(b, a):  # |x|, relu(x)
            return POSITIVE
        return _times(self._range(a), self._range(b))

    def _chosen(self, node: Node) -> Range:
        """Of either branch; of the larger or smaller one, where that is what is chosen."""
        _, yes, no = node.args
        (low, high), (other_low, other_high) = self._range(yes), self._range(no)
        chosen = self._tower.chooses(node)
        return (max if chosen == "larger" else min)(low, other_low), (min if chosen == "smaller" else max)(high, other_high)


def _plus(a: Range, b: Range) -> Range:
    return a[0] + b[0], a[1] + b[1]


def _times(a: Range, b: Range) -> Range:
    products = [0 if x == 0 or y == 0 else x * y for x in a for y in b]
    return min(products), max(products)


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
