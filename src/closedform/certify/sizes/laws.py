"""Two laws of matrices that hold at every size, applied to a formula so that fewer matrix functions are left.

* sum_k A[i,k] inv(A)[k,j] = delta(i,j), and the same from the other side;
* updates of rank one: with B = A + p q' and Y = inv(A),

    inv(B) = Y - Y p q' Y / (1 + q' Y p),    det(B) = det(A) (1 + q' Y p).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Indexed, Mul, Sum, Symbol

from closedform.certify.sizes.derivative import Unfolding
from closedform.notation import Index, NamedTensor, delta, det, inv, logdet, summation

MATRIX_FUNCTIONS = (inv, det, logdet)
MOST_TERMS = 200  # a product of sums is multiplied out up to so many terms


@dataclass(frozen=True)
class _Monomial:
    """The sum over ``bound`` of a product."""

    factors: tuple[Expr, ...]
    bound: tuple[Index, ...] = ()

    def times(self, other: _Monomial) -> _Monomial:
        return _Monomial((*self.factors, *other.factors), (*self.bound, *other.bound))


class MatrixLaws:
    """Applies the laws to formulas without derivatives; ``symmetric`` are the matrices known to be so."""

    def __init__(self, unfolding: Unfolding, symmetric: frozenset[NamedTensor]) -> None:
        self._unfolding = unfolding
        self._symmetric = symmetric

    def applied(self, *sides: Expr) -> tuple[Expr, ...]:
        """The sides, equal to the given ones wherever those exist."""
        contracted = [self._contracted(self._inlined(self._unfolding.explicit(side))) for side in sides]
        inverted = {node.args[0] for side in contracted for node in side.atoms(inv)}
        return tuple(self._updated(side, inverted) for side in contracted)

    # -- definitions that contain matrix functions are put in their places -------------------------

    def _inlined(self, u: Expr) -> Expr:
        if isinstance(u, Indexed | Symbol):
            body = None if isinstance(u, NamedTensor) else self._unfolding.body(u)
            return self._inlined(body) if body is not None and self._has_matrix_function(body) else u
        return u.func(*(self._inlined(arg) for arg in u.args)) if u.args else u

    def _has_matrix_function(self, u: Expr) -> bool:
        bodies = (self._unfolding.body(entry) for entry in u.atoms(Indexed, Symbol) if not isinstance(entry, NamedTensor))
        return u.has(*MATRIX_FUNCTIONS) or any(body is not None and self._has_matrix_function(body) for body in bodies)

    # -- A inv(A) = 1 -----------------------------------------------------------------------------

    def _contracted(self, u: Expr) -> Expr:
        if isinstance(u, inv) or not u.has(inv):
            return u
        if isinstance(u, Add | Mul | Sum):
            monomials = self._monomials(u)
            if len(monomials) <= MOST_TERMS and not any(m.factors == (u,) for m in monomials):
                return Add(*(self._summed(self._reduced(monomial)) for monomial in monomials))
        return u.func(*(self._contracted(arg) for arg in u.args))

    def _monomials(self, u: Expr) -> list[_Monomial]:
        """The terms of an expression, multiplied out as far as inverses are in its factors."""
        if not u.has(inv):
            return [_Monomial((u,))]
        if isinstance(u, Add):
            return list(itertools.chain.from_iterable(self._monomials(arg) for arg in u.args))
        if isinstance(u, Sum):
            names = {limit[0]: self._unfolding.fresh_index(limit[0]) for limit in u.limits}
            bound = _Monomial((), tuple(names.values()))
            return [monomial.times(bound) for monomial in self._monomials(u.function.xreplace(names))]
        if isinstance(u, Mul):
            terms = [_Monomial(())]
            for arg in u.args:
                terms = [left.times(right) for left in terms for right in self._monomials(arg)]
                if len(terms) > MOST_TERMS:
                    return [_Monomial((u,))]
            return terms
        return [_Monomial((u,))]

    def _reduced(self, monomial: _Monomial) -> _Monomial:
        """The monomial with every A inv(A) in it replaced."""
        for inverse, entry in itertools.permutations(monomial.factors, 2):
            for k in monomial.bound:
                ends = self._ends(inverse, entry, k)
                others = list(monomial.factors)
                if ends is None:
                    continue
                others.remove(inverse)
                others.remove(entry)
                if not any(k in factor.free_symbols for factor in others):
                    return self._reduced(_identified(others, [index for index in monomial.bound if index != k], ends))
        return monomial

    def _ends(self, inverse: Expr, entry: Expr, k: Index) -> tuple[Index, Index] | None:
        """(i, j) if the sum over k of ``inverse`` times ``entry`` is delta(i, j)."""
        if not (isinstance(inverse, inv) and isinstance(entry, Indexed) and entry.base == inverse.args[0]):
            return None
        (a, b), (c, d) = inverse.args[1:], entry.indices
        pairs = [(a, b, c, d), (b, a, d, c)]  # inv(A)[a,b] A[c,d]: sums over b = c, and over a = d
        if inverse.args[0] in self._symmetric:
            pairs += [(a, b, d, c), (b, a, c, d)]
        return next(((i, j) for i, left, right, j in pairs if left == right == k and k not in (i, j)), None)

    def _summed(self, monomial: _Monomial) -> Expr:
        return summation(Mul(*(self._contracted(factor) for factor in monomial.factors)), *monomial.bound)

    # -- updates of rank one ----------------------------------------------------------------------

    def _updated(self, u: Expr, inverted: set[NamedTensor]) -> Expr:
        if isinstance(u, inv | det):
            return self._update(u, inverted)
        return u.func(*(self._updated(arg, inverted) for arg in u.args)) if u.has(inv, det) else u

    def _update(self, u: Expr, inverted: set[NamedTensor]) -> Expr:
        """inv(B)[i,j] or det(B) by inv(A), det(A), if B = A + p q' and the formula has inv(A) as well."""
        k, m, r, s = (self._unfolding.fresh_index(Index("k", u.args[0].dims[0])) for _ in range(4))
        parts = _rank_one(self._unfolding.body(u.args[0][k, m]), k, m, inverted - {u.args[0]})
        if parts is None:
            return u
        matrix, p, q = parts
        pivot = 1 + summation(q * inv(matrix, m, k) * p, k, m)
        if isinstance(u, det):
            return det(matrix) * pivot
        i, j = u.args[1:]
        left, right = inv(matrix, i, r) * p.xreplace({k: r}), q.xreplace({m: s}) * inv(matrix, s, j)
        return inv(matrix, i, j) - summation(left, r) * summation(right, s) / pivot


def _identified(factors: list[Expr], bound: Sequence[Index], ends: tuple[Index, Index]) -> _Monomial:
    """The product with delta(i, j): an end that is summed over is put equal to the other."""
    i, j = ends
    if j not in bound:
        i, j = j, i
    if i == j or j not in bound:
        return _Monomial((*factors, delta(i, j)), tuple(bound))
    return _Monomial(tuple(factor.xreplace({j: i}) for factor in factors), tuple(index for index in bound if index != j))


def _rank_one(body: Expr | None, k: Index, m: Index, matrices: set[NamedTensor]) -> tuple[NamedTensor, Expr, Expr] | None:
    """(A, p, q) if the body is A[k,m] + p q with p free of m and q free of k."""
    terms = Add.make_args(body) if body is not None else ()
    entries = [t for t in terms if isinstance(t, Indexed) and t.base in matrices and tuple(t.indices) == (k, m)]
    if len(terms) != 2 or len(entries) != 1:
        return None
    factors = Mul.make_args(next(t for t in terms if t != entries[0]))
    right = [factor for factor in factors if m in factor.free_symbols]
    if any(k in factor.free_symbols for factor in right):
        return None
    return entries[0].base, Mul(*(factor for factor in factors if factor not in right)), Mul(*right)
