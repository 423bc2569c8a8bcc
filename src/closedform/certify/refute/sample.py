"""One exact point, evaluated in double precision for screening and in balls for certainty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq
from sympy import Expr

from closedform.certify.evaluate import Interpreter
from closedform.certify.refute.exact import Array, Values
from closedform.certify.rings.ball import Ball
from closedform.certify.rings.float64 import Float64
from closedform.notation import Dim, Index, Membership, OneHot, Partial, Setting, free_indices, head_name

ALMOST = 1e-9  # relative; screening only: balls confirm
FLOOR = 1e-3
FLOAT = Float64()


class KinkAverseBall(Ball):
    """Balls that are NaN at a kink: where a compared pair is equal, or abs, sign, relu, step stand at 0."""

    def apply(self, function: str, a: Array) -> Array:
        """NaN at the kink, else as the ring does."""
        values = super().apply(function, a)
        return _without(values, lambda x: x == 0, a) if function in ("Abs", "sign", "relu", "step") else values

    def less(self, a: Array, b: Array, or_equal: bool) -> Array:
        """NaN for a tie, else as the ring does."""
        return _without(super().less(a, b, or_equal), lambda x: x == 0, a - b)


def _without(values: Array, excluded: Callable[[arb], bool], at: Array) -> Array:
    return np.asarray(np.frompyfunc(lambda value, x: arb("nan") if excluded(x) else value, 2, 1)(values, at), dtype=object)


def _ball(x: Fraction) -> arb:
    return arb(fmpq(x.numerator, x.denominator))


_TO_BALL = np.frompyfunc(_ball, 1, 1)


def exact_balls(values: Array) -> Array:
    """Fractions as balls, of the precision in force."""
    return np.asarray(_TO_BALL(values), dtype=object)


@dataclass(frozen=True)
class Sample:
    """A setting at concrete sizes and exact values of the givens; evaluations are remembered.

    Attributes:
        aliases: extra given -> the expression and indices that its value is that of in ``base``,
            for an intermediate that is cut loose from what it depends on.
        ring: plain balls where ties of discrete data are no kinks, see :func:`has_discrete_data`.
    """

    setting: Setting
    sizes: Mapping[Dim, int]
    values: Values
    aliases: Mapping[str, tuple[Expr, tuple[Index, ...]]] = field(default_factory=dict)
    base: Sample | None = None
    ring: type[Ball] = KinkAverseBall
    interpreters: dict[int, Interpreter] = field(default_factory=dict, repr=False, compare=False)

    def real(self, expression: Expr, axes: tuple[Index, ...]) -> Array:
        """Double-precision values, one axis per index."""
        with FLOAT.scope():
            return np.asarray(self._interpreter(0).entries(expression, axes))

    def balls(self, expression: Expr, axes: tuple[Index, ...], precision: int = 128) -> Array:
        """Enclosures of the values; NaN at kinks and outside the domain."""
        with ctx.workprec(precision):  # also while the fractions become balls
            return np.asarray(self._interpreter(precision).entries(expression, axes), dtype=object)

    def defined(self, expression: Expr, precision: int = 0) -> bool:
        """Whether every function that the expression differentiates has a value here (1/x exists where log x does not)."""
        for target in sorted({node.target for node in expression.atoms(Partial)}, key=str):
            axes = tuple(sorted(free_indices(target), key=lambda index: index.name))
            if precision:
                if not all(x.is_finite() for x in self.balls(target, axes, precision).flat):
                    return False
            elif not np.all(np.isfinite(self.real(target, axes))):
                return False
        return True

    def cut(self, setting: Setting, aliases: Mapping[str, tuple[Expr, tuple[Index, ...]]]) -> Sample:
        """The same point in a setting with further givens, whose values are those of expressions here."""
        return Sample(setting, self.sizes, self.values, aliases, self, self.ring)

    def _interpreter(self, precision: int) -> Interpreter:
        if precision not in self.interpreters:
            values = {name: exact_balls(array) if precision else array.astype(float) for name, array in self.values.items()}
            for name, (source, axes) in self.aliases.items():
                base = self.base or self
                values[name] = base.balls(source, axes, precision) if precision else base.real(source, axes)
            if precision:
                values = {name: np.asarray(array, dtype=object) for name, array in values.items()}
            ring = self.ring(precision) if precision else FLOAT
            self.interpreters[precision] = Interpreter(self.setting, self.sizes, values, ring)
        return self.interpreters[precision]


def has_discrete_data(setting: Setting, lhs: Expr) -> bool:
    """Whether some given takes few values and is not differentiated by, such as labels in {0, 1}.

    Then a comparison such as y > 0 has ties at any point, and they are no kinks. At a generic point the other
    numbers have none.
    """
    varied = {head_name(variable) for node in lhs.atoms(Partial) for variable in node.variables}
    discrete = {head_name(c.entry) for c in setting.constraints if isinstance(c, Membership)}
    discrete |= {c.tensor.name for c in setting.constraints if isinstance(c, OneHot)}
    return bool(discrete) and not discrete & varied


def nearly_equal(a: Array, b: Array, tolerance: float = ALMOST) -> Array:
    """Entrywise; NaN is equal to nothing. Where both arrays are 0 in truth, rounding is still that of numbers near 1."""
    scale = np.max(np.abs(a), initial=FLOOR) + np.max(np.abs(b), initial=FLOOR)
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(a - b) <= tolerance * scale)


def surely_equal(a: Array, b: Array, precision: int) -> bool:
    """Whether every difference of two ball arrays is enclosed in a ball around 0 that is tiny at this precision."""
    with ctx.workprec(precision):
        scale = max([abs(x).mid() for x in (*a.flat, *b.flat)], default=arb(0))
        bound = (scale + arb(2) ** -16) * arb(2) ** (-precision // 2)
        return all(_tiny(x - y, bound) for x, y in zip(a.flat, b.flat, strict=True))


def _tiny(difference: Any, bound: arb) -> bool:
    return bool(difference.contains(0) and abs(difference) < bound)
