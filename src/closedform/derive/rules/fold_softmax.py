"""Fold exp(u[i])/sum_k exp(u[k]) to the softmax that the setting names p[i]."""

from __future__ import annotations

from functools import partial
from typing import Any

from sympy import Expr, Mul, Pow, Sum, exp

from closedform.derive.algebra import base_and_exponent, factors, free, rename_bound, substitute, sum_parts, transform
from closedform.derive.canonical import canonical
from closedform.derive.facts import Facts, Softmax, Solved
from closedform.derive.matching import Pattern
from closedform.derive.rules.base import Rule
from closedform.derive.rules.fold_lets import apply_relation
from closedform.notation import Index, log, summation


def fold_softmax(expression: Expr, facts: Facts) -> Expr:
    """Replace each exponential that stands over its own partition sum."""
    if not facts.softmaxes or not expression.has(exp):
        return expression
    for role in facts.softmaxes:
        expression = transform(expression, partial(_at_node, role))
    return expression


def _at_node(role: Softmax, node: Any) -> Any:
    return _fold(node, role) if isinstance(node, Mul) else node


def _fold(node: Mul, role: Softmax) -> Expr:
    for part in factors(node):
        base, exponent = base_and_exponent(part)
        if not (isinstance(base, Sum) and exponent.is_Integer and exponent < 0):
            continue
        rows = tuple(index for index in role.let.indices if index != role.index)
        found = Pattern(role.partition, rows).match(base)
        if found is None:
            continue
        rest = [other for other in factors(node) if other is not part]
        for position, other in enumerate(rest):
            folded = _without_exponential(other, role, found)
            if folded is not None:
                result = Mul(*rest[:position], folded, *rest[position + 1 :], Pow(base, exponent + 1))
                return _fold(result, role) if isinstance(result, Mul) else result
    return node


def _without_exponential(factor: Expr, role: Softmax, rows: dict[Index, Index]) -> Expr | None:
    """factor / partition with the exponential folded, or None where there is no such exponential."""
    if isinstance(factor, exp):
        return _folded_exponential(factor, role, rows)
    if isinstance(factor, Sum):
        body, bound = sum_parts(factor)
        body, bound = rename_bound(body, bound, set(rows.values()))
        parts = factors(body)
        for position, part in enumerate(parts):
            folded = _without_exponential(part, role, rows)
            if folded is not None:
                return summation(Mul(*parts[:position], folded, *parts[position + 1 :]), *bound)
    return None


def _folded_exponential(factor: Any, role: Softmax, rows: dict[Index, Index]) -> Expr | None:
    """exp(u[i] + rest) = p[i] * partition * exp(rest)."""
    argument = factor.args[0]
    length = len(argument.as_ordered_terms())
    for index in sorted(free(argument), key=lambda index: index.name):
        if index.dim != role.index.dim:
            continue
        at = {**rows, role.index: index}
        rest = canonical(argument) - canonical(substitute(role.argument, at))
        if rest == 0 or len(rest.as_ordered_terms()) < length:
            return substitute(role.let.head / role.weight, at) * exp(rest)
    return None


RULE = Rule("fold softmax", "An exponential over the sum of its kind is the softmax that already has a name.", fold_softmax)


def fold_log_softmax(expression: Expr, facts: Facts) -> Expr:
    """exp(s[i]) with s[i] = u[i] - log sum_k exp(u[k]) is softmax(u)[i]."""
    for role in (role for role in facts.softmaxes if role.weight == 1):
        for let in facts.setting.lets:
            wanted = canonical(role.argument - log(role.partition))
            renamed = _same_axes(let.indices, role.let.indices)
            if renamed is None or canonical(substitute(_without_names(let.body, facts), renamed)) != wanted:
                continue
            pattern = Pattern(let.head, let.indices)

            def change(node: Any, pattern: Pattern = pattern, role: Softmax = role) -> Any:
                found = pattern.match(node.args[0]) if isinstance(node, exp) else None
                if found is None:
                    return node
                at = dict(zip(role.let.indices, found.values(), strict=True))
                return substitute(role.let.head, at)

            expression = transform(expression, change)
    return expression


def _without_names(body: Expr, facts: Facts) -> Expr:
    """A definition with the logsumexps that it names written out."""
    for let in facts.setting.lets:
        if isinstance(let.body, log):
            body = apply_relation(body, Solved(let, Pattern(let.head, let.indices), let.body, certain=True))
    return body


def _same_axes(mine: tuple[Index, ...], other: tuple[Index, ...]) -> dict[Index, Index] | None:
    if tuple(index.dim for index in mine) != tuple(index.dim for index in other):
        return None
    return dict(zip(mine, other, strict=True))


LOG_RULE = Rule("fold softmax", "The exponential of a log-softmax is the softmax itself.", fold_log_softmax)
