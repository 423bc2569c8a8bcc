"""The part of a setting that a claim is about."""

from __future__ import annotations

import pytest

from closedform.errors import NotationError
from closedform.notation import (
    Dim,
    Given,
    Let,
    OneHot,
    Relation,
    Setting,
    SizeRelation,
    equation,
    indices,
    partial,
    scalar,
    summation,
    tensor,
)

N, D = Dim("N"), Dim("D")
(n,), (d,) = indices("n", N), indices("d", D)
X, y, w, r, L, t = tensor("X", N, D), tensor("y", N), tensor("w", D), tensor("r", N), scalar("L"), scalar("t")


def _names(setting: Setting) -> list[str]:
    return [item.name for item in setting.items()]


def test_what_is_named_and_what_that_is_made_of() -> None:
    lets = (Let(r[n], summation(X[n, d] * w[d], d)), Let(L, summation(y[n], n)))
    setting = Setting((Given(X), Given(w), Given(y)), lets)
    assert _names(setting.about(r[n])) == ["X", "w", "r"]
    assert _names(setting.about(partial(L, y[n]))) == ["y", "L"]


def test_arguments_of_unknown_functions() -> None:
    setting = Setting((Given(w), Given(y, of=(w,)), Given(t)))
    assert _names(setting.about(y[n])) == ["w", "y"]


def test_constraints_tie_givens_together() -> None:
    setting = Setting((Given(y), Given(t, where=(equation(summation(y[n], n), t),)), Given(w, where=(Relation(">", w[d], 0),))))
    assert _names(setting.about(y[n])) == ["y", "t"]
    assert _names(setting.about(t)) == ["y", "t"]


def test_conditions_on_sizes_are_kept() -> None:
    setting = Setting((Given(X, where=(SizeRelation(">=", N, D),)), Given(y), Given(w)))
    assert _names(setting.about(y[n])) == ["X", "y"]


def test_sizes_that_are_compared_are_dimensions_of_the_setting() -> None:
    setting = Setting((Given(X), Given(t, where=(SizeRelation(">=", N, D),))))
    assert setting.about(t).dims == (D, N)


def test_a_constraint_stands_with_what_it_restricts() -> None:
    with pytest.raises(NotationError, match="a constraint on y stands with w; state it where y is given"):
        Given(w, where=(OneHot(y),))
    with pytest.raises(NotationError, match="a constraint on w, y stands with t"):
        Given(t, where=(equation(summation(y[n], n), summation(w[d], d)),))
