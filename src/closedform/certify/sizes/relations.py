"""Size conditions: plans are moved to where the conditions of a setting hold."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Mapping

from closedform.notation import Dim, Setting, SizeRelation

REACH = 40  # how far beyond the plan a size that satisfies the conditions is looked for


def allowed_sizes(setting: Setting, plan: Mapping[Dim, tuple[int, ...]]) -> tuple[dict[Dim, tuple[int, ...]], frozenset[Dim]]:
    """The plan moved upwards, dimension by dimension, until every point of its grid satisfies the size conditions.

    Consecutive sizes stay consecutive and as many, and the theorem holds from any later start. A
    dimension with an upper bound keeps what lies below it; all allowed sizes are then in the plan
    and listed second: nothing is left to extrapolate.

    >>> from closedform.notation import Given, tensor
    >>> N, D = Dim("N"), Dim("D")
    >>> given = Given(tensor("X", N, D), where=(SizeRelation(">=", N, D),))
    >>> sizes, exhausted = allowed_sizes(Setting((given,)), {N: (1, 2), D: (2, 3)})
    >>> sizes[N], sizes[D], exhausted
    ((3, 4), (2, 3), frozenset())
    """
    relations = [c for c in setting.constraints if isinstance(c, SizeRelation)]
    sizes = dict(plan)
    exhausted: set[Dim] = set()
    for dim in sizes:
        bounded = _numeric(relations, dim)
        if not bounded:
            continue
        allowed = [n for n in range(1, max(sizes[dim]) + REACH) if all(_holds(r, {dim: n}) for r in bounded)]
        if allowed and allowed[-1] < max(sizes[dim]) + REACH - 1:
            exhausted.add(dim)
            sizes[dim] = tuple(allowed)
        elif allowed:
            count = len(sizes[dim])
            starts = (n for n in allowed if n >= sizes[dim][0] and set(range(n, n + count)) <= set(allowed))
            start = next(starts, allowed[-1])
            sizes[dim] = tuple(range(start, start + count))
    for _ in range(REACH):
        raised = next((found for r in relations if (found := _to_raise(r, sizes)) and found not in exhausted), None)
        if raised is None:
            break
        sizes[raised] = tuple(n + 1 for n in sizes[raised])
    return sizes, frozenset(exhausted)


def leaves_out(setting: Setting, sizes: Mapping[Dim, tuple[int, ...]]) -> bool:
    """Whether the size conditions forbid a point of the grid."""
    relations = [c for c in setting.constraints if isinstance(c, SizeRelation)]
    dims = sorted({d for r in relations for d in r.lhs.free_symbols | r.rhs.free_symbols if d in sizes}, key=str)
    grid = (dict(zip(dims, point, strict=True)) for point in itertools.product(*(sizes[dim] for dim in dims)))
    return any(not _holds(r, point) for point in grid for r in relations)


def _numeric(relations: list[SizeRelation], dim: Dim) -> list[SizeRelation]:
    """The conditions on this dimension alone."""
    return [r for r in relations if (r.lhs.free_symbols | r.rhs.free_symbols) == {dim}]


def _to_raise(relation: SizeRelation, sizes: Mapping[Dim, tuple[int, ...]]) -> Dim | None:
    """The dimension that an inequality asks to be larger, if a grid point violates it."""
    if relation.op not in (">", ">=", "<", "<="):
        return None
    larger = relation.lhs if relation.op in (">", ">=") else relation.rhs
    dims = sorted((d for d in relation.lhs.free_symbols | relation.rhs.free_symbols if isinstance(d, Dim)), key=str)
    if any(dim not in sizes for dim in dims):
        return None
    grid = itertools.product(*((min(sizes[d]), max(sizes[d])) for d in dims))
    if all(_holds(relation, dict(zip(dims, point, strict=True))) for point in grid):
        return None
    return next((d for d in dims if d in larger.free_symbols), None)


def _holds(relation: SizeRelation, sizes: Mapping[Dim, int]) -> bool:
    left, right = (side.subs(dict(sizes)) for side in (relation.lhs, relation.rhs))
    return bool(_COMPARE[relation.op](left, right))


_COMPARE = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
