"""On which sides of zero something can lie: a branch that cannot be reached is not waited for, and any other is."""

import pytest

from closedform.certify import prove
from closedform.results import PROVED, REFUTED, UNDECIDED, Verdict
from closedform.syntax.parse import parse_claims

TRUE = {
    "relu of relu": "given x\nshow relu(relu(x)) = relu(x)",
    "sign of relu": "given x\nshow sign(relu(x)) = step(x)",
    "a square and one": "given x\nshow step(x^2 + 1) = 1",
    "a mask of outputs": "given x[N], g[N]\nlet h[n] = relu(x[n])\nlet L = sum_n(g[n]*h[n])\nshow dL/dx[n] = where(h[n] > 0, g[n], 0)",
    "a clip of a clip": "given x\nshow min(max(min(max(x, -1), 1), -2), 2) = min(max(x, -1), 1)",
    "a mean of clips": "given x[N]\nlet m = sum_n(min(max(x[n], 0), 6))/N\nshow relu(m) = m",
    "log of a determinant": "given S[D,D] where S positive definite\nshow logdet(S) = log(det(S))",
    "a scaled determinant": """given S[D,D], a where S positive definite, a > 0
let A[i,j] = a*S[i,j]
show logdet(A) = D*log(a) + logdet(S)""",
    "the determinant lemma": "given x[D]\nlet A[i,j] = delta(i,j) + x[i]*x[j]\nshow logdet(A) = log(1 + sum_d(x[d]^2))",
    "a diagonal and a square": """given p[C] where p[c] > 0
let H[i,j] = delta(i,j)*p[i] + p[i]*p[j]
show logdet(H) = sum_c(log(p[c])) + log(1 + sum_c(p[c]))""",
    "Sylvester's identity": """given X[N,D]
let A[i,j] = sum_n(X[n,i]*X[n,j]) + delta(i,j)
let K[n,m] = sum_d(X[n,d]*X[m,d]) + delta(n,m)
show logdet(A) = logdet(K)""",
    "a quadratic form": "given S[D,D], x[D] where S positive definite\nshow abs(sum_ij(x[i]*S[i,j]*x[j])) = sum_ij(x[i]*S[i,j]*x[j])",
    "an inverse": "given S[D,D], x[D] where S positive definite\nshow relu(sum_ij(x[i]*inv(S)[i,j]*x[j])) = sum_ij(x[i]*inv(S)[i,j]*x[j])",
    "a Schur product": """given S[D,D], x[D] where S positive definite
let A[i,j] = S[i,j]*x[i]*x[j] + delta(i,j)
show abs(det(A)) = det(A)""",
}
FALSE = {
    "beyond a clip": "given x\nshow relu(relu(x) - 1) = relu(x) - 1",
    "a determinant of either sign": "given x[D], y[D]\nlet A[i,j] = delta(i,j) + x[i]*y[j]\nshow abs(det(A)) = det(A)",
    "a difference of squares": "given x[D], y[D]\nlet A[i,j] = delta(i,j) + x[i]*x[j] - y[i]*y[j]\nshow abs(det(A)) = det(A)",
    "a diagonal of either sign": "given p[C]\nlet A[i,j] = delta(i,j)*p[i]\nshow abs(det(A)) = det(A)",
    "a form of either sign": "given A[D,D], x[D]\nshow abs(sum_ij(x[i]*A[i,j]*x[j])) = sum_ij(x[i]*A[i,j]*x[j])",
    "a form in two vectors": "given S[D,D], x[D], y[D]\nshow abs(sum_ij(x[i]*S[i,j]*y[j])) = sum_ij(x[i]*S[i,j]*y[j])",
    "a thin range": "given x\nshow relu(min(max(x, 0), 1) - 1 + 1e-20) = 0",
}
AT_LARGE_SIZES = {
    "a size": "given x[N]\nshow where(N > 50, 1, 0)*sum_n(x[n]) = 0",
    "a difference of sizes": "given x[N]\nshow abs(N - 30)*sum_n(x[n]) = (30 - N)*sum_n(x[n])",
    "a size in a let": "given x[N]\nlet m = N/20\nshow max(m, 1)*sum_n(x[n]) = sum_n(x[n])",
    "a sum of labels": "given x[N] where x[n] in {0, 1}\nshow step(sum_n(x[n]) - 25) = 0",
    "a sum of bounded numbers": "given x[N] where 0 < x[n] < 1\nshow step(sum_n(x[n]) - 30) = 0",
    "a sum of ones": "given x[N]\nshow step(sum_n(step(x[n]^2)) - 30) = 0",
}


def judged(text: str) -> Verdict:
    (block,) = parse_claims(f"claim one\n{text}")
    return prove(block.setting, block.claims[0], explain=False)


@pytest.mark.parametrize("text", TRUE.values(), ids=TRUE)
def test_a_side_that_cannot_be_reached_is_not_waited_for(text: str) -> None:
    assert judged(text).verdict == PROVED


@pytest.mark.parametrize("text", FALSE.values(), ids=FALSE)
def test_a_side_that_can_be_reached_counts(text: str) -> None:
    verdict = judged(text)
    assert verdict.verdict == REFUTED if text != FALSE["a thin range"] else verdict.verdict in (REFUTED, UNDECIDED)


@pytest.mark.parametrize("text", AT_LARGE_SIZES.values(), ids=AT_LARGE_SIZES)
def test_a_side_that_only_large_sizes_reach_counts(text: str) -> None:
    assert judged(text).verdict == UNDECIDED


ROWS = "given y[N,C] where y[n,c] in {0, 1}, sum_c(y[n,c]) = 1"


def test_labels_whose_rows_sum_to_one_are_one_hot_rows() -> None:
    verdict = judged(f"{ROWS}\nshow y[n,i]*y[n,j] = delta(i,j)*y[n,i]")
    assert verdict.verdict == PROVED
    assert verdict.all_sizes
    assert judged(f"{ROWS.replace('sum_c', 'sum_n')}\nshow y[n,i]*y[n,j] = delta(i,j)*y[n,i]").verdict == REFUTED


def test_sizes_at_which_no_labels_satisfy_the_conditions_are_outside_the_claim() -> None:
    verdict = judged("given y[C] where y[c] in {0, 1}, sum_c(y[c]) = 2\nshow sum_c(y[c])^2 = 4")
    assert verdict.verdict == PROVED
    assert "the definition does not exist at C=1: outside the claim" in verdict.notes


def test_labels_may_be_tied_to_what_is_no_label() -> None:
    tied = "given y[C] where y[c] in {0, 1}\ngiven k where sum_c(y[c]) = k"
    assert judged(f"{tied}\nshow sum_c(y[c]^2) = k").verdict != REFUTED
    assert judged(f"{tied}\nshow sum_c(y[c])^2 = k").verdict == REFUTED
