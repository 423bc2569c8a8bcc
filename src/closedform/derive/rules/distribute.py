"""Multiply out: only where a sum needs it, or everywhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

from sympy import Add, Expr, Integer, KroneckerDelta, Mul, Pow, Sum

from closedform.derive.algebra import factors, free, is_leaf, nodes, sum_parts, terms, transform
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.notation import Index, summation

LARGEST = 600  # terms; a product that would have more stays factored
HIGHEST_POWER = 4


def free_deltas(expression: Expr, facts: Facts) -> Expr:
    """Multiply out under a sum where that frees a delta over the summed index."""
    return transform(expression, partial(_split, _has_delta))


def split_sums(expression: Expr, facts: Facts) -> Expr:
    """Multiply out under a sum where terms differ in the summed indices that they carry."""
    return transform(expression, partial(_split, _carries_unequally))


def _split(wanted: Callable[[Add, set[Index]], bool], node: Any) -> Any:
    if not isinstance(node, Sum):
        return node
    body, bound = sum_parts(node)
    for part in factors(body):
        if isinstance(part, Add) and wanted(part, set(bound)):
            rest = Mul(*[other for other in factors(body) if other != part])
            return Add(*[summation(rest * term, *bound) for term in part.args])
    return node


def _has_delta(part: Add, bound: set[Index]) -> bool:
    return any(isinstance(node, KroneckerDelta) and bound & set(node.args) for node in nodes(part))


def _carries_unequally(part: Add, bound: set[Index]) -> bool:
    return len({frozenset(free(term) & bound) for term in part.args}) > 1


def multiply_out(expression: Expr, facts: Facts) -> Expr:
    """Every product of sums becomes a sum of products; arguments of functions and denominators stay as they are."""
    return expanded(expression)


def expanded(node: Expr) -> Expr:
    """The node multiplied out."""
    if is_leaf(node):
        return node
    if isinstance(node, Add):
        return Add(*[expanded(term) for term in node.args])
    if isinstance(node, Mul):
        return _expanded_product([expanded(part) for part in node.args])
    if isinstance(node, Pow) and isinstance(node.exp, Integer) and 0 < int(node.exp) <= HIGHEST_POWER:
        base = expanded(node.base)
        return _expanded_product([base] * int(node.exp)) if isinstance(base, Add) else Pow(base, node.exp)
    if isinstance(node, Sum):
        body, bound = sum_parts(node)
        return Add(*[summation(term, *bound) for term in terms(expanded(body))])
    return node


def _expanded_product(parts: list[Expr]) -> Expr:
    size = 1
    for part in parts:
        size *= len(terms(part))
    if size == 1 or size > LARGEST:
        return Mul(*parts)
    return Add(*[Mul(*choice) for choice in product(*(terms(part) for part in parts))])


FREE_DELTAS = Rule("linearity of sums", "The sum of a sum of terms is the sum of their sums.", free_deltas)
SPLIT_SUMS = Rule("linearity of sums", "The sum of a sum of terms is the sum of their sums.", split_sums)
EXPAND = Rule("multiply out", "Written as a sum of products, equal terms show and cancel.", multiply_out)
