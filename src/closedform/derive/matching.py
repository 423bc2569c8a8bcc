"""Find instances of a pattern whose free indices are wild, and replace them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from sympy import Expr, Indexed, Mul, Sum

from closedform.derive.algebra import closed, factors, free, is_leaf, names_in, rebuilt, substitute, sum_parts
from closedform.derive.canonical import canonical
from closedform.notation import Index, summation


@dataclass(frozen=True)
class Pattern:
    """An expression of which any instance counts: its ``wild`` indices stand for any index of their dimension."""

    expression: Expr
    wild: tuple[Index, ...]

    def match(self, node: Expr) -> dict[Index, Index] | None:
        """The indices for the wild ones at which the pattern is ``node``, or None."""
        pattern = self.expression
        if isinstance(pattern, Indexed):
            return self._match_entry(node)
        if type(node) is not type(pattern) or names_in(node) != names_in(pattern):
            return None
        loose = sorted(free(node), key=lambda index: index.name)
        choices = [[index for index in loose if index.dim == wild.dim] for wild in self.wild]
        wanted = canonical(node)
        for choice in product(*choices):
            if set(choice) != set(loose) and len(loose) == len(self.wild):
                continue
            if canonical(substitute(pattern, dict(zip(self.wild, choice, strict=True)))) == wanted:
                return dict(zip(self.wild, choice, strict=True))
        return None

    def _match_entry(self, node: Expr) -> dict[Index, Index] | None:
        if not isinstance(node, Indexed) or node.base != self.expression.base:
            return None
        found: dict[Index, Index] = {}
        for mine, other in zip(self.expression.indices, node.indices, strict=True):
            if mine in self.wild:
                if found.setdefault(mine, other) != other:
                    return None
            elif mine != other:
                return None
        return found


def replace(expression: Expr, change: Callable[[Expr], Expr | None]) -> Any:
    """Replace nodes for which ``change`` has an answer, outermost first; also sums that stand inside larger ones."""
    answer = change(expression)
    if answer is not None:
        return answer
    if isinstance(expression, Sum):
        for inner, rest, bound in inner_sums(expression):
            answer = change(inner)
            if answer is not None:
                return replace(summation(rest * answer, *bound), change)
        body, bound = sum_parts(expression)
        return rebuilt(expression, (replace(body, change), *expression.args[1:]))
    if is_leaf(expression):
        return expression
    return rebuilt(expression, tuple(replace(argument, change) for argument in expression.args))


def inner_sums(node: Sum) -> Iterator[tuple[Expr, Expr, tuple[Index, ...]]]:
    """Each way to sum one index first: sum_bk f[b]*g[b,k] as sum_b f[b] * (sum_k g[b,k]).

    Yields the inner sum, the other factors and the other indices.
    """
    body, bound = sum_parts(node)
    parts = factors(body)
    for index in bound:
        inside = [part for part in parts if index in free(part)]
        others = tuple(other for other in bound if other != index)
        if len(inside) < len(parts) or others:
            outside = Mul(*[part for part in parts if part not in inside])
            yield closed(inside, (index,)), outside, others
