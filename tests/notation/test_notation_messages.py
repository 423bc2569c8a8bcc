"""A formula that is not well formed is refused when it is written, and the message says what to do."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sympy import Eq

from closedform.derivations.linear_cross_entropy import derivation
from closedform.errors import DimensionError, NotationError
from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Index,
    Let,
    Membership,
    NamedTensor,
    Relation,
    Setting,
    delta,
    exp,
    indices,
    less,
    less_equal,
    partial,
    scalar,
    summation,
    tensor,
    where,
)

C, D = Dim("C"), Dim("D")
i, j = indices("i j", C)
ANYTHING: Any = "C"  # what a type checker would not let through
m = Index("m", D)
z, p = tensor("z", C), tensor("p", C)
x, s = scalar("x"), scalar("s")
SQUARE = Derivation(name="square", title="Square", given=(Given(x),), lets=(Let(s, x**2),), output=s, wrt=(x,))


def test_conditions_may_be_written_as_comparisons_of_python() -> None:
    assert where(z[i] > 0, x, s) == where(less(0, z[i]), x, s)
    assert where(z[i] >= x, x, s) == where(less_equal(x, z[i]), x, s)
    assert where(z[i] < 0, x, s) == where(less(z[i], 0), x, s)
    assert where(z[i] <= 0, x, s) == where(less_equal(z[i], 0), x, s)


def test_members_may_be_whole_numbers_of_python() -> None:
    assert [value.q for value in Membership(z[i], (0, 1)).values] == [1, 1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Dim("1C"), r"a dimension must be a name such as 'z' or 'theta_1' .*; got '1C'"),
        (lambda: scalar("x; import os"), r"a scalar must be a name"),
        (lambda: Index("i", ANYTHING), r"index 'i' needs a Dim to run over; got 'C'"),
        (lambda: tensor("z"), r"tensor 'z' needs one Dim per axis.*scalar\('z'\)"),
        (lambda: NamedTensor("z", [ANYTHING]), r"tensor 'z' needs one Dim per axis"),
        (lambda: z[0], r"axis 0 of z needs an Index over C; got 0"),
        (lambda: delta(i, ANYTHING), r"delta needs two indices"),
        (lambda: summation(z[i], z), r"a sum runs over indices; got z"),
        (lambda: partial(z[i] ** 2, z[i]), r"a derivative is of a named entry by named entries, such as partial\(p\[i\], z\[j\]\)"),
        (lambda: partial(p[i]), r"a derivative needs at least one variable"),
        (lambda: where(Eq(z[i], 0), 1, 0), r"where needs a comparison with <, <=, > or >= of entries; got Eq\(z\[i\], 0\)"),
        (lambda: where(z[i] == 0, 1, 0), r"where needs a comparison .* got False"),
        (
            lambda: Setting((Given(z),), (Let(s, 2 * z),)),
            r"the definition of s uses z without indices; it is z\[C\]: give it one index for each",
        ),
        (lambda: replace(SQUARE, name="class"), r"a derivation's name names a module, and 'class' is a word of Python's own"),
        (lambda: Relation("==", x, 1), r"a relation is one of = != < <= > >=; got '=='"),
        (lambda: Let(tensor("A", C, C)[i, i], 1), r"the definition of A repeats an index"),
        (lambda: Let(exp(x), 1), r"a let defines a tensor entry or a scalar"),
        (lambda: Let(p[i], z[j]), r"the definition of p has the free index j that its left side lacks; sum over it or add it on the left"),
        (lambda: Claim("c", partial(p[i], z[i]), z[j]), r"claim c: the right side has the free index j that the left side lacks"),
        (lambda: Setting((Given(z), Given(z))), r"z is defined twice; give one of them another name"),
        (
            lambda: Setting((Given(z),), (Let(p[i], x * z[i]),)),
            r"the definition of p uses x, which is not defined before it; defined are: z",
        ),
        (lambda: Setting((Given(x),), (Let(s, x / 0),)), r"the definition of s is not a real number"),
        (lambda: Setting((Given(p, of=(z,)), Given(z))), r"p is a function of z, which is not given before it"),
        (lambda: replace(SQUARE, name="Square!"), r"a derivation's name is lower case letters, digits and _, .*; got 'Square!'"),
        (lambda: replace(SQUARE, output=x), r"derivation square: output x is not one of its lets"),
        (lambda: replace(SQUARE, wrt=(s,)), r"derivation square: wrt s is not one of its givens"),
        (lambda: replace(SQUARE, claims=(Claim("c", s, x), Claim("c", s, x))), r"two claims are named c"),
        (
            lambda: replace(SQUARE, claims=(Claim("c", s, scalar("q")),)),
            r"claim c uses q, which is not defined before it; defined are: s, x",
        ),
    ],
)
def test_a_mistake_is_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(NotationError, match=message):
        wrong()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: z[m], r"axis 0 of z runs over C, but index m runs over D; use an index over C"),
        (lambda: z[i, j], r"z has 1 axes \[C\]; got 2 indices"),
        (lambda: delta(i, m), r"delta\(i,m\) compares an index over C with one over D; both must run over one dimension"),
        (lambda: tensor("A", C, D)[i, i], r"axis 1 of A runs over D, but index i runs over C"),
        (
            lambda: Setting((Given(z),), (Let(s, summation(tensor("z", D)[m], m)),)),
            r"the definition of s uses z as z\[D\], but it was defined as z\[C\]",
        ),
    ],
)
def test_an_index_in_two_dimensions_is_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(DimensionError, match=message):
        wrong()


def test_a_derivation_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(derivation)) == derivation
