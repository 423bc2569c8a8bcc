"""What a rewrite rule is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr

from closedform.derive.facts import Facts


@dataclass(frozen=True)
class Rule:
    """One rewrite: its name, the sentence that tells a student why it holds, and what it does to an expression."""

    name: str
    reason: str
    apply: Callable[[Expr, Facts], Expr]
