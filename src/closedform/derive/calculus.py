"""Differentiate an index expression by one entry of a tensor.

    d x[a,b] / d x[i,j] = delta(a,i)*delta(b,j)

and the chain rule: where a let is met, its own derivative stands as ``Partial(let, entry)``, to be replaced by the
let's Jacobian, which is derived once. Sizes stay symbolic.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, S, Sum, Symbol

from closedform.derive.algebra import every_index, free, fresh, names_in, rename_bound, sum_parts
from closedform.derive.table import CONDITIONS, DERIVATIVES
from closedform.errors import DerivationError
from closedform.notation import (
    Given,
    Index,
    Let,
    NamedTensor,
    Partial,
    Setting,
    det,
    head_name,
    inv,
    less,
    log,
    logdet,
    maximum,
    minimum,
    summation,
    where,
)


class Dependence:
    """Which names a name depends on: a let through its definition, an unknown function through its arguments."""

    def __init__(self, setting: Setting) -> None:
        self._items: dict[str, Given | Let] = {given.name: given for given in setting.given} | {let.name: let for let in setting.lets}
        self._closure: dict[str, frozenset[str]] = {}

    def of(self, name: str) -> frozenset[str]:
        """Every name that ``name`` depends on, itself included."""
        if name not in self._closure:
            self._closure[name] = frozenset({name}).union(*(self.of(source) for source in sorted(self.direct(name))))
        return self._closure[name]

    def direct(self, name: str) -> set[str]:
        """The names that ``name`` is defined by."""
        item = self._items.get(name)
        if isinstance(item, Let):
            return set(names_in(item.body))
        return {source.name for source in item.of} if item is not None else set()

    def depends(self, expression: Any, name: str) -> bool:
        """Whether an expression changes with the entries of ``name``."""
        return any(name in self.of(used) for used in names_in(expression))

    def given(self, name: str) -> Given | None:
        """The given of that name."""
        item = self._items.get(name)
        return item if isinstance(item, Given) else None


def differentiate(expression: Expr, entry: Expr, dependence: Dependence) -> Expr:
    """The derivative of ``expression`` by ``entry``, with ``Partial`` where a let or an unknown function is met."""
    name = head_name(entry)
    if not dependence.depends(expression, name):
        return S.Zero
    if isinstance(expression, Indexed | Symbol):
        return _of_entry(expression, entry, dependence)
    if isinstance(expression, Add):
        return Add(*[differentiate(term, entry, dependence) for term in expression.args])
    if isinstance(expression, Mul):
        return _of_product(expression, entry, dependence)
    if isinstance(expression, Pow):
        return _of_power(expression, entry, dependence)
    if isinstance(expression, Sum):
        body, bound = sum_parts(expression)
        body, bound = rename_bound(body, bound, free(entry))
        return summation(differentiate(body, entry, dependence), *bound)
    return _of_function(expression, entry, dependence)


def _of_entry(head: Expr, entry: Expr, dependence: Dependence) -> Expr:
    if head_name(head) == head_name(entry):
        pairs = zip(head.indices, entry.indices, strict=True) if isinstance(head, Indexed) else ()
        return Mul(*[KroneckerDelta(i, j) for i, j in pairs])
    given = dependence.given(head_name(head))
    if given is None:
        return Partial(head, entry)
    return _of_unknown(head, (), entry, dependence)


def _of_unknown(head: Expr, before: tuple[Expr, ...], entry: Expr, dependence: Dependence) -> Expr:
    """An unknown function of x: its derivative is an atom; through another unknown function of x, the chain rule."""
    given = dependence.given(head_name(head))
    if given is None:
        return _atom(head, before, entry)
    if any(source.name == head_name(entry) for source in given.of):
        own = {index: mapped for index, mapped in _mapped(head, given, entry) if index != mapped}
        deltas = [KroneckerDelta(index, mapped) for index, mapped in own.items()]
        return Mul(*deltas, _atom(head, before, entry.xreplace(own)))
    return Add(*[_through(head, before, source, entry, given, dependence) for source in given.of])


def _through(head: Expr, before: tuple[Expr, ...], source: NamedTensor | Symbol, entry: Expr, given: Given, dependence: Dependence) -> Expr:
    if not isinstance(source, NamedTensor):
        return Mul(_atom(head, before, source), differentiate(source, entry, dependence))
    taken = every_index(head) | every_index(entry) | {index for variable in before for index in every_index(variable)}
    at: tuple[Index, ...] = ()
    for dim in source.dims:
        at += (fresh(Index("s", dim), taken | set(at)),)
    own = dict(_mapped(head, given, source[at]))
    inner = source[at].xreplace(own)
    return summation(Mul(_atom(head, before, inner), differentiate(inner, entry, dependence)), *(index for index in at if index not in own))


def _mapped(head: Expr, given: Given, entry: Expr) -> list[tuple[Index, Index]]:
    """The indices of a source's entry along which the function is mapped, each with the head's own: f[b] is a function of x[b]."""
    if not isinstance(entry, Indexed):
        return []
    return [(index, head.indices[given.dims.index(index.dim)]) for index in entry.indices if index.dim in given.each]


def _atom(head: Expr, before: tuple[Expr, ...], variable: Expr) -> Expr:
    return Partial(head, *sorted((*before, variable), key=str))


def _of_product(expression: Mul, entry: Expr, dependence: Dependence) -> Expr:
    pieces = expression.args
    rates = [differentiate(piece, entry, dependence) for piece in pieces]
    return Add(*[Mul(*pieces[:n], rate, *pieces[n + 1 :]) for n, rate in enumerate(rates) if rate != 0])


def _of_power(expression: Pow, entry: Expr, dependence: Dependence) -> Expr:
    base, exponent = expression.base, expression.exp
    by_base = differentiate(base, entry, dependence)
    by_exponent = differentiate(exponent, entry, dependence)
    result = exponent * base ** (exponent - 1) * by_base
    return result + expression * log(base) * by_exponent if by_exponent != 0 else result


def _of_function(expression: Expr, entry: Expr, dependence: Dependence) -> Expr:
    kind = type(expression)
    if kind in DERIVATIVES:
        (inner,) = expression.args
        return DERIVATIVES[kind][0](inner) * differentiate(inner, entry, dependence)
    if isinstance(expression, where):
        condition, yes, no = expression.args
        return _choice(condition, differentiate(yes, entry, dependence), differentiate(no, entry, dependence))
    if isinstance(expression, maximum | minimum):
        return _of_extremum(expression, entry, dependence)
    if isinstance(expression, CONDITIONS):
        return S.Zero
    if isinstance(expression, Partial):
        return _of_unknown(expression.target, expression.variables, entry, dependence)
    if isinstance(expression, inv | det | logdet):
        return _of_matrix(expression, entry, dependence)
    raise DerivationError(f"no derivative is known for {kind.__name__}; known are {', '.join(sorted(k.__name__ for k in DERIVATIVES))}")


def _choice(condition: Expr, yes: Expr, no: Expr) -> Expr:
    return yes if yes == no else where(condition, yes, no)


def _of_extremum(expression: Expr, entry: Expr, dependence: Dependence) -> Expr:
    """d max(a, b) = da where b < a, db elsewhere; more arguments two at a time. Ties are kinks."""
    kind = type(expression)

    def two(left: tuple[Expr, Expr], right: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
        (a, da), (b, db) = left, right
        order = less(b, a) if kind is maximum else less(a, b)
        return kind(a, b), _choice(order, da, db)

    pairs = [(argument, differentiate(argument, entry, dependence)) for argument in expression.args]
    return reduce(two, pairs)[1]


def _of_matrix(expression: Expr, entry: Expr, dependence: Dependence) -> Expr:
    """d inv(A) = -inv(A) dA inv(A); d logdet(A) = tr(inv(A) dA); d det(A) = det(A) tr(inv(A) dA)."""
    matrix = expression.args[0]
    taken = every_index(expression) | every_index(entry)
    k = fresh(Index("k", matrix.dims[0]), taken)
    m = fresh(Index("l", matrix.dims[1]), taken | {k})
    change = differentiate(matrix[k, m], entry, dependence)
    if isinstance(expression, inv):
        _, i, j = expression.args
        return -summation(inv(matrix, i, k) * change * inv(matrix, m, j), k, m)
    trace = summation(inv(matrix, m, k) * change, k, m)
    return trace if isinstance(expression, logdet) else expression * trace
