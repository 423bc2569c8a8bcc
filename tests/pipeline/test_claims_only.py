"""A derivation may have claims and no kernels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from closedform import pipeline
from closedform.errors import NotationError
from closedform.notation import Claim, Derivation, Dim, Given, Let, indices, partial, scalar, summation, tensor
from closedform.report.markdown import derivation_page

N = Dim("N")
(n,) = indices("n", N)
x, e, L = tensor("x", N), tensor("e", N), scalar("L")
CHAIN = Derivation(
    name="chain",
    title="The chain rule",
    given=(Given(x, "inputs"), Given(e, "features", of=(x,), each=(N,))),
    lets=(Let(L, summation(e[n] ** 2, n) / 2, "loss"),),
    claims=(Claim("gradient", partial(L, x[n]), e[n] * partial(e[n], x[n])),),
)


def test_claims_are_judged_and_nothing_is_generated() -> None:
    outcome = pipeline.verify(CHAIN, examples=1)
    (result,) = outcome.results
    assert outcome.ok, str(outcome)
    assert [claim.verdict.verdict for claim in result.claims] == ["proved"]
    assert (result.forms, result.modules, result.checks) == ((), (), ())
    assert result.given[1].text == "e[N] function of x for each N"
    assert "## Kernels" not in derivation_page(result)
    assert pipeline.generate(CHAIN).paths == ()


def test_a_wrong_claim_fails() -> None:
    wrong = replace(CHAIN, claims=(Claim("gradient", partial(L, x[n]), e[n]),))
    assert not pipeline.verify(wrong, examples=1).ok


def test_variables_need_an_output() -> None:
    with pytest.raises(NotationError, match="derivation chain: wrt and batch are about kernels, which need an output"):
        replace(CHAIN, wrt=(x,))
    with pytest.raises(NotationError, match="derivation chain has claims only"):
        _ = CHAIN.computed
