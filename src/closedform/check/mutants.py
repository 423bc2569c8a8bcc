"""Single-point mutants of a claim: the mistakes that people make, one at a time.

A checker is as good as the wrong formulas that it refutes. From a claim that holds, each mutant
changes the right side (or drops a constraint) in one place; a mutant that still holds is called
equivalent, and only a route that shares nothing with the kernel's proof may say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from sympy import Add, Expr, Indexed, Integer, KroneckerDelta, Pow, Rational, Sum, cos, cosh, erf, exp, log, sin, sinh, tanh

from closedform.notation import (
    Claim,
    Dim,
    Index,
    NamedTensor,
    Relation,
    Setting,
    delta,
    free_indices,
    logdet,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    step,
)

KINDS = (
    "sign",
    "factor",
    "index swap",
    "delta dropped",
    "delta added",
    "sum dropped",
    "term dropped",
    "function replaced",
    "operand replaced",
    "power changed",
    "constraint removed",
)

FACTORS = (Integer(2), Rational(1, 2), 1 + Rational(1, 10**6))

# A function and what it gets mistaken for.
CONFUSED: dict[Any, Any] = {
    exp: sigmoid,
    log: softplus,
    sin: cos,
    cos: sin,
    tanh: sigmoid,
    cosh: sinh,
    sinh: cosh,
    erf: tanh,
    sigmoid: tanh,
    softplus: relu,
    relu: softplus,
    step: sigmoid,
    maximum: minimum,
    minimum: maximum,
}


@dataclass(frozen=True)
class Mutant:
    """A changed claim: the kind of change, and what was changed into what."""

    kind: str
    description: str
    setting: Setting
    claim: Claim


def mutants(setting: Setting, claim: Claim) -> tuple[Mutant, ...]:
    """Every single-point mutant of a claim, in a fixed order and without repetitions.

    >>> from closedform.notation import Claim, Given, Let, exp, indices, partial, summation, tensor
    >>> C = Dim("C"); i, j, k = indices("i j k", C); z, p = tensor("z", C), tensor("p", C)
    >>> setting = Setting((Given(z),), (Let(p[i], exp(z[i]) / summation(exp(z[k]), k)),))
    >>> claim = Claim("jacobian", partial(p[i], z[j]), p[i] * (delta(i, j) - p[j]))
    >>> [mutant.description for mutant in mutants(setting, claim) if mutant.kind == "delta dropped"]
    ['KroneckerDelta(i, j) by 1']
    """
    found: dict[tuple[Setting, Expr], Mutant] = {}
    for kind, description, formula in _changed_formulas(setting, claim):
        if formula != claim.rhs and free_indices(formula) <= set(claim.free_indices):
            mutant = Mutant(kind, description, setting, replace(claim, rhs=formula))
            found.setdefault((setting, formula), mutant)
    for kind, description, changed in _changed_definitions(setting):
        found.setdefault((changed, claim.rhs), Mutant(kind, description, changed, claim))
    for description, weaker in _weaker_settings(setting):
        found.setdefault((weaker, claim.rhs), Mutant("constraint removed", description, weaker, claim))
    return tuple(found.values())


def _changed_formulas(setting: Setting, claim: Claim) -> Iterator[tuple[str, str, Expr]]:
    formula, free = claim.rhs, claim.free_indices
    yield "sign", "the whole right side", -formula
    for factor in (*FACTORS, *(1 / dim for dim in setting.dims)):
        yield "factor", f"the right side times {factor}", formula * factor
    for one, other in _same_dim(free):
        yield "index swap", f"{one.name} <-> {other.name}", formula.xreplace({one: other, other: one})
        yield "delta added", f"the right side times delta({one.name},{other.name})", formula * delta(one, other)
    for path, node in _nodes(formula):
        for kind, description, changed in _changed_node(node, free, setting):
            yield kind, description, _replaced(formula, path, changed)


def _changed_definitions(setting: Setting) -> Iterator[tuple[str, str, Setting]]:
    """The setting with one let changed in one place, under an unchanged claim."""
    for position, let in enumerate(setting.lets):
        for path, node in _nodes(let.body):
            for kind, description, changed in _changed_node(node, let.indices, setting, before=position):
                body = _replaced(let.body, path, changed)
                if body == let.body or not free_indices(body) <= set(let.indices):
                    continue
                lets = (*setting.lets[:position], replace(let, body=body), *setting.lets[position + 1 :])
                yield kind, f"in the definition of {let.name}: {description}", Setting(setting.given, lets)


def _changed_node(node: Expr, free: tuple[Index, ...], setting: Setting, before: int | None = None) -> Iterator[tuple[str, str, Expr]]:
    if isinstance(node, Add):
        for term in node.args:
            rest = node - term
            yield "term dropped", f"{term} in {node}", rest
            yield "sign", f"of {term} in {node}", rest - term
            for factor in FACTORS:
                yield "factor", f"{term} times {factor}", rest + factor * term
    elif isinstance(node, KroneckerDelta):
        yield "delta dropped", f"{node} by 1", Integer(1)
    elif isinstance(node, Sum):
        yield from _dropped_sums(node, free)
    elif isinstance(node, Pow) and node.exp.is_Integer:
        yield "power changed", f"{node.exp} by {node.exp + 1}", node.base ** (node.exp + 1)
        yield "power changed", f"{node.exp} by {node.exp - 1}", node.base ** (node.exp - 1)
    elif isinstance(node, Indexed):
        yield from _changed_entries(node, free, setting, before)
    elif node.func in CONFUSED:
        other = CONFUSED[node.func]
        yield "function replaced", f"{node.func.__name__} by {other.__name__}", other(*node.args)
    elif node.func is logdet:
        yield "function replaced", "logdet by minus logdet", -node


def _dropped_sums(node: Sum, free: tuple[Index, ...]) -> Iterator[tuple[str, str, Expr]]:
    """Leave one sum out: its index becomes a free index of the same dimension where there is one."""
    for limit in node.limits:
        index = limit[0]
        rest = [other for other in node.limits if other != limit]
        for stand_in in free:
            if stand_in.dim == index.dim and stand_in != index:
                body = node.function.xreplace({index: stand_in})
                yield "sum dropped", f"over {index.name}, which becomes {stand_in.name}", Sum(body, *rest) if rest else body


def _changed_entries(node: Indexed, free: tuple[Index, ...], setting: Setting, before: int | None) -> Iterator[tuple[str, str, Expr]]:
    """Another index or another tensor of the same shape; a definition may use only what is defined ``before`` it."""
    for position, index in enumerate(node.indices):
        for other in free:
            if other.dim == index.dim and other != index:
                at = [*node.indices[:position], other, *node.indices[position + 1 :]]
                yield "index swap", f"{index.name} by {other.name} in {node}", node.base[tuple(at)]
    if len(set(node.base.dims)) < len(node.base.dims) and len(node.indices) == 2:
        yield "index swap", f"{node} transposed", node.base[tuple(reversed(node.indices))]
    for name, symbol in [*((g.name, g.symbol) for g in setting.given), *((let.name, let.symbol) for let in setting.lets[:before])]:
        if isinstance(symbol, NamedTensor) and symbol.dims == node.base.dims and name != node.base.name:
            yield "operand replaced", f"{node.base.name} by {name}", symbol[tuple(node.indices)]


def _weaker_settings(setting: Setting) -> Iterator[tuple[str, Setting]]:
    """The setting without one equation, membership or one-hot constraint; what keeps it defined (x > 0) stays."""
    for position, given in enumerate(setting.given):
        for constraint in given.where:
            if isinstance(constraint, Relation) and constraint.op != "=":
                continue
            weaker = replace(given, where=tuple(kept for kept in given.where if kept != constraint))
            others = (*setting.given[:position], weaker, *setting.given[position + 1 :])
            yield f"{type(constraint).__name__} on {given.name}", Setting(others, setting.lets)


def _same_dim(free: tuple[Index, ...]) -> Iterator[tuple[Index, Index]]:
    return ((one, other) for one, other in combinations(free, 2) if one.dim == other.dim)


# ---------------------------------------------------------------------------------------------
# Subexpressions by position
# ---------------------------------------------------------------------------------------------

Path = tuple[int, ...]


def _nodes(expression: Expr, path: Path = ()) -> Iterator[tuple[Path, Expr]]:
    """Every subexpression that stands for a number, with its position; not tensors, indices or limits."""
    yield path, expression
    if isinstance(expression, Indexed | KroneckerDelta | Dim):
        return
    last = 1 if isinstance(expression, Sum) else len(expression.args)
    for position, argument in enumerate(expression.args[:last]):
        if isinstance(argument, Expr) and not isinstance(argument, NamedTensor | Index):
            yield from _nodes(argument, (*path, position))


def _replaced(expression: Expr, path: Path, by: Expr) -> Expr:
    if not path:
        return by
    arguments = list(expression.args)
    arguments[path[0]] = _replaced(arguments[path[0]], path[1:], by)
    return expression.func(*arguments)
