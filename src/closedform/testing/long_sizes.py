"""Long inputs: odd sizes to 1,100, both sides of powers of two, one very long; compared by sums over windows.

A lane that is dropped for C = 777 is not seen at C = 7. The whole derivative at a long input is dear to have from the
definition, a sum of its entries with weights is not: it is a directional derivative. So the result is cut into windows,
and in each one the sum with weights +-1, +-2 is compared:

    | sum_i w_i got_i - sum_i w_i f_i |  <=  sum_i |w_i| bound_i + what float64 itself errs

with the definition's sum, and its error, from error analysis in float64, and the bounds from the formula.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sympy import Expr, Sum

from closedform.certify.evaluate import evaluate
from closedform.check.bounds import PRECISIONS, REARRANGEMENT, ErrorAnalysis
from closedform.check.cases import Witness, bound_at
from closedform.check.constraints import domain_of
from closedform.check.inputs import Inputs, Recipe, Texture, build
from closedform.check.judge import Finding, Judge, against
from closedform.check.oracles.ball import Enclosure
from closedform.check.views import MATRICES, by_claims
from closedform.functions import KernelFunction
from closedform.notation import (
    Derivation,
    Dim,
    Given,
    Index,
    Let,
    NamedTensor,
    Partial,
    Setting,
    SizeRelation,
    free_indices,
    scalar,
    summation,
    tensor,
)

TITLE = "long inputs"
# What sizes are drawn from, in this order: where lanes were dropped, then powers of two +-1 and other odd sizes.
RANGES = (range(513, 1024, 2), (127, 129, 255, 257, 511, 513, 1023, 1025), range(129, 512, 2), range(1025, 1101, 2))
VERY_LONG = 100_001
# Arrays that have a dimension twice keep to this many entries.
MOST_ENTRIES = 1_210_000
# How many windows a result is cut into. Each costs an evaluation of the definition, which a very long input makes dear; there a few
# have to do in float64, whose bounds stay far below the sums. Those of float32 do not in longer windows.
WINDOWS, FEW_WINDOWS = 12, 4
WEIGHTS = "window_weights"


@dataclass(frozen=True)
class Long:
    """One long input: which dimension is how long."""

    dim: Dim
    size: int
    seed: int


def long_inputs(derivation: Derivation, function: KernelFunction, count: int, *, very_long: bool, seed: int) -> Iterator[Long]:
    """For each dimension ``count`` sizes, and one very long input along the last; none of whole matrices or of sizes that are tied."""
    if function.kind in MATRICES or any(isinstance(condition, SizeRelation) for condition in derivation.setting.constraints):
        return
    dims = tuple(dict.fromkeys(dim for item in (*derivation.given, *function.extra) for dim in item.dims))
    generator = np.random.default_rng([seed, 17])
    for dim in dims:
        most = _longest(derivation, function, dim)
        for number in range(count):
            size = int(generator.choice(RANGES[number % len(RANGES)]))
            yield Long(dim, size if size <= most else most - 1 + most % 2, seed + number)
    if very_long and dims and _longest(derivation, function, dims[-1]) >= VERY_LONG:
        yield Long(dims[-1], VERY_LONG, seed)


def _longest(derivation: Derivation, function: KernelFunction, dim: Dim) -> int:
    """So long that no array gets too large: the dimension may come twice in one, as in attention's n x n."""
    formula = by_claims(derivation, function.target, function)
    items: Sequence[Given | Let] = (*derivation.given, *derivation.lets, *function.extra)
    bodies = [formula, *(let.body for let in derivation.lets)]
    bodies += [inner.function for body in bodies for inner in body.atoms(Sum)]
    times = max(*(item.dims.count(dim) for item in items), *(_free_over(body, dim) for body in bodies))
    # Without a closed form, each entry is differentiated by itself.
    return int(MOST_ENTRIES ** (1 / (times + bool(formula.atoms(Partial)))))


def _free_over(body: Expr, dim: Dim) -> int:
    return sum(index.dim == dim for index in free_indices(body))


def long_finding(judge: Judge, long: Long) -> tuple[Finding, str]:
    """What one long input says, and where."""
    inputs = _inputs(judge, long)
    outcome = judge.outcome_of(inputs)
    where = ", ".join(f"{dim.name}={size}" for dim, size in inputs.sizes.items())
    if outcome.violation:
        return Finding(math.inf, True, detail=outcome.violation), where
    bound = bound_at(judge.derivation, judge.function, inputs, judge.dtype)
    few = long.size >= VERY_LONG and judge.dtype == "float64"
    weights = _weights(outcome.result.shape, long.seed, FEW_WINDOWS if few else WINDOWS)
    finding = against(Witness(_sums(judge, inputs, weights), weights), outcome.result, bound)
    return finding, where


def _inputs(judge: Judge, long: Long) -> Inputs:
    derivation, function = judge.derivation, judge.function
    dims = dict.fromkeys(dim for item in (*derivation.given, *function.extra) for dim in item.dims)
    sizes = tuple((dim.name, long.size if dim == long.dim else 2) for dim in dims)
    textures = [(item.name, Texture(long.seed, _pattern(item, long.seed))) for item in derivation.given]
    textures += [(item.name, Texture(long.seed)) for item in function.extra]
    return build(Recipe(sizes, (), tuple(textures)), derivation.given, function.extra, judge.dtype)


def _pattern(item: Given, seed: int) -> str:
    domain = domain_of(item)
    if item.classes and (domain.one_hot or seed % 2 == 0):
        return "classes"
    return "soft" if domain.total is not None else "dense"


def _weights(shape: tuple[int, ...], seed: int, windows: int) -> np.ndarray:
    """Weights on one window of the flattened result after the other; on all of it where it is short."""
    size = math.prod(shape)
    edges = np.linspace(0, size, min(windows, max(1, size)) + 1).astype(int)
    numbers = np.random.default_rng([seed, 5]).choice([-2.0, -1.0, 1.0, 2.0], size)
    place = np.arange(size)
    rows = [np.where((place >= low) & (place < high), numbers, 0.0) for low, high in pairwise(edges)]
    return np.stack(rows).reshape(len(rows), *shape)


def _sums(judge: Judge, inputs: Inputs, weights: np.ndarray) -> Enclosure:
    """The definition's sums with the weights, in float64 with what it errs."""
    function, derivation = judge.function, judge.derivation
    ring = ErrorAnalysis(PRECISIONS["float64"], shifted=False)
    weight = Given(tensor(WEIGHTS, *(index.dim for index in function.axes)) if function.axes else scalar(WEIGHTS))
    setting = Setting((*derivation.given, *function.extra, weight), derivation.lets)
    target = _weighted(function.target, weight, function.axes)
    exact = {name: ring.exact(array) for name, array in inputs.values.items()}
    with ring.scope():
        found = [evaluate(target, setting, inputs.sizes, {**exact, WEIGHTS: ring.exact(row)}, ring, ()).full() for row in weights]
    errors = REARRANGEMENT * np.array([float(one.error) for one in found])
    return Enclosure(np.array([float(one.value) for one in found]), np.zeros(len(found)), errors)


def _weighted(target: Expr, weight: Given, axes: tuple[Index, ...]) -> Expr:
    """The sum with weights as one sum, which the interpreter takes as one directional derivative."""
    factor = weight.symbol[axes] if isinstance(weight.symbol, NamedTensor) else weight.symbol
    if isinstance(target, Sum):
        return summation(target.function * factor, *(limit[0] for limit in target.limits), *axes)
    return summation(target * factor, *axes)
