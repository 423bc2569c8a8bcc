"""Bring an expression into closed form: rules to a fixpoint, and the best of several attempts.

First the rules that never lengthen an expression without need; then with sums split into independent parts, and
multiplied out, so that terms cancel across factors. All are collected again; then the person's own names are tried in place of what they
stand for. Of all that was reached, the easiest to read is the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sympy import Expr

from closedform.derive.algebra import nodes
from closedform.derive.canonical import canonical
from closedform.derive.cost import cost
from closedform.derive.facts import Facts, Solved
from closedform.derive.rules import CERTAIN, COLLECT, EXPAND, SPLIT, Rule
from closedform.derive.rules.fold_lets import RULE as FOLD_LETS
from closedform.derive.rules.fold_lets import apply_relation
from closedform.derive.rules.quotients import RULE as CANCEL
from closedform.derive.rules.quotients import cancel, has_sum_below
from closedform.errors import DerivationError

MOST_ROUNDS = 400
MOST_NAMES = 12


@dataclass(frozen=True)
class Change:
    """An expression after a rule was used."""

    rule: str
    reason: str
    expression: Expr


@dataclass(frozen=True)
class Path:
    """An expression, and how it was reached."""

    expression: Expr
    changes: tuple[Change, ...] = field(default=(), compare=False)

    def then(self, rule: Rule, expression: Expr) -> Path:
        """One step on; two uses of one rule in a row are one step."""
        if expression == self.expression:
            return self
        before = self.changes
        if before and before[-1].rule == rule.name:
            before = before[:-1]
        return Path(expression, (*before, Change(rule.name, rule.reason, expression)))


def simplify(start: Path, facts: Facts) -> Path:
    """The closed form of an expression without derivatives, with the steps that lead there."""
    direct = normalize(Path(canonical(start.expression), start.changes), facts)
    split = normalize(direct, facts, SPLIT)
    spread = _spread(split, facts)
    attempts = {path.expression: path for path in (spread, split, direct)}
    best = _best([_collected(path, facts) for path in reversed(attempts.values())])
    for _ in range(MOST_NAMES):
        better = _best([best, *_with_names(best, spread, facts)])
        if better is best:
            break
        best, spread = better, _spread(better, facts)
    return best


def normalize(path: Path, facts: Facts, rules: tuple[Rule, ...] = CERTAIN) -> Path:
    """Use the rules until none applies."""
    for _ in range(MOST_ROUNDS):
        for rule in rules:
            after = canonical(rule.apply(path.expression, facts))
            if after != path.expression:
                path = path.then(rule, after)
                break
        else:
            return path
    raise DerivationError(f"no fixpoint after {MOST_ROUNDS} rewrites; the expression keeps changing at {path.expression}")


def _spread(path: Path, facts: Facts) -> Path:
    """Multiplied out and normalized, as often as that changes something."""
    for _ in range(MOST_NAMES):
        after = normalize(path.then(EXPAND, canonical(EXPAND.apply(path.expression, facts))), facts, SPLIT)
        if after.expression == path.expression:
            return after
        path = after
    return path


def _collected(path: Path, facts: Facts) -> Path:
    collected = path.then(COLLECT, COLLECT.apply(path.expression, facts))
    if has_sum_below(collected.expression):
        cancelled = canonical(cancel(collected.expression))
        again = path.then(CANCEL, cancelled).then(COLLECT, COLLECT.apply(cancelled, facts))
        return _best([collected, again])
    return collected


def _with_names(best: Path, spread: Path, facts: Facts) -> Iterable[Path]:
    for relation in facts.relations:
        for path in (best, spread):
            if not _may_apply(path.expression, relation):
                continue
            named = canonical(apply_relation(path.expression, relation))
            if named == path.expression:
                continue
            through = path.then(FOLD_LETS, named)
            yield _collected(normalize(through, facts), facts)
            yield _collected(_spread(through, facts), facts)


def _may_apply(expression: Expr, relation: Solved) -> bool:
    kind = type(relation.pattern.expression)
    return any(isinstance(node, kind) for node in nodes(expression))


def _best(paths: Iterable[Path]) -> Path:
    """The easiest to read; the first of equals."""
    best: Path | None = None
    for path in paths:
        if best is None or cost(path.expression) < cost(best.expression):
            best = path
    assert best is not None
    return best
