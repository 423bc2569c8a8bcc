"""The last pass over a program: what is cheaper, or more accurate, as one step.

A softmax that only its labels are subtracted from is never stored: the entry at the label is taken apart before the row is
divided by its sum, so that the result costs what the softmax alone would.

    softmax(z)[i] - y[i] = (e[i] - y[i]*(e[i] + others[i])) / sum(e)        e = exp(z)

Where a softmax is multiplied by itself (a Hessian's entries), the rounding of its sum counts twice; then the largest term is added
last, and hardly any is left.

The Jacobian of a softmax times an array, and the variance of an indicator, are one step each: no array stands between, so they may
be computed in place.

    p*(x - sum(p*x))    p*(1 - p)

Where a log-softmax is needed at the labels alone, the other entries are never computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from closedform.lower.nodes import (
    AtLabels,
    Centred,
    Complement,
    JacobianProduct,
    LogLikelihood,
    Map,
    MinusLabels,
    Node,
    Residual,
    Row,
    TimesComplement,
    View,
    is_softmax,
)
from closedform.lower.traversal import substituted, walk

Names = tuple[tuple[Node, str], ...]


def fused(result: Node, names: Names) -> tuple[Node, Names]:
    """The same array by fewer, or by more careful steps; and what the nodes that had names have become."""
    order = tuple(walk(result))
    uses = Counter(part for node in order for part in dict.fromkeys(node.parts))
    residuals: dict[Node, Node] = {
        node: Residual(node.arg.arg, node.labels)
        for node in order
        if isinstance(node, MinusLabels) and is_softmax(node.arg) and uses[node.arg] == 1
    }
    likelihoods: dict[Node, Node] = {
        node: LogLikelihood(node.arg.arg, node.labels)
        for node in order
        if isinstance(node, AtLabels) and isinstance(node.arg, Row) and node.arg.op == "log_softmax"
        if uses[node.arg] == 1 and node.arg.dims == node.labels.dims
    }
    squared = {row for node in order if isinstance(node, Map) and node.op == "mul" for row in _squared(*node.args)}
    careful: dict[Node, Node] = {row: Row("softmax_apart", row.arg) for row in squared}
    named = tuple((substituted(node, careful), name) for node, name in names)
    return _in_one_step(substituted(result, residuals | likelihoods | careful), named)


def _in_one_step(result: Node, names: Names) -> tuple[Node, Names]:
    """Products with probabilities whose other factor nothing else needs."""
    order = tuple(walk(result))
    uses = Counter(part for node in order for part in dict.fromkeys(node.parts))
    once = {node for node in order if uses[node] == 1} - {node for node, _ in names}
    products = {node: _product(node, once) for node in order if isinstance(node, Map) and node.op == "mul"}
    steps: dict[Node, Node] = {node: step for node, step in products.items() if step is not None}
    return substituted(result, steps), tuple((substituted(node, steps), name) for node, name in names)


def _product(node: Map, once: set[Node]) -> Node | None:
    for factor, weights in (node.args, node.args[::-1]):
        if factor not in once:
            continue
        if isinstance(factor, View) and isinstance(weights, View) and factor.order == weights.order and None not in factor.order:
            inner = _product(Map("mul", (factor.arg, weights.arg)), once)
            return None if inner is None else View(inner, factor.order)
        if isinstance(factor, Centred) and factor.weights == weights and factor.arg.dims == weights.dims:
            return JacobianProduct(*factor.parts)
        if isinstance(factor, Complement) and factor.arg == weights:
            return TimesComplement(weights)
    return None


def _squared(first: Node, second: Node) -> set[Row]:
    """The softmaxes that both factors are multiples of, in different views."""
    return set(_softmaxes(first)) & set(_softmaxes(second)) if isinstance(first, View) or isinstance(second, View) else set()


def _softmaxes(node: Node) -> Iterator[Row]:
    if is_softmax(node):
        yield node
    elif isinstance(node, View) or (isinstance(node, Map) and node.op in ("mul", "div", "neg")):
        for part in node.parts:
            yield from _softmaxes(part)
