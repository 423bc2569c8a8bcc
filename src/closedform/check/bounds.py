"""Tolerances: this one module says how far a right kernel may be from the truth.

None is picked by hand. A formula is evaluated once more with every number a triple (v, e, s): the
value v exp(s) and a bound e exp(s) on the error with which any reasonable program in the dtype has
it (running error analysis). With u the unit roundoff,

    a + b :  e = e_a + e_b + u |v|            a b :  e = |a| e_b + |b| e_a + e_a e_b + u |v|
    sum   :  e = sum e_k + n u sum |v_k|      (any order of adding)
    f(a)  :  e = sup |f'| e_a + c u |f(a)|    (c roundoffs of the library's f)

Exponentials stay scaled: exp(x) is 1 exp(x), exact but for c u. A program shifts x by some m before it
takes exp, and the subtraction costs u |x - m|, so that much is charged where scales meet: in a sum m is
the largest, elsewhere 0. For softmax this gives, with no rule about softmax,

    |dp_i| <= p_i u (|z_i - m| + sum_j p_j |z_j - m| + 2c + n + ...),

which a stable kernel meets at any offset and an unshifted one does not.

The formula is the one that the derivation claims (its closed form), where it claims one, else the
definition, differentiated by jets. A bound is per entry; what underflows is charged absolutely.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Rational

from closedform.certify.rings.base import Ring, fraction
from closedform.certify.rings.float64 import Float64

# Roundoffs with which an elementary function of NumPy or torch comes out; float32 vector code errs by up to 2 ulp, 4 roundoffs.
ELEMENTARY = 4.0
# A kernel may evaluate an equal form of the formula: the same terms, in other factors, each rounded another time.
REARRANGEMENT = 2.0
# Exponentials within exp(10) of the smallest normal number count as flushed: a sum of up to 22,000 terms may divide them.
# In formats of a short range the margin is an eighth of the range.
NEARLY = 10.0
# Exponentials multiplied with each other in second derivatives of a quotient: e_i e_j e_k / S^3, and room for two more.
FACTORS = 8.0


@dataclass(frozen=True)
class Precision:
    """A floating-point format.

    Attributes:
        name: of the dtype.
        roundoff: unit roundoff u, half the distance from 1 to the next number.
        tiny: smallest normal number, as vector code may flush smaller ones to zero; of float16, whose arithmetic is
            done in float32, the smallest number.
        largest: largest finite number.
    """

    name: str
    roundoff: float
    tiny: float
    largest: float


PRECISIONS = {
    "float64": Precision("float64", 2.0**-53, 2.0**-1022, float(np.finfo(np.float64).max)),
    "float32": Precision("float32", 2.0**-24, 2.0**-126, float(np.finfo(np.float32).max)),
    "float16": Precision("float16", 2.0**-11, 2.0**-24, 65504.0),
    "bfloat16": Precision("bfloat16", 2.0**-8, 2.0**-126, 3.3895313892515355e38),
}


def allowed(value: np.ndarray, error: np.ndarray, longest: int, precision: Precision) -> np.ndarray:
    """The tolerance for entries whose formula errs by ``error``; ``longest`` is the largest size.

    Never less than (2c + n) u |value|: a kernel may have a constant of the formula from the data, such as 1 as the
    sum of n probabilities where the formula has 1 - p, and then errs by as much as each of them does.
    """
    relative = precision.roundoff * (2 * ELEMENTARY + longest) * np.abs(value)
    return np.asarray(REARRANGEMENT * np.maximum(error, relative) + precision.tiny)


@dataclass(frozen=True, eq=False)
class Rounded:
    """Numbers ``value * exp(scale)`` with errors up to ``error * exp(scale)``; scale None is 0 everywhere."""

    value: np.ndarray
    error: np.ndarray
    scale: np.ndarray | None = None

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> Rounded:
        """Rearrange the axes of all parts alike."""
        return Rounded(function(self.value), function(self.error), None if self.scale is None else function(self.scale))

    @property
    def shape(self) -> tuple[int, ...]:
        """That which its parts have together."""
        return np.broadcast_shapes(self.value.shape, self.error.shape, () if self.scale is None else self.scale.shape)

    def full(self) -> Rounded:
        """All parts of one shape."""
        return self.map(lambda part: np.broadcast_to(part, self.shape))


class ErrorAnalysis(Ring):
    """The ring of numbers with the error that a program in ``precision`` makes; see the module's text.

    With ``shifted=False`` the program takes every exponential as it is written, and nothing is known of it where
    products of exponentials can leave the range of the format, in whatever order it multiplies.
    """

    name = "error analysis"
    most_entries = 2**25  # of float64: real batches are analysed too, not only the small sizes of proofs

    def __init__(self, precision: Precision, *, shifted: bool = True) -> None:
        self.precision = precision
        self.shifted = shifted
        self.u = precision.roundoff
        self._plain = Float64()

    def scope(self) -> AbstractContextManager[Any]:
        """Without warnings: an infinite error is an answer here."""
        return np.errstate(all="ignore")

    def exact(self, values: np.ndarray) -> Rounded:
        """Inputs, which the kernel gets without error."""
        values = np.asarray(values, dtype=np.float64)
        return Rounded(values, np.zeros_like(values))

    def number(self, value: Rational) -> Rounded:
        """A constant of the formula, rounded if it must be."""
        nearest = float(fraction(value))
        exact = fraction(value).denominator & (fraction(value).denominator - 1) == 0 and abs(value) < 2**8
        return Rounded(np.asarray(nearest), np.asarray(0.0 if exact else self.u * abs(nearest)))

    def pi(self) -> Rounded:
        """The rounded pi."""
        return Rounded(np.asarray(np.pi), np.asarray(self.u * np.pi))

    def eye(self, n: int) -> Rounded:
        """Exact."""
        return self.exact(np.eye(n))

    # -- arithmetic -----------------------------------------------------------------------------
    def add(self, a: Rounded, b: Rounded) -> Rounded:
        """Sum; scaled numbers meet at the larger scale."""
        (a, b), scale = self._common(a, b)
        value = a.value + b.value
        error = a.error + b.error
        # Adding an exact zero (the other branch of a delta) rounds nothing.
        trivial = ((a.value == 0) & (a.error == 0)) | ((b.value == 0) & (b.error == 0))
        return self._checked(Rounded(value, error + np.where(trivial, 0.0, self.u * (np.abs(value) + error)), scale))

    def multiply(self, a: Rounded, b: Rounded) -> Rounded:
        """Product; scales add up."""
        value = a.value * b.value
        error = np.abs(a.value) * b.error + np.abs(b.value) * a.error + a.error * b.error
        if not (_is_power_of_two(a) or _is_power_of_two(b)):
            error = error + self.u * np.abs(value)
        scale = a.scale if b.scale is None else b.scale if a.scale is None else a.scale + b.scale
        return self._checked(Rounded(value, np.where(_zero(a) | _zero(b), 0.0, error + self._underflow(scale)), scale))

    def power(self, a: Rounded, exponent: Rational) -> Rounded:
        """A constant power: relative errors multiply by the exponent, on the side where they grow."""
        q = float(fraction(exponent))
        size = np.abs(a.value)
        edge = size + a.error if q > 1 else np.maximum(size - a.error, 0.0)
        value = self._plain.power(a.value, exponent)
        slope = np.abs(q) * edge ** (q - 1) * a.error
        rounding = self.u * np.abs(value) * (abs(q) if exponent.is_Integer else ELEMENTARY)
        scale = None if a.scale is None else q * a.scale
        error = np.where(a.error == 0, 0.0, slope) + rounding + np.where(_zero(a), 0.0, self._underflow(scale))
        return self._checked(Rounded(value, np.where(np.isnan(error), np.inf, error), scale))

    def apply(self, function: str, a: Rounded) -> Rounded:
        """An elementary function; exp gives a scaled number and log takes one."""
        if function == "log":
            return self._log(a)
        a = self.settled(a)
        if function == "exp":
            error = np.expm1(a.error) + ELEMENTARY * self.u
            if self.shifted:
                return Rounded(np.ones_like(a.value), error, a.value)
            value = np.exp(a.value)
            in_range = np.abs(a.value) + a.error < np.log(self.precision.largest) / FACTORS
            return self._checked(Rounded(value, np.where(in_range, value * error, np.inf)))
        value = self._plain.apply(function, a.value)
        error = _spread(function, a.value, a.error)
        if function not in ("Abs", "relu", "sign", "step"):
            error = error + ELEMENTARY * self.u * np.abs(value) + self.precision.tiny
        return self._checked(Rounded(value, error))

    def _log(self, a: Rounded) -> Rounded:
        # log(v exp(s)) = log v + s, where s = x - m was rounded, and so is the sum
        relative = np.where(_zero(a), 0.0, a.error / np.abs(a.value))
        value = np.log(a.value)
        error = np.where(relative < 1, -np.log1p(-np.minimum(relative, 0.999999)), np.inf) + ELEMENTARY * self.u * np.abs(value)
        if a.scale is not None:
            value = value + a.scale
            error = error + self.u * (np.abs(a.scale) + np.abs(value))
        return self._checked(Rounded(value, error))

    def less(self, a: Rounded, b: Rounded, or_equal: bool) -> Rounded:
        """1 or 0; the error is infinite where the program may decide otherwise."""
        a, b = self.settled(a), self.settled(b)
        doubt = a.error + b.error
        unsure = (np.abs(a.value - b.value) <= doubt) & (doubt > 0)
        return Rounded(self._plain.less(a.value, b.value, or_equal), np.where(unsure, np.inf, 0.0))

    def select(self, condition: Rounded, a: Rounded, b: Rounded) -> Rounded:
        """The branch taken, or no bound where either may be."""
        a, b = self.settled(a), self.settled(b)
        error = self._plain.select(condition.value, a.error, b.error)
        return Rounded(self._plain.select(condition.value, a.value, b.value), np.where(condition.error > 0, np.inf, error))

    # -- axes -----------------------------------------------------------------------------------
    def arrange(self, a: Rounded, order: Sequence[int | None]) -> Rounded:
        """Of each part."""
        return a.full().map(lambda part: self._plain.arrange(part, order))

    def broadcast(self, a: Rounded, shape: Sequence[int]) -> Rounded:
        """Of each part."""
        return a.map(lambda part: np.broadcast_to(part, tuple(shape)))

    def diagonal(self, a: Rounded, first: int, second: int) -> Rounded:
        """Of each part."""
        return a.full().map(lambda part: np.diagonal(part, axis1=first, axis2=second))

    def total(self, a: Rounded, axis: int) -> Rounded:
        """Sum along an axis in any order; scaled numbers meet at the largest scale."""
        a = a.full()
        scale = None
        if a.scale is not None:
            scale = _largest(np.where(_zero(a), -np.inf, a.scale), axis)
            a = self._rescaled(a, np.expand_dims(scale, axis))
        terms = np.count_nonzero(~_zero(a), axis=axis)
        value = np.sum(a.value, axis=axis)
        # n - 1 additions of n terms that are not 0 for sure
        rounding = self.u * np.maximum(terms - 1, 0) * np.sum(np.abs(a.value) + a.error, axis=axis)
        return self._checked(Rounded(value, np.sum(a.error, axis=axis) + rounding, scale))

    # -- matrices -------------------------------------------------------------------------------
    def inverse(self, a: Rounded) -> Rounded:
        """|dX| <= |X| E |X|, E the entries' error and that of elimination with partial pivoting."""
        a = self.settled(a).full()
        n = a.value.shape[-1]
        value = self._plain.inverse(a.value)
        backward = a.error + 4 * n * self.u * np.max(np.abs(a.value), axis=(-1, -2), keepdims=True)
        grown = np.abs(value) @ backward
        contraction = np.max(np.sum(grown, axis=-1), axis=-1)[..., None, None]
        error = grown @ np.abs(value) / np.maximum(1 - contraction, 0.0)
        return self._checked(Rounded(value, np.where(np.isnan(error), np.inf, error)))

    def det(self, a: Rounded) -> Rounded:
        """|d det| <= |det| (exp(sum |X| E) - 1)."""
        value = self._plain.det(self.settled(a).value)
        return self._checked(Rounded(value, np.abs(value) * np.expm1(self.logdet(a).error)))

    def logdet(self, a: Rounded) -> Rounded:
        """d log|det A| = tr(A^-1 dA)."""
        a = self.settled(a).full()
        n = a.value.shape[-1]
        inverse = np.abs(self._plain.inverse(a.value))
        backward = a.error + 4 * n * self.u * np.max(np.abs(a.value), axis=(-1, -2), keepdims=True)
        drift = np.sum(np.swapaxes(inverse, -1, -2) * backward, axis=(-1, -2))
        value = self._plain.logdet(a.value)
        error = np.where(drift < 0.5, 2 * drift, np.inf) + n * ELEMENTARY * self.u * (1 + np.abs(value))
        return self._checked(Rounded(value, error))

    # -- scales ---------------------------------------------------------------------------------
    def settled(self, a: Rounded) -> Rounded:
        """The plain number, scale 0: where a program has to store it."""
        if a.scale is None:
            return a
        plain = self._rescaled(a, np.zeros(()))
        return self._checked(Rounded(plain.value, np.where(_zero(a), 0.0, plain.error + self.precision.tiny)))

    def _rescaled(self, a: Rounded, scale: np.ndarray) -> Rounded:
        shift = (np.zeros(()) if a.scale is None else a.scale) - scale
        factor = np.exp(shift)
        value = np.where(a.value == 0, 0.0, a.value * factor)
        error = np.where(a.error == 0, 0.0, a.error * factor) + np.where(value == 0, 0.0, np.abs(value) * self.u * np.abs(shift))
        # An exponential that underflows, or nearly, may be flushed to 0 whatever it is multiplied by later.
        least = np.log(self.precision.tiny)
        flushed = shift < least + min(NEARLY, -least / 8)
        return Rounded(value, error + np.where(flushed, np.abs(value), 0.0), scale)

    def _common(self, a: Rounded, b: Rounded) -> tuple[tuple[Rounded, Rounded], np.ndarray | None]:
        if a.scale is None and b.scale is None:
            return (a, b), None
        scales = [np.where(_zero(x), -np.inf, np.zeros(()) if x.scale is None else x.scale) for x in (a, b)]
        scale = np.maximum(*scales)
        scale = np.where(np.isfinite(scale), scale, 0.0)
        return (self._rescaled(a, scale), self._rescaled(b, scale)), scale

    def _underflow(self, scale: np.ndarray | None) -> float:
        """What a product or power may lose by underflow; a scaled one is charged where it is stored."""
        return self.precision.tiny if scale is None else 0.0

    def _checked(self, a: Rounded) -> Rounded:
        """Beyond the largest finite number, and where nothing is known, there is no bound."""
        beyond = (np.abs(a.value) + a.error > self.precision.largest) | np.isnan(a.value) | np.isnan(a.error)
        return Rounded(a.value, np.where(beyond, np.inf, a.error), a.scale) if np.any(beyond) else a


def _zero(a: Rounded) -> np.ndarray:
    return np.asarray((a.value == 0) & (a.error == 0))


def _is_power_of_two(a: Rounded) -> bool:
    """A constant by which multiplication is exact; an array of zeros and ones (a delta) is one too."""
    if np.any(a.error != 0) or a.scale is not None:
        return False
    mantissa = np.frexp(np.abs(a.value))[0]
    return bool(np.all((mantissa == 0.5) | (mantissa == 0)))


def _largest(scale: np.ndarray, axis: int) -> np.ndarray:
    largest = np.max(scale, axis=axis, initial=-np.inf)
    return np.asarray(np.where(np.isfinite(largest), largest, 0.0))


def _spread(function: str, x: np.ndarray, e: np.ndarray) -> np.ndarray:
    """sup |f'| e over the interval x +- e, for the functions of the notation."""
    near = np.maximum(np.abs(x) - e, 0.0)  # where a bump at 0 is highest
    match function:
        case "sin" | "cos":
            return np.minimum(e, 2.0)
        case "Abs" | "relu":
            return e
        case "sign" | "step":
            return np.where((np.abs(x) <= e) & (e > 0), np.inf, 0.0)
        case "tanh":
            return np.minimum(e / np.cosh(np.minimum(near, 300.0)) ** 2, 2.0)
        case "sigmoid":
            decay = np.exp(-near)
            return np.minimum(e * decay / (1 + decay) ** 2, 1.0)
        case "softplus":
            return e / (1 + np.exp(-np.minimum(x + e, 700.0)))
        case "erf":
            return np.minimum(e * 2 / np.sqrt(np.pi) * np.exp(-(np.minimum(near, 30.0) ** 2)), 2.0)
        case "sinh" | "cosh":
            return e * np.cosh(np.abs(x) + e)
    raise ValueError(f"no error rule for the function {function}; add its derivative's supremum here")
