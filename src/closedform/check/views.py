"""What of a function's result is compared, as formulas that every oracle evaluates.

A small result is compared whole. A large matrix (a Jacobian, a Hessian) is compared by a column that is
drawn anew for each input: its contraction with a one-hot direction is a directional derivative, which costs
as much as a gradient, where the whole would cost as many of those as the matrix has columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Expr, Indexed, Sum, Symbol

from closedform.functions import KernelFunction
from closedform.notation import Claim, Derivation, Dim, Given, Index, NamedTensor, Partial, Setting, head_name, partial, summation, tensor

MATRICES = ("jacobian", "hessian")
DIRECTION = "one_hot_direction"

# Up to so many numbers (entries of the result times entries of the largest tensor) a result is compared whole.
WHOLE = 6000


@dataclass(frozen=True, eq=False)
class View:
    """A part of a function's result.

    Attributes:
        target: the definition of that part, in index notation, with its derivatives.
        formula: the same by the derivation's own claims where it makes one, for the error bound.
        axes: of the part.
        setting: in which both stand.
        column: the one-hot direction that picks the part; None for the whole.
        pick: entry of the result's trailing axes for each entry of the part; None for the whole.
    """

    function: KernelFunction
    target: Expr
    formula: Expr
    axes: tuple[Index, ...]
    setting: Setting
    column: np.ndarray | None = None
    pick: tuple[np.ndarray, ...] | None = None

    def of(self, result: np.ndarray) -> np.ndarray:
        """The part of a result (of any leading shape)."""
        at: tuple[Any, ...] = () if self.pick is None else self.pick
        return result if self.pick is None else np.asarray(result[(..., *at)])


def view(derivation: Derivation, function: KernelFunction, sizes: Mapping[Dim, int], generator: np.random.Generator) -> View:
    """The whole result where that is cheap, else a column of it."""
    given = (*derivation.given, *function.extra)
    target, axes = function.target, function.axes
    entries = math.prod(sizes[index.dim] for index in axes)
    shapes = [item.dims for item in given] + [item.dims for item in derivation.lets]
    largest = max(math.prod(sizes[dim] for dim in shape) for shape in shapes)
    if function.kind not in MATRICES or entries * largest <= WHOLE or not isinstance(function.wrt, NamedTensor):
        return View(function, target, by_claims(derivation, target, function), axes, Setting(given, derivation.lets))
    return _column(derivation, function, sizes, generator)


def _column(derivation: Derivation, function: KernelFunction, sizes: Mapping[Dim, int], generator: np.random.Generator) -> View:
    assert isinstance(function.wrt, NamedTensor)
    node = function.target
    last: Any = node.args[-1]
    columns = tuple(index for index in function.axes if index in last.indices and index not in _rows(node))
    rows = tuple(index for index in function.axes if index not in columns)
    # Axes that rows and columns share (the sample of a block) get an index of their own: over it the derivative is 0.
    fresh = {index: Index(f"{index.name}_other", index.dim) for index in last.indices if index not in columns}
    apart = last.xreplace(fresh)
    direction = tensor(DIRECTION, *function.wrt.dims)
    along = summation(partial(node.args[0], *node.args[1:-1], apart) * direction[apart.indices], *apart.indices)
    place = {index: generator.integers(0, sizes[index.dim], [sizes[s.dim] for s in rows if s in last.indices]) for index in columns}
    vector = _one_hot(last, columns, place, sizes)
    given = (*derivation.given, *function.extra, Given(direction))
    pick = _pick(function.axes, rows, columns, last, place, sizes)
    return View(function, along, by_claims(derivation, along, function), rows, Setting(given, derivation.lets), vector, pick)


def _rows(node: Expr) -> set[Index]:
    """The indices of the output and of all variables but the last."""
    return {index for entry in node.args[:-1] if isinstance(entry, Indexed) for index in entry.indices}


def _one_hot(last: Indexed, columns: tuple[Index, ...], place: Mapping[Index, np.ndarray], sizes: Mapping[Dim, int]) -> np.ndarray:
    """The direction: for each value of the shared axes a 1 in the column drawn for it."""
    vector = np.zeros([sizes[index.dim] for index in last.indices])
    shared = [index for index in last.indices if index not in columns]
    grid = dict(zip(shared, np.indices([sizes[index.dim] for index in shared]), strict=True))
    vector[tuple(place[index] if index in columns else grid[index] for index in last.indices)] = 1.0
    return vector


def _pick(
    axes: tuple[Index, ...],
    rows: tuple[Index, ...],
    columns: tuple[Index, ...],
    last: Indexed,
    place: Mapping[Index, np.ndarray],
    sizes: Mapping[Dim, int],
) -> tuple[np.ndarray, ...]:
    grid = dict(zip(rows, np.indices([sizes[index.dim] for index in rows]), strict=True))
    shared = tuple(grid[index] for index in rows if index in last.indices)
    return tuple(place[index][shared] if index in columns else grid[index] for index in axes)


# ---------------------------------------------------------------------------------------------


def by_claims(derivation: Derivation, target: Expr, function: KernelFunction | None = None) -> Expr:
    """The target with each derivative replaced by what is claimed of it: by ``function.formula``, else by the derivation.

    A claimed formula is used to say how accurately it can be computed, never what its value is.
    """
    claims = derivation.claims
    if function is not None and function.formula is not None:
        if target == function.target:
            return function.formula
        claims = (Claim(function.name, function.target, function.formula), *claims)
    replaced = {}
    for node in sorted(target.atoms(Partial), key=str):
        for claim in claims:
            formula = _instance(claim, node, target)
            if formula is not None:
                replaced[node] = formula
                break
    return target.xreplace(replaced)


def _instance(claim: Claim, node: Expr, context: Expr) -> Expr | None:
    """The claim's right side at the indices of ``node``; None where the claim is about something else."""
    if not isinstance(claim.lhs, Partial) or len(claim.lhs.args) != len(node.args):
        return None
    names: dict[Index, Index] = {}
    for ours, theirs in zip(claim.lhs.args, node.args, strict=True):
        if head_name(ours) != head_name(theirs):
            return None
        for a, b in zip(_indices(ours), _indices(theirs), strict=True):
            if names.setdefault(a, b) != b:
                return None
    taken = {index.name for index in context.atoms(Index)} | {index.name for index in names.values()}
    bound = sorted({limit[0] for s in claim.rhs.atoms(Sum) for limit in s.limits}, key=str)
    dummies = {index: Index(_fresh(index.name, taken), index.dim) for index in bound}
    # Bound indices first, so that none of them captures an index of the node.
    return claim.rhs.xreplace(dummies).xreplace(names)


def _indices(entry: Expr) -> tuple[Index, ...]:
    return tuple(entry.indices) if isinstance(entry, Indexed) and not isinstance(entry, Symbol) else ()


def _fresh(name: str, taken: set[str]) -> str:
    fresh = next(f"{name}_{n}" for n in range(1, len(taken) + 2) if f"{name}_{n}" not in taken)
    taken.add(fresh)
    return fresh
