"""Sum one index inside another where that makes powers: sum_bjk f[b,j]*f[b,k] = sum_b (sum_j f[b,j])^2."""

from __future__ import annotations

from itertools import combinations

from sympy import Expr, Mul, Sum

from closedform.derive.algebra import closed, factors, sum_parts
from closedform.derive.canonical import canonical
from closedform.derive.cost import cost
from closedform.notation import summation


def nested(term: Expr) -> Expr:
    """The term with each of its sums nested where that is easier to read."""
    if not term.has(Sum):
        return term
    return Mul(*[_cheapest(part) if isinstance(part, Sum) else part for part in factors(term)])


def _cheapest(node: Sum) -> Expr:
    body, bound = sum_parts(node)
    if len(bound) < 3 or body.is_Add:
        return node
    candidates: list[Expr] = [canonical(node)]
    for count in range(1, len(bound) - 1):
        for outer in combinations(bound, count):
            inner = closed(factors(body), [index for index in bound if index not in outer])
            candidates.append(canonical(summation(inner, *outer)))
    return min(candidates, key=cost)
