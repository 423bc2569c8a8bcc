"""softmax(z)[c], log_softmax(z)[c] and logsumexp(z) in a formula: lets that define themselves.

They act along the last axis. Their argument is written without indices, ``softmax(z/T)[b,c]``; every
tensor in it stands for its entry at the indices of the whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, exp, log

from closedform.notation import summation
from closedform.syntax import tree as t
from closedform.syntax.axes import Axis, Place
from closedform.syntax.names import fresh_names
from closedform.syntax.scope import Deferred, Known, Scope

if TYPE_CHECKING:
    from closedform.syntax.resolve import Resolver


@dataclass(frozen=True, eq=False)
class Definition:
    """A let: the symbol, the indices on its left side, and its body."""

    item: Known
    places: tuple[Place, ...]
    body: Deferred


def define_row_function(resolver: Resolver, node: t.Entry) -> Definition:
    """The let behind a call such as ``softmax(z)[c]``."""
    argument = _argument(resolver, node)
    taken = {word.text for word in node.at or ()}
    names = [resolver.index_name(word) for word in node.at or ()]
    if len(taken) < len(names):
        names = [name for name, _ in zip(fresh_names((), "i"), names, strict=False)]
    bound = next(fresh_names(names, "k"))
    places = tuple(Place(name, Axis(), resolver.source, node.spot) for name in names)
    over = Place(bound, places[-1].axis if node.name != "logsumexp" else Axis(), resolver.source, node.spot)
    within = Scope(
        hint=f"is used inside {node.name}(...), where tensors are written without indices; or define the argument with let first"
    )
    terms = _at(resolver, argument, (*places[:-1], over) if node.name != "logsumexp" else (*places, over), within)
    own = _at(resolver, argument, places, within) if node.name != "logsumexp" else terms
    spelling = f"{node.name}({spelled(argument)})"
    axes = tuple(place.axis for place in places)
    item = Known(_name(resolver, spelling), axes, "let", resolver.source, node.spot, spelling)
    return Definition(item, places, lambda: _body(node.name, own, terms, over))


def _argument(resolver: Resolver, node: t.Entry) -> t.Node:
    arguments = node.arguments or ()
    if len(arguments) != 1:
        raise resolver.error(node.spot, f"{node.name} takes 1 argument; got {len(arguments)}")
    if not node.at and node.name != "logsumexp":
        raise resolver.error(node.spot, f"{node.name}(...) is a tensor; write an entry of it, such as {node.name}(z)[c]")
    if not any(word.name in resolver.names.known and resolver.names.known[word.name].axes for word in _entries(arguments[0])):
        raise resolver.error(node.spot, f"{node.name} needs a tensor in its brackets, written without indices, as in {node.name}(z)")
    return arguments[0]


def _entries(node: t.Node) -> list[t.Entry]:
    """The names without indices in an expression."""
    match node:
        case t.Entry(arguments=None, at=None):
            return [node]
        case t.Entry() if node.arguments is not None:
            parts: tuple[t.Node, ...] = node.arguments
        case t.Signed():
            parts = (node.operand,)
        case t.Power():
            parts = (node.base, node.exponent)
        case t.Product():
            parts = tuple(factor for _, factor in node.factors)
        case t.Terms():
            parts = tuple(term for _, term in node.terms)
        case t.Group():
            parts = (node.inner,)
        case t.Summation():
            parts = (node.body,)
        case _:
            parts = ()
    return [entry for part in parts for entry in _entries(part)]


def _at(resolver: Resolver, argument: t.Node, places: tuple[Place, ...], scope: Scope) -> Deferred:
    """The argument's entry at the given indices."""
    outer, resolver.whole = resolver.whole, places
    try:
        return resolver.formula(argument, scope)
    finally:
        resolver.whole = outer


def _body(name: str, own: Deferred, terms: Deferred, over: Place) -> Expr:
    total = summation(exp(terms()), over.index())
    if name == "softmax":
        return exp(own()) / total
    return log(total) if name == "logsumexp" else own() - log(total)


def _name(resolver: Resolver, spelling: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9]+", "_", spelling).strip("_")[:60].strip("_")
    candidates = [stem, *(f"{stem}_{n}" for n in range(2, 2000))]
    return next(name for name in candidates if name not in resolver.names.known)


def spelled(node: t.Node) -> str:
    """The text of an expression without needless blanks: equal expressions are spelled alike."""
    match node:
        case t.Number():
            return node.word.text
        case t.Entry():
            call = f"({', '.join(map(spelled, node.arguments))})" if node.arguments is not None else ""
            at = f"[{','.join(word.text for word in node.at)}]" if node.at is not None else ""
            return node.name + call + at
        case t.SideBySide():
            return " ".join(map(spelled, node.entries))
        case t.Signed():
            return node.sign + spelled(node.operand)
        case t.Power():
            return f"{spelled(node.base)}^{spelled(node.exponent)}"
        case t.Product():
            return "".join(sign + spelled(factor) for sign, factor in node.factors)[1:]
        case t.Terms():
            return "".join(f" {sign} {spelled(term)}" for sign, term in node.terms)[3:]
        case t.Group():
            return f"({spelled(node.inner)})"
        case t.Summation():
            return f"sum_{{{','.join(word.text for word in node.over)}}}({spelled(node.body)})"
        case t.Comparison():
            signs = ["", *(f" {word.text} " for word in node.relations)]
            return "".join(sign + spelled(side) for sign, side in zip(signs, node.sides, strict=True))
