"""What a node of the tower is worth: modulo a prime, modulo its square, or as a real number.

All draws are computed at once, along axis 0; each has its own primes. The levels 0, 1, 2 are the
primes p, q, r of a chain, level 3 the modulus of angles.

* exp(u) modulo p is g^(u modulo q), with g of order q: a true homomorphism. Likewise from r to q.
* log(a) modulo p is Fermat's quotient (a^(p-1) - 1)/p, from a modulo p^2: a true homomorphism, of
  which only |a| matters. So that log(exp u) = u, exp(u) modulo p^2 is T^(u mod q) (1-p)^(u mod p), with
  T the Teichmueller representative of g.
* sqrt(a) is the root that is itself a square, so that roots of products are products of roots.
* cos(u) + i sin(u) is w^(u modulo t), with w of order t on the unit circle over F_p.
* Where a level has no next one, and for erf, a random function of the argument stands in. It can
  only fail to satisfy a true identity, never satisfy a false one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Rational

from closedform.certify.rings.modular import Ints, inverse, mixed, multiply_squared, power, spread
from closedform.certify.rings.node import AXIS_OPS, Node, moved, side_of

if TYPE_CHECKING:
    from closedform.certify.rings.tower import Tower

Array = Any
ANGLES = 3


class NotSquareError(Exception):
    """A radicand is not a square in some draws: other residues must be drawn for what it depends on."""

    def __init__(self, node: Node, level: int, mask: Array) -> None:
        super().__init__(f"{node.op} at level {level}")
        self.node, self.level, self.mask = node, level, mask


class Plane:
    """The common part: remembers what has been computed."""

    def __init__(self, tower: Tower) -> None:
        self.tower = tower
        self.known: dict[Node, Array] = {}

    def at(self, node: Node) -> Array:
        """The node's array, draws along axis 0."""
        if node not in self.known:
            if node.op in AXIS_OPS:
                self.known[node] = moved(node.op, node.meta, self.at(node.args[0]))
            else:
                self.known[node] = getattr(self, node.op)(node)
        return self.known[node]

    def flag(self, node: Node, wrong: Array) -> None:
        """Mark the entries at which the node does not exist."""
        if wrong.any():
            old = self.tower.flags.get(node)
            self.tower.flags[node] = wrong if old is None else old | wrong

    def select(self, node: Node) -> Array:
        """Condition, value where it holds, value where not."""
        condition, a, b = node.args
        return np.where(self.tower.real.at(condition) > 0.5, self.at(a), self.at(b))

    def concat(self, node: Node) -> Array:
        """Arrays one after the other, along their first axis."""
        parts = [self.at(arg) for arg in node.args]
        draws = max(len(part) for part in parts)
        return np.concatenate([np.broadcast_to(part, (draws, *part.shape[1:])) for part in parts], axis=1)

    def shadowed(self, node: Node) -> Array:
        """Residues from a construction; the real point comes with it."""
        return self.at(node.args[0])


class Residues(Plane):
    """Modulo the prime of one level."""

    squared = False

    def __init__(self, tower: Tower, level: int) -> None:
        super().__init__(tower)
        self.level = level
        self.p = tower.moduli[level]
        self.modulus = self.p * self.p if self.squared else self.p

    def _by(self, per_draw: Ints, like: Ints) -> Ints:
        return spread(per_draw, like)

    def _reduce(self, a: Ints) -> Ints:
        return a % self._by(self.modulus, a)

    def _times(self, a: Ints, b: Ints) -> Ints:
        product = a * b
        return product % self._by(self.p, product)

    def _inverted(self, a: Ints) -> Ints:
        return inverse(a, self._by(self.p, a))

    def _of_integers(self, a: Ints) -> Ints:
        return self._reduce(a)

    # -- constants and leaves ---------------------------------------------------------------------
    def number(self, node: Node) -> Ints:
        value: Rational = node.meta
        return np.array([int(value.p) * pow(int(value.q), -1, int(m)) % int(m) for m in self.modulus], dtype=np.int64)

    size = number

    def eye(self, node: Node) -> Ints:
        return np.eye(node.meta, dtype=np.int64)[None]

    def leaf(self, node: Node) -> Ints:
        if node.meta.integers is not None and not (self.tower.free and node.meta.label):
            return self._of_integers(node.meta.integers)
        return self._drawn(node)

    def _drawn(self, node: Node) -> Ints:
        return node.meta.residues(self.level, self.p)

    # -- arithmetic -------------------------------------------------------------------------------
    def add(self, node: Node) -> Ints:
        return self._reduce(self.at(node.args[0]) + self.at(node.args[1]))

    def mul(self, node: Node) -> Ints:
        a, b = node.args
        if self.tower.free and side_of(b, a):
            a, b = b, a
        return self._times(self._free(a, tied=False) if self.tower.free and side_of(a, b) else self.at(a), self.at(b))

    def total(self, node: Node) -> Ints:
        return self._reduce(self.at(node.args[0]).sum(axis=node.meta + 1))

    def product(self, node: Node) -> Ints:
        a = np.moveaxis(self.at(node.args[0]), node.meta + 1, 0)
        result = a[0]
        for factor in a[1:]:
            result = self._times(result, factor)
        return result

    def inv(self, node: Node) -> Ints:
        a = self.at(node.args[0])
        self.flag(node, self._is_zero(a))
        return self._inverted(a)

    def _is_zero(self, a: Ints) -> Array:
        return a == 0

    def ipow(self, node: Node) -> Ints:
        return self._integer_power(self.at(node.args[0]), node.meta)

    def _integer_power(self, a: Ints, exponent: int) -> Ints:
        result = None
        while exponent:
            if exponent & 1:
                result = a if result is None else self._times(result, a)
            exponent >>= 1
            a = self._times(a, a) if exponent else a
        return a if result is None else result

    # -- functions --------------------------------------------------------------------------------
    def root(self, node: Node) -> Ints:
        a = self.at(node.args[0])
        p = self._by(self.p, a)
        root = power(a, (p + 1) // 4, p)
        wrong = root * root % p != a
        if wrong.any():
            self.tower.irregular.add(node.args[0])
            raise NotSquareError(node.args[0], self.level, wrong)
        return root

    def exp(self, node: Node) -> Ints:
        if self.level >= 2:
            return self._random(node.op, self.at(node.args[0]))
        return self.tower.base("exp", self.level)(self.tower.plane(self.level + 1).at(node.args[0]))

    def log(self, node: Node) -> Ints:
        a = self.tower.lift(self.level).at(node.args[0])
        p = self._by(self.p, a)
        self.flag(node, a % p == 0)
        return ((power(a, p - 1, p, squared=True) - 1) // p) % p

    def gpow(self, node: Node) -> Ints:
        # x^c with x a square, so of the order of the next prime
        base, exponent = node.args
        a = self.at(base)
        p = self._by(self.p, a)
        zero = a == 0
        self.flag(node, np.broadcast_to(zero, np.broadcast_shapes(a.shape, (1, *node.shape))))
        wrong = (power(a, (p - 1) // 2, p) != 1) & ~zero
        if wrong.any():
            self.tower.irregular.add(base)
            raise NotSquareError(base, self.level, wrong)
        if self.level >= 2:
            return self._random("exp", self._times(self.at(exponent), self.at(self.tower.log_node(base))))
        return power(a, self.tower.plane(self.level + 1).at(exponent), p)

    def erf(self, node: Node) -> Ints:
        a = self.at(node.args[0])
        p = self._by(self.p, a)
        negative = a > p // 2  # odd: one random value for each pair of opposite arguments
        value = self._random("erf", np.where(negative, p - a, a))
        return np.where(a == 0, 0, np.where(negative, p - value, value) % p)

    def cos(self, node: Node) -> Ints:
        return self._circle(node.args[0])[..., 0]

    def sin(self, node: Node) -> Ints:
        return self._circle(node.args[0])[..., 1]

    def _circle(self, angle: Node) -> Ints:
        if self.level == ANGLES:
            a = self.at(angle)
            p = self._by(self.p, a)
            negative = a > p // 2
            key = np.where(negative, p - a, a)
            sine = self._random("sin", key)
            pair = [np.where(a == 0, 1, self._random("cos", key)), np.where(a == 0, 0, np.where(negative, p - sine, sine) % p)]
            return np.stack(pair, axis=-1)
        return self.tower.base("circle", self.level)(self.tower.plane(ANGLES).at(angle))

    def _random(self, what: str, key: Ints) -> Ints:
        """A random function of the argument's residue, one for each draw."""
        salt = sum(ord(letter) << 8 * n for n, letter in enumerate(what[:7]))
        value = mixed(self._by(self.tower.salts, key), salt, self.level, int(self.squared), key)
        return value % self._by(self.p, value)

    # -- decided by the real point, or free -------------------------------------------------------
    def sign(self, node: Node) -> Ints:
        return self._free(node) if self.tower.free else self._decided(node)

    step = less = sign

    def select(self, node: Node) -> Ints:
        if not self.tower.free:
            return super().select(node)
        # multilinear in the outcomes: right for 0 and 1
        condition, a, b = node.args
        chosen = self._free(condition, tied=False) if self.tower.chooses(node) else self.at(condition)
        a, b = self.at(a), self.at(b)
        return self._reduce(b + self._times(chosen, self._reduce(a - b)))

    def _decided(self, node: Node) -> Ints:
        return self._of_integers(self.tower.real.at(node).astype(np.int64))

    def _free(self, node: Node, *, tied: bool = True) -> Ints:
        """Random outcomes of a comparison; (1 + side sign(u) - tie(u)) / 2 says that u lies on that side of zero.

        As sign(u) is an odd function of u and tie(u) an even one, u < 0 is -u > 0. Where a tie does not matter, as in |u| and
        max(u, v), ``tied`` is not set.
        """
        a = self.at(node.args[0])
        p = self._by(self.p, a)
        negative = a % p > p // 2
        distance = np.where(negative, p - a % p, a % p)
        value = self._unknown("sign", distance)
        sign = np.where(distance == 0, 0, self._reduce(np.where(negative, -value, value)))
        if node.op == "sign":
            return sign
        side, at_zero = (1, 0) if node.op == "step" else (-1, int(node.meta))
        tie = np.where(distance == 0, 1, self._unknown("tie", distance) if self.tower.may_tie(node) else 0) if tied else 0 * sign
        half = (self._by(self.modulus, sign) + 1) // 2
        return self._reduce(self._times(half, self._reduce(1 + side * sign - tie)) + at_zero * tie)

    def _unknown(self, what: str, key: Ints) -> Ints:
        return self._random(what, key)

    # -- matrices ---------------------------------------------------------------------------------
    def matinv(self, node: Node) -> Ints:
        a = self.at(node.args[0])
        n = a.shape[-1]
        both = np.concatenate([a, np.broadcast_to(np.eye(n, dtype=np.int64), a.shape)], axis=-1)
        reduced, det = self._eliminated(both, n)
        self.flag(node, np.broadcast_to(self._is_zero(det)[..., None, None], a.shape))
        return reduced[..., n:]

    def det(self, node: Node) -> Ints:
        a = self.at(node.args[0])
        return self._eliminated(a, a.shape[-1])[1]

    def _eliminated(self, a: Ints, columns: int) -> tuple[Ints, Ints]:
        """Gauss-Jordan elimination of the first columns; with the determinant of that part, 0 where it is singular."""
        a = np.array(a)
        det = np.ones(a.shape[:-2], dtype=np.int64)
        for k in range(columns):
            pivot = k + np.argmax(~self._is_zero(a[..., k:, k]), axis=-1)
            swapped = pivot[..., None, None]
            row, other = a[..., k : k + 1, :].copy(), np.take_along_axis(a, swapped, axis=-2)
            np.put_along_axis(a, np.broadcast_to(swapped, (*row.shape[:-1], 1)), row, axis=-2)
            head = other[..., 0, k]
            det = self._times(
                det, np.where(pivot == k, head, -head) if not self.squared else self._reduce(np.where(pivot == k, head, -head))
            )
            normal = self._times(other, self._inverted(head)[..., None, None])
            factor = a[..., :, k : k + 1].copy()
            factor[..., k, :] = 0
            a = self._reduce(a - self._times(factor, normal))
            a[..., k, :] = normal[..., 0, :]
        return a, det

    def solve(self, node: Node) -> Ints:
        """A solution x of J x = F with x = 0 off the pivots; equations that depend on others are skipped."""
        jacobian, right = (self.at(arg) for arg in node.args)
        draws = len(self.p)
        a = np.concatenate(
            [np.broadcast_to(jacobian, (draws, *jacobian.shape[1:])), np.broadcast_to(right, (draws, *right.shape[1:]))[..., None]], axis=-1
        )
        solution = np.zeros((draws, jacobian.shape[-1]), dtype=np.int64)
        row = 0
        pivots: list[int] = []
        for column in range(jacobian.shape[-1]):
            if row == a.shape[1]:
                break
            usable = ~self._is_zero(a[:, row:, column])
            if not usable.any(axis=1).all():
                continue
            pivot = row + np.argmax(usable, axis=1)
            index = np.arange(draws)
            chosen = a[index, pivot].copy()
            a[index, pivot] = a[:, row]
            normal = self._times(chosen, self._inverted(chosen[:, column])[:, None])
            factor = a[:, :, column : column + 1].copy()
            factor[:, row] = 0
            a = self._reduce(a - self._times(factor, normal[:, None, :]))
            a[:, row] = normal
            pivots.append(column)
            row += 1
        for k, column in enumerate(pivots):
            solution[:, column] = a[:, k, -1]
        return solution


class Lifted(Residues):
    """Modulo the square of the prime of one level."""

    squared = True

    def _times(self, a: Ints, b: Ints) -> Ints:
        return multiply_squared(a, b, self._by(self.p, a if a.ndim >= b.ndim else b))

    def _is_zero(self, a: Ints) -> Array:
        return a % self._by(self.p, a) == 0

    def _inverted(self, a: Ints) -> Ints:
        p = self._by(self.p, a)
        first = inverse(a % p, p)
        return self._times(first, self._reduce(2 - self._times(a, first)))

    def _drawn(self, node: Node) -> Ints:
        return node.meta.lifted(self.level, self.p)

    def total(self, node: Node) -> Ints:
        a = self.at(node.args[0])
        high, low = np.divmod(a, self._by(self.p, a))
        high, low = high.sum(axis=node.meta + 1), low.sum(axis=node.meta + 1)
        p = self._by(self.p, low)
        return (high + low // p) % p * p + low % p

    def _from_logarithm(self, residue: Ints, logarithm: Ints) -> Ints:
        """The number with that residue modulo p and that Fermat quotient: Teichmueller(residue) (1-p)^logarithm."""
        p = self._by(self.p, residue if residue.ndim >= logarithm.ndim else logarithm)
        return self._times(power(residue, p, p, squared=True), (1 - logarithm % p * p) % (p * p))

    def root(self, node: Node) -> Ints:
        a = self.at(node.args[0])
        p = self._by(self.p, a)
        root = self.tower.plane(self.level).at(node)
        half = inverse(2 * root % p, p)
        return root + (self._reduce(a - root * root) // p) % p * half % p * p

    def exp(self, node: Node) -> Ints:
        if self.level >= 2:
            return self._extended(node)
        u = self.tower.plane(self.level).at(node.args[0])
        teichmueller = self.tower.base("exp lifted", self.level)(self.tower.plane(self.level + 1).at(node.args[0]))
        p = self._by(self.p, u)
        return self._times(teichmueller, (1 - u * p) % (p * p))

    def gpow(self, node: Node) -> Ints:
        plane = self.tower.plane(self.level)
        product = plane.at(node.args[1]) * plane.at(self.tower.log_node(node.args[0]))
        return self._from_logarithm(plane.at(node), product % self._by(self.p, product))

    def _unknown(self, what: str, key: Ints) -> Ints:
        return self.tower.plane(self.level)._unknown(what, key) + self._by(self.p, key) * self._random(what, key)

    def _extended(self, node: Node) -> Ints:
        """A number known modulo p only, with a random function of it as its second digit."""
        low = self.tower.plane(self.level).at(node)
        return low + self._by(self.p, low) * self._random(node.op, low)

    log = erf = cos = sin = _extended
