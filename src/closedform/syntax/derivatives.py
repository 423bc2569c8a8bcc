"""Derivatives as people write them: ``dp[i]/dz[j]``, ``d2L/dW[c,d]dW[k,e]``, ``d2L/dz[i]^2``.

They look like quotients, and are told from quotients by their names: ``dL`` is read as d of L when
nothing is called dL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from closedform.notation import partial
from closedform.syntax import limits
from closedform.syntax import tree as t
from closedform.syntax.scope import Deferred, Scope
from closedform.syntax.source import LimitError, Spot
from closedform.syntax.vocabulary import ROW_FUNCTIONS

if TYPE_CHECKING:
    from closedform.syntax.resolve import Resolver


def derivative(resolver: Resolver, above: t.Node, below: t.Node, scope: Scope) -> Deferred | None:
    """The meaning of ``above/below`` if that is a derivative, else None."""
    if not isinstance(above, t.Entry):
        return None
    read = _target(resolver, above)
    if read is None:
        return None
    order, target = read
    known = resolver.names.known
    entries = _differentials(resolver, below)
    lets = [entry for entry in entries or () if known[entry.name].what == "let"]
    if above.name in known and (not entries or lets or any(entry.name not in known for entry in _entries(below))):
        # dP and dS are names of their own here; a quotient, unless only the derivative makes sense
        if not entries or lets:
            return None
    elif above.name in known:
        raise resolver.error(above.spot, _ambiguous(above, target, below))
    if not entries:
        message = f"{above.name} begins the derivative of {target.name}, but no given stands below the bar, as z does in {above.name}/dz[i]"
        raise resolver.error(below.spot, message)
    if lets:
        name = lets[0].name
        message = f"derivatives are by entries of givens; {name} is defined by a let. Declare it as given to treat it as independent"
        raise resolver.error(lets[0].spot, message)
    variables = _repeated(resolver, below, order, entries)
    if len(variables) > limits.AXES:
        raise resolver.source.error(LimitError, above.spot, f"a derivative is by at most {limits.AXES} variables")
    if len(variables) != order:
        wanted = "1 variable" if order == 1 else f"{order} variables"
        written = f"d{len(variables)}{target.name}" if len(variables) > 1 else f"d{target.name}"
        message = f"{above.name} is a derivative by {wanted}, but {len(variables)} stand below the bar; write {written} or change them"
        raise resolver.error(above.spot, message)
    head = resolver.formula(target, scope)
    by = [resolver.formula(variable, scope) for variable in variables]
    return lambda: partial(head(), *(entry() for entry in by))


def _target(resolver: Resolver, node: t.Entry) -> tuple[int, t.Entry] | None:
    """(2, L) for d2L where L is known."""
    match = re.fullmatch(r"d([0-9]*)([A-Za-z][A-Za-z0-9_]*)", node.name)
    if match is None or len(match[1]) > 3:
        return None
    name = match[2]
    known = name in ROW_FUNCTIONS if node.arguments is not None else name in resolver.names.known
    if not known:
        return None
    spot = Spot(node.spot.line, node.spot.column + 1 + len(match[1]))
    return int(match[1] or 1), t.Entry(t.Word(name, spot), node.arguments, node.at, node.depth)


def _entries(below: t.Node) -> tuple[t.Entry, ...]:
    if isinstance(below, t.Power):
        return _entries(below.base)
    if isinstance(below, t.SideBySide):
        return below.entries
    return (below,) if isinstance(below, t.Entry) else ()


def _differentials(resolver: Resolver, below: t.Node) -> list[t.Entry] | None:
    """The entries W[c,d], W[k,e] of dW[c,d]dW[k,e]; None if something else stands there."""
    found: list[t.Entry] = []
    for entry in _entries(below):
        names = _split(entry.name, resolver) if entry.arguments is None else None
        if names is None:
            return None
        column = entry.spot.column
        for position, name in enumerate(names):
            last = position == len(names) - 1
            word = t.Word(name, Spot(entry.spot.line, column + 1))
            found.append(t.Entry(word, None, entry.at if last else None))
            column += 1 + len(name)
    return found or None


def _split(name: str, resolver: Resolver) -> list[str] | None:
    """The known names of dT or dTdz; None if there are none, or more than one way to read it."""
    # ways[n]: how the first n characters can be read, at most two ways kept
    ways: list[list[list[str]]] = [[[]], *([] for _ in name)]
    for start in range(len(name)):
        if not ways[start] or name[start] != "d":
            continue
        for end in range(start + 2, len(name) + 1):
            if name[start + 1 : end] in resolver.names.known:
                ways[end] = [*ways[end], *([*way, name[start + 1 : end]] for way in ways[start])][:2]
    return ways[-1][0] if len(ways[-1]) == 1 else None


def _repeated(resolver: Resolver, below: t.Node, order: int, entries: list[t.Entry]) -> list[t.Entry]:
    """dz[i]^2 stands for dz[i]dz[i] below a derivative of second order."""
    if not isinstance(below, t.Power):
        return entries
    exponent = below.exponent
    count = exponent.word.text if isinstance(exponent, t.Number) else ""
    if order == 1 or count not in map(str, range(2, limits.AXES + 1)):
        message = "this can be read in two ways; for a power of the derivative write (dL/dz[i])^2, for a second derivative d2L/dz[i]dz[i]"
        raise resolver.error(below.spot, message)
    return [*entries, *([entries[-1]] * (int(count) - 1))]


def _ambiguous(above: t.Entry, target: t.Entry, below: t.Node) -> str:
    names = [entry.name for entry in _entries(below)]
    return (
        f"this is the derivative of {target.name} as well as a quotient of {above.name}, as both {above.name} and {names[0]} are defined; "
        f"for the quotient write ({above.name})/{names[0]}, or give them other names"
    )
