"""Recipes and the arrays they stand for: every constraint met to the last bit, every structure reached."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational

from closedform.check.backends import library
from closedform.check.constraints import domain_of, rounded
from closedform.check.inputs import Choices, Inputs, Recipe, Texture, build, draw_recipe
from closedform.check.strategies import labels, logits, recipes, upstream
from closedform.derivations import cross_entropy
from closedform.errors import UsageError
from closedform.notation import (
    Dim,
    Given,
    InvertibleMatrix,
    Membership,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    SizeRelation,
    SymmetricMatrix,
    equation,
    indices,
    positive,
    summation,
    tensor,
)

B, C = Dim("B"), Dim("C")
b, b2 = indices("b b2", B)
c, c2 = indices("c c2", C)
X, A = tensor("X", B, C), tensor("A", C, C)


def drawn(item: Given, number: int, dtype: str = "float32") -> np.ndarray:
    recipe = draw_recipe(Choices(seed=(7,), number=number), (item,))
    return build(recipe, (item,), (), dtype).values[item.name]


def constrained(*where: object) -> Given:
    return Given(X, where=where)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_labels_sum_to_one_exactly_in_any_order(dtype: str) -> None:
    for number in range(20):
        rows = drawn(constrained(equation(summation(X[b, c], c), 1)), number, dtype)
        assert np.array_equal(rounded(rows, dtype), rows)
        for row in rows:
            assert sum(Fraction(float(x)) for x in row) == 1


def test_a_sum_along_the_first_axis_is_met_too() -> None:
    columns = drawn(constrained(positive(X[b, c]), equation(summation(X[b, c], b), Rational(1, 2))), 3)
    assert np.all(columns > 0)
    assert np.all(columns.sum(axis=0) == 0.5)


def test_positive_labels_are_never_one_hot() -> None:
    for number in range(20):
        assert np.all(drawn(constrained(positive(X[b, c]), equation(summation(X[b, c], c), 1)), number) > 0)


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ((positive(X[b, c]),), lambda x: np.all(x > 0)),
        ((Relation("<", X[b, c], 1), Relation(">", X[b, c], -1)), lambda x: np.all(abs(x) < 1)),
        ((Relation(">", 3, X[b, c]),), lambda x: np.all(x < 3)),
        ((Relation("!=", X[b, c], 0),), lambda x: np.all(x != 0)),
        ((Membership(X[b, c], (Rational(0), Rational(1))),), lambda x: set(np.unique(x)) <= {0.0, 1.0}),
        ((OneHot(X),), lambda x: np.all(np.sort(x, axis=1)[:, :-1] == 0) and np.all(x.max(axis=1) == 1)),
    ],
)
def test_constraints_on_entries(where: tuple[object, ...], holds: object) -> None:
    for number in range(10):
        assert holds(drawn(constrained(*where), number))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("constraint", "holds"),
    [
        (SymmetricMatrix(A), lambda a: np.array_equal(a, a.T)),
        (PositiveDefiniteMatrix(A), lambda a: np.array_equal(a, a.T) and np.linalg.eigvalsh(a)[0] > 0.5),
        (InvertibleMatrix(A), lambda a: abs(np.linalg.det(a)) > 1e-3),
    ],
)
def test_kinds_of_matrices(constraint: object, holds: object) -> None:
    for number in range(10):
        assert holds(drawn(Given(A, where=(constraint,)), number))  # type: ignore[arg-type, operator]


def test_a_relation_of_sizes_is_met() -> None:
    item = Given(X, where=(SizeRelation(">=", B, C + 1),))
    for number in range(20):
        sizes = dict(draw_recipe(Choices(seed=(1,), number=number), (item,)).sizes)
        assert sizes["B"] >= sizes["C"] + 1


def test_a_constraint_that_cannot_be_drawn_is_named() -> None:
    with pytest.raises(UsageError, match=r"no inputs can be drawn for the constraint .* on X; kernels are checked for bounds on entries"):
        domain_of(constrained(equation(summation(X[b, c] ** 2, c), 1)))


def test_the_same_recipe_gives_the_same_arrays() -> None:
    recipe = draw_recipe(Choices(seed=(3,), number=5), cross_entropy.derivation.given)
    one, two = (build(recipe, cross_entropy.derivation.given, (), "float64") for _ in range(2))
    assert all(np.array_equal(one.values[name], two.values[name]) for name in one.values)


def test_replaying_the_choices_gives_the_same_recipe() -> None:
    choices = Choices(seed=(3,), number=5)
    recipe = draw_recipe(choices, cross_entropy.derivation.given)
    assert draw_recipe(Choices(choices.made), cross_entropy.derivation.given) == recipe


def test_the_first_choices_are_the_simplest() -> None:
    recipe = draw_recipe(Choices(), cross_entropy.derivation.given)
    assert dict(recipe.sizes) == {"B": 2, "C": 2}
    assert all((t.layout, t.scale, t.offset, t.coarse) == ("contiguous", 1.0, 0.0, True) for _, t in recipe.textures)


def test_sixteen_draws_reach_every_structure() -> None:
    seen: Counter[object] = Counter()
    for number in range(16):
        recipe = draw_recipe(Choices(seed=(0,), number=number), cross_entropy.derivation.given)
        for name, texture in recipe.textures:
            seen.update([(name, texture.layout), (name, texture.pattern), (name, texture.offset != 0), (name, texture.scale > 8)])
    for layout in ("contiguous", "transposed", "strided", "broadcast"):
        assert seen["z", layout], layout
        assert seen["y", layout], layout
    for pattern in ("dense", "gap", "ties", "constant"):
        assert seen["z", pattern], pattern
    for pattern in ("classes", "one-hot", "soft"):
        assert seen["y", pattern], pattern
    assert seen["z", True] >= 2


@pytest.mark.parametrize("gap", [1.0, 20.0, 100.0])
def test_the_top_logit_leads_by_the_gap(gap: float) -> None:
    recipe = Recipe((("B", 5), ("C", 4)), (), (("X", Texture(3, "gap", gap=gap)),))
    rows = np.sort(build(recipe, (Given(X),), (), "float64").values["X"], axis=1)
    np.testing.assert_allclose(rows[:, -1] - rows[:, -2], gap, rtol=1e-12)


def inputs_of(layout: str) -> Inputs:
    recipe = Recipe((("B", 3), ("C", 4)), (), (("X", Texture(3, layout=layout)),))
    return build(recipe, (Given(X),), (), "float64")


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided", "broadcast"])
def test_layouts_hold_the_same_numbers(backend: str, layout: str) -> None:
    values = inputs_of(layout).values["X"]
    arrays = library(backend)
    array = arrays.array(values, "float32", layout, "cpu")
    assert np.array_equal(arrays.numbers(array), values.astype(np.float32))
    contiguous = array.flags.c_contiguous if backend == "numpy" else array.is_contiguous()
    assert contiguous == (layout == "contiguous")


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_rounding_to_a_dtype_is_what_torch_does(dtype: str) -> None:
    import torch

    numbers = np.random.default_rng(0).standard_normal(200) * 100
    expected = torch.tensor(numbers).to(getattr(torch, dtype)).to(torch.float64).numpy()
    assert np.array_equal(rounded(numbers, dtype), expected)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(logits(classes=5), labels(rows=3, classes=5), upstream(rows=3, classes=5))
def test_strategies_for_reuse(z: np.ndarray, y: np.ndarray, g: np.ndarray) -> None:
    assert z.shape[1] == 5
    assert np.all(np.isfinite(z))
    assert y.shape == (3,) or np.all(y.sum(axis=1) == 1)
    assert g.shape == (3, 5)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(recipes(cross_entropy.derivation.given), st.sampled_from(["float32", "float64"]))
def test_every_recipe_can_be_built(recipe: Recipe, dtype: str) -> None:
    inputs = build(recipe, cross_entropy.derivation.given, (), dtype)
    assert np.all(np.isfinite(inputs.values["z"]))
    assert np.all(inputs.values["y"].sum(axis=-1) == 1)
