"""One-hot rows that are stated as labels: y[b,c] in {0, 1} whose sum over c is 1."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Indexed, S

from closedform.certify.real_points import is_entry
from closedform.notation import Constraint, Given, Membership, NamedTensor, OneHot, Relation, Setting, summation


def with_one_hot_rows(setting: Setting) -> Setting:
    """The same setting, such rows said to be one-hot."""
    given = tuple(map(_stated, setting.given))
    return setting if given == setting.given else Setting(given, setting.lets)


def _stated(given: Given) -> Given:
    if not isinstance(given.symbol, NamedTensor) or not given.dims:
        return given
    members = [c for c in given.where if isinstance(c, Membership) and set(c.values) == {S.Zero, S.One} and _is_any_entry(c.entry, given)]
    sums = [c for c in given.where if _sums_to_one(c, given)]
    if not members or not sums:
        return given
    others = tuple(c for c in given.where if c not in (*members, *sums))
    return replace(given, where=(OneHot(given.symbol), *others))


def _is_any_entry(entry: Expr, given: Given) -> bool:
    return isinstance(entry, Indexed) and is_entry(entry, given) and len(set(entry.indices)) == len(entry.indices)


def _sums_to_one(constraint: Constraint, given: Given) -> bool:
    """Whether it says so of every row, along the last axis."""
    if not isinstance(constraint, Relation) or constraint.op != "=" or S.One not in (constraint.lhs, constraint.rhs):
        return False
    side = constraint.lhs if constraint.rhs == S.One else constraint.rhs
    return any(_is_any_entry(entry, given) and side == summation(entry, entry.indices[-1]) for entry in side.atoms(Indexed))
