"""Blocks that sum to zero, as those of a second derivative through a softmax do: recognised by what they are products of.

The equation is ``rows`` of :mod:`closedform.lower.identities`: sum_k p_c (delta(c,k) - p_k) = 0. So the block c, c is minus the sum
of its neighbours, and needs neither 1 - p nor a product of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count

from sympy import Expr, S

from closedform.lower.nodes import Complement, Contract, Laplacian, Map, Node, Number, View, is_softmax
from closedform.notation import Dim

Label = str | None  # None: an axis of length one
Factor = tuple[Node, tuple[Label, ...]]


def laplacian(off: Node, on: Node) -> Laplacian | None:
    """The array with entries off[c,m,k,n], but on[m,n,c] where k = c, if those are minus the sum of the others over k.

    That is, if they are sums of products, with one softmax p and all else, r, in common:

        off = -sum_b( r*p[b,k] )    and    on = sum_b( r*(1 - p[b,c]) )
    """
    if len(off.dims) != 4 or not any(isinstance(part, Contract) for part in (off, *off.parts)):  # 1 - p is cheaper than a sum
        return None
    scale, others = _factors(off, ("c", "m", "k", "n"))
    scale_on, own = _factors(on, ("m", "n", "c"))
    for node, labels in own:
        if isinstance(node, Complement) and is_softmax(node.arg) and labels[-1] == "c":
            neighbours = own - Counter({(node, labels): 1}) + Counter({(node.arg, (*labels[:-1], "k")): 1})
            if neighbours == others and scale_on == -scale:
                return Laplacian(off)
    return None


def _factors(node: Node, axes: Sequence[Label]) -> tuple[Expr, Counter[Factor]]:
    """An array with these labels along its axes, as a number times a product of arrays, summed over all labels that are not its own."""
    fresh = (f"sum {number}" for number in count())
    scale, found = S.One, Counter[Factor]()
    queue: list[Factor] = [(node, tuple(axes))]
    while queue:
        current, labels = queue.pop(0)
        if isinstance(current, Number):
            scale *= current.value
        elif isinstance(current, Map) and current.op in ("mul", "neg"):
            scale *= -1 if current.op == "neg" else 1
            queue.extend((arg, _with_ones(labels, arg.dims)) for arg in current.args)
        elif isinstance(current, View):
            at = {axis: label for axis, label in zip(current.order, labels, strict=True) if axis is not None}
            queue.append((current.arg, tuple(at[axis] for axis in range(len(at)))))
        elif isinstance(current, Contract):
            known = dict(zip(current.out, labels, strict=True))
            sides = ((current.left, current.left_labels), (current.right, current.right_labels))
            known |= {label: next(fresh) for label in dict.fromkeys((*current.left_labels, *current.right_labels)) if label not in known}
            queue.extend((side, tuple(known[label] for label in its)) for side, its in sides)
        else:
            found[current, labels] += 1
    return scale, found


def _with_ones(labels: tuple[Label, ...], dims: tuple[Dim | None, ...]) -> tuple[Label, ...]:
    return tuple(label if dim is not None else None for label, dim in zip(labels, dims, strict=False))
