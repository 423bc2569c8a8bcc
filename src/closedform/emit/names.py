"""Names in generated code: checked identifiers, none twice, none that Python needs."""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from itertools import chain, count

from closedform.lower.nodes import (
    AtLabels,
    Centred,
    CentredColumns,
    Complement,
    Contract,
    Input,
    Labels,
    Leader,
    Leads,
    LogLikelihood,
    Map,
    MinusLabels,
    Node,
    Reduce,
    Residual,
    Row,
    TimesComplement,
    Top,
    Variance,
    View,
)


class Names:
    """Hands out names that are free."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {*taken, *keyword.kwlist}

    def fresh(self, wanted: str) -> str:
        """``wanted`` if it is free, else a name like it."""
        if not wanted.isidentifier():
            raise ValueError(f"{wanted!r} cannot be a name in code")
        candidates = chain([wanted], (f"{wanted}_{n}" for n in count(1)))
        found = next(name for name in candidates if name not in self._taken)
        self._taken.add(found)
        return found


def describe(node: Node, known: dict[Node, str]) -> str:
    """A name for an intermediate that no let defines."""
    if isinstance(node, View):
        return describe(node.arg, known)
    if isinstance(node, Contract):
        left, right = (_short(part, known) for part in (node.left, node.right))
        return left + right if left and right else "product"
    hints: dict[type[Node], str] = {
        Centred: "centred",
        CentredColumns: "centred",
        Complement: "others",
        TimesComplement: "variance",
        Leads: "leads",
        Leader: "leader",
        Top: "top",
        Variance: "variance",
        Residual: "residual",
        MinusLabels: "residual",
        AtLabels: "at_label",
        LogLikelihood: "log_likelihood",
        Reduce: "total",
    }
    if isinstance(node, Map) and node.op == "mul":
        names = [_short(part, known) for part in node.args]
        return "".join(names) if all(names) else "part"
    if isinstance(node, Row):
        return node.op.removesuffix("_apart")
    return hints.get(type(node), "part")


def _short(node: Node, known: dict[Node, str]) -> str:
    if isinstance(node, View):
        return _short(node.arg, known)
    if isinstance(node, Input | Labels) or node in known:
        name = known.get(node, getattr(node, "name", ""))
        return name if len(name) <= 2 else ""
    return ""
