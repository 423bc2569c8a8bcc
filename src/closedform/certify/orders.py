"""How often a formula differentiates, and which derivatives of unknown functions that needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from sympy import Expr, Symbol

from closedform.notation import Dim, Given, Index, NamedTensor, Partial, Setting


def derivative_order(setting: Setting, *expressions: Expr) -> int:
    """How often an expression differentiates at most, through the lets that it names."""
    lets = {let.name: let.body for let in setting.lets}

    def order(expression: Expr) -> int:
        below = [
            order(lets[name]) for name in sorted({str(s) for s in expression.free_symbols if not isinstance(s, Index | Dim)} & set(lets))
        ]
        here = [len(node.variables) for node in expression.atoms(Partial)]
        return max(here, default=0) + max(below, default=0)

    return max((order(expression) for expression in expressions), default=0)


def unknown_derivatives(given: Given, order: int) -> Iterator[tuple[NamedTensor | Symbol, ...]]:
    """By which sources an unknown function has to be differentiated, up to ``order`` times."""
    sources = sorted(given.of, key=lambda source: source.name)
    for count in range(1, order + 1 if sources else 0):
        yield from itertools.combinations_with_replacement(sources, count)
