"""A matrix times its inverse is the identity: sum_k A[i,k]*inv(A)[k,j] = delta(i,j)."""

from __future__ import annotations

from functools import partial
from typing import Any

from sympy import Expr, Indexed, KroneckerDelta, Mul, Sum

from closedform.derive.algebra import factors, free, sum_parts, transform
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.notation import Index, inv, summation


def cancel_inverses(expression: Expr, facts: Facts) -> Expr:
    """Use up each sum over an index that a matrix shares with its inverse only."""
    return transform(expression, partial(_at_node, facts.symmetric)) if expression.has(inv) else expression


def _at_node(symmetric: frozenset[str], node: Any) -> Any:
    if not isinstance(node, Sum):
        return node
    body, bound = sum_parts(node)
    for index in bound:
        holders = [part for part in factors(body) if index in free(part)]
        outer = _identity(holders, index, symmetric)
        if outer is not None:
            rest = Mul(*[part for part in factors(body) if part not in holders], KroneckerDelta(*outer))
            return summation(rest, *[other for other in bound if other != index])
    return node


def _identity(holders: list[Expr], index: Index, symmetric: frozenset[str]) -> tuple[Index, Index] | None:
    if len(holders) != 2:
        return None
    for first, second in (holders, holders[::-1]):
        if isinstance(first, Indexed) and isinstance(second, inv) and first.base == second.args[0]:
            left, right = second.args[1:]
            for row, column in (first.indices, first.indices[::-1])[: 2 if first.base.name in symmetric else 1]:
                if column == index and left == index and index not in (row, right):
                    return row, right
                if row == index and right == index and index not in (column, left):
                    return left, column
    return None


RULE = Rule("cancel inverses", "A matrix times its inverse is the identity.", cancel_inverses)
