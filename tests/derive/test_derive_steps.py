"""Every step of a derivation is an equation that a student can follow, and every one of them holds."""

from __future__ import annotations

import pytest
from derive_oracle import agree, drawn

from closedform.derivations import cross_entropy, softmax
from closedform.derive import closed_form
from closedform.derive.engine import Deriver
from closedform.notation import Partial, Setting
from closedform.syntax.parse import parse_claims


def test_steps_of_the_softmax_jacobian() -> None:
    i, j = softmax.i, softmax.j
    form = closed_form(softmax.derivation.setting, Partial(softmax.p[i], softmax.z[j]))
    assert [(step.rule, step.text) for step in form.steps] == [
        ("chain rule", "p[i]*(delta(i,j) - sum_k(delta(j,k)*exp(z[k]))/sum_k(exp(z[k])))"),
        ("contract deltas", "p[i]*(delta(i,j) - exp(z[j])/sum_k(exp(z[k])))"),
        ("fold softmax", "p[i]*(delta(i,j) - p[j])"),
    ]
    assert form.steps[-1].latex == r"p_{i} \left(\delta_{ij} - p_{j}\right)"


def test_cross_entropy_gradient_reuses_the_softmax_jacobian() -> None:
    b, i = cross_entropy.b, cross_entropy.i
    form = closed_form(cross_entropy.derivation.setting, Partial(cross_entropy.L, cross_entropy.z[b, i]))
    rules = [step.rule for step in form.steps]
    assert rules[:2] == ["chain rule", "known derivatives"]
    assert "use known sums" in rules
    assert "delta" in form.steps[1].reason
    assert form.steps[-1].text == "(p[b,i] - y[b,i])/B"


def test_the_hessian_starts_from_the_gradient() -> None:
    a, b, i, j = cross_entropy.a, cross_entropy.b, cross_entropy.i, cross_entropy.j
    form = closed_form(cross_entropy.derivation.setting, Partial(cross_entropy.L, cross_entropy.z[a, i], cross_entropy.z[b, j]))
    assert "differentiate again" in [step.rule for step in form.steps]


EVERY_STEP = """
claim attention "attention"
given S[N,M]
given V[M,C]
given G[N,C]
let   A[n,m] = exp(S[n,m])/sum_j(exp(S[n,j]))
let   O[n,c] = sum_m(A[n,m]*V[m,c])
let   L = sum_nc(G[n,c]*O[n,c])
show  dL/dS[n,m] = 0

claim normalisation "layer norm"
given x[D]
given eps where eps > 0
let   mu = sum_k(x[k])/D
let   s = sqrt(sum_k((x[k] - mu)^2)/D + eps)
let   y[i] = (x[i] - mu)/s
show  dy[i]/dx[j] = 0

claim labels "labels that sum to one"
given z[C]
given y[C] where sum_c(y[c]) = 1
let   L = log(sum_k(exp(z[k]))) - sum_c(y[c]*z[c])
show  d2L/dz[i]dz[j] = 0

claim branches "hinge"
given z[C]
given y[C] where y onehot
let   L = sum_c(max(0, 1 + z[c] - sum_k(y[k]*z[k])))
show  dL/dz[j] = 0
"""


@pytest.mark.parametrize("block", parse_claims(EVERY_STEP, file="steps"), ids=lambda block: block.name)
def test_the_last_derivations_steps_all_equal_the_target(block: object) -> None:
    setting: Setting = block.setting  # type: ignore[attr-defined]
    target = block.claims[0].lhs  # type: ignore[attr-defined]
    deriver = Deriver(setting)
    path = deriver.derivation(target)
    names = [change.rule for change in path.changes]
    # Steps before "differentiate again" are about the first derivative.
    start = len(names) - names[::-1].index("differentiate again") - 1 if "differentiate again" in names else 0
    sizes = {dim: 3 - n % 2 for n, dim in enumerate(setting.dims)}
    point = drawn(setting, sizes, seed=3)
    for change in path.changes[start:]:
        assert agree(point, target, change.expression, deriver.setting), change.rule
