"""How hard an expression is to read; of several equal expressions the cheapest is the result."""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, S, Sum, exp

from closedform.derive.algebra import sum_parts
from closedform.derive.canonical import key
from closedform.notation import Partial

Cost = tuple[float, int, str]


def cost(expression: Expr) -> Cost:
    """Weight, then length and text, so that the cheapest one is unique."""
    text = key(expression)
    return round(weight(expression), 3), len(text), text


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
        return 3.0 + 2.0 * len(bound) + weight(body)
    if isinstance(node, Pow):
        return weight(node.base) + (1.0 if node.exp == S.NegativeOne else 0.5 + weight(node.exp))
    if isinstance(node, Add | Mul):
        return sum(weight(part) for part in node.args if part != S.NegativeOne) + len(node.args) - 1.0
    return (3.0 if isinstance(node, exp) else 2.0) + sum(weight(part) for part in node.args)
