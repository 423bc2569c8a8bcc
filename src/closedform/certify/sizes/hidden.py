"""What is checked at a random point: sizes hidden in parameters, and sizes at which a denominator is zero.

``sum_k x_k (1/x_k)`` is the size n, though it does not look like it. Theorem 2 fixes the parameters
and lets n vary, so it needs parameters ``T_a = sum_k g_a(x_k)`` with no combination of the ``g_a``
constant and not zero (such a combination would sum to a multiple of n). That is checked at one random point: if
the vector of ones is not a combination of the vectors ``(g_a(x_1), ..., g_a(x_N))`` there, then it is
none as functions either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from sympy import Expr

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.float64 import Float64
from closedform.certify.sizes.parameters import count_of, outer_indices
from closedform.errors import ClosedformError
from closedform.notation import Dim, Given, Index, Membership, Setting, free_indices

SURPLUS = 4  # points beyond the number of parameters; without any the ones always are a combination
ZERO = 1e-9  # what a denominator that is identically zero may come to in double precision
FARTHEST = 12  # how far a plan is moved at most
CLEARLY = 1e-7  # relative residual beyond which rounding cannot explain that the ones are missed


def hides_size(keys: tuple[Expr, ...], dim: Dim, setting: Setting, sizes: Mapping[Dim, int]) -> bool:
    """Whether a combination of the parameters' summands could be a constant; False means that none is."""
    at = {**sizes, dim: count_of(keys, sizes) + SURPLUS}
    for low, high in ((0.3, 1.7), (0.1, 0.9)):
        columns = _columns(keys, setting, at, np.random.default_rng(0), low, high)
        if columns is not None and np.isfinite(columns).all():
            return _reaches_ones(columns)
    return True


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
    found, n = start, start
    while n < found + count and n < start + FARTHEST:
        if any(_vanishes(denominator, setting, {**sizes, dim: n}) for denominator in dict.fromkeys(denominators)):
            found = n + 1
        n += 1
    return found


def _vanishes(denominator: Expr, setting: Setting, sizes: Mapping[Dim, int]) -> bool:
    rng = np.random.default_rng(1)
    values = {given.name: _drawn(given, sizes, rng, 0.3, 1.7) for given in setting.given}
    try:
        with np.errstate(all="ignore"):
            value = evaluate(denominator, setting, sizes, values, Float64(), tuple(sorted(free_indices(denominator), key=str)))
    except (ClosedformError, KeyError):
        return False
    return bool(np.abs(np.asarray(value, dtype=float)).max() < ZERO)


def _columns(
    keys: tuple[Expr, ...], setting: Setting, sizes: Mapping[Dim, int], rng: np.random.Generator, low: float, high: float
) -> NDArray[np.float64] | None:
    """The summands of all parameters (columns) at all positions along the dimension (rows)."""
    values = {given.name: _drawn(given, sizes, rng, low, high) for given in setting.given}
    blocks = []
    for key in keys:
        index = key.limits[0][0]
        fixed = sorted((s for s in key.free_symbols if isinstance(s, Index) and s not in outer_indices(key)), key=str)
        axes = (index, *outer_indices(key), *fixed)
        try:
            with np.errstate(all="ignore"):
                block = evaluate(key.function, setting, sizes, values, Float64(), axes)
        except (ClosedformError, KeyError):  # derivatives of unknown functions are not among the values
            return None
        block = block[(..., *(0 for _ in fixed))]
        blocks.append(np.asarray(block, dtype=float).reshape(sizes[index.dim], -1))
    return np.concatenate(blocks, axis=1)


def _drawn(given: Given, sizes: Mapping[Dim, int], rng: np.random.Generator, low: float, high: float) -> NDArray[np.float64]:
    shape = [sizes[d] for d in given.dims]
    choices = next((c.values for c in given.where if isinstance(c, Membership)), None)
    return rng.uniform(low, high, shape) if choices is None else rng.choice([float(value) for value in choices], shape)
