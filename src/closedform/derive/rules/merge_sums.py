"""Merge sums: sum_b f[b]*g[b] - sum_b f[b]*h[b] = sum_b f[b]*(g[b] - h[b])."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, S, Sum

from closedform.derive.algebra import (
    closed,
    common_powers,
    every_index,
    factors,
    free,
    powers,
    product_of,
    rename_bound,
    substitute,
    sum_parts,
)
from closedform.derive.cost import Cost, cost
from closedform.notation import summation


def merge_sums(parts: list[Expr]) -> list[Expr]:
    """Merge pairs of terms while that makes them easier to read."""
    parts = list(parts)
    merged = True
    while merged:
        merged = False
        for first, second in combinations(range(len(parts)), 2):
            joint = _merged(parts[first], parts[second])
            if joint is not None:
                parts = [part for n, part in enumerate(parts) if n not in (first, second)] + [joint]
                merged = True
                break
    return parts


def _merged(first: Expr, second: Expr) -> Expr | None:
    """The cheapest way to write both under one sum, or None where that does not help."""
    best: tuple[Cost, Expr] | None = None
    before = Add(first, second)
    for mine, my_rest in _sums_in(first):
        for other, other_rest in _sums_in(second):
            outer = _shared_outside(my_rest, other_rest)
            if outer is None:
                continue
            for candidate in _alignments(mine, other, *outer[1:]):
                joint = outer[0] * candidate
                if best is None or cost(joint) < best[0]:
                    best = (cost(joint), joint)
    return best[1] if best is not None and best[0] < cost(before) else None


def _sums_in(term: Expr) -> Iterator[tuple[Sum, Expr]]:
    parts = factors(term)
    for part in parts:
        if isinstance(part, Sum):
            yield part, Mul(*[other for other in parts if other is not part])


def _shared_outside(mine: Expr, other: Expr) -> tuple[Expr, Expr, Expr] | None:
    """The factors that both terms have outside, and what each has left: numbers, deltas and sums only."""
    (my_number, ours), (other_number, theirs) = powers(mine), powers(other)
    shared = {base: power for base, power in ours.items() if theirs.get(base) == power}
    my_left = {base: power for base, power in ours.items() if base not in shared}
    other_left = {base: power for base, power in theirs.items() if base not in shared}
    if any(not isinstance(base, KroneckerDelta | Sum) for base in (*my_left, *other_left)):
        return None
    return product_of(shared), my_number * product_of(my_left), other_number * product_of(other_left)


def _alignments(mine: Sum, other: Sum, my_factor: Expr, other_factor: Expr) -> Iterator[Expr]:
    """Both sums under common indices, for each way to pair some indices of one with indices of the other."""
    my_body, my_bound = sum_parts(mine)
    busy = set(my_bound) | every_index(my_factor) | every_index(other_factor) | every_index(my_body)
    other_body, other_bound = rename_bound(*sum_parts(other), busy)
    ranks = [len(entry.indices) for term in (my_factor * mine, other_factor * other) for entry in term.atoms(Indexed)]
    limit = max(len(free(my_factor * mine) | free(other_factor * other)), *ranks, 0)
    for count in range(1, min(len(my_bound), len(other_bound)) + 1):
        for chosen in combinations(my_bound, count):
            for partners in permutations(other_bound, count):
                if any(a.dim != b.dim for a, b in zip(chosen, partners, strict=True)):
                    continue
                moved = substitute(other_body, dict(zip(partners, chosen, strict=True)))
                shared, my_left, other_left = _split_common(my_body, moved)
                rest = Add(
                    my_factor * closed(factors(my_left), [index for index in my_bound if index not in chosen]),
                    other_factor * closed(factors(other_left), [index for index in other_bound if index not in partners]),
                )
                if len(free(rest)) <= limit:
                    yield summation(shared * rest, *chosen)


def _split_common(mine: Expr, other: Expr) -> tuple[Expr, Expr, Expr]:
    (my_number, ours), (other_number, theirs) = powers(mine), powers(other)
    shared = common_powers([ours, theirs])
    my_left, other_left = _divided(ours, shared), _divided(theirs, shared)
    return product_of(shared), my_number * product_of(my_left), other_number * product_of(other_left)


def _divided(own: dict[Expr, Expr], shared: dict[Expr, Expr]) -> dict[Expr, Expr]:
    return {base: power - shared.get(base, S.Zero) for base, power in own.items()}
