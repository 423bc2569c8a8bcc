"""Means and second moments under a softmax, recognised by their form and measured from where they do not cancel.

The equations are those of :mod:`closedform.lower.identities`, under ``probabilities``.
"""

from __future__ import annotations

from collections import Counter

from closedform.lower.nodes import (
    AtLabels,
    Centred,
    CentredColumns,
    Contract,
    Leader,
    Leads,
    Map,
    Node,
    Number,
    OneHot,
    Reduce,
    Top,
    Variance,
    View,
    is_softmax,
)
from closedform.lower.views import turned


def centred(array: Node, mean: Node) -> Node | None:
    """x - sum(p*x), for a softmax p along the last axis of x, or the one before.

    x may be p itself, labels, of which the sum is p at the label, or a product of arrays, in any order.
    """
    rank = len(array.dims)
    if not (isinstance(mean, View) and None in mean.order and rank == len(mean.order)):
        return None
    axis = mean.order.index(None)
    if axis < rank - 2 or mean.order != (*range(axis), None, *range(axis, rank - 1)):
        return None
    last = axis == rank - 1
    summand, own = _summand(mean.arg, axis), Counter(_factors(array))
    for weights in dict.fromkeys(summand):
        p = weights if last else turned(weights)
        if Counter(summand) - own == Counter([weights]) and own <= Counter(summand) and weights.dims == array.dims and is_softmax(p):
            leader = Leader(p)
            found = Centred(array if last else turned(array), p, leader, Leads(p, leader))
            return found if last else turned(found)
    return None


def _summand(array: Node, axis: int) -> tuple[Node, ...]:
    """The factors of what is summed along an axis; none where nothing is."""
    last = axis == len(array.dims)
    if isinstance(array, AtLabels) and last:
        return (*_factors(array.arg), OneHot(array.labels))
    if isinstance(array, Contract) and last and array.left_labels == array.right_labels and array.out == array.left_labels[:-1]:
        return (*_factors(array.left), *_factors(array.right))
    return _factors(array.arg) if isinstance(array, Reduce) and array.axes == (axis,) else ()


def _factors(array: Node) -> tuple[Node, ...]:
    """An array as a product, whatever was multiplied first."""
    square = _squared(array)
    if square is not None:
        return (square, square)
    return tuple(f for arg in array.args for f in _factors(arg)) if isinstance(array, Map) and array.op == "mul" else (array,)


def centred_columns(array: Node, mean: Node) -> Node | None:
    """x[c,m] - sum_j(p[b,j]*x[j,m]), for a softmax p over j."""
    if not (isinstance(array, View) and isinstance(mean, View) and mean.order == (0, None, 1) and isinstance(mean.arg, Contract)):
        return None
    product = mean.arg
    sides = ((product.left, product.left_labels), (product.right, product.right_labels))
    for (weights, labels), (values, others) in (sides, sides[::-1]):
        if not (is_softmax(weights) and values == array.arg and len(labels) == len(others) == 2 and labels[1] in others):
            continue
        across = others.index(labels[1])  # the axis of x over which the mean is taken
        order = (None, 0, 1) if across == 0 else (None, 1, 0)
        if product.out == (labels[0], others[1 - across]) and array.order == order:
            rows, leader = values if across == 0 else View(values, (1, 0)), Leader(weights)
            return CentredColumns(rows, weights, leader, Leads(weights, leader))
    return None


def variance(square: Node, mean_square: Node) -> Node | None:
    """sum_c(p[b,c]*x[c,m]^2) - sum_c(p[b,c]*x[c,m])^2, for a softmax p over c."""
    mean = _squared(mean_square)
    if not (isinstance(square, Contract) and isinstance(mean, Contract)):
        return None
    if (square.left_labels, square.right_labels, square.out) != (mean.left_labels, mean.right_labels, mean.out):
        return None
    weights, values, below = mean.left, mean.right, square.left == mean.left
    labels, others = mean.left_labels, mean.right_labels
    if not is_softmax(weights):
        weights, values, labels, others, below = values, weights, others, labels, square.right == mean.right
    powered = square.right if weights is mean.left else square.left
    if not (below and is_softmax(weights) and _squared(powered) == values and len(labels) == len(others) == 2):
        return None
    classes = labels[1]
    if classes not in others or mean.out != (labels[0], *(label for label in others if label != classes)):
        return None
    rows = values if others[0] == classes else View(values, (1, 0))
    return Variance(rows, weights, Top(weights))


def _squared(array: Node) -> Node | None:
    """x where the array is x^2."""
    square = isinstance(array, Map) and array.op == "pow" and isinstance(array.args[1], Number) and array.args[1].value == 2
    return array.args[0] if square and isinstance(array, Map) else None
