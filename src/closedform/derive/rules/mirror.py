"""One sigmoid where two mirror each other: sigmoid(-u) = 1 - sigmoid(u)."""

from __future__ import annotations

from typing import Any

from sympy import Expr, S

from closedform.derive.algebra import transform
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.notation import sigmoid


def join_mirrored(expression: Expr, facts: Facts) -> Expr:
    """Where sigmoid(u) and sigmoid(-u) both stand, write the latter by the former; which of them is, SymPy's order of signs says."""
    arguments = {node.args[0] for node in expression.atoms(sigmoid)}
    mirrored = {argument for argument in arguments if -argument in arguments and argument.could_extract_minus_sign()}

    def change(node: Any) -> Any:
        return S.One - sigmoid(-node.args[0]) if isinstance(node, sigmoid) and node.args[0] in mirrored else node

    return transform(expression, change) if mirrored else expression


RULE = Rule("join mirrored sigmoids", "sigmoid(-u) is 1 - sigmoid(u), so that one of the two is enough.", join_mirrored)
