"""What is known of a given, after ``where``: equations, inequalities, membership, properties, sizes."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr

from closedform.notation import (
    Constraint,
    Dim,
    InvertibleMatrix,
    Membership,
    NamedTensor,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    SizeRelation,
    SymmetricMatrix,
)
from closedform.syntax import tree as t
from closedform.syntax.resolve import Resolver
from closedform.syntax.scope import Deferred, Scope
from closedform.syntax.source import TextDimensionError

QUALITIES: dict[str, Callable[[NamedTensor], Constraint]] = {
    "onehot": OneHot,
    "symmetric": SymmetricMatrix,
    "invertible": InvertibleMatrix,
    "positive definite": PositiveDefiniteMatrix,
}
Made = Callable[[], tuple[Constraint, ...]]


def condition(resolver: Resolver, node: t.Condition) -> Made:
    """The constraints that a condition states, once dimensions are known."""
    match node:
        case t.Comparison():
            return _relations(resolver, node)
        case t.Member():
            return _membership(resolver, node)
        case t.Property():
            return _property(resolver, node)


def _relations(resolver: Resolver, node: t.Comparison) -> Made:
    """One relation for each sign of a chain such as 0 < eps < 1."""
    scope = Scope(grows=True)
    sides = [resolver.formula(side, scope) for side in node.sides]

    def make() -> tuple[Constraint, ...]:
        values = [side() for side in sides]
        pairs = zip(node.relations, values[:-1], values[1:], strict=True)
        return tuple(_relation(resolver, sign, left, right) for sign, left, right in pairs)

    return make


def _relation(resolver: Resolver, sign: t.Word, left: Expr, right: Expr) -> Constraint:
    symbols = left.free_symbols | right.free_symbols
    if not symbols:
        raise resolver.error(sign.spot, "a condition restricts a given or a size; this one compares two constants")
    kind = SizeRelation if all(isinstance(symbol, Dim) for symbol in symbols) else Relation
    return kind("=" if sign.text == "==" else sign.text, left, right)


def _membership(resolver: Resolver, node: t.Member) -> Made:
    scope = Scope(grows=True)
    if not isinstance(node.entry, t.Entry) or node.entry.arguments is not None:
        raise resolver.error(node.spot, "before in stands an entry of a given, as in x[a] in {0, 1}")
    entry = resolver.formula(node.entry, scope)
    values = [resolver.formula(value, scope) for value in node.values]

    def make() -> tuple[Constraint, ...]:
        return (Membership(entry(), tuple(_rational(resolver, value, part) for value, part in zip(values, node.values, strict=True))),)

    return make


def _rational(resolver: Resolver, value: Deferred, node: t.Node) -> Expr:
    number = value()
    if not number.is_Rational:
        raise resolver.error(node.spot, f"between {{ and }} stand numbers, such as {{0, 1}} or {{-1, 1/2}}; got {number}")
    return number


def _property(resolver: Resolver, node: t.Property) -> Made:
    if node.entry.at is not None or node.entry.arguments is not None:
        raise resolver.error(node.spot, f"{node.quality} is said of a whole tensor: write {node.entry.name} {node.quality}")
    item = resolver.tensor(node.entry)
    if node.quality != "onehot" and (len(item.axes) != 2 or item.axes[0].join(item.axes[1], "")):
        message = f"{node.quality} is said of a square matrix; got {item.described()}"
        raise resolver.source.error(TextDimensionError, node.spot, message)
    return lambda: (QUALITIES[node.quality](resolver.tensor_of(item)),)
