"""Sums, deltas, derivatives, and the functions that SymPy lacks or would rewrite."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, Indexed, KroneckerDelta, Sum, Symbol
from sympy.core.function import Function
from sympy.logic.boolalg import Boolean

from closedform.errors import DimensionError, NotationError
from closedform.notation.tensors import Dim, Index


def delta(i: Index, j: Index) -> Expr:
    """Kronecker delta: 1 where the indices agree, else 0."""
    if not (isinstance(i, Index) and isinstance(j, Index)):
        raise NotationError(f"delta needs two indices; got {i!r} and {j!r}")
    if i.dim != j.dim:
        raise DimensionError(
            f"delta({i.name},{j.name}) compares an index over {i.dim.name} with one over {j.dim.name}; both must run over one dimension"
        )
    return KroneckerDelta(i, j)


def summation(body: Any, *over: Index) -> Expr:
    """Sum of ``body`` over each index; an index that the body lacks gives the factor of its size."""
    body = sympy.sympify(body)
    for index in over:
        if not isinstance(index, Index):
            raise NotationError(f"a sum runs over indices; got {index!r}")
        body = _sum(body, index) if index in _free(body) else index.dim * body
    return body


@lru_cache(maxsize=16384)
def _sum(body: Expr, index: Index) -> Expr:
    """``Sum`` of a body over all of an index, made once: SymPy searches every new sum for piecewise parts."""
    return Sum(body, (index, 1, index.dim))


class Partial(Function):
    """The derivative of a named entry by named entries: ``Partial(p[i], z[j])``; see :func:`partial`.

    The entries of every given tensor are independent variables; lets depend on them through
    their definitions.
    """

    is_real = True

    @classmethod
    def eval(cls, *args: Expr) -> None:
        return None

    @property
    def target(self) -> Expr:
        return self.args[0]

    @property
    def variables(self) -> tuple[Expr, ...]:
        return self.args[1:]


def partial(target: Expr, *variables: Expr) -> Expr:
    """The derivative of ``target`` by each of ``variables``, e.g. ``partial(L, W[c, i], W[k, j])``."""
    for entry in (target, *variables):
        if not isinstance(entry, Indexed) and not (isinstance(entry, Symbol) and not isinstance(entry, Dim | Index)):
            raise NotationError(f"a derivative is of a named entry by named entries, such as partial(p[i], z[j]); got {entry!r}")
    if not variables:
        raise NotationError("a derivative needs at least one variable to differentiate by")
    return Partial(target, *variables)


# Functions that SymPy lacks or would rewrite: they stay as the person wrote them.


class _Plain(Function):
    """A real function that is never evaluated on construction."""

    is_real = True

    @classmethod
    def eval(cls, *args: Expr) -> None:
        return None


class sigmoid(_Plain):
    """1 / (1 + exp(-x))."""


class softplus(_Plain):
    """log(1 + exp(x))."""


class relu(_Plain):
    """x for x > 0, else 0."""


class step(_Plain):
    """1 for x > 0, else 0."""


class maximum(_Plain):
    """The larger of its arguments."""


class minimum(_Plain):
    """The smaller of its arguments."""


class less(_Plain):
    """1 where a < b, else 0; the condition of :class:`where`."""


class less_equal(_Plain):
    """1 where a <= b, else 0; the condition of :class:`where`."""


class where(_Plain):
    """where(condition, a, b): a where the condition holds, else b; the other branch is not evaluated.

    The condition is a comparison, or a product of them, which holds where all do.

    >>> from closedform.notation import indices, tensor
    >>> C = Dim("C"); (i,) = indices("i", C); z = tensor("z", C)
    >>> where(z[i] > 0, z[i], 0)
    where(less(0, z[i]), z[i], 0)
    """

    @classmethod
    def eval(cls, *args: Any) -> Expr | None:
        condition, *branches = args
        if isinstance(condition, sympy.StrictLessThan | sympy.StrictGreaterThan):
            return cls(less(condition.lts, condition.gts), *branches)
        if isinstance(condition, sympy.LessThan | sympy.GreaterThan):
            return cls(less_equal(condition.lts, condition.gts), *branches)
        if isinstance(condition, Boolean):
            raise NotationError(f"where needs a comparison with <, <=, > or >= of entries; got {condition}")
        return None


class inv(_Plain):
    """inv(A, i, j): entry (i, j) of the inverse of the square matrix A."""


class det(_Plain):
    """Determinant of a square matrix."""


class logdet(_Plain):
    """Logarithm of the absolute value of a determinant."""


def free_indices(expression: Any) -> frozenset[Index]:
    """The indices that occur free in an expression.

    >>> from closedform.notation import indices, tensor
    >>> C = Dim("C"); i, k = indices("i k", C); z = tensor("z", C)
    >>> sorted(index.name for index in free_indices(z[i] * summation(z[k], k)))
    ['i']
    """
    return _free(sympy.sympify(expression))


@lru_cache(maxsize=65536)
def _free(node: Any) -> frozenset[Index]:
    """Remembered for every subexpression, since SymPy's ``free_symbols`` walks the whole of it at each call."""
    if isinstance(node, Index):
        return frozenset((node,))
    if isinstance(node, Sum):
        return _free(node.function) - {limit[0] for limit in node.limits}
    return frozenset[Index]().union(*map(_free, node.args))
