"""Derivatives without limits: numbers with infinitesimals e1, e2, ..., each of square zero.

The coefficient of e1*e2 of L(x + e1*u + e2*v) *is* the second derivative of L along u and v, in
any ring, also in a finite field. A jet maps a set of infinitesimals, written as a bitmask, to its
coefficient; a missing one is zero. With e the last infinitesimal and a, b free of it,

    f(a + e b) = f(a) + e f'(a) b,

where f(a) and f'(a) are jets in fewer infinitesimals: one rule for f' gives every order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sympy import Integer, Rational

from closedform.certify.named import Axis, Named, NamedArrays
from closedform.certify.rings.base import Ring

Jet = dict[int, Named]


class Jets:
    """Arithmetic on jets of named arrays over one ring."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.arrays = NamedArrays(ring)
        self.one = self.number(Integer(1))
        self.zero = Named((), ring.number(Integer(0)))
        # f'(a), given a and f(a); where there is none, f is locally constant.
        self._derivative: dict[str, Callable[[Jet, Jet], Jet] | None] = {
            "exp": lambda a, f: f,
            "log": lambda a, f: self.power(a, Integer(-1)),
            "sin": lambda a, f: self.apply("cos", a),
            "cos": lambda a, f: self.negative(self.apply("sin", a)),
            "sinh": lambda a, f: self.apply("cosh", a),
            "cosh": lambda a, f: self.apply("sinh", a),
            "tanh": lambda a, f: self.subtract(self.one, self.multiply(f, f)),
            "sigmoid": lambda a, f: self.multiply(f, self.subtract(self.one, f)),
            "softplus": lambda a, f: self.apply("sigmoid", a),
            "erf": self._erf_derivative,
            "Abs": lambda a, f: self.apply("sign", a),
            "relu": lambda a, f: self.apply("step", a),
            "sign": None,
            "step": None,
        }

    # -- constants --------------------------------------------------------------------------------
    def number(self, value: Rational) -> Jet:
        """A constant."""
        return {0: Named((), self.ring.number(value))}

    def size(self, n: int) -> Jet:
        """The size of a dimension."""
        return {0: Named((), self.ring.size(n))}

    def base(self, a: Jet) -> Named:
        """The coefficient without infinitesimals: the value itself."""
        return a.get(0, self.zero)

    # -- arithmetic -------------------------------------------------------------------------------
    def add(self, a: Jet, b: Jet) -> Jet:
        """a + b."""
        result = dict(a)
        for mask, value in b.items():
            result[mask] = self.arrays.combine(self.ring.add, result[mask], value) if mask in result else value
        return result

    def subtract(self, a: Jet, b: Jet) -> Jet:
        """a - b."""
        return self.add(a, self.negative(b))

    def negative(self, a: Jet) -> Jet:
        """-a."""
        return self.multiply(self.number(Integer(-1)), a)

    def multiply(self, a: Jet, b: Jet) -> Jet:
        """a b: coefficients of disjoint sets of infinitesimals multiply, others vanish."""
        result: Jet = {}
        for s, x in a.items():
            for t, y in b.items():
                if s & t == 0:
                    product = self.arrays.combine(self.ring.multiply, x, y)
                    result[s | t] = self.arrays.combine(self.ring.add, result[s | t], product) if s | t in result else product
        return result

    def total(self, a: Jet, axis: Axis, size: int) -> Jet:
        """Sum over an axis of the given size."""
        lacking: Jet = {mask: value for mask, value in a.items() if axis not in value.axes}
        having: Jet = {mask: self.arrays.total(value, axis) for mask, value in a.items() if axis in value.axes}
        if not lacking:
            return having
        return self.add(having, self.multiply(self.size(size), lacking))

    def contract(self, a: Jet, b: Jet, axis: Axis, size: int) -> Jet:
        """Sum over an axis of the given size of a b."""
        result: Jet = {}
        for s, x in a.items():
            for t, y in b.items():
                if s & t == 0:
                    product = self._contracted(x, y, axis, size)
                    result[s | t] = self.arrays.combine(self.ring.add, result[s | t], product) if s | t in result else product
        return result

    def _contracted(self, x: Named, y: Named, axis: Axis, size: int) -> Named:
        if axis in x.axes and axis in y.axes:
            return self.arrays.contract(x, y, axis)
        return self.total({0: self.arrays.combine(self.ring.multiply, x, y)}, axis, size)[0]

    def rename(self, a: Jet, names: Mapping[Axis, Axis]) -> Jet:
        """Rename axes; equal names give the diagonal."""
        return {mask: self.arrays.rename(value, names) for mask, value in a.items()}

    # -- functions --------------------------------------------------------------------------------
    def apply(self, function: str, a: Jet) -> Jet:
        """An elementary function: f(a + e b) = f(a) + e f'(a) b."""
        bit = highest(a)
        if not bit:
            return {0: self._entrywise(lambda x: self.ring.apply(function, x), self.base(a))}
        a0, b = split(a, bit)
        f = self.apply(function, a0)
        rule = self._derivative[function]
        return f if rule is None else join(f, self.multiply(rule(a0, f), b), bit)

    def power(self, a: Jet, exponent: Rational) -> Jet:
        """A constant power: (a + e b)^n = a^n + e n a^(n-1) b."""
        if exponent == 0:
            return self.one
        if exponent == 1:
            return a
        bit = highest(a)
        if not bit:
            return {0: self._entrywise(lambda x: self.ring.power(x, exponent), self.base(a))}
        a0, b = split(a, bit)
        slope = self.multiply(self.number(exponent), self.power(a0, exponent - 1))
        return join(self.power(a0, exponent), self.multiply(slope, b), bit)

    def general_power(self, a: Jet, exponent: Jet) -> Jet:
        """(a + e b)^(c + e d) = a^c (1 + e (d log a + c b / a)), for positive a."""
        bit = max(highest(a), highest(exponent))
        if not bit:
            return {0: self.arrays.combine(self.ring.general_power, self.base(a), self.base(exponent))}
        (a0, b), (c, d) = split(a, bit), split(exponent, bit)
        f = self.general_power(a0, c)
        slope: Jet = {}
        if d:
            slope = self.multiply(d, self.apply("log", a0))
        if b:
            slope = self.add(slope, self.multiply(self.multiply(c, b), self.power(a0, Integer(-1))))
        return join(f, self.multiply(f, slope), bit)

    def less(self, a: Jet, b: Jet, or_equal: bool) -> Jet:
        """A comparison: 1 or 0, locally constant."""
        return {0: self.arrays.combine(lambda x, y: self.ring.less(x, y, or_equal), self.base(a), self.base(b))}

    def select(self, condition: Jet, a: Jet, b: Jet) -> Jet:
        """``a`` where the condition holds, else ``b``, coefficient by coefficient."""
        zero = self.zero
        return {
            mask: self.arrays.combine(self.ring.select, self.base(condition), a.get(mask, zero), b.get(mask, zero))
            for mask in sorted(a.keys() | b.keys())
        }

    def _erf_derivative(self, a: Jet, f: Jet) -> Jet:
        # erf'(a) = 2 pi^(-1/2) exp(-a^2)
        root = self.power({0: Named((), self.ring.pi())}, Rational(-1, 2))
        bell = self.apply("exp", self.negative(self.multiply(a, a)))
        return self.multiply(self.number(Integer(2)), self.multiply(root, bell))

    def _entrywise(self, function: Callable[..., object], a: Named) -> Named:
        return Named(a.axes, function(a.data))


def shifted(a: Jet, bits: Sequence[int]) -> Jet:
    """The coefficient of all of ``bits``, as a jet in the other infinitesimals."""
    wanted = sum(bits)
    return {mask & ~wanted: value for mask, value in a.items() if mask & wanted == wanted}


def highest(a: Jet) -> int:
    """The bit of the last infinitesimal, 0 for none."""
    top = max(a, default=0)
    return 1 << (top.bit_length() - 1) if top else 0


def split(a: Jet, bit: int) -> tuple[Jet, Jet]:
    """a and b of a + e b."""
    return {m: v for m, v in a.items() if not m & bit}, {m & ~bit: v for m, v in a.items() if m & bit}


def join(a: Jet, b: Jet, bit: int) -> Jet:
    """a + e b."""
    return a | {mask | bit: value for mask, value in b.items()}
