"""Index names in print: a bound index must never seem to be another index of the same name.

``Index("k", C)`` and ``Index("k", D)`` are different symbols, but text shows only ``k``. Where both
occur in one scope, a bound one gets a fresh name before anything is printed; printing can then
show every index by its name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count

from sympy import Expr, Sum

from closedform.notation import Index, free_indices

LETTERS = "ijklmnabcdefghopqrstuvwxyz"


def fresh_names(avoid: Iterable[str], like: str = "i") -> Iterator[str]:
    """Index names that are not in ``avoid``: letters beginning with ``like``, then ``like2``, ``like3``, ..."""
    taken = set(avoid)
    letter = like[:1] if like[:1] in LETTERS else "i"
    start = LETTERS.index(letter)
    for name in LETTERS[start:] + LETTERS[:start]:
        if name not in taken:
            yield name
    for number in count(2):
        if f"{letter}{number}" not in taken:
            yield f"{letter}{number}"


def settle_names(expression: Expr) -> Expr:
    """The same expression with names such that each scope shows no two indices alike."""
    atoms = expression.atoms(Index)
    if len({index.name for index in atoms}) == len(atoms):
        return expression
    taken = {index.name for index in atoms}
    seen: set[str] = set()
    renamed = {}
    for index in sorted(free_indices(expression), key=lambda index: (index.name, index.dim.name)):
        if index.name in seen:
            renamed[index] = _renamed(index, taken)
        seen.add(index.name)
    return _settle_bound(expression.xreplace(renamed) if renamed else expression, taken)


def _renamed(index: Index, taken: set[str]) -> Index:
    stem = re.sub(r"[0-9]*\Z", "", index.name)
    name = next(f"{stem}{number}" for number in count(2) if f"{stem}{number}" not in taken)
    taken.add(name)
    return Index(name, index.dim)


def _settle_bound(expression: Expr, taken: set[str]) -> Expr:
    if not expression.args or not expression.has(Sum):
        return expression
    if not isinstance(expression, Sum):
        return expression.func(*(_settle_bound(arg, taken) for arg in expression.args))
    body = _settle_bound(expression.function, taken)
    limits = list(expression.limits)
    free = free_indices(body)
    for at, (index, low, high) in enumerate(limits):
        if any(other.name == index.name and other != index for other in free):
            fresh = _renamed(index, taken)
            body = body.xreplace({index: fresh})
            limits[at] = (fresh, low, high)
    return Sum(body, *limits)
