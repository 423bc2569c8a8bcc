"""Guards that differ by little: what is false in a thin region only is never proved, and what is true there is."""

import pytest

from closedform.certify import prove
from closedform.results import PROVED, REFUTED, Verdict
from closedform.syntax.parse import parse_claims

FALSE = {
    "one number": "given x\nshow where(x <= 1, x, 2 - x) = where(x <= 1.00001, x, 2 - x)",
    "hard swish": """given x[N]
let f[n] = x[n]*min(max(x[n] + 3, 0), 6)/6
show df[n]/dx[n] = where(x[n] <= -3, 0, where(x[n] >= 2.99, 1, (2*x[n] + 3)/6))""",
    "Huber": """given r[N]
let L = sum_n(where(abs(r[n]) <= 1.345, r[n]^2/2, 1.345*abs(r[n]) - 1.345^2/2))
show dL/dr[n] = where(abs(r[n]) <= 1.35, r[n], 1.345*sign(r[n]))""",
    "a norm": "given x[D]\nshow where(sum_d(x[d]^2) <= 1, 0, 1) = where(sum_d(x[d]^2) <= 1.02, 0, 1)",
    "a triplet's margin": """given a[D], p[D], n[D]
let q = sum_d((a[d] - p[d])^2) - sum_d((a[d] - n[d])^2)
let L = relu(q + 0.2)
show dL/da[d] = 2*step(q + 0.21)*(n[d] - p[d])""",
    "near a bound": """given p[N] where 0 < p[n] < 1
let L = -sum_n(log(max(p[n], 1e-12)))
show dL/dp[n] = -1/p[n]""",
    "a floor forgotten": """given x[D], g[D]
let n = sqrt(sum_d(x[d]^2))
let L = sum_d(g[d]*x[d])/max(n, 1e-8)
show dL/dx[i] = (g[i] - x[i]*sum_d(g[d]*x[d])/n^2)/n""",
    "a threshold that is given": """given x, t where t > 0
show relu(x - t) = where(x > t + 0.001, x - t, 0)""",
}
TRUE = {
    "near a bound": """given p[N] where 0 < p[n] < 1
let L = -sum_n(log(max(p[n], 1e-12)))
show dL/dp[n] = -where(p[n] > 1e-12, 1/p[n], 0)""",
    "a floor": """given x[D], g[D]
let n = sqrt(sum_d(x[d]^2))
let L = sum_d(g[d]*x[d])/max(n, 1e-8)
show dL/dx[i] = where(n > 1e-8, (g[i] - x[i]*sum_d(g[d]*x[d])/n^2)/n, g[i]*1e8)""",
    "the same guard twice": "given x\nshow where(2*x <= 2.002, x, 2 - x) = where(x <= 1.001, x, 2 - x)",
}


def judged(text: str, seed: int = 0) -> Verdict:
    (block,) = parse_claims(f"claim one\n{text}")
    return prove(block.setting, block.claims[0], seed=seed, explain=False)


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("text", FALSE.values(), ids=FALSE)
def test_what_is_false_beside_a_boundary_only_is_refuted(text: str, seed: int) -> None:
    assert judged(text, seed).verdict == REFUTED


@pytest.mark.parametrize("text", TRUE.values(), ids=TRUE)
def test_what_is_true_beside_boundaries_is_proved(text: str) -> None:
    assert judged(text).verdict == PROVED
