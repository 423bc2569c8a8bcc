"""What a proof cannot afford, or fields cannot tell: undecided with the reason, at once, and never a proof."""

import pytest
from sympy import Expr, Integer

from closedform.certify import prove
from closedform.certify.balls import agreement
from closedform.notation import Claim, Given, Relation, Setting, exp, less, positive, scalar, sin, where
from closedform.results import REFUTED, UNDECIDED, Verdict
from closedform.syntax.parse import parse_claims

x = scalar("x")
FAR = Integer(10) ** 400  # a sine is enclosed in [-1, 1] beyond the precision of balls
AXES = "abcdefghijkl"
PAIRS = "*".join(f"z[{a}]" for a in "abcdefghijk")
POWERS = "claim a\ngiven x\nlet y0 = x\n" + "".join(f"let y{n} = y{n - 1}^1000\n" for n in range(1, 9))


def judged(text: str) -> Verdict:
    (block,) = parse_claims(text)
    return prove(block.setting, block.claims[0])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"claim a\ngiven X[{','.join('A' * 12)}]\nshow X[{','.join(AXES)}] = X[{','.join(AXES)}]*1^2", "arrays of"),
        (f"claim a\ngiven z[C]\nlet u = sum_abcdefghijk(exp({PAIRS}))\nlet v = sum_kjihgfedcba(exp({PAIRS}))\nshow u = v", "arrays of"),
        ("claim a\ngiven z[C] where C >= 100000\nshow sum_c(z[c]) = sum_i(z[i])", "none of the sizes"),
        (POWERS + "show y8 + 1 = 1 + y8", "degree of the two sides is too large"),
        ("claim a\ngiven x where x > 1, x < 0\nshow x = x + 1", "they may contradict each other"),
    ],
    ids=["axes", "sums", "sizes", "degree", "conditions"],
)
def test_what_cannot_be_proved_is_undecided_with_the_reason(text: str, reason: str) -> None:
    verdict = judged(text)
    assert verdict.verdict == UNDECIDED
    assert any(reason in note for note in verdict.notes), verdict.notes


@pytest.mark.parametrize(
    "text",
    [
        f"claim a\ngiven X[{','.join('A' * 12)}]\nshow X[{','.join(AXES)}] = 1",
        POWERS + "show y8 = y7",
        "claim a\ngiven x\nlet y0 = x + 1\n"
        + "".join(f"let y{n} = (y{n - 1} + x)*(y{n - 1} - x) + y{n - 1}\n" for n in range(1, 40))
        + "show dy39/dx = 1",
    ],
    ids=["axes", "degree", "nested lets"],
)
def test_what_is_false_is_refuted_all_the_same(text: str) -> None:
    verdict = judged(text)
    assert verdict.verdict == REFUTED
    assert verdict.counterexample is not None


@pytest.mark.parametrize(
    ("claimed", "note"),
    [
        (sin(x), "agrees to 1e-301 at 20 points"),
        (sin(FAR * exp(1 + x**2)), "at all 20 points tried the enclosures of the two sides are as wide as 1e0 and tell nothing"),
        (where(less(x, 0), x, sin(FAR * exp(1 + x**2))), "more the enclosures of the two sides are as wide as"),
    ],
    ids=["close", "wide", "both"],
)
def test_enclosures_that_are_wide_are_no_agreement(claimed: Expr, note: str) -> None:
    (known,) = agreement(Setting((Given(x),)), Claim("same", claimed, claimed), seed=0)
    assert note in known, known


def test_enclosures_without_a_point_agree_on_nothing() -> None:
    nowhere = Setting((Given(x, where=(positive(x), Relation("<", x, Integer(0)))),))
    assert agreement(nowhere, Claim("same", x, x), seed=0) == (
        "no point that satisfies the conditions was found; they may contradict each other",
    )
