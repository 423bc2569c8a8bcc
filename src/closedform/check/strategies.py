"""Hypothesis strategies for the inputs of kernels, with the structure on which kernels break.

    >>> from closedform.check.strategies import labels, logits
    >>> logits(rows=4, classes=10).example().shape  # doctest: +SKIP
    (4, 10)

All shrink towards small sizes, round numbers, no offset and contiguous memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from closedform.check.cases import Case, maps_over_leading, prepare
from closedform.check.inputs import SMALL, Recipe, build, draw_recipe
from closedform.functions import KernelFunction
from closedform.notation import Derivation, Dim, Given, Let, tensor


@st.composite
def recipes(
    draw: st.DrawFn,
    given: Sequence[Given],
    extra: Sequence[Given] = (),
    *,
    lets: Sequence[Let] = (),
    leading: bool = False,
    several: str = "",
) -> Recipe:
    """Recipes for inputs: sizes, and a texture for each of ``given`` and ``extra`` (directions, upstream gradients)."""

    def choose(options: Sequence[Any]) -> Any:
        return draw(st.sampled_from(options))

    return draw_recipe(choose, given, extra, lets=lets, maps_over_leading=leading, several=several)


@st.composite
def kernel_cases(draw: st.DrawFn, derivation: Derivation, function: KernelFunction, dtype: str) -> Case:
    """Inputs to a kernel function, with the reference value, its bound and the witnesses."""
    leading = maps_over_leading(derivation)
    recipe = draw(recipes(derivation.given, function.extra, lets=derivation.lets, leading=leading, several=function.several))
    return prepare(derivation, function, recipe, dtype)


def logits(*, rows: int | None = None, classes: int | None = None, dtype: str = "float64") -> st.SearchStrategy[np.ndarray]:
    """Arrays (rows, classes): gaps of 0 to 100 to the top logit, ties, offsets of 1e7, scales up to 8192."""
    return _arrays("logits", rows, classes, dtype, _plain)


def labels(*, rows: int | None = None, classes: int | None = None, dtype: str = "float64") -> st.SearchStrategy[np.ndarray]:
    """Integer classes (rows,), or one-hot or soft rows (rows, classes) that sum to 1 exactly."""
    return _arrays("labels", rows, classes, dtype, _labels)


def upstream(*, rows: int | None = None, classes: int | None = None, dtype: str = "float64") -> st.SearchStrategy[np.ndarray]:
    """Upstream gradients and directions (rows, classes): dense, one-hot, sparse, constant."""
    return _arrays("upstream", rows, classes, dtype, _upstream)


_B, _C = Dim("B"), Dim("C")
_TENSOR = tensor("x", _B, _C)


def _plain() -> tuple[tuple[Given, ...], tuple[Given, ...]]:
    return (Given(_TENSOR),), ()


def _labels() -> tuple[tuple[Given, ...], tuple[Given, ...]]:
    return (Given(_TENSOR, classes=True),), ()


def _upstream() -> tuple[tuple[Given, ...], tuple[Given, ...]]:
    return (), (Given(_TENSOR),)


@st.composite
def _arrays(draw: st.DrawFn, what: str, rows: int | None, classes: int | None, dtype: str, roles: Any) -> np.ndarray:
    given, extra = roles()
    recipe = draw(recipes(given, extra))
    sizes = dict(recipe.sizes)
    sizes["B"] = draw(st.sampled_from(SMALL)) if rows is None else rows
    sizes["C"] = sizes["C"] if classes is None else classes
    inputs = build(Recipe(tuple(sizes.items()), (), recipe.textures), given, extra, dtype)
    if "x" in inputs.classes:
        return inputs.classes["x"]
    return inputs.values["x"].astype(dtype)
