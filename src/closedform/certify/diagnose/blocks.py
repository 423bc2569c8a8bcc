"""What a formula of this setting may be made of: its sizes, scalars, entries, totals, and the addends of the claimed side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import sympy
from sympy import Dummy, Expr, Indexed, Sum, Symbol

from closedform.certify.diagnose.case import Case
from closedform.certify.diagnose.fit import Quantity
from closedform.certify.refute.points import dims_of
from closedform.notation import (
    Dim,
    Index,
    NamedTensor,
    Partial,
    cos,
    delta,
    exp,
    free_indices,
    less,
    less_equal,
    log,
    sigmoid,
    sin,
    step,
    summation,
    tanh,
)

MOST_QUANTITIES = 60
MOST_ENTRIES, MOST_TOTALS, MOST_ADDENDS, MOST_FUNCTIONS = 24, 40, 24, 6
ELEMENTARY = (exp, log, sin, cos, tanh, sigmoid)
GUARDS = (less, less_equal, step)
COMPANION = {sin: cos, cos: sin}


def tensors(case: Case) -> list[NamedTensor]:
    """Givens and lets with axes; the lets last defined come first, as formulas are usually written in them."""
    named = [*(let.symbol for let in reversed(case.setting.lets)), *(given.symbol for given in case.setting.given)]
    return [symbol for symbol in named if isinstance(symbol, NamedTensor)]


def scalars(case: Case) -> list[Expr]:
    """Givens and lets without axes."""
    named = [*(given.symbol for given in case.setting.given), *(let.symbol for let in case.setting.lets)]
    return [symbol for symbol in named if not isinstance(symbol, NamedTensor)]


def entries(case: Case, axes: tuple[Index, ...] | None = None) -> list[Expr]:
    """Tensors at free indices of the claim (or at these): p[i], W[c,d], ..."""
    found = [tensor[at] for tensor in tensors(case) for at in _positions(tensor, case.axes if axes is None else axes)]
    return found[:MOST_ENTRIES]


def _positions(tensor: NamedTensor, axes: Sequence[Index]) -> Iterator[tuple[Index, ...]]:
    choices = [[index for index in axes if index.dim == dim] for dim in tensor.dims]
    return (at for at in itertools.product(*choices) if len(set(at)) == len(at))


def deltas(case: Case) -> list[Expr]:
    """Kronecker deltas of free indices over one dimension."""
    return [delta(i, j) for i, j in itertools.combinations(case.axes, 2) if i.dim == j.dim]


def totals(case: Case) -> list[Expr]:
    """Sums of one tensor, of its squares, and of products of two, over all indices that are not free ones."""
    found: list[Expr] = []
    rows = [(tensor, at) for tensor in tensors(case) for at in _half_bound(case, tensor)]
    for tensor, at in rows:
        bound = [index for index in at if index not in case.axes]
        if bound:
            found += [summation(tensor[at], *bound), summation(tensor[at] ** 2, *bound)]
    for (a, at), (b, other) in itertools.combinations(rows, 2):
        bound = [index for index in at if index not in case.axes]
        if a != b and bound and set(bound) == {index for index in other if index not in case.axes}:
            found.append(summation(a[at] * b[other], *bound))
    return list(dict.fromkeys(found))[:MOST_TOTALS]


def _half_bound(case: Case, tensor: NamedTensor) -> Iterator[tuple[Index, ...]]:
    """Positions in which some axes carry free indices and the others bound ones, which are the same for all tensors."""
    bound = bound_indices(case)
    fresh = [bound[dim, tensor.dims[:k].count(dim)] for k, dim in enumerate(tensor.dims)]
    choices = [[*(index for index in case.axes if index.dim == dim), fresh[k]] for k, dim in enumerate(tensor.dims)]
    return (at for at in itertools.product(*choices) if len(set(at)) == len(at))


def bound_indices(case: Case) -> dict[tuple[Dim, int], Index]:
    """For each dimension the first, second, ... index to sum over, none of them free in the claim."""
    taken = {index.name for index in case.axes}
    letters = (letter for letter in "klmnabcdefghijopqrstuvwxyz" if letter not in taken)
    most = {dim: max(tensor.dims.count(dim) for tensor in tensors(case)) for dim in case.setting.dims}
    keys = [(dim, k) for dim in case.setting.dims for k in range(most[dim])]
    return {(dim, k): Index(letter, dim) for (dim, k), letter in zip(keys, letters, strict=False)}


def quantities(case: Case) -> list[Quantity]:
    """What a factor may be made of, the simplest first."""
    constants = [*dims_of(case.setting, case.claim.lhs, case.claim.rhs), *scalars(case)]
    varying = [*entries(case), *totals(case)]
    found = [Quantity(e, case.vector(e), True) for e in constants]
    found += [Quantity(e, case.vector(e), e.is_Symbol) for e in varying if np.any(case.vector(e))]
    return found[:MOST_QUANTITIES]


def functions(case: Case) -> list[Quantity]:
    """Functions of entries that the claimed side has, and what the derivative of a sine or a cosine is."""
    named = [node for node in case.claim.rhs.atoms(*ELEMENTARY) if free_indices(node) <= set(case.axes) and not node.has(Partial)]
    companions = [COMPANION[node.func](*node.args) for node in named if node.func in COMPANION]
    found = sorted({*named, *companions}, key=sympy.default_sort_key)[:MOST_FUNCTIONS]
    return [Quantity(node, case.vector(node), False) for node in found]


def addends(expression: Expr) -> list[Expr]:
    """The terms of a formula, products and sums over indices distributed over them.

    >>> from closedform.notation import Dim, tensor
    >>> C = Dim("C"); i = Index("i", C); a, b, c = (tensor(n, C)[i] for n in "abc")
    >>> addends(summation((a - b) * c, i))
    [Sum(a[i]*c[i], (i, 1, C)), -Sum(b[i]*c[i], (i, 1, C))]
    """
    terms = _addends(expression)
    return terms if len(terms) <= MOST_ADDENDS else [expression]


def _addends(expression: Expr) -> list[Expr]:
    if expression.is_Add:
        return [term for part in sorted(expression.args, key=sympy.default_sort_key) for term in _addends(part)]
    if isinstance(expression, Sum):
        return [_outside(Sum(term, *expression.limits)) for term in _addends(expression.function)]
    if expression.is_Mul:
        split = [_addends(factor) if _varies(factor) else [factor] for factor in expression.args]
        if any(len(terms) > 1 for terms in split) and np.prod([len(terms) for terms in split]) <= MOST_ADDENDS:
            products = [sympy.Mul(*choice) for choice in itertools.product(*split)]
            return [term for product in products for term in ([product] if not product.is_Add else _addends(product))]
    if expression.is_Pow and expression.exp == 2 and expression.base.is_Add and len(expression.base.args) <= 4:
        return [a * b for a, b in itertools.product(_addends(expression.base), repeat=2)]
    return [expression]


def _varies(factor: Expr) -> bool:
    """Whether a factor depends on more than sizes: (D - 1)*(D - 2) stays together."""
    return any(not isinstance(symbol, Dim) for symbol in factor.free_symbols)


def _outside(total: Sum) -> Expr:
    """Numbers before the sum."""
    number, rest = total.function.as_coeff_Mul()
    return number * Sum(rest, *total.limits)


def replacements(expression: Expr, entry: Expr, other: Expr) -> Iterator[Expr]:
    """The entry replaced everywhere, then in one factor or term only."""
    yield _exchanged(expression, entry, other)
    holders = [part for part in expression.args if part.has(entry)]
    if len(holders) > 1 and (expression.is_Mul or expression.is_Add):
        for holder in holders:
            yield expression.func(*(_exchanged(part, entry, other) if part is holder else part for part in expression.args))


def _exchanged(expression: Expr, entry: Expr, other: Expr) -> Expr:
    """One entry for another expression; a derivative is of entries by entries, so it takes no other than an entry."""
    derivatives = set() if isinstance(other, Indexed | Symbol) else expression.atoms(Partial)
    kept = {node: Dummy() for node in sorted(derivatives, key=sympy.default_sort_key)}
    return expression.xreplace(kept).xreplace({entry: other}).xreplace({dummy: node for node, dummy in kept.items()})
