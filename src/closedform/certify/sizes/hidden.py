"""What is checked at a random point: sizes hidden in parameters, and sizes at which a denominator is zero.

``sum_k x_k (1/x_k)`` is the size n, though it does not look like it. Theorem 2 fixes the parameters
and lets n vary, so it needs parameters ``T_a = sum_k g_a(x_k)`` with no combination of the ``g_a``
constant and not zero (such a combination would sum to a multiple of n). That is checked at one random point: if
the vector of ones is not a combination of the vectors ``(g_a(x_1), ..., g_a(x_N))`` there, then it is
none as functions either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sympy import Expr

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.float64 import Float64
from closedform.certify.sizes.parameters import count_of, outer_indices, summand
from closedform.errors import ClosedformError
from closedform.notation import (
    Abs,
    Dim,
    Given,
    Index,
    Membership,
    OneHot,
    Setting,
    free_indices,
    less,
    less_equal,
    maximum,
    minimum,
    relu,
    sign,
    step,
    where,
)

PIECEWISE = (Abs, sign, relu, step, maximum, minimum, where, less, less_equal)
NEAR = 0.05  # relative distance of positions on one branch
ROUNDS = 8  # so many choices of discrete values are tried
RANGES = ((0.3, 1.7), (0.1, 0.9))  # of the other inputs
SURPLUS = 4  # points beyond the number of parameters; without any the ones always are a combination
ZERO = 1e-9  # what a denominator that is identically zero may come to in double precision
FARTHEST = 12  # how far a plan is moved at most
CLEARLY = 1e-7  # relative residual beyond which rounding cannot explain that the ones are missed


def hides_size(keys: tuple[Expr, ...], dim: Dim, setting: Setting, sizes: Mapping[Dim, int]) -> bool:
    """Whether a combination of the parameters' summands could be a constant; False means that none is.

    Where inputs are discrete, or functions piecewise, that has to hold at positions at which they have equal values, or near
    each other on one branch, and these positions have to move all parameters that others move.
    """
    at = {**sizes, dim: count_of(keys, sizes) + SURPLUS}
    stepwise = any(body.has(*PIECEWISE) for body in (*keys, *(let.body for let in setting.lets)))
    several = stepwise or any(is_discrete(given) for given in setting.given)

    def drawn(alike: bool) -> list[NDArray[np.float64]]:
        draws = (
            _Draw(np.random.default_rng(seed), *RANGES[seed % 2], dim, alike, alike and stepwise)
            for seed in range(ROUNDS if several else 2)
        )
        found = (_columns(keys, setting, at, draw) for draw in draws)
        return [columns for columns in found if columns is not None and np.isfinite(columns).all()]

    rank = max(map(_rank, drawn(alike=False)), default=0) if several else None
    return all(_reaches_ones(columns) or rank not in (None, _rank(columns)) for columns in drawn(alike=True))


def is_discrete(given: Given) -> bool:
    """Whether the entries are among finitely many numbers."""
    return any(isinstance(c, Membership | OneHot) for c in given.where)


def _rank(columns: NDArray[np.float64]) -> int:
    weights = np.linalg.svd(columns / (np.abs(columns).max(axis=0) + 1e-300), compute_uv=False)
    return int((weights > ZERO * weights[0]).sum())


def _reaches_ones(columns: NDArray[np.float64]) -> bool:
    ones = np.ones(len(columns))
    basis, weights, _ = np.linalg.svd(columns / (np.abs(columns).max(axis=0) + 1e-300), full_matrices=False)
    basis = basis[:, weights > 1e-12 * weights[0]]
    residual = ones - basis @ (basis.T @ ones)
    return bool(np.linalg.norm(residual) < CLEARLY * np.sqrt(len(ones)))


def first_size(denominators: Iterable[Expr], dim: Dim, setting: Setting, sizes: Mapping[Dim, int], start: int, count: int) -> int:
    """Where ``count`` consecutive sizes begin, from ``start`` on, at which no denominator is identically zero.

    The theorem needs sizes at which both sides exist: a variance over n - 1 does not at n = 1, nor
    inv(X'X) with fewer rows than columns.
    """
    always = {u: _vanishes(u, setting, {**sizes, dim: start + FARTHEST}) for u in dict.fromkeys(denominators)}
    found, n = start, start
    while n < found + count and n < start + FARTHEST:
        if any(_vanishes(u, setting, {**sizes, dim: n}) - always[u] for u in always):
            found = n + 1
        n += 1
    return found


def _vanishes(denominator: Expr, setting: Setting, sizes: Mapping[Dim, int]) -> frozenset[tuple[int, ...]]:
    """For which coincidences of its free indices a denominator is zero, whatever the inputs."""
    draw = _Draw(np.random.default_rng(1), 0.3, 1.7)
    values = {given.name: draw(given, sizes) for given in setting.given}
    axes = tuple(sorted(free_indices(denominator), key=str))
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(evaluate(denominator, setting, sizes, values, Float64(), axes), dtype=float)
    except (ClosedformError, KeyError):
        return frozenset()

    def pattern(at: tuple[int, ...]) -> tuple[int, ...]:
        """Each index by the first one that it coincides with."""
        named = list(zip((index.dim for index in axes), at, strict=True))
        return tuple(named.index(pair) for pair in named)

    largest: dict[tuple[int, ...], float] = {}
    for at, entry in np.ndenumerate(np.broadcast_to(value, [sizes[index.dim] for index in axes])):
        largest[pattern(at)] = max(largest.get(pattern(at), 0.0), abs(float(entry)))
    return frozenset(which for which, size in largest.items() if size < ZERO)


def _columns(keys: tuple[Expr, ...], setting: Setting, sizes: Mapping[Dim, int], draw: _Draw) -> NDArray[np.float64] | None:
    """The summands of all parameters (columns) at all positions along the dimension (rows)."""
    values = {given.name: draw(given, sizes) for given in setting.given}
    blocks = []
    for key in keys:
        body, index = summand(key)
        fixed = sorted((s for s in key.free_symbols if isinstance(s, Index) and s not in outer_indices(key)), key=str)
        axes = (index, *outer_indices(key), *fixed)
        try:
            with np.errstate(all="ignore"):
                block = evaluate(body, setting, sizes, values, Float64(), axes)
        except (ClosedformError, KeyError):  # derivatives of unknown functions are not among the values
            return None
        block = block[(..., *(0 for _ in fixed))]
        blocks.append(np.asarray(block, dtype=float).reshape(sizes[index.dim], -1))
    return np.concatenate(blocks, axis=1)


@dataclass(frozen=True)
class _Draw:
    """Random inputs in double precision; if ``alike``, discrete ones have equal values along the dimension; if ``near``, others nearly so.

    One-hot rows along it are zero: so they are at every position but one, which counts as a free index.
    """

    rng: np.random.Generator
    low: float
    high: float
    dim: Dim | None = None
    alike: bool = False
    near: bool = False

    def __call__(self, given: Given, sizes: Mapping[Dim, int]) -> NDArray[np.float64]:
        shape = [sizes[dim] for dim in given.dims]
        few = [1 if self.alike and dim == self.dim else sizes[dim] for dim in given.dims]
        if any(isinstance(c, OneHot) for c in given.where):
            along = given.dims[-1]
            hot = np.zeros(few) if along == self.dim else np.eye(sizes[along])[self.rng.integers(sizes[along], size=few[:-1])]
            return np.broadcast_to(hot, shape)
        choices = next((c.values for c in given.where if isinstance(c, Membership)), None)
        if choices is None:
            about = self.rng.uniform(self.low, self.high, few if self.near else shape)
            return about * self.rng.uniform(1 - NEAR, 1 + NEAR, shape) if self.near else about
        return np.broadcast_to(self.rng.choice([float(value) for value in choices], few), shape)
