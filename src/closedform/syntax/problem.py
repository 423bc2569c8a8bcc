"""A derivation asked for on the command line: an equation, what is given, and the variables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Expr, Indexed

from closedform.errors import UsageError
from closedform.notation import Index, NamedTensor, Setting, partial
from closedform.syntax import limits
from closedform.syntax import tree as t
from closedform.syntax.block import Block
from closedform.syntax.names import fresh_names
from closedform.syntax.reader import read
from closedform.syntax.scope import Known
from closedform.syntax.source import Source, Spot
from closedform.syntax.statements import refuse_hidden

# The letters that people take for a second index over the same dimension.
SECOND = {"b": "a", "c": "k", "d": "e", "i": "j", "n": "m", "m": "l", "k": "l"}


def parse_problem(
    equation: str, given: Sequence[str], *, wrt: str | Sequence[str], order: int = 1, let: Sequence[str] = ()
) -> tuple[Setting, Expr]:
    """A setting and the derivative that is asked for, at indices with sensible names.

    Args:
        equation: what to differentiate, ``L = -sum_c(y[c]*log(softmax(z)[c]))``, or the right side alone.
        given: the inputs as after ``given``, ``y[C] where sum_a(y[a]) = 1``.
        wrt: the given to differentiate by; several (a sequence, or separated by commas) for a mixed derivative.
        order: of the derivative; with several variables their number.
        let: definitions that the equation uses, as after ``let``.

    Returns:
        The setting, and the target such as ``d2L/dz[i]dz[j]``.

    Raises:
        ParseError: the text cannot be read, see :func:`closedform.syntax.parse.parse_claims`.
        UsageError: the order or the variables are not possible.

    >>> from closedform.syntax.text import to_text
    >>> setting, target = parse_problem("L = -sum_c(y[c]*log(softmax(z)[c]))", ["z[C]", "y[C]"], wrt="z", order=2)
    >>> to_text(target)
    'd2L/dz[i]dz[j]'
    """
    block = Block()
    for name, keyword, texts in (("--given", "given", given), ("--let", "let", let)):
        for text in texts:
            source = _source(name, keyword, text)
            block.add(read(source, source.text, keyword), source)
    source = Source("<equation>", equation)
    refuse_hidden(source)
    line = read(source, equation, "definition")
    head = line.head if line.head is not None else _unnamed(block)
    output = block.let(t.LetLine(head, line.body), source)
    variables = _variables(block, wrt, order)
    setting = block.setting()
    return setting, _target(setting, output, variables)


def _source(name: str, keyword: str, text: str) -> Source:
    """The text after --given or --let, with the keyword in front if it lacks it."""
    words = text.split(None, 1)
    source = Source(name, text if words[:1] == [keyword] else f"{keyword} {text}")
    refuse_hidden(source)
    return source


def _unnamed(block: Block) -> t.Entry:
    """A name for an expression that came without one."""
    name = next(name for name in ("L", "f", *(f"f{n}" for n in range(1, 2000))) if name not in block.names.known)
    return t.Entry(t.Word(name, Spot(1, 1)), None, None)


def _variables(block: Block, wrt: str | Sequence[str], order: int) -> list[Known]:
    names = [name.strip() for name in wrt.split(",")] if isinstance(wrt, str) else list(wrt)
    if isinstance(order, bool) or not isinstance(order, int) or not 1 <= order <= limits.AXES:
        raise UsageError(f"the order of a derivative is a number from 1 to {limits.AXES}; got {order!r}")
    if len(names) == 1:
        names = names * order
    if len(names) != order and order != 1:
        raise UsageError(f"a derivative of order {order} is by 1 or {order} variables; got {len(names)}: {', '.join(names)}")
    given = [item.name for item in block.names.known.values() if item.what == "given"]
    for name in names:
        if name not in given:
            raise UsageError(f"a derivative is by what is given; {name!r} is not. Given are: {', '.join(given) or 'nothing'}")
    return [block.names.known[name] for name in names]


def _target(setting: Setting, output: Known, variables: Iterable[Known]) -> Expr:
    """The derivative of the output's let by an entry of each variable."""
    let = setting.let(output.name)
    assert let is not None
    taken = [index.name for index in let.indices]
    entries: list[Expr] = []
    for item in variables:
        symbol = item.symbol
        if isinstance(symbol, NamedTensor):
            entries.append(_entry(symbol, taken))
        else:
            entries.append(symbol)
    return partial(let.head, *entries)


def _entry(symbol: NamedTensor, taken: list[str]) -> Indexed:
    """An entry at fresh indices: z[i], then z[j]; W[c,d], then W[k,e]."""
    places: list[Index] = []
    for dim in symbol.dims:
        own = dim.name.lower() if len(symbol.dims) > 1 and len(dim.name) == 1 else "i"
        like = SECOND.get(own, own) if own in taken else own
        name = next(fresh_names(taken, like))
        taken.append(name)
        places.append(Index(name, dim))
    return symbol[tuple(places)]
