"""Use the names that the person gave: sqrt(sum_k u[k]^2) is a, tanh(..) is t[n]."""

from __future__ import annotations

from sympy import Expr, Mul, Pow

from closedform.derive.algebra import factors, substitute
from closedform.derive.facts import Facts, Solved
from closedform.derive.matching import replace
from closedform.derive.rules.base import Rule


def fold_lets(expression: Expr, facts: Facts) -> Expr:
    """Replace whole definitions by their names."""
    for relation in facts.relations:
        if relation.certain:
            expression = apply_relation(expression, relation)
    return expression


def apply_relation(expression: Expr, relation: Solved) -> Expr:
    """Replace every instance of the relation's part, under any power of it."""
    wanted = type(relation.pattern.expression)

    def change(node: Expr) -> Expr | None:
        base, exponent = (node.base, node.exp) if isinstance(node, Pow) and not isinstance(node, wanted) else (node, None)
        if not isinstance(base, wanted):
            return None
        found = relation.pattern.match(base)
        if found is None:
            return None
        value = substitute(relation.value, found)
        return value if exponent is None else _power(value, exponent)

    return replace(expression, change)


def _power(value: Expr, exponent: Expr) -> Expr:
    """(D*a^2)^(3/2) = D^(3/2)*a^3: a root that a let names is not negative, nor is a size."""
    outside = [part for part in factors(value) if part.is_positive]
    inside = Mul(*[part for part in factors(value) if not part.is_positive])
    root = Pow(inside.base, inside.exp * exponent) if isinstance(inside, Pow) else Pow(inside, exponent)
    return Mul(*[Pow(part, exponent) for part in outside], root)


RULE = Rule("use the names", "A definition that appears is written by the name it was given.", fold_lets)
