"""Cancel quotients: the scalar algebra is SymPy's, on entries, sums and functions as atoms."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Add, Dummy, Expr, Mul, Pow, Symbol

from closedform.derive.algebra import base_and_exponent, factors, is_leaf, transform
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule


def cancel_signs(expression: Expr, facts: Facts) -> Expr:
    """(1 - p)/(p - 1) = -1: sums that differ by a number are written alike within a product."""
    return transform(expression, lambda node: _alike(node) if isinstance(node, Mul) else node)


def _alike(node: Mul) -> Any:
    parts = factors(node)
    sums = [base_and_exponent(part)[0] for part in parts if base_and_exponent(part)[0].is_Add]
    if len(sums) < 2:
        return node
    seen: dict[Expr, Expr] = {}
    changed: list[Expr] = []
    for part in parts:
        base, exponent = base_and_exponent(part)
        if not base.is_Add or not exponent.is_Integer:
            changed.append(part)
            continue
        content, primitive = base.primitive()
        if primitive not in seen and Add(*[-term for term in primitive.args]) in seen:
            content, primitive = -content, Add(*[-term for term in primitive.args])
        seen[primitive] = primitive
        changed.append(Pow(content, exponent) * Pow(primitive, exponent) if content != 1 else Pow(base, exponent))
    return Mul(*changed)


def cancel(expression: Expr) -> Expr:
    """SymPy's ``cancel`` with everything that is not arithmetic as an atom."""
    atoms: dict[Expr, Symbol] = {}
    return sympy.cancel(abstracted(expression, atoms)).xreplace({symbol: atom for atom, symbol in atoms.items()})


def abstracted(expression: Expr, atoms: dict[Expr, Symbol], *, below: bool = False) -> Expr:
    """The expression with a symbol for each part that is not arithmetic; ``atoms`` collects them.

    With ``below`` a reciprocal is an atom of its own, so that quotients are polynomials too.
    """
    if expression.is_Number:
        return expression
    if isinstance(expression, Add | Mul):
        return expression.func(*[abstracted(part, atoms, below=below) for part in expression.args])
    if isinstance(expression, Pow) and expression.exp.is_Integer:
        if below and expression.exp.is_negative:
            return Pow(_atom(1 / expression.base, atoms), -expression.exp)
        return Pow(abstracted(expression.base, atoms, below=below), expression.exp)
    return _atom(expression, atoms)


def _atom(expression: Expr, atoms: dict[Expr, Symbol]) -> Symbol:
    if expression not in atoms:
        atoms[expression] = Dummy(f"a{len(atoms)}")
    return atoms[expression]


def has_sum_below(expression: Expr) -> bool:
    """Whether a denominator is a sum of terms, so that common denominators may help."""
    if is_leaf(expression):
        return False
    if isinstance(expression, Pow) and expression.base.is_Add and expression.exp.is_negative:
        return True
    return any(has_sum_below(argument) for argument in expression.args if isinstance(argument, Expr))


RULE = Rule("cancel", "Factors that stand above and below the line cancel.", cancel_signs)
