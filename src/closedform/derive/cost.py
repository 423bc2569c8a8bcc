"""How hard an expression is to read; of several equal expressions the cheapest is the result."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, S, Sum, exp

from closedform.derive.algebra import factors, free, sum_parts
from closedform.derive.canonical import key
from closedform.notation import Index, Partial

Cost = tuple[float, int, str]

OUTER = 12.0  # more than a second sum weighs


@lru_cache(maxsize=16384)
def cost(expression: Expr) -> Cost:
    """Weight, then length and text, so that the cheapest one is unique."""
    text = key(expression)
    return round(weight(expression), 3), len(text), text


def _crossed(part: Add, bound: tuple[Index, ...]) -> int:
    """How many more indices a sum of terms under a sum has than any entry in it.

    sum_k g[k]*(1 + y[i]*y[k]) makes a matrix of what sum_k g[k] + y[i]*sum_k g[k]*y[k] does with vectors.
    """
    plain = Add(*[term for term in part.args if not any(isinstance(factor, KroneckerDelta) for factor in factors(term))])
    if free(plain).isdisjoint(bound):
        return 0
    ranks = [len(entry.indices) for entry in plain.atoms(Indexed)]
    return max(0, len(free(plain)) - max(ranks, default=0))


def _leads_negative(node: Add) -> bool:
    """a - 1 reads less well than 1 - a."""
    return bool(node.as_coeff_Add()[0].is_negative)


def weight(node: Any) -> float:
    """Sums weigh most; then functions, operations and names."""
    if node.is_Number:
        return 0.5 if node in (S.One, S.NegativeOne) else 1.0
    if isinstance(node, Indexed | KroneckerDelta) or not node.args:
        return 1.0
    if isinstance(node, Partial):
        return 2.0
    if isinstance(node, Sum):
        body, bound = sum_parts(node)
        crossed = sum(_crossed(part, bound) for part in factors(body) if part.is_Add)
        return 3.0 + 2.0 * len(bound) + weight(body) + OUTER * crossed
    if isinstance(node, Pow):
        return weight(node.base) + (1.0 if node.exp == S.NegativeOne else 0.5 + weight(node.exp))
    if isinstance(node, Add):
        signs = 0.1 * sum(1 for part in node.args if part.as_coeff_Mul()[0].is_negative)
        return sum(weight(part) for part in node.args) + len(node.args) - 1.0 + signs + (0.2 if _leads_negative(node) else 0.0)
    if isinstance(node, Mul):
        parts = [part for part in node.args if part != S.NegativeOne]
        return sum(weight(part) for part in parts) + len(parts) - 1.0
    return (3.0 if isinstance(node, exp) else 2.0) + sum(weight(part) for part in node.args)
