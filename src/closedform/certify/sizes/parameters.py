"""Parameters: the sums over a dimension that stand inside functions or denominators.

Each is ``T = sum_k g(x_k)`` over the dimension, possibly one for every value of outer indices
(marked ``all__``). Theorem 2 needs to know how many numbers they are, and how many entries along the
dimension it takes to move all of them independently.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from sympy import Expr, Indexed, Sum, Symbol

from closedform.certify.sizes.derivative import Unfolding
from closedform.notation import Dim, Index


def sums_over(u: Sum, dim: Dim | None) -> int:
    """Over how many indices of the dimension a sum runs (SymPy makes one ``Sum`` of nested ones)."""
    return sum(limit[0].dim == dim for limit in u.limits)


def parameter(u: Sum, dim: Dim | None) -> Expr:
    """The sum as a parameter T = sum_k g(x_k): its index over the dimension first, the sums over others being part of g."""
    return canonical(Sum(u.function, *sorted(u.limits, key=lambda limit: limit[0].dim != dim)))


def summand(key: Expr) -> tuple[Expr, Index]:
    """g(x_k) and k of a parameter sum_k g(x_k)."""
    (index, *_), *others = key.limits
    return (Sum(key.function, *others) if others else key.function), index


def for_all(key: Expr, index: Index) -> Expr:
    """The key with an outer index marked as taking all of its values."""
    taken = {s.name for s in key.free_symbols if isinstance(s, Index)}
    number = next(n for n in range(len(taken) + 1) if f"all__{index.dim.name}_{n}" not in taken)
    return key.xreplace({index: Index(f"all__{index.dim.name}_{number}", index.dim)})


def outer_indices(key: Expr) -> tuple[Index, ...]:
    """The indices that take all values, each multiplying the number of parameters."""
    return tuple(sorted((s for s in key.free_symbols if isinstance(s, Index) and s.name.startswith("all__")), key=str))


def distinct(keys: Iterable[Expr]) -> tuple[Expr, ...]:
    """The keys without those that are one value of another: T[c] for a free c where T[c] for all c is there."""
    found = sorted({_normalised(key) for key in keys}, key=str)
    return tuple(key for key in found if not any(general in found for general in _generalisations(key)))


def _generalisations(key: Expr) -> Iterable[Expr]:
    single = sorted((s for s in key.free_symbols if isinstance(s, Index) and not s.name.startswith("all__")), key=str)
    for size in range(1, len(single) + 1):
        for some in itertools.combinations(single, size):
            general = key
            for index in some:
                general = for_all(general, index)
            yield _normalised(general)


def _normalised(key: Expr) -> Expr:
    """The outer indices numbered in one way, whichever was marked first."""
    outer = outer_indices(key)
    by_dim = [[index for index in outer if index.dim == dim] for dim in sorted({index.dim for index in outer}, key=str)]
    if all(len(same) == 1 for same in by_dim):
        return key
    orders = itertools.product(*(itertools.permutations(same) for same in by_dim))
    renamed = (key.xreplace(dict(zip(itertools.chain(*by_dim), itertools.chain(*order), strict=True))) for order in orders)
    return min(renamed, key=str)


def count_of(keys: Iterable[Expr], sizes: Mapping[Dim, int]) -> int:
    """How many numbers the parameters are."""
    return sum(_multiplicity(key, sizes) for key in keys)


def bath_of(keys: tuple[Expr, ...], dim: Dim, unfolding: Unfolding, sizes: Mapping[Dim, int], discrete: frozenset[str]) -> int:
    """How many positions along the dimension suffice to move all parameters independently.

    As many as there are parameters, always. Where every parameter carries an outer index b and has
    entries x[.., b, .., k, ..] of its own (no other value of b sees them), the blocks of different b
    move independently, so as many as a block has suffice. Discrete inputs do not move.
    """
    moving = {key: {e for e in given_entries(key, unfolding) if str(e.base.name) not in discrete} for key in keys}
    everything = count_of(keys, sizes)
    blocks = [everything]
    for outer in sorted({index.dim for key in keys for index in outer_indices(key)}, key=str):
        if all(_is_private(key, keys, outer, dim, moving) for key in keys) or _have_common_base(keys, outer, dim, moving):
            blocks.append(-(-everything // sizes[outer]))
    return min(blocks)


def _have_common_base(keys: tuple[Expr, ...], outer: Dim, dim: Dim, moving: Mapping[Expr, set[Indexed]]) -> bool:
    """Whether every key has exactly one entry of one and the same tensor over (outer, dim), its outer index taking all values."""
    entries = [moving[key] for key in keys]

    def serves(base: Expr) -> bool:
        own = [[e.indices for e in found if e.base == base] for found in entries]
        return all(
            len(uses) == 1
            and any(index.dim == outer and index.name.startswith("all__") for index in uses[0])
            and any(index.dim == dim and index.name.startswith("level__") for index in uses[0])
            for uses in own
        )

    return any(serves(base) for base in sorted({e.base for found in entries for e in found}, key=str))


def _multiplicity(key: Expr, sizes: Mapping[Dim, int]) -> int:
    product = 1
    for index in outer_indices(key):
        product *= sizes[index.dim]
    return product


def _is_private(key: Expr, keys: tuple[Expr, ...], outer: Dim, dim: Dim, moving: Mapping[Expr, set[Indexed]]) -> bool:
    """Whether the key has one index over ``outer``, and an entry over (outer, dim) that only its own value of it reaches."""
    mine = [index for index in outer_indices(key) if index.dim == outer]
    if len(mine) != 1:
        return False
    for base, axes in {(e.base, tuple(e.indices)) for e in moving[key]}:
        if mine[0] not in axes or not any(index.dim == dim and index.name.startswith("level__") for index in axes):
            continue
        axis = axes.index(mine[0])
        uses = [e.indices[axis] for other in keys for e in moving[other] if e.base == base]
        if all(index.name.startswith("all__") for index in uses):
            return True
    return False


def given_entries(u: Expr, unfolding: Unfolding) -> set[Indexed]:
    """The entries of givens in an expression, through the definitions."""
    found: set[Indexed] = set()
    for entry in u.atoms(Indexed, Symbol):
        body = unfolding.body(entry)
        if body is not None:
            found |= given_entries(body, unfolding)
        elif isinstance(entry, Indexed):
            found.add(entry)
    return found


def canonical(u: Expr, depth: int = 0) -> Expr:
    """The expression with its bound indices named by depth, so that alpha-equivalent sums compare equal."""
    if isinstance(u, Sum):
        names = {limit[0]: Index(f"level__{depth + n}", limit[0].dim) for n, limit in enumerate(u.limits)}
        body = canonical(u.function.xreplace(names), depth + len(names))
        return Sum(body, *((name, 1, name.dim) for name in names.values()))
    if not u.args or isinstance(u, Indexed):
        return u
    return u.func(*(canonical(arg, depth) for arg in u.args))
