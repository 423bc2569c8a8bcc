"""Sums in index notation, rearranged: deltas contracted, sums pulled to where their index lives.

    sum_bkn( p[b,c] (delta(c,k) - p[b,k]) e[b,m] e[b,n] V[k,n] )
      = sum_b( p[b,c] (u[b,c] - sum_k p[b,k] u[b,k]) e[b,m] )    with u[b,k] = sum_n e[b,n] V[k,n]

A factor that is a sum of terms stays one factor unless a delta in it has to be contracted; only then
is the product with the factors that share the delta's index multiplied out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, count

from sympy import Add, Expr, Indexed, IndexedBase, KroneckerDelta, Mul, Pow, S, Sum

from closedform.notation import Index, free_indices


def distinct_bound_indices(expression: Expr, taken: set[str]) -> Expr:
    """The same formula, every sum over an index of its own that is not in ``taken`` (which grows)."""
    if not expression.args or isinstance(expression, Indexed | IndexedBase):
        return expression
    if not isinstance(expression, Sum):
        return expression.func(*(distinct_bound_indices(arg, taken) for arg in expression.args))
    renamed = {}
    for index in bound_indices(expression):
        name = next(n for n in chain([index.name], (f"{index.name}{k}" for k in count(1))) if n not in taken)
        taken.add(name)
        renamed[index] = Index(name, index.dim)
    body = distinct_bound_indices(expression.function.xreplace(renamed), taken)
    return Sum(body, *((index, 1, index.dim) for index in renamed.values())) if body != 0 else S.Zero


def bound_indices(expression: Sum) -> tuple[Index, ...]:
    """The indices that a sum runs over."""
    return tuple(limit[0] for limit in expression.limits)


def summed(factors: Iterable[Expr], over: Sequence[Index]) -> tuple[tuple[Expr, ...], tuple[Index, ...]]:
    """Factors and indices of an equal sum of products in which no delta has an index that is summed over."""
    flat, bound = _flattened(factors, list(over))
    if any(factor == 0 for factor in flat):
        return (S.Zero,), ()
    flat, bound = _contract_bare_deltas(flat, bound)
    linked = _factor_with_delta(flat, bound)
    if linked is None:
        used = {index for factor in flat for index in free_indices(factor)}
        sizes = [index.dim for index in bound if index not in used]
        return (*sizes, *flat), tuple(index for index in bound if index in used)
    position, index = linked
    return summed(*_distribute(flat, bound, position, index))


def sum_expression(factors: Iterable[Expr], over: Sequence[Index]) -> Expr:
    """:func:`summed`, as a formula."""
    flat, bound = summed(factors, over)
    inside = [factor for factor in flat if free_indices(factor) & set(bound)]
    outside = [factor for factor in flat if factor not in inside]
    if not inside or any(factor == 0 for factor in flat):
        return Mul(*flat)
    return Mul(*outside, Sum(Mul(*inside), *((index, 1, index.dim) for index in bound)))


def _flattened(factors: Iterable[Expr], bound: list[Index]) -> tuple[list[Expr], list[Index]]:
    flat: list[Expr] = []
    queue = list(factors)
    while queue:
        factor = queue.pop(0)
        if isinstance(factor, Mul):
            queue = [*factor.args, *queue]
        elif isinstance(factor, Sum):
            bound.extend(bound_indices(factor))
            queue = [factor.function, *queue]
        elif isinstance(factor, Pow) and factor.exp.is_Integer and factor.exp > 1 and _linear_delta(factor.base, bound):
            queue = [factor.base] * int(factor.exp) + queue
        else:
            flat.append(factor)
    return flat, bound


def _contract_bare_deltas(factors: list[Expr], bound: list[Index]) -> tuple[list[Expr], list[Index]]:
    for position, factor in enumerate(factors):
        if isinstance(factor, KroneckerDelta):
            summed_over = [index for index in factor.args if index in bound]
            if summed_over:
                gone = summed_over[-1]
                kept = factor.args[0] if factor.args[1] == gone else factor.args[1]
                rest = [other.xreplace({gone: kept}) for other in (*factors[:position], *factors[position + 1 :])]
                return _contract_bare_deltas(rest, [index for index in bound if index != gone])
    return factors, bound


def _linear_delta(expression: Expr, bound: Sequence[Index]) -> list[Index]:
    """The bound indices of a delta that the expression is linear in."""
    if isinstance(expression, KroneckerDelta):
        return [index for index in expression.args if index in bound]
    if isinstance(expression, Add | Mul | Sum):
        parts = (expression.function,) if isinstance(expression, Sum) else expression.args
        return next((found for part in parts if (found := _linear_delta(part, bound))), [])
    if isinstance(expression, Pow) and expression.exp.is_Integer and expression.exp > 1:
        return _linear_delta(expression.base, bound)
    return []


def _factor_with_delta(factors: Sequence[Expr], bound: Sequence[Index]) -> tuple[int, Index] | None:
    """Where a delta has to be contracted, and over which index: the one that the fewest factors carry."""
    for position, factor in enumerate(factors):
        found = _linear_delta(factor, bound)
        if found:
            return position, min(found, key=lambda index: sum(index in free_indices(other) for other in factors))
    return None


def _distribute(factors: list[Expr], bound: list[Index], position: int, index: Index) -> tuple[list[Expr], list[Index]]:
    """Multiply the factor at ``position`` out with those that carry ``index``, and sum over it."""
    linked = factors[position]
    others = factors[:position] + factors[position + 1 :]
    # Sums over indices that the linked factor lacks come first: they are the same for all of its terms.
    for inner in [candidate for candidate in bound if candidate not in free_indices(linked)]:
        carrying = [factor for factor in others if inner in free_indices(factor)]
        if any(index in free_indices(factor) for factor in carrying):
            others = [factor for factor in others if factor not in carrying]
            others.append(sum_expression(carrying, (inner,)))
            bound = [candidate for candidate in bound if candidate != inner]
    carrying = [factor for factor in others if index in free_indices(factor)]
    rest = [factor for factor in others if index not in free_indices(factor)]
    terms = [sum_expression((term, *carrying), (index,)) for term in Add.make_args(linked)]
    common, core = common_factors(Add(*terms))
    return [*common, core, *rest], [candidate for candidate in bound if candidate != index]


def multiplied_out(factors: Sequence[Expr], bound: Sequence[Index]) -> list[Expr] | None:
    """The terms of a sum of products in which a factor that adds is multiplied out; None where adding first is no more work.

        sum_ik( g[i] (n[i] + n[k]) v[k] ) = sum_ik( g[i] n[i] v[k] ) + sum_ik( g[i] n[k] v[k] )

    The factor on the left is a matrix, all that stands on the right are vectors.
    """
    kept = frozenset().union(*map(free_indices, factors)) - set(bound)
    parts = [part for factor in factors for term in Add.make_args(factor) for part in Mul.make_args(term)]
    axes = max(len(kept), *(len(free_indices(part)) for part in parts))
    for position, factor in enumerate(factors):
        if isinstance(factor, Add) and len(free_indices(factor)) > axes:
            others = [*factors[:position], *factors[position + 1 :]]
            return [Mul(term, *others) for term in factor.args]
    return None


def common_factors(expression: Expr) -> tuple[list[Expr], Expr]:
    """(factors, rest) with ``expression`` their product: what all terms of a sum have in common is pulled out."""
    if not isinstance(expression, Add):
        return [], expression
    content, primitive = expression.primitive()
    if all(term.as_coeff_Mul()[0].q == content.q for term in expression.args):  # not a - b/2 = (2*a - b)/2
        expression = primitive
    else:
        content = S.One
    terms = [_powers(term) for term in Add.make_args(expression)]
    shared = {
        base: min((powers[base] for powers in terms), key=abs)
        for base in terms[0]
        if all(base in powers and (powers[base] > 0) == (terms[0][base] > 0) for powers in terms)
    }
    if not shared:
        return ([] if content == 1 else [content]), expression
    rest = Add(*(Mul(*(base ** (power - shared.get(base, 0)) for base, power in powers.items())) for powers in terms))
    common = [base**power for base, power in shared.items()]
    return [*([] if content == 1 else [content]), *common], rest


def _powers(term: Expr) -> dict[Expr, Expr]:
    """base -> rational exponent, for the factors of a term; a number counts as a base of its own."""
    powers: dict[Expr, Expr] = {}
    for factor in Mul.make_args(term):
        base, exponent = factor.as_base_exp() if isinstance(factor, Pow) else (factor, S.One)
        if not exponent.is_Rational:
            base, exponent = factor, S.One
        powers[base] = powers.get(base, S.Zero) + exponent
    return powers
