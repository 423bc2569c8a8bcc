"""A third witness: central differences of the definition's values; no rule of differentiation takes part.

    D_u f     ~ [f(x+hu) - f(x-hu)] / 2h
    D_u D_v f ~ [f(x+hu+hv) - f(x+hu-hv) - f(x-hu+hv) + f(x-hu-hv)] / 4h^2

with errors of order h^2 times the next derivatives. The values are balls, so rounding is enclosed however
small h is. The truncation is measured, not guessed: doubling h multiplies it by 4, so the quotients at h
and 2h differ by 3 times the error of the first, and that difference is the bound used. At a kink the two
disagree, and the witness is inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb
from sympy import Indexed

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.ball import Ball
from closedform.check.oracles.ball import Enclosure, balls, to_enclosure
from closedform.check.views import View
from closedform.notation import Derivation, Dim, Index, NamedTensor

PRECISION = 512
# With P bits, rounding costs 2^-P / h^2 and truncation h^2: both are smallest at h = 2^(-P/4).
STEP = PRECISION // 4
# The trace needs a second difference for every entry.
MOST_ENTRIES = 24


@dataclass(frozen=True, eq=False)
class Projection:
    """Weighted sums of the entries of a view: ``weights[k] . view = value[k]``, up to the value's radius."""

    weights: np.ndarray
    value: Enclosure


def by_differences(
    derivation: Derivation, view: View, sizes: Mapping[Dim, int], values: Mapping[str, np.ndarray], generator: np.random.Generator
) -> Projection | None:
    """Projections of the view by finite differences; None for what has none (a value, a very long trace)."""
    if view.function.wrt is None:
        return None
    return _Differences(derivation, view, sizes, values).projection(generator)


class _Differences:
    def __init__(self, derivation: Derivation, view: View, sizes: Mapping[Dim, int], values: Mapping[str, np.ndarray]) -> None:
        self.derivation, self.view, self.sizes, self.values = derivation, view, sizes, values
        assert view.function.wrt is not None
        self.name = view.function.wrt.name
        output = derivation.computed
        self.axes = tuple(Index(f"axis_{k}", dim) for k, dim in enumerate(output.dims)) if isinstance(output, NamedTensor) else ()
        self.entry = output[self.axes] if isinstance(output, NamedTensor) else output
        self.ring = Ball(PRECISION)
        self.exact = {name: balls(value) for name, value in values.items()}
        extra = view.function.extra
        self.cotangent = values[extra[0].name] if len(extra) > 1 else None
        self._value: Any = None

    def projection(self, generator: np.random.Generator) -> Projection | None:
        shape = np.shape(self.values[self.name])
        along = self._given_direction()
        match self.view.function.kind:
            case "jvp" | "jacobian" if along is not None:
                result = self._first(along)
                count = result.high.size
                return Projection(np.eye(count).reshape(count, *result.high.shape), _flat(result))
            case "jacobian":
                column = _one_hot(shape, int(generator.integers(0, max(1, int(np.prod(shape))))))
                result = self._first(column)
                count = result.high.size
                weights = np.multiply.outer(np.eye(count).reshape(count, *result.high.shape), column)
                return Projection(weights, _flat(result))
            case "gradient" | "vjp":
                u = self._weights(shape, generator)
                self.cotangent = along
                return Projection(u[None], _flat(self._first(u)))
            case "hvp" | "hessian" if along is not None:
                u = self._weights(shape, generator)
                return Projection(u[None], _flat(self._second(u, along)))
            case "hessian":
                return self._column(shape, generator)
            case "hessian_diagonal":
                places = generator.integers(0, max(1, int(np.prod(shape))), 3)
                units = [_one_hot(shape, int(place)) for place in places]
                return Projection(np.stack(units), _stacked([self._second(e, e) for e in units]))
            case "hessian_trace":
                return self._trace(shape)
        return None

    def _given_direction(self) -> np.ndarray | None:
        if self.view.column is not None:
            return self.view.column
        extra = self.view.function.extra
        return self.values[extra[-1].name] if extra else None

    def _column(self, shape: tuple[int, ...], generator: np.random.Generator) -> Projection:
        """u' H e for one entry e; over the axes that rows and columns share, u lives where e does."""
        first, second = (entry.indices if isinstance(entry, Indexed) else () for entry in self.view.target.variables)
        column = _one_hot(shape, int(generator.integers(0, max(1, int(np.prod(shape))))))
        u = self._weights(shape, generator)
        shared = [k for k, index in enumerate(first) if index in second]
        other = tuple(k for k in range(len(shape)) if k not in shared)
        u = u * np.max(column, axis=other, keepdims=True) if shared else u
        letters: dict[Index, int] = {}
        for index in (*first, *second):
            letters.setdefault(index, len(letters))
        of = lambda indices: [letters[index] for index in indices]  # noqa: E731
        weights = np.einsum(u, of(first), column, of(second), of(self.view.axes))
        return Projection(weights[None], _flat(self._second(u, column)))

    def _trace(self, shape: tuple[int, ...]) -> Projection | None:
        count = int(np.prod(shape))
        if count > MOST_ENTRIES:
            return None
        terms = _stacked([self._second(e, e) for e in (_one_hot(shape, k) for k in range(count))])
        total = Enclosure(np.sum(terms.high), np.sum(terms.low), np.sum(terms.radius) + 2.0**-50 * np.sum(np.abs(terms.high)))
        return Projection(np.ones(1), _flat(total))

    def _weights(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        return np.asarray(generator.choice([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0], shape))

    # -- quotients --------------------------------------------------------------------------------
    def _first(self, u: np.ndarray) -> Enclosure:
        def quotient(h: arb) -> np.ndarray:
            return np.asarray((self._at((u, h)) - self._at((u, -h))) / (2 * h), dtype=object)

        return self._measured(quotient)

    def _second(self, u: np.ndarray, v: np.ndarray) -> Enclosure:
        same = u is v

        def quotient(h: arb) -> np.ndarray:
            if same:
                return np.asarray((self._at((u, h)) - 2 * self._here() + self._at((u, -h))) / (h * h), dtype=object)
            outer = self._at((u, h), (v, h)) + self._at((u, -h), (v, -h))
            inner = self._at((u, h), (v, -h)) + self._at((u, -h), (v, h))
            return np.asarray((outer - inner) / (4 * h * h), dtype=object)

        return self._measured(quotient)

    def _measured(self, quotient: Callable[[arb], np.ndarray]) -> Enclosure:
        with self.ring.scope():
            step = arb(2) ** -STEP
            near, far = quotient(step), quotient(2 * step)
            truncation = np.frompyfunc(lambda a, b: float(abs(a - b).upper()), 2, 1)(near, far)
        result = to_enclosure(near)
        return Enclosure(result.high, result.low, result.radius + np.asarray(truncation, dtype=np.float64))

    def _here(self) -> Any:
        """f(x), which the second differences along all entries of a trace share."""
        if self._value is None:
            self._value = self._at()
        return self._value

    def _at(self, *moves: tuple[np.ndarray, arb]) -> Any:
        """f(x + h u + ...), contracted with the upstream gradient where there is one."""
        x = self.exact[self.name]
        for direction, h in moves:
            x = np.asarray(x + balls(direction) * h, dtype=object)
        f = evaluate(self.entry, self.derivation.setting, self.sizes, {**self.exact, self.name: x}, self.ring, self.axes)
        return f if self.cotangent is None else np.asarray(np.sum(f * balls(self.cotangent)), dtype=object)


def _one_hot(shape: tuple[int, ...], place: int) -> np.ndarray:
    vector = np.zeros(int(np.prod(shape)))
    vector[place] = 1.0
    return vector.reshape(shape)


def _flat(e: Enclosure) -> Enclosure:
    return Enclosure(*(np.reshape(part, -1) for part in (e.high, e.low, e.radius)))


def _stacked(parts: list[Enclosure]) -> Enclosure:
    return Enclosure(*(np.concatenate([np.reshape(getattr(p, name), -1) for p in parts]) for name in ("high", "low", "radius")))
