"""Use sums whose value is known: sum_i p[i] = 1 for a softmax, sum_a y[a] = 1 for labels, any given equation of that kind."""

from __future__ import annotations

from sympy import Expr, Sum

from closedform.derive.algebra import substitute
from closedform.derive.facts import Facts
from closedform.derive.matching import replace
from closedform.derive.rules.base import Rule


def use_known_sums(expression: Expr, facts: Facts) -> Expr:
    """Replace each sum that is an instance of a known one."""
    if not facts.sums or not expression.has(Sum):
        return expression

    def change(node: Expr) -> Expr | None:
        if isinstance(node, Sum):
            for known in facts.sums:
                found = known.pattern.match(node)
                if found is not None:
                    return substitute(known.value, found)
        return None

    return replace(expression, change)


RULE = Rule("use known sums", "What a softmax, or a given with that constraint, sums to is known.", use_known_sums)
