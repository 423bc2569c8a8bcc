"""Masked means: branches that no point of a claim reaches are dropped, and no other."""

import numpy as np
import pytest
from sympy import Integer

from closedform.certify import prove
from closedform.certify.idle import without_idle_branches
from closedform.certify.needed import never_zero
from closedform.certify.rings.chains import SMOOTH
from closedform.certify.rings.node import Node
from closedform.certify.rings.tower import Tower
from closedform.results import PROVED, REFUTED, Verdict
from closedform.syntax.parse import parse_claims
from closedform.syntax.text import to_text

MASK = "given m[B] where m[b] in {0, 1}\nlet n = sum_b(m[b])\n"
ENTROPY = f"""given z[B,C], y[B,C] where sum_k(y[b,k]) = 1
{MASK}let p[b,i] = softmax(z)[b,i]
let w[b] = where(n > 0, m[b]/n, 0)
let L = -sum_bi(m[b]*y[b,i]*log(p[b,i]))/n
"""
SQUARES = f"given x[B], v[B]\n{MASK}let L = sum_b(m[b]*x[b]^2)/n\n"
TOKENS = """given x[B,T]
given m[B,T] where m[b,t] in {0, 1}
let n = sum_bt(m[b,t])
let L = sum_bt(m[b,t]*log(cosh(x[b,t])))/n
"""
HUBER = f"given x[B], d where d > 0\n{MASK}let L = sum_b(m[b]*where(abs(x[b]) <= d, x[b]^2/2, d*(abs(x[b]) - d/2)))/n\n"
WEIGHTED = """given x[B], u[B] where u[b] > 0
given m[B] where m[b] in {0, 1}
let W = sum_b(m[b]*u[b])
let L = sum_b(m[b]*u[b]*x[b]^2)/W
"""
ROWS = """given x[B,T]
given m[B,T] where m[b,t] in {0, 1}
let n[b] = sum_t(m[b,t])
let L = sum_b(sum_t(m[b,t]*x[b,t]^2)/n[b])
"""
VALUES = SQUARES.replace("{0, 1}", "{0, 1, 2}")
TRUE = {
    "where": f"{ENTROPY}show dL/dz[b,i] = where(n > 0, m[b]*(p[b,i] - y[b,i])/n, 0)",
    "a let": f"{ENTROPY}show dL/dz[b,i] = w[b]*(p[b,i] - y[b,i])",
    "max": f"{ENTROPY}show dL/dz[b,i] = m[b]*(p[b,i] - y[b,i])/max(n, 1)",
    "second order": f"{ENTROPY}show d2L/dz[a,i]dz[b,j] = delta(a,b)*w[b]*p[b,i]*(delta(i,j) - p[b,j])",
    "trace": f"{ENTROPY}show sum_bi(d2L/dz[b,i]dz[b,i]) = sum_bi(m[b]*p[b,i]*(1 - p[b,i]))/max(1, n)",
    "or equal": f"{SQUARES}show dL/dx[b] = where(n >= 1, 2*m[b]*x[b]/n, 5)",
    "the other way round": f"{SQUARES}show dL/dx[b] = where(2*n <= 0, 7, 2*m[b]*x[b]/n)",
    "between whole numbers": f"{SQUARES}show dL/dx[b] = where(n > 1/2, 2*m[b]*x[b]/n, 0)",
    "relu, abs, sign, step, min": f"{SQUARES}show L*relu(n)*abs(n)*min(n, 1) = sign(n)*step(n)*n*sum_b(m[b]*x[b]^2)",
    "Bernoulli": f"given x[B], y[B]\n{MASK}let L = sum_b(m[b]*(softplus(x[b]) - y[b]*x[b]))/n\n"
    "show dL/dx[b] = where(n > 0, m[b]*(sigmoid(x[b]) - y[b])/n, 0)",
    "tokens": f"{TOKENS}show dL/dx[b,t] = m[b,t]*tanh(x[b,t])/max(n, 1)",
    "Huber": f"{HUBER}show dL/dx[b] = m[b]*where(abs(x[b]) <= d, x[b], d*sign(x[b]))/max(n, 1)",
    "weights": f"{WEIGHTED}show dL/dx[b] = where(W > 0, 2*m[b]*u[b]*x[b]/W, 0)",
    "a mean of means": f"{ROWS}show dL/dx[b,t] = 2*m[b,t]*x[b,t]/max(n[b], 1)",
    "zero at a point only": f"given t\n{MASK}show where(t^2*n > 0, t, 5)/n = t*where(max(exp(t), n) + abs(t) > 0, 1, 5)/n",
    "counts of more": f"{VALUES}show dL/dx[b] = 2*m[b]*x[b]/max(n, 1)",
}
FALSE = {
    "beyond one": f"{SQUARES}show dL/dx[b] = where(n > 1, 2*m[b]*x[b]/n, 0)",
    "two at least": f"{SQUARES}show dL/dx[b] = 2*m[b]*x[b]/max(n, 2)",
    "the other branch": f"{SQUARES}show dL/dx[b] = where(n >= 0, 0, 2*m[b]*x[b]/n)",
    "never below": f"{SQUARES}show dL/dx[b] = where(n < 2, 2*m[b]*x[b]/n, 0)",
    "a count": f"{MASK}show where(n > 0, 1, 5) = 1",
    "a count, or equal": f"{MASK}show where(n >= 0, 1, 5) = where(n > 0, 1, 5)",
    "a definition at 0": f"given x[B]\n{MASK}let L = where(n > 0, sum_b(m[b]*x[b]^2)/n, 1)\nshow L = sum_b(m[b]*x[b]^2)/max(n, 1)",
    "a definition of all": f"given x[B]\n{MASK}let L = sum_b(m[b]*x[b]^2)\nshow L = where(n > 0, sum_b(m[b]*x[b]^2), 1)",
    "a reciprocal in a branch": f"{SQUARES}show where(n > 1, L, 0) = where(n > 1, L, 1 - step(n))",
    "either sign": SQUARES.replace("{0, 1}", "{-1, 1}") + "show dL/dx[b] = where(n > 0, 2*m[b]*x[b]/n, 0)",
    "either sign, max": SQUARES.replace("{0, 1}", "{-1, 1}") + "show dL/dx[b] = 2*m[b]*x[b]/max(n, 1)",
    "halves": SQUARES.replace("{0, 1}", "{0, 1/2}") + "show dL/dx[b] = 2*m[b]*x[b]/max(n, 1)",
    "a rare value": SQUARES.replace("{0, 1}", f"{{-1, {', '.join(map(str, range(60)))}}}") + "show abs(L*n) = L*n*sign(n)*step(n)",
    "another row": f"{ROWS}show B*sum_t(m[b,t]*x[b,t]^2)/n[b] = sum_a(where(n[a] > 0, 1, 0))*sum_t(m[b,t]*x[b,t]^2)/n[b]",
    "zero on a half-line": f"given t\n{MASK}show where(relu(t)*n > 0, 1, 5)/n = 1/n",
    "a power of a size": f"given x[B], t\n{MASK}let L = t/n\nshow max(t^B, 0)/n = t^B/n",
}


def judged(text: str) -> Verdict:
    (block,) = parse_claims(f"claim one\n{text}")
    return prove(block.setting, block.claims[0], explain=False)


@pytest.mark.parametrize("text", TRUE.values(), ids=TRUE)
def test_masked_means_are_proved_for_all_sizes(text: str) -> None:
    verdict = judged(text)
    assert verdict.verdict == PROVED
    assert verdict.all_sizes


@pytest.mark.parametrize("text", FALSE.values(), ids=FALSE)
def test_what_fails_for_some_mask_is_refuted(text: str) -> None:
    assert judged(text).verdict == REFUTED


def test_a_kink_between_labels_is_no_reason_to_prove() -> None:
    # max(1, n) has a kink at n = 1, where its derivative by a label is not that of n
    assert judged(f"{MASK}let L = max(1, n)/n\nlet M = sum_b(m[b])/n\nshow dL/dm[b] = dM/dm[b]").verdict != PROVED


def test_what_is_zero_though_it_does_not_look_so_is_no_reason_to_prove() -> None:
    assert judged(f"given t\n{MASK}show where(((t + 1)^2 - t^2 - 2*t - 1)^2*n > 0, 1, 5)/n = 1/n").verdict != PROVED


@pytest.mark.parametrize(
    ("shown", "left"),
    [
        ("L = where(n > 0, L, 0)", "L"),
        ("L = where(n > 1, L, 0)", None),
        ("L = max(n, 1)*L/n", "L"),
        ("L = max(n, 1, 2 - n)*L/n", "L"),
        ("L = max(n, 2, 1)*L/n", None),
        ("L = L*n/min(n, 0)", None),
        ("L = where(n > 0, where(n > 1, L, L), 0)", "where(1 < n, L, L)"),
    ],
)
def test_only_what_is_settled_is_dropped(shown: str, left: str | None) -> None:
    (block,) = parse_claims(f"claim one\n{SQUARES}show {shown}")
    found = without_idle_branches(block.setting, block.claims[0], 0)
    assert (None if found is None else to_text(found[1].rhs)) == left


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("t", "show max(t^(2*B), -1)/n = t^(2*B)/n"),
        ("t", "let q = B\nshow max(t^q, 0)/n = t^q/n"),
        ("t where t > B", "show max(t, 0)/n = t/n"),
    ],
)
def test_sizes_in_exponents_and_bounds_keep_every_branch(given: str, shown: str) -> None:
    (block,) = parse_claims(f"claim one\ngiven {given}\n{MASK}{shown}")
    assert without_idle_branches(block.setting, block.claims[0], 0) is None


@pytest.fixture
def tower() -> Tower:
    return Tower(SMOOTH[:2], 0)


def numbers(tower: Tower, name: str, *shape: int) -> Node:
    return tower.leaf(name, np.ones((tower.draws, *shape)))


def test_what_must_not_be_zero_is_what_every_entry_divides_by(tower: Tower) -> None:
    x, y, a = numbers(tower, "x", 3), numbers(tower, "y"), numbers(tower, "A", 3, 3)
    over = tower.power(x, Integer(-1))
    assert never_zero(tower.total(over, 0)) == {x}
    assert never_zero(over) == frozenset()  # one entry divides by one entry
    assert never_zero(tower.multiply(over, tower.power(y, Integer(-2)))) == {y}
    assert never_zero(tower.power(tower.multiply(x, y), Integer(-1))) == frozenset()
    assert never_zero(tower.total(tower.power(tower.multiply(x, y), Integer(-1)), 0)) >= {x, tower.arrange(y, [None])}
    inverses = tower.power(a, Integer(-1))
    assert never_zero(tower.total(tower.total(inverses, 0), 0)) == {a}
    assert never_zero(tower.total(tower.diagonal(inverses, 0, 1), 0)) == frozenset()


def test_a_reciprocal_in_one_branch_does_not_count(tower: Tower) -> None:
    x, y = numbers(tower, "x"), numbers(tower, "y")
    condition, over = tower.less(x, y, False), tower.power(y, Integer(-1))
    assert never_zero(tower.select(condition, over, x)) == frozenset()
    assert never_zero(tower.select(condition, over, tower.multiply(over, x))) == {y}
    assert never_zero(tower.select(tower.less(over, x, False), x, x)) == {y}
