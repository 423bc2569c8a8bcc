"""Branches that no point of a claim reaches are dropped before it is judged.

With n = sum_b m[b] the number of ones in a mask, and a definition that divides by n, there are no points with n = 0, so

    where(n > 0, a, 0) = a,    max(n, 1) = n

at every point of the claim and at every size. Such a claim is judged without its comparisons (docs/kernel.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from sympy import Abs, Expr, Indexed, Integer, Pow, Sum, nan, sign, zoo

from closedform.certify.decide import PIECEWISE, is_piecewise
from closedform.certify.draw import UnsupportedConstraintError, draw_point
from closedform.certify.evaluate import Interpreter
from closedform.certify.existence import PossibleSides
from closedform.certify.needed import never_zero
from closedform.certify.orders import derivative_order
from closedform.certify.real_points import NoPointError, structures
from closedform.certify.rings.base import TooLargeError
from closedform.certify.rings.chains import SMOOTH
from closedform.certify.rings.tower import Tower
from closedform.certify.settle import UnluckyChainsError
from closedform.notation import (
    Claim,
    Dim,
    Membership,
    OneHot,
    Partial,
    Relation,
    Setting,
    free_indices,
    head_name,
    less,
    less_equal,
    maximum,
    minimum,
    relu,
    step,
    summation,
    where,
)

DRAWS = 8
AT_LEAST_TWO = 2  # the size of every dimension: at size 1 an axis cannot be told from none

SidesOf = Callable[[Expr], frozenset[int]]


def without_idle_branches(setting: Setting, claim: Claim, seed: int) -> tuple[Setting, Claim] | None:
    """The setting and the claim with every comparison settled that has one outcome; None if there is none, or if that is not known.

    Both sides are what they were at each point of the claim, at every size.
    """
    bodies = (claim.lhs, claim.rhs, *(let.body for let in setting.lets))
    if not is_piecewise(setting, claim) or _differs_by_size(setting, bodies):
        return None
    try:
        settled = _Settled(_sides(setting, claim, seed), ties_matter=_moves_labels(setting, bodies))
    except (UnsupportedConstraintError, UnluckyChainsError, NoPointError, TooLargeError):
        return None
    lhs, rhs, *definitions = plainer = tuple(map(settled, bodies))
    if plainer == bodies or free_indices(lhs) != free_indices(claim.lhs) or any(body.has(zoo, nan) for body in plainer):
        return None  # 1/max(n, 0) with n <= 0 exists nowhere
    lets = tuple(replace(let, body=body) for let, body in zip(setting.lets, definitions, strict=True))
    return Setting(setting.given, lets).about(lhs, rhs), replace(claim, lhs=lhs, rhs=rhs)


def _differs_by_size(setting: Setting, bodies: tuple[Expr, ...]) -> bool:
    """Whether what is known of signs at one size may be wrong at another: with x^N, and with bounds such as x > 3 - N."""
    powers = [power.exp for body in bodies for power in body.atoms(Pow) if not power.exp.is_number]
    exponents = any(e.atoms(Dim) for e in (*powers, *(let.body for let in setting.about(*powers).lets)))
    sides = [side.free_symbols for c in setting.constraints if isinstance(c, Relation) for side in (c.lhs, c.rhs)]
    return exponents or any(symbols and all(isinstance(symbol, Dim) for symbol in symbols) for symbols in sides)


def _moves_labels(setting: Setting, bodies: tuple[Expr, ...]) -> bool:
    """Whether something is differentiated by what has labels, or by an intermediate quantity."""
    smooth = {given.name for given in setting.given if not any(isinstance(c, Membership | OneHot) for c in structures(given, setting))}
    return any(head_name(variable) not in smooth for body in bodies for node in body.atoms(Partial) for variable in node.variables)


@np.errstate(all="ignore")
def _sides(setting: Setting, claim: Claim, seed: int) -> SidesOf:
    """On which sides of zero an expression can lie at the points of the claim."""
    sizes = dict.fromkeys(_dims(setting, claim), AT_LEAST_TWO)
    tower = Tower(SMOOTH[:DRAWS], seed)
    order = derivative_order(setting, claim.lhs, claim.rhs)
    values = draw_point(setting, sizes, tower, np.ones(DRAWS), order=order, real=False)
    interpreter = Interpreter(setting, sizes, values, tower)
    axes = claim.free_indices
    difference = tower.subtract(interpreter.entries(claim.lhs, axes), interpreter.entries(claim.rhs, axes))
    possible = PossibleSides(tower, nonzero=never_zero(difference))
    return lambda u: possible.with_zero(interpreter.entries(u, sorted(free_indices(u), key=str)))


def _dims(setting: Setting, claim: Claim) -> set[Dim]:
    sides = (claim.lhs, claim.rhs)
    named = {index.dim for side in sides for index in free_indices(side)}
    return {*setting.dims, *named, *(dim for side in sides for dim in side.atoms(Dim))}


class _Settled:
    """Rewrites an expression.

    Args:
        sides: see :func:`_sides`.
        ties_matter: whether max(a, b) is other than a where a >= b: its derivative by a label may be where a = b.
    """

    def __init__(self, sides: SidesOf, *, ties_matter: bool) -> None:
        self._sides = sides
        self._tie = set() if ties_matter else {0}

    def __call__(self, u: Expr) -> Expr:
        if not u.args or isinstance(u, Indexed | Partial) or not u.has(*PIECEWISE):
            return u
        if isinstance(u, Sum):
            return summation(self(u.function), *(limit[0] for limit in u.limits))
        return self._settled(u.func(*map(self, u.args)))

    def _settled(self, u: Expr) -> Expr:
        match u:
            case where():
                condition, yes, no = u.args
                return yes if condition == 1 else no if condition == 0 else u
            case less() | less_equal():
                return self._truth(u, u.args[1] - u.args[0], isinstance(u, less_equal))
            case step():
                return self._truth(u, u.args[0], False)
            case sign():
                sides = self._sides(u.args[0])
                return Integer(*sides) if len(sides) == 1 else u
            case Abs():
                return self._largest(u, (u.args[0], -u.args[0]), 1)
            case relu():
                return self._largest(u, (u.args[0], Integer(0)), 1)
            case maximum() | minimum():
                return self._largest(u, u.args, 1 if isinstance(u, maximum) else -1)
        return u

    def _truth(self, u: Expr, difference: Expr, or_equal: bool) -> Expr:
        """Whether the difference is positive, or zero if that counts."""
        sides = self._sides(difference)
        if sides <= ({0, 1} if or_equal else {1}):
            return Integer(1)
        return Integer(0) if sides <= ({-1} if or_equal else {-1, 0}) else u

    def _largest(self, u: Expr, candidates: Sequence[Expr], direction: int) -> Expr:
        """The candidate that is never below (direction 1) or never above (-1) any other; u if there is none."""
        for one in candidates:
            if all(self._sides(direction * (one - other)) - self._tie <= {1} for other in candidates if other is not one):
                return one
        return u
