"""Arrays with named axes over any ring.

An axis is called by the :class:`~closedform.notation.Index` that it belongs to, or by a
:class:`Token` where no index of the formula will do. An axis that an array lacks is one along
which it is constant. Nothing here copies a value for every index of a formula: a subexpression
has just the axes that it depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from closedform.certify.rings.base import Array, Ring


@dataclass(frozen=True, slots=True)
class Token:
    """An axis without a name in the formula: the direction of a derivative, the row of a matrix."""

    kind: str
    level: int
    number: int


Axis = Any  # Index | Token


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """``data`` with one axis for each of ``axes``, all different."""

    axes: tuple[Axis, ...]
    data: Array


class NamedArrays:
    """Operations on :class:`Named` arrays of one ring."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring

    def aligned(self, a: Named, axes: Sequence[Axis]) -> Array:
        """The data with its axes in the order of ``axes``, length 1 where it has none."""
        if a.axes == tuple(axes):
            return a.data
        place = {axis: k for k, axis in enumerate(a.axes)}
        return self.ring.arrange(a.data, [place.get(axis) for axis in axes])

    def combine(self, operation: Callable[..., Array], *arrays: Named) -> Named:
        """Apply an entrywise operation to arrays brought to the union of their axes."""
        if len({a.axes for a in arrays}) == 1:
            return Named(arrays[0].axes, operation(*(a.data for a in arrays)))
        axes = tuple(dict.fromkeys(axis for a in arrays for axis in a.axes))
        aligned = [self.aligned(a, axes) for a in arrays]
        self.ring.demand([max(lengths) for lengths in zip(*(data.shape for data in aligned), strict=True)])
        return Named(axes, operation(*aligned))

    def rename(self, a: Named, names: Mapping[Axis, Axis]) -> Named:
        """Rename axes, all at once; two that get the same name become their diagonal."""
        axes = [names.get(axis, axis) for axis in a.axes]
        data = a.data
        while len(set(axes)) < len(axes):
            first, second = next((i, j) for j in range(len(axes)) for i in range(j) if axes[i] == axes[j])
            data = self.ring.diagonal(data, first, second)
            axes = [axis for k, axis in enumerate(axes) if k not in (first, second)] + [axes[first]]
        return Named(tuple(axes), data)

    def total(self, a: Named, axis: Axis) -> Named:
        """Sum along an axis that the array has."""
        k = a.axes.index(axis)
        return Named(a.axes[:k] + a.axes[k + 1 :], self.ring.total(a.data, k))

    def contract(self, a: Named, b: Named, axis: Axis) -> Named:
        """Sum of the product along an axis that both arrays have."""
        axes = tuple(dict.fromkeys((*a.axes, *b.axes)))
        k = axes.index(axis)
        return Named(axes[:k] + axes[k + 1 :], self.ring.contract(self.aligned(a, axes), self.aligned(b, axes), k))

    def full(self, a: Named, axes: Sequence[Axis], shape: Iterable[int]) -> Array:
        """The data with exactly ``axes`` in that order, broadcast to ``shape``."""
        return self.ring.broadcast(self.aligned(a, axes), tuple(shape))
