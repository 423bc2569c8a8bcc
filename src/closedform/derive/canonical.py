"""One name for every bound index, so that sums that mean the same are the same.

``Sum(x[k], k)`` and ``Sum(x[l], l)`` differ for SymPy. Bound indices are renamed here by where they stand, so equal
sums compare equal, add up and cancel as ordinary atoms of SymPy's algebra.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby, permutations, product
from typing import Any

from sympy import Add, Indexed, KroneckerDelta, Mul, Sum

from closedform.derive.algebra import factors, free, is_leaf, named_index, nodes, rebuilt, substitute, sum_parts, transform
from closedform.notation import Index, Partial

PREFIX = "dummy"
MOST_ORDERS = 720  # orders of interchangeable dummies that are tried before the first is taken


def key(node: Any, names: Mapping[Index, str] | None = None) -> str:
    """A text that depends on the mathematics only: not on hashes, nor on the order of factors."""
    if isinstance(node, Index):
        return (names or {}).get(node, node.name)
    if isinstance(node, Indexed):
        return f"{node.base.name}[{','.join(key(index, names) for index in node.indices)}]"
    if not node.args:
        return str(node)
    if isinstance(node, Sum):
        body, bound = sum_parts(node)
        inner = {**(names or {})}
        for index in bound:
            inner.pop(index, None)
        return f"Sum({key(body, inner)};{','.join(index.name for index in bound)})"
    parts = [key(argument, names) for argument in node.args]
    if isinstance(node, Add | Mul | KroneckerDelta):
        parts.sort()
    if isinstance(node, Partial):
        parts[1:] = sorted(parts[1:])
    return f"{type(node).__name__}({','.join(parts)})"


@lru_cache(maxsize=8192)
def canonical(expression: Any) -> Any:
    """The same expression with canonical bound indices; alpha-equivalent expressions become equal."""
    if not expression.has(Sum):
        return in_order(expression)
    # Under an outer sum its index is free here, and may have a canonical name: then others are used.
    prefix = PREFIX
    while any(index.name.startswith(prefix) and index.name[len(prefix)].isdigit() for index in free(expression)):
        prefix += "x"
    apart = _apart(expression, itertools.count())
    return in_order(transform(apart, lambda node: _renamed(node, prefix) if isinstance(node, Sum) else node))


def in_order(expression: Any) -> Any:
    """Second derivatives of unknown functions do not depend on the order of their variables: take the alphabet's."""
    if not expression.has(Partial):
        return expression

    def change(node: Any) -> Any:
        return Partial(node.target, *sorted(node.variables, key=key)) if isinstance(node, Partial) else node

    return transform(expression, change)


def _apart(expression: Any, numbers: Iterator[int]) -> Any:
    """Bound indices that differ from each other and from every canonical name."""
    if is_leaf(expression) or not expression.has(Sum):
        return expression
    if not isinstance(expression, Sum):
        return rebuilt(expression, tuple(_apart(argument, numbers) for argument in expression.args))
    body, bound = sum_parts(expression)
    apart = {index: named_index(f"apart__{next(numbers)}", index.dim) for index in bound}
    inner = _apart(substitute(body, apart), numbers)
    return Sum(inner, *[(index, 1, index.dim) for index in apart.values()])


def _depth(expression: Any) -> int:
    own = [1 + _depth(node.function) for node in nodes(expression) if isinstance(node, Sum)] if expression.has(Sum) else []
    return max(own, default=0)


def _renamed(node: Sum, prefix: str) -> Sum:
    body, bound = sum_parts(node)
    depth = 1 + _depth(body)
    best: tuple[str, dict[Index, Index]] | None = None
    for order in _orders(body, bound):
        target = {index: named_index(f"{prefix}{depth}_{position}", index.dim) for position, index in enumerate(order)}
        text = key(body, {old: new.name for old, new in target.items()}) if len(bound) > 1 else ""
        if best is None or text < best[0]:
            best = (text, target)
    assert best is not None
    target = best[1]
    return Sum(substitute(body, target), *[(new, 1, new.dim) for new in target.values()])


def _orders(body: Any, bound: tuple[Index, ...]) -> list[tuple[Index, ...]]:
    """The orders of the bound indices that their surroundings do not tell apart."""
    parts = factors(body)

    def signature(index: Index) -> tuple[str, tuple[str, ...]]:
        masked = dict.fromkeys(bound, "*") | {index: "@"}
        return index.dim.name, tuple(sorted(key(part, masked) for part in parts if index in free(part)))

    ranked = sorted(((signature(index), index.name, index) for index in bound), key=lambda entry: entry[:2])
    ties = [[entry[2] for entry in group] for _, group in groupby(ranked, key=lambda entry: entry[0])]
    orders = 1
    for tie in ties:
        for n in range(2, len(tie) + 1):
            orders *= n
    if orders > MOST_ORDERS:
        return [tuple(index for tie in ties for index in tie)]
    return [tuple(index for part in choice for index in part) for choice in product(*(permutations(tie) for tie in ties))]
