"""Pull out of a sum what does not depend on its index, and keep independent sums apart."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Sum

from closedform.derive.algebra import closed, opened, transform
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule


def pull(expression: Expr, facts: Facts) -> Expr:
    """sum_k a*f[k] = a*sum_k f[k];  sum_kl f[k]*g[l] = sum_k f[k] * sum_l g[l];  sum_k a = C*a."""
    return transform(expression, _at_node)


def _at_node(node: Any) -> Any:
    if not isinstance(node, Sum):
        return node
    bound, flat = opened(node)
    result = closed(flat, bound)
    return node if result == node else result


RULE = Rule("pull out of sums", "A factor that does not carry the summed index stands before the sum.", pull)
