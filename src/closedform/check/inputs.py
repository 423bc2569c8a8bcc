"""Inputs to try a kernel on: a recipe of few choices, and the arrays that it stands for.

A recipe is a drawn seed, whose Gaussian numbers are then given a structure on which kernels break:
one entry far above the others, ties, a large common offset, one-hot and sparse rows, odd sizes,
memory that is not contiguous. Plain random floats rarely have any of these.

A recipe is drawn through one function ``choose(options) -> option``, so Hypothesis, a seeded
generator and the shrinker all draw from the same description; the first option is always the simplest.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeVar

import numpy as np

from closedform.check.constraints import Domain, domain_of, rounded
from closedform.notation import Dim, Given, Let, SizeRelation

Option = TypeVar("Option")
Choose = Callable[[Sequence[Any]], Any]

# Sizes: small ones, where every off-by-one shows, and both sides of the powers of two at which vector code changes lanes.
SMALL = (2, 3, 1, 4, 5, 6, 7, 8, 9)
LARGE = (15, 16, 17, 31, 32, 33, 63, 64, 65)

# Up to so many numbers the derivative of one tensor along the entries of another may have: the reference makes them all.
MOST_NUMBERS = 50_000

# Structures, and how often: a repeated option is drawn more often.
SCALES = (1.0,) * 7 + (2.0**-10, 8.0, 8.0, 32.0, 128.0, 1024.0, 8192.0)
OFFSETS = (0.0,) * 9 + (-3.0, 1e7, -1e7)
MILD_SCALES = (1.0, 1.0, 0.25, 4.0)
# The last one is beyond the smallest exponential of float64, as 100 to 110 is beyond that of float32.
GAPS = (1.0, 3.0, 9.0, 16.5, 36.5, 50.0, 110.0, 800.0)
PLAIN_PATTERNS = ("dense", "dense", "dense", "gap", "gap", "ties", "constant")
MILD_PATTERNS = ("dense", "dense", "dense", "ties", "constant")
MEMBER_PATTERNS = ("dense", "one-hot")
UPSTREAM_PATTERNS = ("dense", "dense", "dense", "one-hot", "sparse", "constant")
LAYOUTS = ("contiguous",) * 3 + ("transposed", "strided", "broadcast")
SEEDS = range(1 << 16)
MOST_STRATA = 64


class Choices:
    """Draws by a list of numbers, one a choice, then at random or, without a generator, the first option.

    The list in ``made`` replays the draw; smaller numbers are simpler choices, which is all that a shrinker needs.
    Random draws are stratified: the ``number``-th draw of a seed takes from each short list of options the next one of
    a shuffle, so that a few draws go through all of them.
    """

    def __init__(self, replay: Sequence[int] = (), *, seed: Sequence[int] | None = None, number: int = 0) -> None:
        self._replay = tuple(replay)
        self._seed = seed
        self._number = number
        self.made: list[int] = []

    def __call__(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        place = len(self.made)
        if place < len(self._replay):
            number = min(self._replay[place], len(options) - 1)
        else:
            number = 0 if self._seed is None else self._stratified(place, len(options), self._seed)
        self.made.append(number)
        return options[number]

    def _stratified(self, place: int, count: int, seed: Sequence[int]) -> int:
        if count > MOST_STRATA:
            return int(np.random.default_rng([*seed, place, self._number]).integers(count))
        turn, position = divmod(self._number, count)
        return int(np.random.default_rng([*seed, place, turn]).permutation(count)[position])


@dataclass(frozen=True)
class Texture:
    """How the numbers of one input are made.

    Attributes:
        seed: of the Gaussian numbers.
        pattern: ``dense``, ``gap`` (one entry of each row raised), ``ties``, ``constant``, ``one-hot``, ``sparse``;
            of labels also ``classes`` (integers) and ``soft``.
        coarse: whether numbers are rounded to quarters, which read well.
        scale, offset: numbers are ``offset + scale * gaussian``.
        gap: by how much the top entry of a row leads (``gap`` only).
        layout: in memory: ``contiguous``, ``transposed``, ``strided`` (every other element of a buffer that holds NaN
            elsewhere) or ``broadcast`` (zero stride along the first axis).
    """

    seed: int
    pattern: str = "dense"
    coarse: bool = False
    scale: float = 1.0
    offset: float = 0.0
    gap: float = 0.0
    layout: str = "contiguous"


@dataclass(frozen=True)
class Recipe:
    """One input to a kernel function: the sizes, the leading shape that is mapped over, and a texture for each argument.

    All arguments but numbers have the leading shape, or with ``stacked`` only the one of that name.
    """

    sizes: tuple[tuple[str, int], ...]
    leading: tuple[int, ...]
    textures: tuple[tuple[str, Texture], ...]
    stacked: str = ""

    def leading_of(self, name: str) -> tuple[int, ...]:
        """The leading shape of an argument."""
        return self.leading if self.stacked in ("", name) else ()


@dataclass(frozen=True)
class Inputs:
    """What a recipe stands for.

    Attributes:
        recipe: where it came from.
        sizes: dimension -> size.
        values: name -> float64 array of its leading shape and the dimensions' sizes, every number exact in the dtype.
        classes: name -> int64 array, for labels that are passed as class indices; ``values`` has their one-hot rows.
    """

    recipe: Recipe
    sizes: dict[Dim, int]
    values: dict[str, np.ndarray]
    classes: dict[str, np.ndarray]

    def layout(self, name: str) -> str:
        """The memory layout that the recipe asks for."""
        return dict(self.recipe.textures)[name].layout

    def at(self, position: Sequence[int]) -> dict[str, np.ndarray]:
        """The values at one position of the leading shape."""
        mapped = {name for name, array in self.values.items() if array.ndim and self.recipe.leading_of(name)}
        return {name: array[tuple(position)] if name in mapped else array for name, array in self.values.items()}


def draw_recipe(
    choose: Choose,
    given: Sequence[Given],
    extra: Sequence[Given] = (),
    *,
    lets: Sequence[Let] = (),
    maps_over_leading: bool = False,
    several: str = "",
) -> Recipe:
    """Draw a recipe for a function of ``given`` and the further arguments ``extra`` (directions, upstream gradients).

    With ``maps_over_leading`` all may have a leading shape, else the one called ``several`` may. The tensors that are made
    on the way, ``lets``, bound the sizes.
    """
    dims = tuple(dict.fromkeys(dim for item in (*given, *extra) for dim in item.dims))
    relations = [c for item in given for c in item.where if isinstance(c, SizeRelation)]
    sizes = _draw_sizes(choose, dims, relations, _Cost([item.dims for item in given], [item.dims for item in lets]))
    shapes = ((), (), (2,), (1, 2)) if maps_over_leading else ((), (2,)) if several else ((),)
    leading = choose(shapes) if len(shapes) > 1 else ()
    # One input at a time is extreme: the product of two large ones only says that everything is lost.
    domains = {item.name: domain_of(item) for item in given}
    free: list[str | None] = [name for name, domain in domains.items() if domain.is_free]
    extreme = choose(free if len(free) == 1 else [*free, None])
    textures = [(name, _draw_texture(choose, domain, mild=name != extreme)) for name, domain in domains.items()]
    textures += [(item.name, _draw_upstream(choose)) for item in extra]
    stacked = several if leading and not maps_over_leading else ""
    return Recipe(tuple((dim.name, sizes[dim]) for dim in dims), leading, tuple(textures), stacked)


def build(recipe: Recipe, given: Sequence[Given], extra: Sequence[Given], dtype: str) -> Inputs:
    """The arrays of a recipe, rounded to ``dtype``; the same recipe always gives the same arrays."""
    named = dict(recipe.sizes)
    dims = dict.fromkeys(dim for item in (*given, *extra) for dim in item.dims)
    sizes = {dim: named[dim.name] for dim in dims}
    textures = dict(recipe.textures)
    values: dict[str, np.ndarray] = {}
    classes: dict[str, np.ndarray] = {}
    for item in (*given, *extra):
        texture = textures[item.name]
        # A number is the same at every position of the leading shape: that is how kernels take it.
        shape = recipe.leading_of(item.name) + tuple(sizes[dim] for dim in item.dims) if item.dims else ()
        # The name enters the seed, so that two inputs drawn with one seed (shrunk ones, say) still differ.
        generator = np.random.default_rng([texture.seed, zlib.crc32(item.name.encode())])
        domain = domain_of(item)
        if texture.pattern == "classes":
            classes[item.name] = generator.integers(0, shape[-1], shape[:-1])
            values[item.name] = (np.arange(shape[-1]) == classes[item.name][..., None]).astype(np.float64)
        else:
            values[item.name] = _numbers(generator, shape, texture, domain, dtype)
    return Inputs(recipe, sizes, values, classes)


@dataclass(frozen=True)
class _Cost:
    """How many numbers the derivative of the largest tensor along the largest input has at most."""

    inputs: Sequence[Sequence[Dim]]
    made: Sequence[Sequence[Dim]]

    def at(self, sizes: Mapping[Dim, int]) -> int:
        entries = [max((prod(sizes[dim] for dim in shape) for shape in shapes), default=1) for shapes in (self.inputs, self.made)]
        return entries[0] * max(entries)


def _draw_sizes(choose: Choose, dims: Sequence[Dim], relations: Sequence[SizeRelation], cost: _Cost) -> dict[Dim, int]:
    sizes = {dim: choose(SMALL) for dim in dims}
    large, size = choose((None,) * (3 * len(dims)) + tuple(dims) or (None,)), choose(LARGE)
    if large is not None:
        sizes = {dim: min(least, 3) for dim, least in sizes.items()}
        affordable = [one for one in LARGE if one <= size and cost.at({**sizes, large: one}) <= MOST_NUMBERS]
        sizes |= {large: max(affordable, default=SMALL[-1])}
    for relation in relations:
        sizes = _satisfy(relation, sizes)
    return sizes


def _satisfy(relation: SizeRelation, sizes: dict[Dim, int]) -> dict[Dim, int]:
    """Raise the dimensions of one side, then of the other, until the relation holds."""
    for side in (relation.lhs, relation.rhs, relation.lhs):
        for dim in sorted(side.free_symbols & set(sizes), key=str):
            for size in range(sizes[dim], sizes[dim] + 20):
                if _holds(relation, {**sizes, dim: size}):
                    return {**sizes, dim: size}
    return sizes


def _holds(relation: SizeRelation, sizes: dict[Dim, int]) -> bool:
    left, right = (int(side.xreplace(sizes)) for side in (relation.lhs, relation.rhs))
    return {"=": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[
        relation.op
    ]


def _draw_texture(choose: Choose, domain: Domain, *, mild: bool) -> Texture:
    if domain.classes or domain.one_hot or domain.total is not None:
        patterns = ("one-hot",) if domain.one_hot else ("soft", "soft", "one-hot")
        patterns = ("classes", "classes", *patterns) if domain.classes else patterns
        return Texture(choose(SEEDS), choose(patterns), choose((True, False, False, False)), layout=choose(LAYOUTS))
    free = domain.is_free
    # Every choice is made every time, so that each keeps its place in the sequence.
    texture = Texture(
        seed=choose(SEEDS),
        pattern=choose((MILD_PATTERNS if mild else PLAIN_PATTERNS) if free else MEMBER_PATTERNS if domain.members else ("dense",)),
        coarse=choose((True, False, False, False)),
        scale=choose((MILD_SCALES if mild else SCALES) if free else (1.0,)),
        offset=choose((0.0,) if mild or not free else OFFSETS),
        gap=choose(GAPS),
        layout=choose(LAYOUTS if free else ("contiguous",)),
    )
    return texture if texture.pattern == "gap" else replace(texture, gap=0.0)


def _draw_upstream(choose: Choose) -> Texture:
    """A direction or an upstream gradient; never only ones, which hide a factor or a transposition."""
    return Texture(
        seed=choose(SEEDS),
        pattern=choose(UPSTREAM_PATTERNS),
        coarse=choose((True, False, False, False)),
        scale=choose((1.0, 1.0, 1.0, 2.0**-10, 64.0)),
        layout=choose(LAYOUTS),
    )


def _numbers(generator: np.random.Generator, shape: tuple[int, ...], texture: Texture, domain: Domain, dtype: str) -> np.ndarray:
    numbers = generator.standard_normal(shape)
    if texture.coarse:
        numbers = np.round(4 * numbers) / 4
        numbers = numbers if numbers.ndim or numbers else np.ones(())  # a factor of 0 would hide whatever it multiplies
    numbers = _patterned(generator, numbers, texture) * texture.scale + texture.offset
    if texture.layout == "broadcast" and numbers.ndim and numbers.shape[0]:
        numbers = np.broadcast_to(numbers[:1], shape).copy()
    return domain.restrict(rounded(numbers, dtype), generator, texture.pattern, dtype)


def _patterned(generator: np.random.Generator, numbers: np.ndarray, texture: Texture) -> np.ndarray:
    if not numbers.ndim:
        return numbers
    top = generator.integers(0, numbers.shape[-1], numbers.shape[:-1])[..., None]
    is_top = np.arange(numbers.shape[-1]) == top
    if texture.pattern == "gap":
        # The top entry leads by exactly the gap, in units of the final scale.
        others = np.where(is_top, -np.inf, numbers)
        best = others.max(axis=-1, keepdims=True)
        lead = np.where(np.isfinite(best), best, 0.0) + texture.gap / texture.scale
        return np.where(is_top, lead, numbers)
    if texture.pattern == "ties":
        return np.round(numbers)
    if texture.pattern == "constant":
        return np.broadcast_to(numbers.reshape(-1)[:1].reshape((1,) * numbers.ndim), numbers.shape).copy()
    if texture.pattern == "one-hot":
        return np.where(is_top, np.where(numbers == 0, 1.0, numbers), 0.0)
    if texture.pattern == "sparse":
        return np.where(generator.random(numbers.shape) < 0.7, 0.0, numbers)
    return numbers
