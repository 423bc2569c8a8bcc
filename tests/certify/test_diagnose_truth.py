"""What is said of a refuted claim is true, and at one with its counterexample: the whole diagnosis, word for word."""

from __future__ import annotations

import pytest

from closedform.certify import prove
from closedform.certify.diagnose.case import MOST_DOUBTED, make_case, proved
from closedform.certify.refute.search import find_counterexample
from closedform.notation import Claim
from closedform.results import REFUTED
from closedform.syntax.parse import parse_claims

# Where nothing may be said: at the points that a diagnosis looks at first, each of these holds under some condition of the list.
SILENT = {
    "clipped objective: the counterexample has N = 1": """
        given l[N], o[N], A[N], e where 0 < e < 1
        let   r[n] = exp(l[n] - o[n])
        let   L = -sum_n(min(r[n]*A[n], min(max(r[n], 1 - e), 1 + e)*A[n]))/N
        show  dL/dl[n] = -A[n]*r[n]*where(1 - e < r[n], where(r[n] < 1 + e, 1, 0), 0)/N""",
    "a square root of a square: the sum has to be positive, not x": """
        given x, y
        show  sqrt(x^2 + 2*x*y + y^2) = x + y""",
    "half angles: wrong for x = 3 pi": """
        given x
        show  sin(x/2) = sqrt((1 - cos(x))/2)""",
    "a nested root: right for x > 2": """
        given x where x > 1
        show  sqrt(x - 2*sqrt(x - 1)) = sqrt(x - 1) - 1""",
    "singular where N > D, and the counterexample has N = D": """
        given X[N,D] where N >= D
        let   G[n,m] = sum_d(X[n,d]*X[m,d])
        show  det(G) = 0""",
    "another scale is hidden by a branch that the points do not meet": """
        given p[N] where 0 < p[n] < 1
        let   L = -sum_n(log(max(p[n], 1e-12)))
        show  dL/dp[n] = -1/p[n]""",
    "off the diagonal both sides are 0": """
        given e[N], y[N], r where y[n] >= 0, r > 0
        let   mu[n] = exp(e[n])
        let   L = sum_n((r + y[n])*log(r + mu[n]) - y[n]*e[n])
        show  d2L/de[n]de[m] = r*delta(n,m)*mu[n]/(r + mu[n])""",
}
SAID = {
    "sums of labels beyond the sizes tried": (
        "given x[N]\nshow (N - 1)*(N - 2)*(N - 3)*(N - 4)*(N - 5)*(N - 6)*(N - 7)*(N - 8)*(N - 9)*sum_n(x[n]) = 0",
        ("true for N = 1 to 6, the sizes tried, where both sides are 0, and wrong at N = 10",),
    ),
    "sizes up to the one at which it fails": (
        "given x[N]\nshow (N - 1)*(N - 2)*(N - 3)*(N - 4)*sum_n(x[n]) = 0",
        ("true only for N = 1 and N = 2 and N = 3 and N = 4, where both sides are 0 (sizes 1 to 6 tried)",),
    ),
    "no number is changed to move a zero": (
        "given A[D,D]\nlet S[i,j] = sum_k(A[i,k]*A[j,k])\nshow (D - 2)*sum_ij(S[i,j]) = 0",
        ("true only for D = 2, where both sides are 0 (sizes 1 to 6 tried)",),
    ),
    "a product of two positive numbers": (
        "given a, b\nshow abs(a*b) = a*b",
        ("true if a > 0 and b > 0, which are not given",),
    ),
    "two scalars that are equal": (
        "given x[N], a, b\nlet L = sum_n(a*x[n]^2 + b*x[n])\nshow dL/dx[n] = 2*b*x[n] + a",
        ("true if a = b, which is not given",),
    ),
    "two symmetric matrices": (
        "given w[D], A[D,D], B[D,D]\nlet a = sum_ij(w[i]*A[i,j]*w[j])\nlet b = sum_ij(w[i]*B[i,j]*w[j])\nlet f = a + b^2\n"
        "show df/dw[i] = 2*sum_j(A[i,j]*w[j] + 2*b*B[i,j]*w[j])",
        ("true if A is symmetric and B is symmetric, which are not given", "true only for D = 1 (sizes 1 to 3 tried)"),
    ),
    "a symmetric tensor of order three": (
        "given x[D], T[D,D,D]\nlet f = sum_ijk(T[i,j,k]*x[i]*x[j]*x[k])/6\nshow d2f/dx[i]dx[j] = sum_k(T[i,j,k]*x[k])",
        ("true if T is symmetric (in all of its indices), which is not given", "true only for D = 1 (sizes 1 to 3 tried)"),
    ),
    "one branch of two": (
        "given x[N], a\nlet f[n] = where(x[n] > 0, x[n], a*(exp(x[n]) - 1))\nshow d2f[n]/dx[n]^2 = f[n] + a",
        ("true if all entries of x are negative, which is not given",),
    ),
    "a chain rule factor that is a cosine": (
        "given x, y, l, p where l > 0, p > 0\nlet k = exp(-2*sin(pi*(x - y)/p)^2/l^2)\nshow dk/dx = -4*pi/(p*l^2)*sin(pi*(x - y)/p)*k",
        ("the claimed side has to be multiplied by cos(pi*(x - y)/p): that factor is missing",),
    ),
    "a label dropped inside a function": (
        "given s[N], z[N], t where z[n] in {-1, 1}\nlet L = -sum_n(log(sigmoid(z[n]*s[n]*t)))\n"
        "show dL/dt = -sum_n(z[n]*s[n]*sigmoid(-t*s[n]))",
        ("sigmoid(-t*s[n]) should be sigmoid(-t*s[n]*z[n]): with that the claim holds",),
    ),
    "a factor dropped inside a sum": (
        "given x[D], w[D], g[D]\nlet r = sqrt(sum_k(x[k]^2)/D)\nlet L = sum_i(g[i]*w[i]*x[i]/r)\n"
        "show dL/dx[j] = (w[j]*g[j] - x[j]*sum_k(g[k]*x[k])/(D*r^2))/r",
        ("sum_k(g[k]*x[k]) should be sum_k(g[k]*w[k]*x[k]): with that the claim holds",),
    ),
    "another threshold": (
        "given r\nlet f = where(r < 1.2, r^2, 2)\nshow df/dr = 2*r*step(1.6 - r)",
        ("8/5 should be 6/5: with that the claim holds", "true if r < 0, which is not given"),
    ),
}  # fmt: skip


def diagnosis(text: str) -> tuple[str, ...]:
    (block,) = parse_claims("claim planted\n" + "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n")
    verdict = prove(block.setting, block.claims[0])
    assert verdict.verdict == REFUTED
    return verdict.diagnosis


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT.keys())
def test_what_some_points_suggest_is_not_said(text: str) -> None:
    assert diagnosis(text) == ()


@pytest.mark.parametrize(("text", "sentences"), SAID.values(), ids=SAID.keys())
def test_what_is_said_is_proved(text: str, sentences: tuple[str, ...]) -> None:
    assert diagnosis(text) == sentences


def test_a_claim_that_is_true_of_large_sizes_only_is_not_taken_for_proved() -> None:
    (block,) = parse_claims("claim a\ngiven X[N,D] where D = 2\nlet G[n,m] = sum_d(X[n,d]*X[m,d])\nshow det(G) = 0\n")
    assert not proved(block.setting, block.claims[0], seed=0)


def test_the_side_itself_is_no_missing_factor() -> None:
    text = "given P[N,M]\nshow sum_n(P[n,m]) = 1"
    assert diagnosis(text)[0] == "true if every column of P sums to 1, which is not given"


def test_few_hypotheses_without_a_proof_are_tried() -> None:
    (block,) = parse_claims("claim a\ngiven x, y\nshow x*y = x + y\n")
    (claim,) = block.claims
    counterexample = find_counterexample(block.setting, claim)
    assert counterexample is not None
    case = make_case(block.setting, claim, counterexample, seed=0)
    assert case is not None
    assert not any(case.proves(block.setting, claim) for _ in range(MOST_DOUBTED))
    assert not case.proves(block.setting, Claim("right", claim.lhs, claim.lhs))
