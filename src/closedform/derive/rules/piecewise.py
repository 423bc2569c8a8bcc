"""Products of piecewise functions. Values at kinks are outside every claim."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Mul, Pow, S

from closedform.derive.algebra import base_and_exponent, powers, product_of, transform
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.notation import Abs, less, less_equal, relu, sign, step, where

KINDS = (where, step, sign, relu, Abs, less, less_equal)


def simplify_pieces(expression: Expr, facts: Facts) -> Expr:
    """step(u)^2 = step(u), relu(u)*step(u) = relu(u), sign(u)^2 = 1, u*sign(u) = |u|, where(c, a, 0)*where(c, b, 0) = where(c, a*b, 0)."""
    return transform(expression, _at_node) if expression.has(*KINDS) else expression


def _at_node(node: Any) -> Any:
    if isinstance(node, Pow):
        return _power(node)
    if isinstance(node, Mul):
        return _product(node)
    return node


def _power(node: Pow) -> Expr:
    if not (node.exp.is_Integer and node.exp > 1):
        return node
    if isinstance(node.base, step | less | less_equal):
        return node.base
    if isinstance(node.base, sign):
        return S.One if node.exp % 2 == 0 else node.base
    return node


def _product(node: Mul) -> Expr:
    coefficient, exponents = powers(node)
    for base in list(exponents):
        if isinstance(base, step) and exponents.get(base, 0) != 0 and exponents.get(relu(*base.args), 0) != 0:
            del exponents[base]
        elif isinstance(base, sign) and exponents.get(Abs(*base.args)) == 1:
            del exponents[base], exponents[Abs(*base.args)]
            exponents[base.args[0]] = exponents.get(base.args[0], S.Zero) + 1
        elif isinstance(base, sign) and exponents[base] == 1 and exponents.get(base.args[0]) == 1:
            del exponents[base], exponents[base.args[0]]
            exponents[Abs(base.args[0])] = S.One
    return _with_choices_joined(coefficient * product_of(exponents))


def _with_choices_joined(node: Expr) -> Expr:
    """where(c, a, 0)*where(c, b, 0) = where(c, a*b, 0), and powers."""
    choices: dict[Expr, tuple[Expr, Expr]] = {}
    others: list[Expr] = []
    for part in Mul.make_args(node):
        base, exponent = base_and_exponent(part)
        if isinstance(base, where) and exponent.is_Integer and exponent > 0:
            condition, yes, no = base.args
            before = choices.get(condition, (S.One, S.One))
            choices[condition] = (before[0] * yes**exponent, before[1] * no**exponent)
        else:
            others.append(part)
    return Mul(*others, *[where(condition, *branches) for condition, branches in choices.items()]) if choices else node


RULE = Rule("simplify steps", "Away from the kinks, products of steps and signs are again steps and signs.", simplify_pieces)
