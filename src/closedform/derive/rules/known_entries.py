"""Use what is known of single entries: one-hot rows, entries that are 0, 1 or -1, or not negative, symmetric matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Indexed, KroneckerDelta, Mul, Pow, S, Sum, Symbol

from closedform.derive.algebra import factors, is_leaf, rebuilt, transform
from closedform.derive.canonical import PREFIX, canonical, key
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.notation import Index, head_name, inv, less, less_equal, where


def use_known_entries(expression: Expr, facts: Facts) -> Expr:
    """y[c]^2 = y[c] for 0 and 1, s^2 = 1 for signs, y[c]*y[d] = delta(c,d)*y[c] for one-hot rows, A[j,i] = A[i,j],
    y[c]*where(0 < y[c], 1, 0) = y[c] for y >= 0."""
    if not (facts.bits or facts.signs or facts.symmetric or facts.nonnegative):
        return expression

    def change(node: Any) -> Any:
        if isinstance(node, Pow):
            return _power(node, facts)
        if isinstance(node, Mul) and (facts.onehot or facts.nonnegative):
            return _one_hot_product(_without_idle_conditions(node, facts), facts)
        if isinstance(node, Indexed) and node.base.name in facts.symmetric:
            return node.base[tuple(sorted(node.indices, key=_rank))]
        if isinstance(node, inv) and node.args[0].name in facts.symmetric:
            return inv(node.args[0], *sorted(node.args[1:], key=_rank))
        return node

    return _outside_sums(expression, change)


def _outside_sums(node: Any, change: Callable[[Any], Any]) -> Any:
    """Change every node, each outermost sum as a whole."""
    if isinstance(node, Sum):
        return _settled(node, change)
    return change(node if is_leaf(node) else rebuilt(node, tuple(_outside_sums(argument, change) for argument in node.args)))


def _settled(node: Expr, change: Callable[[Any], Any]) -> Expr:
    """Change the nodes of a sum until it stays as it is, or comes back: then the first in the alphabet of those that recur.

    sum_kl A[l,k]*g[k]*u[l] = sum_kl A[k,l]*g[k]*u[l] for a symmetric A, which has the names k and l exchanged.
    """
    seen: list[Expr] = []
    while node not in seen:
        seen.append(node)
        node = canonical(transform(node, change))
    return min(seen[seen.index(node) :], key=key)


def _rank(index: Index) -> tuple[bool, str]:
    """The person's own indices first, then dummies."""
    return index.name.startswith(PREFIX), index.name


def _power(node: Pow, facts: Facts) -> Expr:
    base, exponent = node.base, node.exp
    if isinstance(base, KroneckerDelta) or not exponent.is_Integer or exponent < 2 or not (isinstance(base, Indexed) or base.is_Symbol):
        return node
    if head_name(base) in facts.bits:
        return base
    if head_name(base) in facts.signs:
        return S.One if exponent % 2 == 0 else base
    return node


def _without_idle_conditions(node: Expr, facts: Facts) -> Expr:
    """A factor that is 0 where another is 0 anyway, and 1 elsewhere, says nothing."""
    parts = factors(node)
    entries = [part for part in parts if isinstance(part, Indexed | Symbol) and head_name(part) in facts.nonnegative]
    idle = {choice for y in entries for choice in (where(less(0, y), 1, 0), where(less_equal(y, 0), 0, 1))}
    return Mul(*[part for part in parts if part not in idle])


def _one_hot_product(node: Expr, facts: Facts) -> Expr:
    entries = [part for part in factors(node) if isinstance(part, Indexed) and part.base.name in facts.onehot]
    for first in entries:
        for second in entries:
            same_row = first.base == second.base and first.indices[:-1] == second.indices[:-1]
            if same_row and first.indices[-1].name < second.indices[-1].name:
                rest = [part for part in factors(node) if part != second]
                return Mul(*rest, KroneckerDelta(first.indices[-1], second.indices[-1]))
    return node


RULE = Rule("use known entries", "The constraint on the given says what such entries are.", use_known_entries)
