"""Unknown functions of definitions: an arbitrary loss of a head's outputs, an extractor that maps over a batch."""

from __future__ import annotations

import pytest
from sympy import Expr

from closedform.certify import prove
from closedform.certify.sizes.plan import size_plan
from closedform.errors import DimensionError, NotationError
from closedform.notation import Claim, Dim, Given, Let, Setting, delta, indices, partial, scalar, summation, tensor
from closedform.results import PROVED, REFUTED

B, C, D = Dim("B"), Dim("C"), Dim("d")
a, b = indices("a b", B)
c, k = indices("c k", C)
m, n = indices("m n", D)
t = scalar("t")
e, W, z = tensor("e", D), tensor("W", C, D), tensor("z", C)
L = scalar("L")
COMPOSED = Setting((Given(t), Given(e, of=(t,)), Given(W), Given(L, of=(z,))), (Let(z[c], summation(W[c, m] * e[m], m)),))

X, F, ell = tensor("X", B, D), tensor("F", B, C), tensor("ell", B)
MAPPED = Setting((Given(X), Given(F, of=(X,), each=(B,)), Given(ell, of=(F,), each=(B,))))


def verdict(setting: Setting, lhs: Expr, rhs: Expr) -> str:
    return prove(setting, Claim("claim", lhs, rhs)).verdict


def test_the_chain_rule_goes_through_definitions_and_other_unknown_functions() -> None:
    rate = summation(partial(L, z[c]) * W[c, m] * partial(e[m], t), c, m)
    assert verdict(COMPOSED, partial(L, t), rate) == PROVED
    assert verdict(COMPOSED, partial(L, t), 2 * rate) == REFUTED
    curved = summation(partial(L, z[c], z[k]) * partial(z[c], t) * partial(z[k], t), c, k)
    bent = summation(partial(L, z[c]) * partial(z[c], t, t), c)
    assert verdict(COMPOSED, partial(L, t, t), curved + bent) == PROVED
    assert verdict(COMPOSED, partial(L, t, t), curved) == REFUTED


def test_sums_that_the_chain_rule_brings_are_counted() -> None:
    """d2L/dt2 has two sums over C and over d, though nothing of it is written: three sizes of each."""
    sizes = size_plan(COMPOSED, Claim("second", partial(L, t, t), partial(L, t))).sizes
    assert len(sizes[C]) >= 3
    assert len(sizes[D]) >= 3


def test_a_function_maps_over_dimensions() -> None:
    assert verdict(MAPPED, partial(F[a, c], X[b, m]), delta(a, b) * partial(F[b, c], X[b, m])) == PROVED
    chain = delta(a, b) * summation(partial(ell[b], F[b, c]) * partial(F[b, c], X[b, m]), c)
    assert verdict(MAPPED, partial(ell[a], X[b, m]), chain) == PROVED
    free = Setting((Given(X), Given(F, of=(X,))))
    assert verdict(free, partial(F[a, c], X[b, m]), delta(a, b) * partial(F[b, c], X[b, m])) == REFUTED


def test_what_cannot_be_a_function() -> None:
    around = (Given(L, of=(z,)), Given(e, of=(L,)), Given(W))
    with pytest.raises(NotationError, match=r"L is a function of itself, through z"):
        Setting(around, (Let(z[c], L * summation(W[c, m] * e[m], m)),))
    with pytest.raises(NotationError, match=r"L is a function of z, which is not given before it and is no let"):
        Setting((Given(L, of=(z,)),))
    with pytest.raises(DimensionError, match=r"L is a function of z\[d\], but it was defined as z\[C\]"):
        Setting((Given(z), Given(L, of=(tensor("z", D),))))
    with pytest.raises(NotationError, match=r"F cannot be a function for each d: it must have that dimension once"):
        Given(F, of=(X,), each=(D,))


def test_a_tensor_may_have_the_name_of_a_dimension() -> None:
    """The residual d[C] beside the number d of features: a size in a definition is not that tensor."""
    d = tensor("d", C)
    setting = Setting((Given(e), Given(W)), (Let(d[c], summation(W[c, m] * e[m], m) / D),))
    assert verdict(setting, partial(d[c], e[m]), W[c, m] / D) == PROVED
