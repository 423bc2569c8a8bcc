"""Whether a program needs a direction itself, or only how far it is from its mean under a softmax, which cancels nowhere."""

from __future__ import annotations

from closedform.lower.nodes import Centred, CentredColumns, Input, JacobianProduct, Node, is_softmax
from closedform.lower.traversal import walk

MEASURED = (Centred, CentredColumns, JacobianProduct)


def is_measured(root: Node, name: str) -> bool:
    """Whether every use of the input ``name`` is less its mean; so it is, too, where there is no softmax.

    >>> from closedform.lower.nodes import Leader, Leads, Map, Row
    >>> from closedform.notation import Dim
    >>> z, v = Input("z", (Dim("C"),)), Input("v", (Dim("C"),))
    >>> p = Row("softmax", z)
    >>> less_mean = Centred(v, p, Leader(p), Leads(p, Leader(p)))
    >>> is_measured(Map("mul", (p, less_mean)), "v"), is_measured(Map("mul", (p, v)), "v")
    (True, False)
    """
    if not any(is_softmax(node) for node in walk(root)):
        return True
    pending, seen = [root], set()
    while pending:
        node = pending.pop()
        if isinstance(node, Input) and node.name == name:
            return False
        if node not in seen:
            seen.add(node)
            pending += [part for part in node.parts if not (isinstance(node, MEASURED) and part == node.arg)]
    return True
