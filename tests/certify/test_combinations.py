"""Branches and labels that act together: what is false in one of very many combinations only is never proved."""

import numpy as np
import pytest
from sympy import Rational

from closedform.certify import prove
from closedform.certify.combinations import combined_bits
from closedform.certify.rings.node import Node
from closedform.certify.rings.tower import Tower
from closedform.notation import Claim, Given, Setting, scalar, where
from closedform.results import PROVED, Verdict
from closedform.syntax.parse import parse_claims

NAMES = "abcdefghklmn"  # each comparison goes both ways in many draws, all of them the same way in one of 4096


def judged(text: str) -> Verdict:
    (block,) = parse_claims(text)
    return prove(block.setting, block.claims[0], explain=False)


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


@pytest.mark.parametrize(
    "text",
    [
        GIVEN + f"show {nested('1')} = {product('step({0})')}",
        GIVEN + f"let F = {product('relu({0})')}\nshow dF/da = step(a)*{product('max({0}, 0)', NAMES[1:])}",
        GIVEN + f"show {product('(relu({0}) - relu(-{0}))')} = {product('{0}')}",
        LABELS + f"show {product('{0}')}*(a + 1) = {product('{0}')} + a*{product('{0}')}",
        "claim one\ngiven a, b, c, d\nshow max(max(a, b), max(c, d)) = max(a, max(b, max(c, d)))",
        "claim one\ngiven x[N]\nlet f = sum_n(relu(x[n]))^2\nshow df/dx[n] = 2*step(x[n])*sum_m(relu(x[m]))",
        "claim one\ngiven x[N]\nlet f = sum_n(where(x[n] > 1, x[n], where(x[n] < -1, -x[n], x[n]^2)))\n"
        "show df/dx[n] = where(x[n] > 1, 1, where(x[n] < -1, -1, 2*x[n]))",
    ],
    ids=["nested where", "derivative", "odd parts", "labels", "max of max", "square of a sum", "clipped"],
)
def test_true_claims_with_many_branches_are_proved(text: str) -> None:
    assert judged(text).verdict == PROVED


def test_a_condition_that_is_no_comparison_is_one() -> None:
    x = scalar("x")
    verdict = prove(Setting((Given(x),)), Claim("far", where(x - 10**30, 1, 0), 0 * x), explain=False)
    assert verdict.verdict != PROVED


@pytest.fixture
def tower() -> Tower:
    return Tower([281], 0)


def numbers(tower: Tower, name: str, *shape: int) -> Node:
    return tower.leaf(name, np.ones((1, *shape)))


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


def test_labels_count_with_the_number_of_their_values(tower: Tower) -> None:
    y = tower.leaf("y", np.array([[0.0, 1.0, 2.0, 3.0]]), np.array([[0, 1, 2, 3]]), label=True)
    assert combined_bits(y, set()) == 2
    assert combined_bits(tower.apply("exp", tower.total(y, 0)), set()) == 8


def test_a_one_hot_row_is_one_label(tower: Tower) -> None:
    rows = np.eye(4)[None, [0, 3]]
    y = tower.leaf("y", rows, rows.astype(np.int64), label=True)
    assert combined_bits(tower.apply("exp", tower.total(y, 1)), set()) == 2
    assert combined_bits(tower.apply("exp", tower.total(tower.total(y, 1), 0)), set()) == 4
