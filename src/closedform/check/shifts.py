"""Shift invariance: which inputs may be moved along an axis without changing the output, found on the definition.

If f(x + s) = f(x) for every x and every s that is constant along an axis, all derivatives of f are invariant
too. Kernels that forget it (log-softmax as x - (m + log S), say) lose their digits far from the origin. Inputs
and shifts are small multiples of powers of two, so that x + s is exact in float32 and both calls get the
same problem.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.ball import Ball
from closedform.check.bounds import PRECISIONS
from closedform.check.cases import bound_at
from closedform.check.constraints import domain_of
from closedform.check.inputs import Inputs, Recipe, Texture, build
from closedform.check.judge import Finding, Judge, compare
from closedform.check.oracles.ball import balls, to_enclosure
from closedform.functions import KernelFunction
from closedform.notation import Derivation, Dim, Index, NamedTensor

STEPS = (16.0, 64.0, 512.0)
TRIES = len(STEPS)


@dataclass(frozen=True)
class Shift:
    """The given ``name`` may be moved along its axis number ``axis``, over ``dim``."""

    name: str
    axis: int
    dim: str

    @property
    def title(self) -> str:
        """As it is reported."""
        return f"unchanged when {self.name} is shifted along {self.dim}"


@lru_cache(maxsize=64)
def shifts(derivation: Derivation) -> tuple[Shift, ...]:
    """Those that the definition of the output allows."""
    found = []
    for given in derivation.given:
        for axis, dim in enumerate(given.dims):
            shift = Shift(given.name, axis, dim.name)
            if domain_of(given).is_free and all(_leaves_output(derivation, shift, number) for number in range(TRIES)):
                found.append(shift)
    return tuple(found)


def _leaves_output(derivation: Derivation, shift: Shift, number: int) -> bool:
    inputs = _inputs(derivation, None, number)
    output = derivation.computed
    axes = tuple(Index(f"axis_{k}", dim) for k, dim in enumerate(output.dims)) if isinstance(output, NamedTensor) else ()
    entry = output[axes] if isinstance(output, NamedTensor) else output

    def value(values: dict[str, np.ndarray]) -> np.ndarray:
        exact = {name: balls(array) for name, array in values.items()}
        return np.asarray(evaluate(entry, derivation.setting, inputs.sizes, exact, Ball(256), axes), dtype=object)

    ring = Ball(256)
    with ring.scope():
        gap = to_enclosure(value(moved(inputs, shift, number).values) - value(inputs.values))
    return bool(np.all(np.abs(gap.high) <= gap.radius) and np.all(gap.radius < 2.0**-60))


def shift_findings(judge: Judge, shift: Shift) -> list[Finding]:
    """The kernel at pairs of inputs that differ by the shift; none in a dtype that cannot hold the shifted ones."""
    found: list[Finding] = []
    if PRECISIONS[judge.dtype].roundoff > PRECISIONS["float32"].roundoff:
        return found
    for number in range(TRIES):
        inputs = _inputs(judge.derivation, judge.function, number)
        pair = (inputs, moved(inputs, shift, number))
        results, bounds = [], []
        for one in pair:
            outcome = judge.outcome_of(one)
            if outcome.violation:
                return [Finding(np.inf, True, detail=outcome.violation)]
            results.append(outcome.result)
            bounds.append(bound_at(judge.derivation, judge.function, one, judge.dtype))
        found.append(compare(results[1], np.abs(results[1] - results[0]), bounds[0] + bounds[1], results[0]))
    return found


def moved(inputs: Inputs, shift: Shift, number: int) -> Inputs:
    """The inputs with the shift applied: by another amount for each position of the other axes."""
    values = inputs.values[shift.name]
    shape = tuple(1 if k == shift.axis else n for k, n in enumerate(values.shape))
    amount = STEPS[number] * np.random.default_rng([number, 1]).choice([-2.0, -1.0, 1.0, 2.0], shape)
    return replace(inputs, values={**inputs.values, shift.name: values + amount})


def _inputs(derivation: Derivation, function: KernelFunction | None, number: int) -> Inputs:
    """Quarters of small integers, at small sizes that differ from each other."""
    extra = () if function is None else function.extra
    given = (*derivation.given, *extra)
    dims: list[Dim] = list(dict.fromkeys(dim for item in given for dim in item.dims))
    sizes = tuple((dim.name, 2 + (k + number) % 4) for k, dim in enumerate(dims))
    patterns = {True: "soft", False: "dense"}
    textures = tuple((item.name, Texture(1000 + number, patterns[item.classes], coarse=True)) for item in given)
    return build(Recipe(sizes, (), textures), derivation.given, extra, "float32")
