"""Quotients of hyperbolic functions: sinh(u)/cosh(u) = tanh(u)."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Mul, S

from closedform.derive.algebra import powers, product_of, transform
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.notation import cosh, sinh, tanh


def fold_tanh(expression: Expr, facts: Facts) -> Expr:
    """Write sinh over cosh as tanh."""
    return transform(expression, _at_node) if expression.has(sinh) else expression


def _at_node(node: Any) -> Any:
    if not isinstance(node, Mul):
        return node
    coefficient, exponents = powers(node)
    for base, power in list(exponents.items()):
        below = exponents.get(cosh(*base.args), S.Zero) if isinstance(base, sinh) else S.Zero
        if power.is_Integer and power.is_positive and below.is_Integer and below.is_negative:
            count = min(power, -below)
            exponents[base] = power - count
            exponents[cosh(*base.args)] = below + count
            exponents[tanh(*base.args)] = exponents.get(tanh(*base.args), S.Zero) + count
    return coefficient * product_of(exponents)


RULE = Rule("fold tanh", "tanh is sinh over cosh.", fold_tanh)
