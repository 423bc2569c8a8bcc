"""What no direction changes of a product with a Hessian: computed once, and kept by an operator.

    H V = f(e, p, V)   with e, p = g(W, e, y)

The nodes that the direction does not reach, each as large as it can be, are kept; the product, the diagonal, the
trace and the whole matrix are then programs of these. The split looks at nothing but which node is computed from which.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterator, Sequence
from dataclasses import replace

from closedform.functions import HessianOperator
from closedform.lower.nodes import Contract, Input, Labels, Map, Node, Number, View
from closedform.lower.program import Function, Kept, Operator
from closedform.lower.rules import elementwise
from closedform.lower.traversal import substituted, walk


def prepared(operator: HessianOperator, functions: Sequence[Function]) -> Operator | None:
    """The operator that has the functions as methods; None where there is no array to keep.

    Args:
        operator: which functions are its methods, the product first.
        functions: of the program.
    """
    by_name = {function.name: function for function in functions}
    chosen = [(method, by_name[name]) for method, name in operator.methods if name in by_name]
    product = by_name[operator.methods[0][1]]
    names = _Names([given.name for given in product.parameters])
    wanted = {node: name for function in reversed([f for _, f in chosen]) for node, name in function.names}
    kept: dict[Node, Kept] = {}
    product = replace(product, result=_scale_kept(product.result, product.several))
    chosen[0] = (chosen[0][0], product)
    for node in dict.fromkeys(_kept(product.result, product.several)):
        kept[node] = names.keep(node, wanted.get(node) or _describe(node))
    methods = []
    for method, function in chosen:
        result = substituted(function.result, {node: item.stand_in for node, item in kept.items()})
        for node in walk(result):
            own = any(node == item.stand_in for item in kept.values())
            if isinstance(node, Input | Labels) and not own and node.name != function.several:
                kept[node] = names.keep(node, node.name)
        extra = tuple(given for given in function.parameters if given.name == function.several)
        methods.append(replace(function, name=method, result=result, parameters=extra, names=()))
    if not any(item.stand_in.dims for item in kept.values()):
        return None
    arguments = tuple(given for given in product.parameters if given.name != product.several)
    return Operator(operator.name, product, arguments, tuple(kept.values()), tuple(methods))


def _kept(node: Node, direction: str) -> Iterator[Node]:
    """The largest nodes that the direction does not reach; views and numbers are made where they are used."""
    if _reaches(node, direction):
        if not isinstance(node, Input):
            for part in node.parts:
                yield from _kept(part, direction)
    elif isinstance(node, View):
        yield from _kept(node.arg, direction)
    elif node.is_plain and not isinstance(node, Input):
        for part in node.parts:
            yield from _kept(part, direction)
    elif not isinstance(node, Number):
        yield node


def _scale_kept(node: Node, direction: str) -> Node:
    """s*sum(x*y), where the direction reaches x alone, as sum(x*(s*y)): then no product pays for the scale."""
    if not (isinstance(node, Map) and node.op == "mul" and isinstance(node.args[0], Number) and isinstance(node.args[1], Contract)):
        return node
    scale, inner = node.args
    assert isinstance(inner, Contract)
    if _reaches(inner.left, direction) and not _reaches(inner.right, direction):
        return replace(inner, right=elementwise("mul", (scale, inner.right)))
    if _reaches(inner.right, direction) and not _reaches(inner.left, direction):
        return replace(inner, left=elementwise("mul", (scale, inner.left)))
    return node


def _reaches(node: Node, direction: str) -> bool:
    return any(isinstance(part, Input) and part.name == direction for part in walk(node))


def _describe(node: Node) -> str:
    """A name for what no let defines."""
    if isinstance(node, Input | Labels):
        return node.name
    inputs = [part.name for part in node.parts if isinstance(part, Input)]
    if isinstance(node, Map):
        return f"scaled_{inputs[0]}" if len(inputs) == 1 else "factor"
    return type(node).__name__.lower()


# What an operator has beside what it keeps.
ATTRIBUTES = ("self", "shape", "dtype", "hvp", "diagonal", "trace", "dense", "linear_operator", "out")


class _Names:
    """Names of attributes, none that Python or the operator needs; what is computed does not take the name of an argument."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = set(arguments)
        self._taken = {*ATTRIBUTES, *keyword.kwlist, *dir(builtins)}

    def keep(self, node: Node, wanted: str) -> Kept:
        """What stands for a node: itself if it is an argument."""
        own = isinstance(node, Input | Labels)
        name = self._fresh(wanted, set() if own else self._arguments)
        return Kept(name, node, node if own else Input(name, node.dims))

    def _fresh(self, wanted: str, others: set[str]) -> str:
        taken = self._taken | others
        name = next(name for name in (wanted, *(f"{wanted}_{n}" for n in range(1, 1000))) if name not in taken)
        self._taken.add(name)
        return name
