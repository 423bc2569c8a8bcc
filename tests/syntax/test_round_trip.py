"""Text of an expression, read again, is the same expression."""

from __future__ import annotations

from pathlib import Path

import pytest
import sympy
from expression_strategies import FREE, SETTING, expressions
from hypothesis import HealthCheck, given, note, reject, settings
from sympy import Expr

from closedform.notation import Index, Setting
from closedform.syntax.parse import ClaimBlock, parse_expression, parse_file
from closedform.syntax.source import LimitError, TextDimensionError
from closedform.syntax.text import to_text

DATA = Path(__file__).parents[1] / "data"


def read_again(expression: Expr, setting: Setting) -> Expr:
    free = [symbol for symbol in expression.free_symbols if isinstance(symbol, Index)]
    return parse_expression(to_text(expression, setting), setting, indices=free)


@given(expressions)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_random_expressions_survive_text(expression: Expr) -> None:
    text = to_text(expression, SETTING)
    note(text)
    note(sympy.srepr(expression))
    try:
        again = parse_expression(text, SETTING, indices=FREE)
    except LimitError:
        reject()  # constants and exponents beyond what text may ask for
    except TextDimensionError:
        reject()  # sum_ij(delta(i,j)) does not say which dimension it means
    assert again == expression


@pytest.mark.parametrize("block", [*parse_file(DATA / "dev.claims"), *parse_file(DATA / "more.claims")], ids=lambda block: block.name)
def test_claims_survive_text(block: ClaimBlock) -> None:
    sides = [side for claim in block.claims for side in (claim.lhs, claim.rhs)]
    for expression in [*sides, *(let.body for let in block.setting.lets)]:
        assert read_again(expression, block.setting) == expression
