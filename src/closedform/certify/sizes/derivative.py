"""Derivatives written out, for counting only: which sums, deltas and denominators does a side contain?

The kernel itself differentiates by jets; nothing here is ever evaluated. What matters is the *shape*
of a derivative: ``d/dx[j] sum_k g(x[k])`` is ``g'(x[j])``, with no sum left, because the derivative
of an entry is a product of deltas and a delta ends the sum that carries it. So the rules below
produce explicit expressions, in which ``f_1`` stands for the derivative of a function f whose form
does not matter for the count, and every bound index gets a name of its own (so that replacing an
index can capture nothing).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import sympy
from sympy import Abs, Add, Expr, Function, Indexed, KroneckerDelta, Mul, Pow, Sum, Symbol, exp, log, sign

from closedform.notation import (
    Dim,
    Index,
    NamedTensor,
    Partial,
    Setting,
    delta,
    det,
    inv,
    less,
    less_equal,
    logdet,
    relu,
    step,
    where,
)

_FLAT = (step, sign, less, less_equal)  # locally constant away from kinks: derivative zero


class Unfolding:
    """Writes out every derivative of an expression; bound indices are numbered, so names never clash."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._numbers: Iterator[int] = itertools.count()
        self._cache: dict[tuple[Expr, Expr], Expr] = {}
        self._bodies: dict[Expr, Expr | None] = {}
        self._definitions: dict[str, Expr] = {}

    def explicit(self, expression: Expr) -> Expr:
        """The expression with fresh bound indices and without ``Partial`` nodes; lets stay names."""
        if isinstance(expression, Sum):
            return self._fresh_sum(expression, self.explicit)
        if isinstance(expression, Partial):
            result = expression.target
            for variable in expression.variables:
                result = self.derivative(result, variable)
            return result
        if not expression.args or isinstance(expression, Indexed | KroneckerDelta | NamedTensor):
            return expression
        return expression.func(*(self.explicit(arg) for arg in expression.args))

    def body(self, entry: Expr) -> Expr | None:
        """What the entry of a let is defined to be, at the entry's indices; None for a given."""
        if entry not in self._bodies:
            self._bodies[entry] = self._body(entry)
        return self._bodies[entry]

    def _body(self, entry: Expr) -> Expr | None:
        let = self._setting.let(entry.base.name if isinstance(entry, Indexed) else str(entry))
        if let is None or isinstance(entry, Dim | Index):
            return None
        if let.name not in self._definitions:  # its bound indices are new names, which no entry of it can have been given
            self._definitions[let.name] = self.explicit(let.body)
        body = self._definitions[let.name]
        if not isinstance(entry, Indexed):
            return body
        return body.xreplace(dict(zip(let.indices, entry.indices, strict=True)))

    def fresh_index(self, like: Index) -> Index:
        return Index(f"bound__{next(self._numbers)}", like.dim)

    def _fresh_sum(self, node: Sum, then: Any) -> Expr:
        """``then`` of the body, summed, with the bound indices renamed and deltas contracted."""
        renamed = {limit[0]: self.fresh_index(limit[0]) for limit in node.limits}
        result = then(node.function.xreplace(_outside_inner_sums(node.function, renamed)))
        for index in renamed.values():
            result = contracted_sum(result, index)
        return result

    def derivative(self, expression: Expr, by: Expr) -> Expr:
        """The derivative of an expression by one given entry."""
        key = (expression, by)
        if key not in self._cache:
            self._cache[key] = self._derivative(expression, by)
        return self._cache[key]

    def _derivative(self, u: Expr, by: Expr) -> Expr:
        if isinstance(u, Indexed | Symbol) or u.is_Number:
            return self._of_entry(u, by)
        if isinstance(u, Add):
            return Add(*(self.derivative(arg, by) for arg in u.args))
        if isinstance(u, Mul):  # d(uv) = u'v + uv'
            return Add(*(Mul(*u.args[:n], self.derivative(arg, by), *u.args[n + 1 :]) for n, arg in enumerate(u.args)))
        if isinstance(u, Sum):
            return self._fresh_sum(u, lambda body: self.derivative(body, by))
        if isinstance(u, Partial):
            return self.derivative(self.explicit(u), by)
        if isinstance(u, Pow) and not u.exp.has(Symbol):
            return u.exp * u.base ** (u.exp - 1) * self.derivative(u.base, by)
        if isinstance(u, (inv, det, logdet)):
            return self._of_matrix_function(u, by)
        return self._of_function(u, by)

    def _of_function(self, u: Expr, by: Expr) -> Expr:
        inner = [self.derivative(arg, by) for arg in u.args]
        if isinstance(u, (KroneckerDelta, *_FLAT)) or all(d == 0 for d in inner):
            return sympy.S.Zero
        if isinstance(u, Pow):  # (a^b)' = b a^(b-1) a' + log(a) a^b b'
            return u.exp * u.base ** (u.exp - 1) * inner[0] + log(u.base) * u * inner[1]
        if isinstance(u, where):
            return where(u.args[0], inner[1], inner[2])
        outer = {exp: lambda a: u, log: lambda a: 1 / a, relu: step, Abs: sign}.get(u.func)
        if outer is not None:
            return outer(u.args[0]) * inner[0]
        order = u.func.__name__
        return Add(*(Function(f"{order}_{n}")(*u.args) * d for n, d in enumerate(inner, 1)))

    def _of_entry(self, u: Expr, by: Expr) -> Expr:
        if not isinstance(u, Indexed) and not (isinstance(u, Symbol) and not isinstance(u, Index)):
            return sympy.S.Zero
        if isinstance(u, Indexed) and isinstance(by, Indexed) and u.base == by.base:
            return Mul(*(delta(i, j) for i, j in zip(u.indices, by.indices, strict=True)))
        if u == by:
            return sympy.S.One
        body = self.body(u)
        if body is not None:
            return self.derivative(body, by)
        return self._of_unknown(u, by)

    def _of_unknown(self, u: Expr, by: Expr) -> Expr:
        """df/dx = sum_s df/ds ds/dx over the sources of an unknown f: df/ds is an arbitrary tensor over the axes of both."""
        name = u.base.name if isinstance(u, Indexed) else str(u)
        given = next((item for item in self._setting.given if item.name == name.split("__d")[0]), None)
        return Add(*(self._through(u, name, source, by) for source in given.of)) if given else sympy.S.Zero

    def _through(self, u: Expr, name: str, source: NamedTensor | Symbol, by: Expr) -> Expr:
        """The part of the derivative of an unknown function, or of its derivative, that goes through one source."""
        own = tuple(u.indices) if isinstance(u, Indexed) else ()
        bound = tuple(self.fresh_index(Index("k", dim)) for dim in source.dims) if isinstance(source, NamedTensor) else ()
        at, label = (*own, *bound), f"{name}__d{source.name}"
        outer = NamedTensor(label, tuple(index.dim for index in at))[at] if at else Symbol(label, real=True)
        result = outer * self.derivative(source[bound] if bound else source, by)
        for index in bound:
            result = contracted_sum(result, index)
        return result

    def _of_matrix_function(self, u: Expr, by: Expr) -> Expr:
        """d inv(A) = -inv(A) dA inv(A);  d logdet(A) = tr(inv(A) dA);  d det(A) = det(A) tr(inv(A) dA)."""
        matrix = u.args[0]
        k, m = (self.fresh_index(Index("k", dim)) for dim in matrix.dims)
        change = self.derivative(matrix[k, m], by)
        if change == 0:
            return sympy.S.Zero
        if isinstance(u, inv):
            term = -inv(matrix, u.args[1], k) * change * inv(matrix, m, u.args[2])
        else:
            term = inv(matrix, m, k) * change * (u if isinstance(u, det) else 1)
        return contracted_sum(contracted_sum(term, k), m)


def _outside_inner_sums(body: Expr, renamed: dict[Index, Index]) -> dict[Any, Any]:
    """A replacement that leaves inner sums over an index of the same name alone."""
    table: dict[Any, Any] = dict(renamed)
    for inner in body.atoms(Sum):
        bound = {limit[0] for limit in inner.limits} & set(renamed)
        if bound:
            kept = {old: new for old, new in renamed.items() if old not in bound}
            table[inner] = inner.func(inner.function.xreplace(_outside_inner_sums(inner.function, kept)), *inner.limits)
    return table


def contracted_sum(body: Expr, index: Index) -> Expr:
    """Sum over an index, where deltas end the sum, sum_k delta(k,j) g(k) = g(j), and other deltas leave it."""
    done: list[Expr] = []
    rest: dict[Expr, list[Expr]] = {}
    for term in _terms(body):
        factors = Mul.make_args(term)
        ending = next((f for f in factors if isinstance(f, KroneckerDelta) and index in f.args), None)
        if ending is not None:
            other = next(arg for arg in ending.args if arg != index)
            done.append(Mul(*(f for f in factors if f is not ending)).xreplace({index: other}))
        else:
            outside = Mul(*(f for f in factors if isinstance(f, KroneckerDelta)))
            rest.setdefault(outside, []).append(Mul(*(f for f in factors if not isinstance(f, KroneckerDelta))))
    return Add(*done, *(outside * _plain_sum(Add(*terms), index) for outside, terms in rest.items()))


def _plain_sum(body: Expr, index: Index) -> Expr:
    if body == 0:
        return sympy.S.Zero
    return Sum(body, (index, 1, index.dim)) if index in body.free_symbols else index.dim * body


def _terms(body: Expr) -> tuple[Expr, ...]:
    """The body's terms, multiplied out as far as a delta is hidden in a factor."""
    if isinstance(body, Add):
        return tuple(itertools.chain.from_iterable(_terms(arg) for arg in body.args))
    if isinstance(body, Mul):
        for factor in body.args:
            if isinstance(factor, Add) and factor.has(KroneckerDelta):
                others = Mul(*(arg for arg in body.args if arg is not factor))
                return tuple(itertools.chain.from_iterable(_terms(others * arg) for arg in factor.args))
    return (body,)
