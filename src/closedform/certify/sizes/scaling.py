"""The size inside functions: harmless where it only scales the sums there.

LayerNorm has ``sqrt(sum_k (x_k - mu)^2 / n + eps)`` with ``mu = sum_k x_k / n``: in terms of the means
``T / n`` no n is left. Theorem 2 holds for parameters scaled by any powers ``n^w``, one w for each sum, if
that frees every function of n. Whether there are such powers is linear algebra: the terms of a sum
must scale alike, and the argument of a function must not scale at all.

    exp(T/n) and exp(T/2) side by side have no such w, and are equal at n = 2.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Rational, Sum, Symbol

from closedform.certify.sizes.derivative import Unfolding
from closedform.certify.sizes.parameters import canonical, sums_over
from closedform.notation import Dim, Index, det, inv, logdet


def scaling_powers(arguments: Iterable[Expr], fixed: Iterable[Expr], dim: Dim, unfolding: Unfolding) -> tuple[Rational, ...] | None:
    """The powers of the size by which the sums inside functions scale; None if no powers free the functions of it.

    Args:
        arguments: what stands inside functions.
        fixed: sums to which an equation gives a value: they do not scale.
    """
    system = _System(dim, unfolding)
    for argument in arguments:
        system.equal(system.weight(argument), sympy.S.Zero)
    for key in fixed:
        system.equal(system.unknown(key), sympy.S.Zero)
    unknowns = list(system.unknowns.values())
    if not system.equations:
        return tuple(Rational(0) for _ in unknowns)
    solutions = sympy.linsolve(system.equations, unknowns) if unknowns else _consistent(system.equations)
    if not solutions:
        return None
    (solution,) = solutions
    return tuple(Rational(value.xreplace(dict.fromkeys(unknowns, sympy.S.Zero))) for value in solution)


def _consistent(equations: list[Expr]) -> list[tuple[Expr, ...]]:
    return [()] if all(equation == 0 for equation in equations) else []


class _System:
    """Linear equations for the powers of n by which the sums over one dimension scale."""

    def __init__(self, dim: Dim, unfolding: Unfolding) -> None:
        self._dim, self._unfolding = dim, unfolding
        self.unknowns: dict[Expr, Symbol] = {}
        self.equations: list[Expr] = []

    def unknown(self, node: Expr) -> Symbol:
        """One for each sum; sums that differ in outer indices only scale alike."""
        indices = sorted((s for s in node.free_symbols if isinstance(s, Index)), key=str)
        shape = canonical(node).xreplace({index: Index("any", index.dim) for index in indices if not index.name.startswith("level__")})
        return self.unknowns.setdefault(shape, Symbol(f"w{len(self.unknowns)}"))

    def equal(self, left: Expr, right: Expr) -> None:
        if left != right:
            self.equations.append(left - right)

    def weight(self, u: Expr) -> Expr:
        """The power of n by which an expression scales."""
        if isinstance(u, Dim):
            return sympy.Integer(int(u == self._dim))
        if isinstance(u, Indexed | Symbol):
            body = None if isinstance(u, Index) else self._unfolding.body(u)
            return sympy.S.Zero if body is None else self.weight(body)
        if isinstance(u, Add):
            first, *others = [self.weight(arg) for arg in u.args]
            for other in others:
                self.equal(first, other)
            return first
        if isinstance(u, Mul):
            return Add(*(self.weight(arg) for arg in u.args))
        if isinstance(u, Pow) and isinstance(u.exp, Rational):
            return u.exp * self.weight(u.base)
        if isinstance(u, Sum):
            return self._sum(u)
        if isinstance(u, (inv, det, logdet)):
            k, m = (self._unfolding.fresh_index(Index("k", dim)) for dim in u.args[0].dims)
            self.equal(self.weight(u.args[0][k, m]), sympy.S.Zero)
        elif not isinstance(u, KroneckerDelta):
            for arg in u.args:
                self.equal(self.weight(arg), sympy.S.Zero)
        return sympy.S.Zero

    def _sum(self, u: Sum) -> Expr:
        body = self.weight(u.function)
        if not sums_over(u, self._dim):
            return body
        self.equal(body, sympy.S.Zero)  # the parameter is the whole sum
        return self.unknown(u)
