"""Points at which a function has a kink: zeros, ties, and what a kernel may return there.

The notation has a convention (the derivative of abs and relu at 0 is 0). A kernel may declare another:

- ``definition``: the notation's own;
- ``subgradient``: every entry lies between the limits of the derivative from both sides along several directions;
- ``finite``: any finite number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from flint import arb

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.ball import Ball
from closedform.check.cases import Case, Witness, maps_over_leading, prepare
from closedform.check.constraints import domain_of
from closedform.check.inputs import Choices, Recipe, Texture, draw_recipe
from closedform.check.oracles.ball import Enclosure, balls, to_enclosure
from closedform.errors import UsageError
from closedform.functions import KernelFunction
from closedform.notation import Derivation

DEFINITION, SUBGRADIENT, FINITE = "definition", "subgradient", "finite"
CONVENTIONS = (DEFINITION, SUBGRADIENT, FINITE)

# All zero, ties of small integers, all entries the same.
TEXTURES = (Texture(1, scale=0.0), Texture(2, "ties"), Texture(3, "constant", coarse=True), Texture(4, "ties", scale=0.25))
# Lines of approach, and how near: values are balls, so that 2^-300 is as good as any step.
LINES, NEAR, PRECISION = 6, 300, 1024
# So many entries at most have every branch met by some line.
MOST_ENTRIES = 9
# A jump that is larger than this part of the limits is a kink.
JUMP = 2.0**-60


def checked_convention(kinks: str) -> str:
    """The convention itself; raises UsageError for one that there is not."""
    if kinks not in CONVENTIONS:
        raise UsageError(f"unknown convention {kinks!r} at kinks; it is {', '.join(map(repr, CONVENTIONS))}")
    return kinks


def kink_cases(derivation: Derivation, function: KernelFunction, dtype: str) -> tuple[Case, ...]:
    """Inputs with zeros and ties, at small sizes."""
    return tuple(prepare(derivation, function, recipe, dtype) for recipe in _recipes(derivation, function))


def _recipes(derivation: Derivation, function: KernelFunction) -> Iterator[Recipe]:
    free = {item.name for item in derivation.given if domain_of(item).is_free}
    for texture in TEXTURES:
        plain = draw_recipe(Choices(), derivation.given, function.extra, maps_over_leading=maps_over_leading(derivation))
        extra = {item.name: Texture(5) for item in function.extra}
        inputs = dict.fromkeys(free, texture)
        yield replace(plain, textures=tuple((name, {**inputs, **extra}.get(name, own)) for name, own in plain.textures))


def at_kinks(derivation: Derivation, case: Case, kinks: str) -> Case:
    """The case with what the convention allows where the definition has a kink; a large one with kinks is not judged."""
    if kinks == DEFINITION or case.inputs.recipe.leading:
        return case
    limits = _limits(derivation, case)
    low, high = np.min(limits, axis=0), np.max(limits, axis=0)
    kink = _jumps(low, high)
    if not np.any(kink):
        return case
    if low.size > MOST_ENTRIES:  # the lines through the point may miss a branch
        return replace(case, bound=np.full_like(case.bound, np.inf), autograd=_silent, differences=_silent)
    middle, half = (low + high) / 2, (high - low) / 2
    if kinks == FINITE:
        half = np.full_like(half, np.finfo(float).max / 4)
    parts = zip((middle, 0.0, 0.0), (case.truth.high, case.truth.low, case.truth.radius), strict=True)
    truth = Enclosure(*(np.where(kink, new, old) for new, old in parts))
    # An entry that is in doubt at the kink may have no bound of its own.
    bound = np.where(kink, half * (1 + 2.0**-20) + np.where(np.isfinite(case.bound), case.bound, 0.0), case.bound)
    differences = partial(_smooth_sum, limits) if kinks == SUBGRADIENT else _silent
    return replace(case, truth=truth, bound=bound, autograd=_silent, differences=differences)


def _silent() -> None:
    """In place of a witness that does not know the convention."""


def _jumps(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.isfinite(low) & np.isfinite(high) & ((high - low) > JUMP * np.maximum(np.abs(low), np.abs(high)))


def _smooth_sum(limits: np.ndarray) -> Witness | None:
    """The sum of the entries where that has no kink: the parts of a tie, however it is split, add up to one."""
    sums = np.sum(limits.reshape(len(limits), -1), axis=1)
    if not np.all(np.isfinite(sums)) or bool(_jumps(np.min(sums), np.max(sums))):
        return None
    value = Enclosure(sums[:1], np.zeros(1), np.abs(sums[:1]) * 2.0**-40)
    return Witness(value, np.ones((1, *limits.shape[1:])))


def _limits(derivation: Derivation, case: Case) -> np.ndarray:
    """The limits of each entry along a few lines through the point, from both sides."""
    generator = np.random.default_rng(len(case.inputs.values))
    free = [item.name for item in derivation.given if domain_of(item).is_free]
    values = []
    for _ in range(LINES):
        lines = {name: generator.standard_normal(case.inputs.values[name].shape) for name in free}
        values += [_moved(case, lines, side) for side in (1, -1)]
    return np.stack(values)


def _moved(case: Case, lines: dict[str, np.ndarray], side: int) -> np.ndarray:
    ring, seen = Ball(PRECISION), case.view
    step = arb(2) ** -NEAR * side
    with ring.scope():
        exact = {name: balls(array) for name, array in case.inputs.values.items()}
        exact |= {name: np.asarray(exact[name] + balls(line) * step, dtype=object) for name, line in lines.items()}
        return to_enclosure(np.asarray(evaluate(seen.target, seen.setting, case.inputs.sizes, exact, ring, seen.axes), dtype=object)).high
