"""Factors and terms of ``where``: what can stand outside does, equal conditions are one ``where``."""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, Indexed, KroneckerDelta, S

from closedform.derive.algebra import free, powers, product_of, terms, transform
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.derive.rules.distribute import expanded
from closedform.notation import where


def simplify_branches(expression: Expr, facts: Facts) -> Expr:
    """where(c, f*a, f*b) = f*where(c, a, b); a term with a delta gets a ``where`` of its own and the delta stands before it."""
    return transform(expression, _at_node) if expression.has(where) else expression


def _at_node(node: Any) -> Any:
    if isinstance(node, where):
        return _outside(*node.args)
    if isinstance(node, Add) and not node.has(KroneckerDelta):
        return joined(node)
    return node


def _outside(condition: Expr, yes: Expr, no: Expr) -> Expr:
    if yes == no:
        return yes
    common = _common(condition, yes, no)
    if common:
        return product_of(common) * _outside(condition, _without(yes, common), _without(no, common))
    if yes.has(KroneckerDelta) or no.has(KroneckerDelta):
        return _deltas_apart(condition, expanded(yes), expanded(no))
    return where(condition, yes, no)


def _common(condition: Expr, yes: Expr, no: Expr) -> dict[Expr, Expr]:
    """What both branches have; beside a branch that is 0, deltas and entries with an index that the condition lacks."""
    if yes != 0 and no != 0:
        theirs = powers(no)[1]
        return {base: power for base, power in powers(yes)[1].items() if theirs.get(base) == power}
    own = powers(no if yes == 0 else yes)[1]
    apart = {base: power for base, power in own.items() if isinstance(base, KroneckerDelta) or _foreign(base, condition)}
    number = (no if yes == 0 else yes).as_coeff_Mul()[0]
    return apart if number == 1 else {number: S.One, **apart}


def _without(branch: Expr, common: dict[Expr, Expr]) -> Expr:
    return branch / product_of(common)


def _foreign(base: Expr, condition: Expr) -> bool:
    return isinstance(base, Indexed) and not free(base) <= free(condition)


def _deltas_apart(condition: Expr, yes: Expr, no: Expr) -> Expr:
    apart: list[Expr] = []
    kept: list[list[Expr]] = [[], []]
    for side, branch in enumerate((yes, no)):
        for term in terms(branch):
            if any(isinstance(base, KroneckerDelta) for base in powers(term)[1]):
                apart.append(_outside(condition, *((term, S.Zero) if side == 0 else (S.Zero, term))))
            else:
                kept[side].append(term)
    left = (Add(*kept[0]), Add(*kept[1]))
    if not apart:  # what deltas there are stand inside sums
        return where(condition, *left)
    return Add(*apart, _outside(condition, *left) if left[0] != left[1] else left[0])


def joined(expression: Expr) -> Expr:
    """where(c, a, 0) + where(c, 0, b) = where(c, a, b)."""
    choices: dict[Expr, tuple[Expr, Expr]] = {}
    others: list[Expr] = []
    for term in terms(expression):
        number, rest = term.as_coeff_Mul()
        if isinstance(rest, where):
            condition, yes, no = rest.args
            before = choices.get(condition, (S.Zero, S.Zero))
            choices[condition] = (before[0] + number * yes, before[1] + number * no)
        else:
            others.append(term)
    if len(choices) + len(others) == len(terms(expression)):
        return expression
    return Add(*others, *[yes if yes == no else where(condition, yes, no) for condition, (yes, no) in choices.items()])


RULE = Rule("simplify branches", "What both branches share, and every delta, can stand outside.", simplify_branches)
