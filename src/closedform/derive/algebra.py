"""Capture-free surgery on index expressions: substitute indices, open and close sums.

SymPy's own ``subs`` and ``diff`` capture bound indices silently, ``Sum(x[i]*y[k], k).subs(i, k)``; nothing in
this package calls them. Here a bound index steps aside whenever another one moves in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Rational, S, Sum, Symbol

from closedform.notation import Dim, Index, NamedTensor, Partial, det, free_indices, inv, logdet, summation

LEAVES = (Indexed, KroneckerDelta, Partial, inv, det, logdet, NamedTensor)

free = free_indices  # asked at every step here, hence the short name


@lru_cache(maxsize=4096)
def named_index(name: str, dim: Dim) -> Index:
    """``Index(name, dim)``, made once: SymPy deduces every new symbol's properties anew."""
    return Index(name, dim)


@lru_cache(maxsize=16384)
def every_index(expression: Any) -> frozenset[Index]:
    """The indices that occur at all, bound ones included."""
    return frozenset(expression.atoms(Index))


def is_leaf(node: Any) -> bool:
    """Whether rules look at the node as a whole: a symbol, a number, a tensor entry, a delta, an unknown derivative."""
    return not node.args or isinstance(node, LEAVES)


def sum_parts(node: Sum) -> tuple[Expr, tuple[Index, ...]]:
    """Body and bound indices of a sum."""
    return node.function, tuple(limit[0] for limit in node.limits)


def fresh(index: Index, taken: Iterable[Index]) -> Index:
    """An index over the same dimension whose name nobody in ``taken`` has."""
    names = {other.name for other in taken}
    stem = index.name.split("__")[0]
    number = 1
    while f"{stem}__{number}" in names:
        number += 1
    return named_index(f"{stem}__{number}", index.dim)


def rename_bound(body: Expr, bound: tuple[Index, ...], taken: Set[Index]) -> tuple[Expr, tuple[Index, ...]]:
    """The same sum with bound indices that nobody in ``taken`` has the name of."""
    taken_names = {index.name for index in taken}
    renamed: dict[Index, Index] = {}
    busy = set(taken) | every_index(body) | set(bound)
    for index in bound:
        if index.name in taken_names:
            renamed[index] = fresh(index, busy)
            busy = busy | {renamed[index]}
    return substitute(body, renamed), tuple(renamed.get(index, index) for index in bound)


def substitute(expression: Any, mapping: Mapping[Index, Index]) -> Any:
    """Replace free indices, simultaneously; bound indices that would capture a newcomer are renamed."""
    here = free(expression)
    relevant = {old: new for old, new in mapping.items() if old != new and old in here}
    if not relevant:
        return expression
    if isinstance(expression, Index):
        return relevant[expression]
    if isinstance(expression, Indexed):
        return expression.base[tuple(relevant.get(index, index) for index in expression.indices)]
    if isinstance(expression, Sum):
        body, bound = sum_parts(expression)
        body, bound = rename_bound(body, bound, set(relevant.values()))
        return Sum(substitute(body, relevant), *[(index, 1, index.dim) for index in bound])
    return expression.func(*[substitute(argument, relevant) for argument in expression.args])


def rebuilt(node: Any, arguments: tuple[Any, ...]) -> Any:
    """The node with other arguments; sums drop what they no longer need."""
    if arguments == node.args:
        return node
    if isinstance(node, Sum):
        _, bound = sum_parts(node)
        return summation(arguments[0], *bound)
    return node.func(*arguments)


def transform(expression: Any, change: Callable[[Any], Any]) -> Any:
    """Apply ``change`` to every node, innermost first."""
    if is_leaf(expression):
        return change(expression)
    if isinstance(expression, Sum):
        return change(rebuilt(expression, (transform(expression.function, change), *expression.args[1:])))
    return change(rebuilt(expression, tuple(transform(argument, change) for argument in expression.args)))


def replaced(expression: Any, values: Mapping[Partial, Expr]) -> Any:
    """Replace derivatives, under sums too; bound indices keep their meaning since each value has the indices of its node."""
    if expression in values:
        return values[expression]
    if is_leaf(expression):
        return expression
    return rebuilt(
        expression, tuple(replaced(argument, values) if isinstance(argument, Expr) else argument for argument in expression.args)
    )


def nodes(expression: Any) -> Iterator[Any]:
    """Every node, leaves whole, outermost first."""
    yield expression
    if not is_leaf(expression):
        arguments = expression.args[:1] if isinstance(expression, Sum) else expression.args
        for argument in arguments:
            yield from nodes(argument)


def factors(expression: Expr) -> tuple[Expr, ...]:
    """The factors of a product."""
    return tuple(Mul.make_args(expression))


def terms(expression: Expr) -> tuple[Expr, ...]:
    """The terms of a sum with ``+``."""
    return tuple(Add.make_args(expression))


def base_and_exponent(factor: Expr) -> tuple[Expr, Expr]:
    """``x**n`` as (x, n)."""
    return (factor.base, factor.exp) if isinstance(factor, Pow) else (factor, S.One)


def powers(product: Expr) -> tuple[Rational, dict[Expr, Expr]]:
    """A product as its rational coefficient and the exponent of every other base."""
    coefficient, rest = product.as_coeff_Mul()
    exponents: dict[Expr, Expr] = {}
    for factor in factors(rest):
        base, exponent = base_and_exponent(factor)
        if base != S.One:
            exponents[base] = exponents.get(base, S.Zero) + exponent
    return coefficient, exponents


def common_powers(products: Sequence[Mapping[Expr, Expr]]) -> dict[Expr, Expr]:
    """What every product has; of powers of equal sign the smaller one."""
    shared = {base: _shared_power([product.get(base) for product in products]) for base in products[0]}
    return {base: power for base, power in shared.items() if power is not None}


def _shared_power(exponents: list[Expr | None]) -> Expr | None:
    if any(exponent is None for exponent in exponents):
        return None
    known = [exponent for exponent in exponents if exponent is not None]
    if len(set(known)) == 1:
        return known[0]
    symbolic = {exponent.as_coeff_Add()[1] for exponent in known}
    if len(symbolic) != 1:
        return None
    if symbolic != {S.Zero}:
        return min(known, key=lambda exponent: exponent.as_coeff_Add()[0])
    if all(exponent.is_positive for exponent in known):
        return min(known)
    if all(exponent.is_negative for exponent in known):
        return max(known)
    return None


def product_of(exponents: Mapping[Expr, Expr]) -> Expr:
    """The inverse of :func:`powers`."""
    return Mul(*[Pow(base, exponent) for base, exponent in exponents.items()])


def opened(product: Expr, taken: Iterable[Index] = ()) -> tuple[tuple[Index, ...], list[Expr]]:
    """A product with its sums opened: sum_k(f)*g as the bound indices (k) and the factors f, g."""
    bound: tuple[Index, ...] = ()
    flat: list[Expr] = []
    pending = list(factors(product))
    busy = set(taken) | free(product)
    while pending:
        factor = pending.pop(0)
        if isinstance(factor, Sum):
            body, inner = sum_parts(factor)
            body, inner = rename_bound(body, inner, busy)
            busy |= set(inner)
            bound += inner
            pending[:0] = factors(body)
        else:
            flat.append(factor)
    return bound, flat


def closed(flat: Iterable[Expr], bound: Iterable[Index]) -> Expr:
    """Put sums back around the factors that need them: independent sums stay apart, constants stay outside."""
    remaining = list(flat)
    open_indices = list(bound)
    result: list[Expr] = []
    while open_indices:
        group, members = {open_indices[0]}, []
        grown = True
        while grown:
            grown = False
            for factor in list(remaining):
                touching = free(factor) & set(open_indices)
                if touching & group:
                    remaining.remove(factor)
                    members.append(factor)
                    group |= touching
                    grown = True
        over = [index for index in open_indices if index in group]
        open_indices = [index for index in open_indices if index not in group]
        result.append(summation(Mul(*members), *over))
    return Mul(*remaining, *result)


@lru_cache(maxsize=16384)
def names_in(expression: Any) -> frozenset[str]:
    """Names of the tensors and scalars of an expression, also under a Partial."""
    found = frozenset(base.name for base in expression.atoms(NamedTensor))
    labels = {base.label for base in expression.atoms(NamedTensor)}
    return found | {symbol.name for symbol in expression.atoms(Symbol) - labels if not isinstance(symbol, Index)}
