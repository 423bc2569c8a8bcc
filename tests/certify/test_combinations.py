"""Branches and labels that act together: what is false in one of very many combinations only is never proved."""

import numpy as np
import pytest
from sympy import Rational

from closedform.certify import prove
from closedform.certify.combinations import combined_bits
from closedform.certify.rings.chains import SMOOTH
from closedform.certify.rings.node import Node, constant_digest
from closedform.certify.rings.tower import Tower
from closedform.certify.settle import settle
from closedform.certify.sizes.plan import size_plan
from closedform.notation import Claim, Given, Setting, scalar, where
from closedform.results import PROVED, REFUTED, Verdict
from closedform.syntax.parse import parse_claims

NAMES = "abcdefghklmn"  # each comparison goes both ways in many draws, all of them the same way in one of 4096


def judged(text: str, seed: int = 0) -> Verdict:
    (block,) = parse_claims(text)
    return prove(block.setting, block.claims[0], seed=seed, explain=False)


def product(factor: str, names: str = NAMES) -> str:
    return "*".join(factor.format(name) for name in names)


def nested(inner: str, names: str = NAMES) -> str:
    for name in names:
        inner = f"where({name} > 0, {inner}, 0)"
    return inner


GIVEN = f"claim one\ngiven {', '.join(NAMES)}\n"
LABELS = "claim one\n" + "".join(f"given {name} where {name} in {{0, 1}}\n" for name in NAMES)


@pytest.mark.parametrize(
    "text",
    [
        GIVEN + f"show {product('step({0})')} = 0",
        GIVEN + f"show {nested('1')} = 0",
        GIVEN + f"show {product('relu({0})')} = 0",
        GIVEN + f"show {product('(max({0}, 1) - 1)')} = 0",
        GIVEN + f"show {product('(min({0}, 1) - 1)')} = 0",
        GIVEN + f"show exp({product('step({0})')}) = 1",
        GIVEN + f"show where({product('({0} > 0)')}, 1, 0) = 0",
        GIVEN + f"given x[N]\nlet F = exp(sum_i(relu(x[i])))\nshow {product('step({0})')}*F = 0",
    ],
    ids=["steps", "nested where", "relu", "max", "min", "inside exp", "one condition", "beside a tensor"],
)
def test_what_fails_in_one_of_many_combinations_is_not_proved(text: str) -> None:
    assert judged(text).verdict != PROVED


def test_labels_that_act_together_are_combinations_too() -> None:
    assert judged(LABELS + f"show {product('{0}')} = 0").verdict != PROVED


TOTAL = "+".join(NAMES)
SIGNED = "".join(f"{'+-'[k % 2]}relu({name})" for k, name in enumerate(NAMES))


@pytest.mark.parametrize(
    "text",
    [
        LABELS + f"show where({TOTAL} > 0, 1, 5) = 1",
        LABELS + f"show where({TOTAL} >= 0, 1, 0) = where({TOTAL} > 0, 1, 0)",
        LABELS + f"show {product('(1 - step({0}))')} = 0",
        LABELS + f"given x\nshow where(x*({TOTAL}) >= 0, 1, 0) = where(x*({TOTAL}) > 0, 1, 0)",
        GIVEN + f"show {product('(1 - step(relu({0})))')} = 0",
        GIVEN + f"show where({SIGNED[1:]} >= 0, 1, 0) = where({SIGNED[1:]} > 0, 1, 0)",
    ],
    ids=["labels", "labels, or equal", "each label", "labels and a number", "relu", "sum of relu"],
)
def test_a_tie_that_labels_or_branches_decide_is_a_combination(text: str) -> None:
    assert judged(text).verdict != PROVED


def test_roots_of_squares_that_act_together_are_combinations_too() -> None:
    # sqrt((a + x)^2) + a + x is zero in half of all draws, and over the reals where a + x < 0
    factors = product("(sqrt({0}^2 + 2*{0}*x + x^2) + {0} + x)")
    assert judged(GIVEN + f"given x\nshow {factors} = 0").verdict != PROVED


CONSTANTS = "claim one\ngiven s where s > 0\nlet t = tanh(2)\n"


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "shown",
    ["(t^2 - 2*t + 1)^(1/2) = t - 1", "(5 - 2*sqrt(6))^(s/2) = (sqrt(2) - sqrt(3))*(5 - 2*sqrt(6))^((s - 1)/2)"],
    ids=["exponentials", "algebraic"],
)
def test_the_root_of_a_square_of_a_constant_has_either_sign(shown: str, seed: int) -> None:
    assert judged(CONSTANTS + f"show {shown}", seed=seed).verdict == REFUTED


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "shown",
    ["(1 + t^2)^s = exp(s*log(1 + t^2))", "(1 + t^2)^s*(1 + sqrt(2))^(s/2) = ((1 + t^2)*(1 + sqrt(2))^(1/2))^s"],
    ids=["exponentials", "algebraic too"],
)
def test_powers_of_constants_that_are_no_squares_are_proved(shown: str, seed: int) -> None:
    assert judged(CONSTANTS + f"show {shown}", seed=seed).verdict == PROVED


@pytest.mark.parametrize(
    "text",
    [
        GIVEN + f"let u = {SIGNED[1:]}\nshow relu(u) - relu(-u) = u",
        GIVEN + f"show {nested('1')} = {product('step({0})')}",
        GIVEN + f"let F = {product('relu({0})')}\nshow dF/da = step(a)*{product('max({0}, 0)', NAMES[1:])}",
        GIVEN + f"show {product('(relu({0}) - relu(-{0}))')} = {product('{0}')}",
        LABELS + f"show {product('{0}')}*(a + 1) = {product('{0}')} + a*{product('{0}')}",
        "claim one\ngiven a, b, c, d\nshow max(max(a, b), max(c, d)) = max(a, max(b, max(c, d)))",
        "claim one\ngiven x[N]\nlet f = sum_n(relu(x[n]))^2\nshow df/dx[n] = 2*step(x[n])*sum_m(relu(x[m]))",
        "claim one\ngiven x[N]\nlet f = sum_n(where(x[n] > 1, x[n], where(x[n] < -1, -x[n], x[n]^2)))\n"
        "show df/dx[n] = where(x[n] > 1, 1, where(x[n] < -1, -1, 2*x[n]))",
        "claim one\ngiven x[D]\ngiven y[D]\nlet c = sum_i(x[i]*y[i])/(sqrt(sum_i(x[i]^2))*sqrt(sum_i(y[i]^2)))\n"
        "show dc/dx[i] = y[i]/(sqrt(sum_j(x[j]^2))*sqrt(sum_j(y[j]^2))) - c*x[i]/sum_j(x[j]^2)",
    ],
    ids=[
        "odd part of branches",
        "nested where",
        "derivative",
        "odd parts",
        "labels",
        "max of max",
        "square of a sum",
        "clipped",
        "cosine",
    ],
)
def test_true_claims_with_many_branches_are_proved(text: str) -> None:
    assert judged(text).verdict == PROVED


def test_a_condition_that_is_no_comparison_is_one() -> None:
    x = scalar("x")
    verdict = prove(Setting((Given(x),)), Claim("far", where(x - 10**30, 1, 0), 0 * x), explain=False)
    assert verdict.verdict != PROVED


@pytest.fixture
def tower() -> Tower:
    return Tower(SMOOTH[:12], 0)


def numbers(tower: Tower, name: str, *shape: int) -> Node:
    return tower.leaf(name, np.ones((tower.draws, *shape)))


def test_a_constant_has_one_digest_in_all_towers(tower: Tower) -> None:
    def digest(of: Tower, number: int) -> bytes | None:
        return constant_digest(of.add(of.apply("exp", of.number(Rational(number))), of.number(Rational(1))), {})

    other = Tower(SMOOTH[12:24], 1)
    assert digest(tower, 2) == digest(other, 2) != digest(other, 3)
    assert constant_digest(tower.add(numbers(tower, "x", 3), tower.number(Rational(1))), {}) is None


def test_bits_are_those_made_by_hand(tower: Tower) -> None:
    x, y = numbers(tower, "x", 5), numbers(tower, "y", 5)
    one, other = tower.apply("step", x), tower.apply("step", y)
    outer = tower.multiply(tower.arrange(one, [0, None]), tower.arrange(one, [None, 0]))
    total = tower.total(one, 0)
    by_hand = {
        one: 1,
        tower.add(one, other): 1,
        tower.multiply(one, other): 2,
        tower.multiply(one, one): 1,
        outer: 2,
        tower.diagonal(outer, 0, 1): 1,
        total: 1,
        tower.power(total, Rational(3)): 3,
        tower.power(total, Rational(9)): 5,
        tower.apply("exp", total): 5,
        tower.apply("exp", one): 1,
        tower.total(tower.apply("exp", one), 0): 1,
        tower.select(one, other, x): 2,
    }
    undecided = set(tower.comparisons())
    for node, bits in by_hand.items():
        assert combined_bits(node, undecided) == bits, node.op
    assert combined_bits(tower.multiply(one, other), undecided - {one}) == 1


def test_ties_count_with_what_decides_them(tower: Tower) -> None:
    values = np.ones((tower.draws, 5))
    y = tower.leaf("y", values, values.astype(np.int64) * np.arange(2).repeat(6)[:, None], values=(0, 1), label=True)
    above = tower.apply("step", tower.total(y, 0))
    assert combined_bits(above, set()) == 0
    assert combined_bits(above, set(), {above}) == 5
    assert combined_bits(above, {above}, {above}) == 6


@pytest.mark.parametrize(("kind", "tied"), [("leaf", False), ("label", True), ("relu", True), ("root", True)])
def test_free_outcomes_may_be_ties_where_outcomes_decide_them(kind: str, tied: bool) -> None:
    free = Tower(SMOOTH[:12], 0, free=True)
    label = free.leaf("y", np.ones(12), np.ones(12, dtype=np.int64), values=(0, 1), label=True)
    x = numbers(free, "x")
    compared = {"leaf": x, "label": label, "relu": free.apply("relu", x), "root": free.power(free.power(x, Rational(2)), Rational(1, 2))}[
        kind
    ]
    zero, one = free.number(Rational(0)), free.number(Rational(1))
    above, below = free.less(zero, compared, False), free.less(compared, zero, False)
    settle(free, above)
    rest = free.subtract(one, free.add(above, below))
    assert bool(settle(free, rest).any()) == tied
    assert not settle(free, free.subtract(one, free.add(free.less(zero, compared, True), below))).any()
    assert not settle(free, free.subtract(above, free.apply("step", compared))).any()


def test_labels_count_with_the_number_of_their_values(tower: Tower) -> None:
    values = np.tile(np.arange(4), (tower.draws, 1))
    y = tower.leaf("y", values.astype(float), values, label=True)
    assert combined_bits(y, set()) == 2
    assert combined_bits(tower.apply("exp", tower.total(y, 0)), set()) == 8


def test_one_hot_rows_are_left_to_the_draws(tower: Tower) -> None:
    rows = np.tile(np.eye(4)[[0, 3]], (tower.draws, 1, 1))
    y = tower.leaf("y", rows, rows.astype(np.int64), label=True)
    assert combined_bits(tower.apply("exp", tower.total(y, 1)), set()) == 0
    assert combined_bits(tower.apply("exp", tower.total(tower.total(y, 1), 0)), set()) == 0


def test_only_roots_that_are_squares_whatever_is_drawn_have_two_values(tower: Tower) -> None:
    x, y = numbers(tower, "x"), numbers(tower, "y")
    positive = tower.leaf("s", np.ones(1), positive=True)
    total = tower.add(x, y)
    square, generic = (tower.power(a, Rational(1, 2)) for a in (tower.power(total, Rational(2)), tower.add(tower.power(x, Rational(2)), y)))
    for root in (square, generic, tower.power(positive, Rational(1, 2))):
        settle(tower, root)
    assert square in tower.roots_of_squares()
    assert set(tower.roots_of_squares()) <= {square, generic}
    assert combined_bits(tower.multiply(square, tower.apply("step", x)), {square, *tower.comparisons()}) == 2


def test_the_degree_counts_outcomes_and_what_is_chosen() -> None:
    (block,) = parse_claims("claim one\ngiven x\nshow where(x > 0, where(x > 1, x^7, x), x^3) = max(x, 0)^2*relu(x^2)")
    # two outcomes and x^7 on the left; (1 + 1) 2 + (1 + 2) on the right
    assert size_plan(block.setting, block.claims[0]).degree == 9
