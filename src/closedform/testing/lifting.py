"""A function of tensors with leading axes written out: p[i] of z[i] becomes p[b,i] of z[b,i]."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sympy import Expr, Indexed, Symbol

from closedform.errors import UsageError
from closedform.notation import Derivation, Dim, Index, NamedTensor, Relation, scalar, tensor

# Kernels that map over any number of leading axes, as generated ones do.
ANY = "any"


def as_written(derivation: Derivation) -> Derivation:
    """The derivation for kernels that take the axes as they are written, and none before them.

    A derivation with a batch dimension is of that kind, so a function of tensors without one gets its first.
    """
    output = derivation.output
    if derivation.batch is not None or not isinstance(output, NamedTensor):
        return derivation
    return replace(derivation, batch=output.dims[0])


def lifted(derivation: Derivation, axes: int) -> Derivation:
    """The derivation for kernels that map over exactly ``axes`` leading axes of every input.

    Raises:
        UsageError: the derivation has a batch dimension or a scalar output, or a constraint that cannot be lifted.

    >>> from closedform.derivations import softmax
    >>> lifted(softmax.derivation, 1).output.dims
    (B1, C)
    """
    if derivation.batch is not None or not isinstance(derivation.output, NamedTensor):
        raise UsageError(f"kernels of {derivation.name} take no leading axes: it has a batch dimension or a scalar output")
    taken = {dim.name for dim in derivation.setting.dims}
    names = [name for name in (f"B{n}" for n in range(1, 100)) if name not in taken][:axes]
    lift = _Lift(tuple(Dim(name) for name in names), frozenset(derivation.setting.symbols()))
    given = tuple(
        replace(item, symbol=lift.symbol(item.symbol), where=tuple(map(lift.constraint, item.where))) for item in derivation.given
    )
    lets = tuple(replace(let, head=lift.expression(let.head), body=lift.expression(let.body)) for let in derivation.lets)
    return replace(
        derivation,
        given=given,
        lets=lets,
        output=lift.symbol(derivation.output),
        wrt=tuple(map(lift.symbol, derivation.wrt)),
        claims=(),
        batch=lift.dims[0],
    )


class _Lift:
    """Puts the leading indices on every tensor and scalar of the derivation."""

    def __init__(self, dims: tuple[Dim, ...], names: frozenset[str]) -> None:
        self.dims, self.names = dims, names
        self.at = tuple(Index(f"{dim.name.lower()}_lead", dim) for dim in dims)

    def symbol(self, symbol: Any) -> Any:
        return tensor(symbol.name, *self.dims, *getattr(symbol, "dims", ()))

    def expression(self, expression: Expr) -> Expr:
        tensors = {node: self.symbol(node.base)[(*self.at, *node.indices)] for node in expression.atoms(Indexed)}
        scalars = {
            node: self.symbol(scalar(node.name))[self.at]
            for node in expression.atoms(Symbol)
            if node.name in self.names and not isinstance(node, Dim | Index) and not any(node == each.base.label for each in tensors)
        }
        return expression.xreplace({**tensors, **scalars})

    def constraint(self, constraint: Any) -> Any:
        if isinstance(constraint, Relation):
            return replace(constraint, lhs=self.expression(constraint.lhs), rhs=self.expression(constraint.rhs))
        if hasattr(constraint, "tensor"):
            return replace(constraint, tensor=self.symbol(constraint.tensor))
        if hasattr(constraint, "entry"):
            return replace(constraint, entry=self.expression(constraint.entry))
        return constraint
