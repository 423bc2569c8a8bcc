"""Inverses and determinants as unknowns: how a claim about a matrix over a tested dimension is taken to all sizes.

An identity that holds whatever matrix stands for ``inv(S)`` and whatever numbers for ``det(S)`` and
``logdet(S)`` holds for those of S. Only their derivatives tie them to S,

    d inv(S) = -inv(S) dS inv(S),   d det(S) = det(S) tr(inv(S) dS),   d logdet(S) = tr(inv(S) dS),

and that inv(S) is symmetric where S is. In this stronger form a claim has no matrix functions: they are inputs like
others, and theorems 1 and 2 apply (docs/kernel.md, theorem 3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sympy import Expr, Indexed, Symbol

from closedform.certify.sizes.derivative import Unfolding
from closedform.certify.sizes.laws import MATRIX_FUNCTIONS, MatrixLaws
from closedform.notation import Claim, Index, NamedTensor, Partial, Setting, free_indices


@dataclass(frozen=True)
class UnknownMatrix:
    """A matrix S whose inverse, determinant and logdet are unknowns; ``symmetric`` says that inv(S) is."""

    tensor: NamedTensor
    symmetric: bool


@dataclass(frozen=True)
class StrongerClaim:
    """A claim that implies another one: ``matrices`` are those whose functions are unknowns in it."""

    claim: Claim
    matrices: tuple[UnknownMatrix, ...]


def stronger_claim(setting: Setting, claim: Claim, holds: Callable[[Claim], bool]) -> StrongerClaim | None:
    """The claim for arbitrary inverses and determinants; None for a claim without any.

    Where nothing is differentiated, A inv(A) = 1 and the formulas for updates of rank one are used up first.
    ``holds`` says whether a claim holds at all sizes; it is asked which matrices are symmetric.

    >>> from closedform.notation import *
    >>> D = Dim("D"); i, j, k = indices("i j k", D); A = tensor("A", D, D)
    >>> setting = Setting((Given(A, where=(InvertibleMatrix(A),)),))
    >>> stronger_claim(setting, Claim("identity", summation(A[i, k] * inv(A, k, j), k), delta(i, j)), lambda _: False).claim.lhs
    KroneckerDelta(i, j)
    """
    unfolding = Unfolding(setting)
    seen = _Seen(unfolding)
    for side in (claim.lhs, claim.rhs):
        seen.visit(side)
    if not seen.matrices:
        return None
    symmetric = frozenset(matrix for matrix in seen.matrices if holds(symmetry(matrix)))
    if not seen.derivatives:
        lhs, rhs = MatrixLaws(unfolding, symmetric).applied(claim.lhs, claim.rhs)
        if free_indices(lhs) == free_indices(rhs):
            claim = replace(claim, lhs=lhs, rhs=rhs)
    return StrongerClaim(claim, tuple(UnknownMatrix(matrix, matrix in symmetric) for matrix in seen.matrices))


def symmetry(matrix: NamedTensor) -> Claim:
    """That a matrix is symmetric."""
    i, j = (Index(name, matrix.dims[0]) for name in ("i", "j"))
    return Claim("symmetry", matrix[i, j], matrix[j, i])


class _Seen:
    """The matrices in inv, det and logdet, and whether there are derivatives, through the definitions."""

    def __init__(self, unfolding: Unfolding) -> None:
        self._unfolding = unfolding
        self._visited: set[Expr] = set()
        self.matrices: list[NamedTensor] = []
        self.derivatives = False

    def visit(self, u: Expr) -> None:
        if u in self._visited:
            return
        self._visited.add(u)
        if isinstance(u, MATRIX_FUNCTIONS):
            self._visit_matrix(u.args[0])
        elif isinstance(u, Partial):
            self.derivatives = True
            self.visit(self._unfolding.explicit(u))
        elif isinstance(u, Indexed | Symbol):
            body = self._unfolding.body(u)
            if body is not None:
                self.visit(body)
        else:
            for arg in u.args:
                self.visit(arg)

    def _visit_matrix(self, matrix: NamedTensor) -> None:
        if matrix not in self.matrices:
            self.matrices.append(matrix)
            self.visit(matrix[tuple(self._unfolding.fresh_index(Index("k", dim)) for dim in matrix.dims)])
