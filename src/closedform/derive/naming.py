"""Letters for bound indices: those that the person used for the dimension, else others that are free."""

from __future__ import annotations

from typing import Any

from sympy import Sum

from closedform.derive.algebra import every_index, is_leaf, named_index, names_in, rebuilt, substitute, sum_parts
from closedform.derive.canonical import in_order
from closedform.notation import Dim, Index, Setting

LETTERS = "ijklmnopqrstuvwxyzabcdefgh"


class Letters:
    """Chooses letters; the same expression in the same setting always gets the same ones."""

    def __init__(self, setting: Setting, expression: Any) -> None:
        self._known: dict[Dim, list[str]] = {}
        seen = [index for let in setting.lets for index in let.indices]
        for let in setting.lets:
            seen += sorted(every_index(let.body), key=lambda index: index.name)
        for index in (*seen, *sorted(every_index(expression), key=lambda index: index.name)):
            names = self._known.setdefault(index.dim, [])
            if "_" not in index.name and index.name not in names:
                names.append(index.name)
        self._taken = set(setting.symbols()) | names_in(expression) | {dim.name for dim in setting.dims}
        self._owner = {name: dim for dim, names in reversed(self._known.items()) for name in names}

    def choose(self, dim: Dim, busy: set[str]) -> Index:
        """A letter for an index over ``dim`` that nothing in ``busy`` has."""
        known = self._known.get(dim, [])
        usual = [name for name in known if name not in busy]
        others = [name for name in LETTERS if name not in busy and name not in self._taken and self._owner.get(name, dim) == dim]
        numbered = (f"i{number}" for number in range(1, 10_000))
        name = (usual or others or [next(name for name in numbered if name not in busy and name not in self._taken)])[0]
        return named_index(name, dim)


def with_letters(expression: Any, letters: Letters, busy: frozenset[str] = frozenset()) -> Any:
    """The expression with a letter for every bound index."""
    if is_leaf(expression):
        return in_order(expression)
    busy = busy | {index.name for index in expression.free_symbols if isinstance(index, Index)}
    if not isinstance(expression, Sum):
        return rebuilt(expression, tuple(with_letters(argument, letters, busy) for argument in expression.args))
    body, bound = sum_parts(expression)
    chosen: dict[Index, Index] = {}
    for index in bound:
        chosen[index] = letters.choose(index.dim, set(busy) | {other.name for other in chosen.values()})
    inner = with_letters(substitute(body, chosen), letters, busy | {index.name for index in chosen.values()})
    return Sum(inner, *[(index, 1, index.dim) for index in sorted(chosen.values(), key=lambda index: index.name, reverse=True)])
