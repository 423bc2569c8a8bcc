"""Contract deltas: sum_k delta(j,k)*f[k] = f[j], and delta(i,j)*f[j] = delta(i,j)*f[i]."""

from __future__ import annotations

from typing import Any

from sympy import Expr, KroneckerDelta, Mul, Sum

from closedform.derive.algebra import factors, free, substitute, sum_parts, transform
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.notation import Index, summation


def contract(expression: Expr, facts: Facts) -> Expr:
    """Use up every delta that stands as a factor."""
    return contracted(expression)


def contracted(expression: Expr) -> Expr:
    """The same, which needs no facts."""
    return transform(expression, _at_node)


def _at_node(node: Any) -> Any:
    if isinstance(node, Sum):
        body, bound = sum_parts(node)
        return _summed(body, bound)
    if isinstance(node, Mul):
        return _product(node)
    return node


def _summed(body: Expr, bound: tuple[Index, ...]) -> Expr:
    for delta in (part for part in factors(body) if isinstance(part, KroneckerDelta)):
        first, second = delta.args
        gone = next((index for index in (second, first) if index in bound), None)
        if gone is not None:
            kept = first if gone == second else second
            rest = Mul(*[part for part in factors(body) if part != delta])
            return _summed(substitute(rest, {gone: kept}), tuple(index for index in bound if index != gone))
    return summation(body, *bound)


def _product(node: Mul) -> Expr:
    """Beside delta(i,j) the indices i and j are the same: write the one that comes first in the alphabet."""
    for delta in (part for part in factors(node) if isinstance(part, KroneckerDelta)):
        kept, gone = sorted(delta.args, key=lambda index: index.name)
        rest = Mul(*[part for part in factors(node) if part != delta])
        if gone in free(rest):
            return _at_product(delta * substitute(rest, {gone: kept}))
    return node


def _at_product(expression: Expr) -> Expr:
    return _product(expression) if isinstance(expression, Mul) else expression


RULE = Rule("contract deltas", "A delta is 1 at one value of its index and 0 elsewhere, so a sum over it keeps one term.", contract)
