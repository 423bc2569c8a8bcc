"""Real points beside the zeros of what is compared.

Two guards that differ by little, such as x <= 1 and x <= 1.001, disagree in a thin region that random points miss, but it lies
along the zeros of either. So every draw gets a line from one random point to another; where a guard changes its sign along it,
the zero is found by bisection and false position, and the draw is put beside it, on one side, at one of many distances.
Nothing is proved from these numbers: they decide comparisons, as those of other draws do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sympy import Expr

from closedform.certify.draw import draw_point
from closedform.certify.evaluate import Interpreter
from closedform.certify.real_points import bounds, draw_labels, draw_real, is_bound, names, structures
from closedform.certify.rings.chains import SMOOTH
from closedform.certify.rings.node import Node
from closedform.certify.rings.real import Real
from closedform.certify.rings.tower import Tower
from closedform.notation import Dim, Given, Index, Relation, Setting

Floats = NDArray[np.float64]
LINES, FEW_LINES = 256, 48  # few where equations have to be solved for each
SCALES = (1.0, 0.3, 3.0, 1.0, 20.0, 0.05)
NEARNESS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.5, 7.0)  # 10^-u of the way to the end of the line
STEPS = 24  # of bisection and false position in turn
MOST_GUARDS = 200  # entries of comparisons that are followed


@dataclass(frozen=True)
class _Lines:
    """From ``start`` (t = 0) to ``end`` (t = 1), a line for each draw; names without an end stay."""

    start: Mapping[str, Floats]
    end: Mapping[str, Floats]

    def at(self, t: Floats) -> dict[str, Floats]:
        return {name: _along(start, self.end.get(name, start), t) for name, start in self.start.items()}


class _Guards(Real):
    """Real values along the lines; signs are taken as they are, without a look at the residues."""

    def __init__(self, tower: Tower, points: Mapping[str, Floats]) -> None:
        super().__init__(tower)
        self._points = points

    def leaf(self, node: Node) -> Floats:
        """Where the draws are now."""
        return self._points.get(node.meta.name, node.meta.real)

    def _compared(self, node: Node, difference: Node) -> Floats:
        return np.sign(np.nan_to_num(self.at(difference)))


def boundary_points(
    setting: Setting, sides: tuple[Expr, Expr], axes: tuple[Index, ...], sizes: Mapping[Dim, int], *, order: int, seed: int
) -> dict[str, Floats]:
    """A real point for each of many draws: given name -> entries, draws along axis 0."""
    count = FEW_LINES if any(isinstance(c, Relation) and c.op == "=" for c in setting.constraints) else LINES
    rng = np.random.default_rng([seed, 5, *sizes.values()])
    lines = _lines(setting, sizes, rng, count)
    tower = Tower([SMOOTH[0]] * count, seed)
    values = draw_point(setting, sizes, tower, np.ones(count), order=order, real=True, reals=lines.start)
    interpreter = Interpreter(setting, sizes, values, tower)
    for side in sides:
        interpreter.entries(side, axes)
    compared = [node.args[0] for node in tower.comparisons()]

    def guards(t: Floats) -> Floats:
        tower.real = _Guards(tower, lines.at(t))
        with np.errstate(all="ignore"):
            columns = [np.broadcast_to(tower.real.at(node), (count, *node.shape)).reshape(count, -1) for node in compared]
        return np.concatenate(columns, axis=1) if columns else np.zeros((count, 0))

    first, last = guards(np.zeros(count)), guards(np.ones(count))
    followed = rng.permutation(first.shape[1])[:MOST_GUARDS]
    column = _shared_out(first[:, followed] * last[:, followed] < 0)
    crossing = column >= 0
    if not crossing.any():
        return lines.at(rng.uniform(size=count))
    column = followed[np.maximum(column, 0)]
    own = np.arange(count), column
    zero = _zeros(lambda t: guards(t)[own], first[own], last[own])
    return lines.at(np.where(crossing, _beside(zero), rng.uniform(size=count)))


def _lines(setting: Setting, sizes: Mapping[Dim, int], rng: np.random.Generator, count: int) -> _Lines:
    """To another random point; to zero or a bound, as a whole or in one entry: by turns."""
    scales = np.resize(np.array(SCALES), count)
    start: dict[str, Floats] = {}
    end: dict[str, Floats] = {}
    for given in setting.given:
        labels = draw_labels(given, setting, sizes, rng, count)
        start[given.name] = draw_real(given, setting, sizes, rng, scales) if labels is None else labels
        if labels is None and _may_move(given, setting):
            other, edge = draw_real(given, setting, sizes, rng, rng.permutation(scales)), _edge(given, setting, sizes, rng, count)
            turn = np.arange(count).reshape((-1,) + (1,) * (other.ndim - 1)) % 3
            alone = _one_of(other.shape, rng)
            end[given.name] = np.where(turn == 0, other, np.where((turn == 1) | alone, edge, start[given.name]))
    return _Lines(start, end)


def _may_move(given: Given, setting: Setting) -> bool:
    """Whether the given is free within its bounds."""
    relations = [c for c in setting.constraints if isinstance(c, Relation) and not is_bound(c, setting)]
    tied = any(names(side, given) for relation in relations for side in (relation.lhs, relation.rhs))
    return not tied and not structures(given, setting)


def _edge(given: Given, setting: Setting, sizes: Mapping[Dim, int], rng: np.random.Generator, count: int) -> Floats:
    """For each draw zero where that is allowed, or else a bound."""
    lower, upper = bounds(given, setting, sizes)
    turned = rng.uniform(size=(count,) + (1,) * lower.ndim) < 0.5
    first, second = np.where(turned, upper, lower), np.where(turned, lower, upper)
    bound = np.where(np.isfinite(first), first, np.where(np.isfinite(second), second, 0.0))
    return np.asarray(np.where((lower < 0) & (upper > 0), 0.0, bound))


def _one_of(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
    """One entry of each draw."""
    count = int(np.prod(shape[1:], dtype=int))
    chosen = rng.integers(max(count, 1), size=shape[0])
    return (np.arange(count) == chosen[:, None]).reshape(shape)


def _shared_out(crosses: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each line a guard that it crosses, each guard as often as can be; -1 where there is none."""
    served = np.zeros(crosses.shape[1])
    column = np.full(len(crosses), -1)
    for line in np.argsort(crosses.sum(axis=1), kind="stable"):
        options = np.flatnonzero(crosses[line])
        if options.size:
            column[line] = options[np.argmin(served[options])]
            served[column[line]] += 1
    return column


def _along(start: Floats, end: Floats, t: Floats) -> Floats:
    weight = t.reshape((-1,) + (1,) * (start.ndim - 1))
    return (1 - weight) * start + weight * end


def _zeros(guard: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where along the lines the guard changes its sign, from its values at both ends."""
    left, right = np.zeros_like(low), np.ones_like(low)
    for step in range(STEPS):
        middle = (left + right) / 2
        with np.errstate(all="ignore"):
            secant = left + (right - left) * low / (low - high)
        t = np.where((step % 2 == 0) & (left < secant) & (secant < right), secant, middle)
        value = guard(t)
        before = np.sign(value) == np.sign(low)
        left, low = np.where(before, t, left), np.where(before, value, low)
        right, high = np.where(before, right, t), np.where(before, high, value)
    return (left + right) / 2


def _beside(zero: Floats) -> Floats:
    """Before or behind the zero, at all distances by turns."""
    line = np.arange(len(zero))
    near = 10.0 ** -np.resize(np.array(NEARNESS), len(zero))
    return np.where(line // len(NEARNESS) % 2 == 0, zero * (1 - near), zero + (1 - zero) * near)
