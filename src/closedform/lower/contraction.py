"""Products of several arrays, summed over some indices: which two to multiply first, and as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from opt_einsum.paths import greedy, optimal

from closedform.lower.labelled import ONE, ZERO, Labelled, Layout, align, to_last
from closedform.lower.nodes import AtLabels, Contract, Map, Node, OneHot, is_softmax
from closedform.lower.views import unviewed
from closedform.notation import Dim, Index

Sizes = Mapping[Dim, int]
_SMALL = 8  # operands up to which every order is tried


def product(operands: Sequence[Labelled], over: Sequence[Index], layout: Layout, sizes: Sizes) -> Labelled:
    """sum over indices of the product of the operands, by pairs in the cheapest order at typical ``sizes``."""
    if any(operand.is_zero for operand in operands):
        return ZERO
    scale = ONE
    arrays: list[Labelled] = []
    for operand in operands:
        if operand.node.is_plain:
            scale = layout.apply("mul", scale, operand)
        else:
            arrays.append(operand)
    arrays = _merged_by_rules(arrays, layout)
    arrays, bound = _take_at_labels(arrays, list(over), layout)
    if not arrays:
        return layout.sum(scale, bound)
    arrays = [layout.sum(array, _only_in(array, arrays, bound)) for array in arrays]
    return _multiply(_mean_apart(arrays, bound, layout, sizes), bound, scale, layout, sizes)


def _only_in(array: Labelled, arrays: Sequence[Labelled], bound: Sequence[Index]) -> list[Index]:
    others = [other for other in arrays if other is not array]
    return [index for index in bound if index in array.axes and not any(index in other.axes for other in others)]


def _merged_by_rules(arrays: list[Labelled], layout: Layout) -> list[Labelled]:
    """Pairs whose product is something that is known, such as exp(u) and 1/sum(exp(u)), replaced by it."""
    for i, first in enumerate(arrays):
        for j in range(i + 1, len(arrays)):
            found = layout.apply("mul", first, arrays[j])
            inner, _ = unviewed(found.node)
            if not (isinstance(inner, Map) and inner.op in ("mul", "div", "neg")):
                return _merged_by_rules([*arrays[:i], *arrays[i + 1 : j], *arrays[j + 1 :], found], layout)
    return arrays


def _take_at_labels(arrays: list[Labelled], bound: list[Index], layout: Layout) -> tuple[list[Labelled], list[Index]]:
    """sum_k(y[b,k]*f[b,k]) is f at the label where y are class indices."""
    for labels in arrays:
        if not (isinstance(labels.node, OneHot) and labels.axes[-1] in bound):
            continue
        index = labels.axes[-1]
        carrying = [array for array in arrays if array is not labels and index in array.axes]
        if not carrying or any(not set(array.axes) <= set(labels.axes) for array in carrying):
            continue
        if any(isinstance(array.node, OneHot) for array in carrying):
            continue
        picked = carrying[0]
        for array in carrying[1:]:
            picked = layout.apply("mul", picked, array)
        node: Node = AtLabels(align(to_last(picked, index), labels.axes), labels.node.labels)
        rest = [array for array in arrays if array is not labels and array not in carrying]
        found = Labelled(node, labels.axes[:-1])
        return _take_at_labels([*rest, found], [other for other in bound if other != index], layout)
    return arrays, bound


def _mean_apart(arrays: list[Labelled], bound: Sequence[Index], layout: Layout, sizes: Sizes) -> list[Labelled]:
    """sum_jm(p[b,j]*V[m,j]*e[b,m]) for a softmax p as a mean of sum_m(V[m,j]*e[b,m]): that array is at hand wherever the mean is taken off.

    It costs what any other order does, and the difference is then measured from near the mean.
    """
    for weights in arrays:
        if not (is_softmax(weights.node) and weights.axes[-1] in bound):
            continue
        others = [array for array in arrays if array is not weights]
        inside = [index for index in bound if index not in weights.axes]
        averaged = [array for array in others if weights.axes[-1] in array.axes]
        left = {index for array in others for index in array.axes} - set(inside)
        if len(others) > 1 and averaged and all(set(inside) & set(array.axes) for array in averaged) and left <= set(weights.axes):
            return [weights, _multiply(others, inside, ONE, layout, sizes)]
    return arrays


def _multiply(arrays: list[Labelled], bound: Sequence[Index], scale: Labelled, layout: Layout, sizes: Sizes) -> Labelled:
    kept = frozenset(layout.union(array.axes for array in arrays)) - frozenset(bound)
    remaining = list(arrays)
    for first, second in _path(remaining, kept, layout, sizes):
        right, left = remaining.pop(max(first, second)), remaining.pop(min(first, second))
        needed = kept.union(*(array.axes for array in remaining))
        remaining.append(_pair(left, right, needed, layout, last=not remaining))
    found = layout.sum(remaining[0], [index for index in remaining[0].axes if index in bound])
    if scale == ONE:
        return found
    square = isinstance(found.node, Contract) and found.node.left == found.node.right
    scaled = arrays if square else _scale_smallest(arrays, kept, scale, layout, sizes)
    # X'X is symmetric to the last bit and half the work: it stays as it is, and is scaled afterwards.
    return layout.apply("mul", scale, found) if scaled == arrays else _multiply(scaled, bound, ONE, layout, sizes)


def _size(axes: Sequence[Index] | frozenset[Index], sizes: Sizes) -> int:
    return prod(sizes[index.dim] for index in axes)


def _scale_smallest(arrays: list[Labelled], kept: frozenset[Index], scale: Labelled, layout: Layout, sizes: Sizes) -> list[Labelled]:
    """Put a factor on an operand where that is much less work than on the result."""
    smallest = min(range(len(arrays)), key=lambda at: _size(arrays[at].axes, sizes))
    if 8 * _size(arrays[smallest].axes, sizes) >= _size(kept, sizes):
        return arrays
    scaled = layout.apply("mul", scale, arrays[smallest])
    return [*arrays[:smallest], scaled, *arrays[smallest + 1 :]]


def _path(arrays: Sequence[Labelled], kept: frozenset[Index], layout: Layout, sizes: Sizes) -> list[tuple[int, int]]:
    if len(arrays) < 2:
        return []
    names = {index: position for position, index in enumerate(layout.union(array.axes for array in arrays))}
    inputs = [frozenset(str(names[index]) for index in array.axes) for array in arrays]
    output = frozenset(str(names[index]) for index in kept)
    by_name = {str(position): sizes[index.dim] for index, position in names.items()}
    search = optimal if len(arrays) <= _SMALL else greedy
    return [tuple(pair) for pair in search(inputs, output, by_name)]


def _pair(left: Labelled, right: Labelled, needed: frozenset[Index], layout: Layout, *, last: bool) -> Labelled:
    shared = [index for index in left.axes if index in right.axes]
    gone = [index for index in shared if index not in needed]
    only_left = [index for index in left.axes if index not in shared]
    only_right = [index for index in right.axes if index not in shared]
    if not gone or not (only_left or only_right):
        return layout.sum(layout.apply("mul", left, right), gone)
    result = last and set(layout.indices) == {*left.axes, *right.axes} - set(gone)
    place = {index: (at,) for at, index in enumerate(layout.indices)} if result else {}
    out = tuple(sorted({*left.axes, *right.axes} - set(gone), key=lambda index: (*place.get(index, (len(place),)), *layout.key(index))))
    if only_right and (not only_left or out.index(only_right[-1]) < out.index(only_left[-1])):
        left, right = right, left
    names = {index: position for position, index in enumerate((*out, *gone))}
    node = Contract(
        left.node,
        right.node,
        tuple(names[index] for index in left.axes),
        tuple(names[index] for index in right.axes),
        tuple(range(len(out))),
    )
    return Labelled(node, out)
