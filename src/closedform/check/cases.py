"""Inputs with everything that is known of the right result: made once, used for every backend."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np

from closedform.certify.evaluate import evaluate
from closedform.check.bounds import PRECISIONS, REARRANGEMENT, ErrorAnalysis, Precision, allowed
from closedform.check.inputs import Choices, Inputs, Recipe, build, draw_recipe
from closedform.check.oracles.autograd import by_autograd
from closedform.check.oracles.ball import Enclosure, enclose
from closedform.check.oracles.differences import Projection, by_differences
from closedform.check.stable import stable, stable_setting
from closedform.check.views import DIRECTION, View, by_claims, view
from closedform.errors import UsageError
from closedform.functions import KernelFunction
from closedform.notation import Derivation, Dim, NamedTensor, Setting


@dataclass(frozen=True, eq=False)
class Witness:
    """A value by another route, with a bound on its own error; ``weights`` when it is of sums of entries."""

    value: Enclosure
    weights: np.ndarray | None = None


Ask = Callable[[], Witness | None]


@dataclass(frozen=True, eq=False)
class Case:
    """An input and what is known of the result, or of the part of it that the view shows.

    Attributes:
        inputs: the arguments.
        view: which part is compared.
        truth: the definition's value; axes are the leading shape, then the view's.
        bound: how far a kernel may be from it, entry by entry; infinite where nothing is promised.
        autograd, differences: give the two further witnesses when they are called, which takes as long as the truth did;
            None where one does not apply.
        choices: what the recipe was drawn by, for the shrinker.
    """

    inputs: Inputs
    view: View
    truth: Enclosure
    bound: np.ndarray
    autograd: Ask
    differences: Ask
    choices: tuple[int, ...] = ()


def maps_over_leading(derivation: Derivation) -> bool:
    """Whether kernels take leading axes to map over: functions of tensors, with no batch dimension of their own."""
    return derivation.batch is None and isinstance(derivation.output, NamedTensor)


@lru_cache(maxsize=32)
def cases(derivation: Derivation, function: KernelFunction, dtype: str, examples: int, seed: int) -> tuple[Case, ...]:
    """The cases of a check, the same for the same arguments; cached, so that backends and kernels of one definition share them."""
    drawn = []
    for number in range(examples):
        choices = Choices(seed=(seed, zlib.crc32(function.name.encode())), number=number)
        drawn.append(drawn_case(derivation, function, dtype, choices))
    return tuple(drawn)


def drawn_case(derivation: Derivation, function: KernelFunction, dtype: str, choices: Choices) -> Case:
    """The case that a sequence of choices leads to."""
    leading = maps_over_leading(derivation)
    recipe = draw_recipe(
        choices, derivation.given, function.extra, lets=derivation.lets, maps_over_leading=leading, several=function.several
    )
    return replace(prepare(derivation, function, recipe, dtype), choices=tuple(choices.made))


def prepare(derivation: Derivation, function: KernelFunction, recipe: Recipe, dtype: str) -> Case:
    """Everything that is known of the result for one recipe."""
    if dtype not in PRECISIONS:
        raise UsageError(f"unknown dtype {dtype!r}; bounds are known for {', '.join(PRECISIONS)}")
    inputs = build(recipe, derivation.given, function.extra, dtype)
    seen = view(derivation, function, inputs.sizes, np.random.default_rng([texture.seed for _, texture in recipe.textures]))
    slices = [_Slice(derivation, seen, inputs, position) for position in np.ndindex(*recipe.leading)]
    bounds = [part.bound(PRECISIONS[dtype]) for part in slices]
    truth = _stack([part.truth(bound) for part, bound in zip(slices, bounds, strict=True)], recipe.leading)
    bound = np.stack(bounds).reshape(recipe.leading + bounds[0].shape)

    @cache
    def autograd() -> Witness | None:
        return Witness(_stack([part.autograd() for part in slices], recipe.leading)) if _has_torch() else None

    @cache
    def differences() -> Witness | None:
        return _last_slice(slices[-1].differences(), len(slices), recipe.leading)

    return Case(inputs, seen, truth, bound, autograd, differences)


class _Slice:
    """One position of the leading shape."""

    def __init__(self, derivation: Derivation, seen: View, inputs: Inputs, position: Sequence[int]) -> None:
        self.derivation, self.view, self.sizes = derivation, seen, inputs.sizes
        self.values: Mapping[str, np.ndarray] = inputs.at(position)
        if seen.column is not None:
            self.values = {**self.values, DIRECTION: seen.column}
        self.seed = [texture.seed for _, texture in inputs.recipe.textures]

    def bound(self, precision: Precision) -> np.ndarray:
        return _bound(self.view, self.sizes, self.values, precision)

    def truth(self, bound: np.ndarray) -> Enclosure:
        return enclose(self.view.target, self.view.setting, self.sizes, self.values, self.view.axes, bound)

    def autograd(self) -> Enclosure:
        value = by_autograd(self.derivation, self.view, self.sizes, self.values)
        error = _own_error(self.view, self.sizes, self.values)
        return Enclosure(value, np.zeros_like(value), np.where(np.isfinite(value), error, np.inf))

    def differences(self) -> Projection | None:
        return by_differences(self.derivation, self.view, self.sizes, self.values, np.random.default_rng(self.seed))


def bound_at(derivation: Derivation, function: KernelFunction, inputs: Inputs, dtype: str) -> np.ndarray:
    """The bound on the whole result at further inputs (without a leading shape)."""
    target = function.target
    setting = Setting((*derivation.given, *function.extra), derivation.lets)
    seen = View(function, target, by_claims(derivation, target, function), function.axes, setting)
    return _bound(seen, inputs.sizes, inputs.values, PRECISIONS[dtype])


def _bound(seen: View, sizes: Mapping[Dim, int], values: Mapping[str, np.ndarray], precision: Precision) -> np.ndarray:
    """The bound for a kernel that evaluates the formula in some order."""
    ring = ErrorAnalysis(precision)
    exact = {name: ring.exact(array) for name, array in values.items()}
    with ring.scope():
        result = ring.settled(evaluate(stable(seen.formula), stable_setting(seen.setting), sizes, exact, ring, seen.axes)).full()
        longest = max(sizes.values(), default=1)
        return allowed(result.value, result.error, longest, precision)


def _own_error(seen: View, sizes: Mapping[Dim, int], values: Mapping[str, np.ndarray]) -> np.ndarray:
    """How far float64 is off when it differentiates the definition as it stands, exponentials unshifted."""
    ring = ErrorAnalysis(PRECISIONS["float64"], shifted=False)
    exact = {name: ring.exact(array) for name, array in values.items()}
    with ring.scope():
        result = evaluate(seen.target, seen.setting, sizes, exact, ring, seen.axes).full()
        return np.asarray(REARRANGEMENT * result.error)


def _stack(parts: Sequence[Enclosure], leading: tuple[int, ...]) -> Enclosure:
    shape = leading + np.shape(parts[0].high)
    return Enclosure(*(np.stack([getattr(part, name) for part in parts]).reshape(shape) for name in ("high", "low", "radius")))


def _last_slice(projection: Projection | None, count: int, leading: tuple[int, ...]) -> Witness | None:
    """Weights on the last position of the leading shape, zero elsewhere."""
    if projection is None:
        return None
    number, shape = len(projection.weights), projection.weights.shape[1:]
    weights = np.zeros((number, count, *shape))
    weights[:, -1] = projection.weights
    return Witness(projection.value, weights.reshape(number, *leading, *shape))


@lru_cache(maxsize=1)
def _has_torch() -> bool:
    from importlib.util import find_spec

    return find_spec("torch") is not None
