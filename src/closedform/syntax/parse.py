"""Claims from text: whole files, Markdown with fenced blocks, and single expressions.

The notation is described in ``docs/notation.md``. Text is read by a grammar and never evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sympy import Expr

from closedform.errors import ParseError
from closedform.notation import Claim, Dim, Index, NamedTensor, Setting
from closedform.syntax import limits
from closedform.syntax import tree as t
from closedform.syntax.axes import Axis, Place
from closedform.syntax.block import Block
from closedform.syntax.reader import read
from closedform.syntax.scope import Known, Scope
from closedform.syntax.source import LimitError, Source, Spot, TextNotationError
from closedform.syntax.statements import Statement, fenced, statements

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd")


@dataclass(frozen=True)
class ClaimBlock:
    """One ``claim`` with what is given, defined and shown in it.

    Attributes:
        name, title: as in ``claim NAME "title"``.
        setting: givens and lets.
        claims: one for each ``show``; several are named ``NAME#1``, ``NAME#2``, ...
        line: of the word ``claim``, from 1.
    """

    name: str
    title: str
    setting: Setting
    claims: tuple[Claim, ...]
    line: int


def parse_claims(text: str, *, file: str = "<text>") -> tuple[ClaimBlock, ...]:
    """The claims of a text in closedform notation.

    Args:
        text: blocks of ``claim``, ``given``, ``let`` and ``show``.
        file: what errors call the text.

    Raises:
        ParseError: with file, line, column, the line with a caret, and what was expected, for every claim that has a
            mistake; class and position are those of the first. Names and ranks that do not fit raise its subclass
            TextNotationError (also a NotationError), dimensions that do not fit TextDimensionError (also a
            DimensionError), text beyond the limits LimitError.

    >>> (block,) = parse_claims('''
    ... claim jacobian "softmax"
    ... given z[C]
    ... let p[i] = exp(z[i])/sum_k(exp(z[k]))
    ... show dp[i]/dz[j] = p[i]*(delta(i,j) - p[j])
    ... ''')
    >>> block.claims[0].free_indices
    (Index('i', C), Index('j', C))
    """
    source = Source(file, text.replace("\r\n", "\n").replace("\r", " ").removeprefix("\ufeff"))
    groups: list[list[Statement]] = []
    for statement in statements(source):
        if statement.keyword == "claim":
            groups.append([])
        elif not groups:
            message = f'{statement.keyword} stands before the first claim; begin with claim NAME "title"'
            raise source.error(ParseError, Spot(statement.line, 1), message)
        groups[-1].append(statement)
    if not groups:
        raise ParseError(f'{file}: there is no claim in it; a claim begins with claim NAME "title"', file=file)
    if len(groups) > limits.CLAIMS:
        raise LimitError(f"{file}: a file has at most {limits.CLAIMS:,} claims; this one has {len(groups):,}", file=file)
    return _blocks(source, groups)


def parse_markdown(text: str, *, file: str = "<text>") -> tuple[ClaimBlock, ...]:
    """The claims in the ```` ```closedform ```` blocks of a Markdown text; lines are counted in the whole text.

    Raises:
        ParseError: see :func:`parse_claims`.
    """
    if len(text) > limits.FILE:
        raise LimitError(f"{file}: a file has at most {limits.FILE:,} characters; this one has {len(text):,}", file=file)
    blocks, found = fenced(text.replace("\r\n", "\n"))
    if not found:
        raise ParseError(
            f"{file}: there is no ```closedform block in it; claims in Markdown stand between ```closedform and ```", file=file
        )
    return parse_claims(blocks, file=file)


def parse_file(path: Path | str) -> tuple[ClaimBlock, ...]:
    """The claims of a file: of its fenced blocks if it is Markdown (.md), else of the whole.

    Raises:
        ParseError: see :func:`parse_claims`; also for a file that cannot be read or is no UTF-8 text.
    """
    file = str(path)
    text = _text_of(file)
    return parse_markdown(text, file=file) if file.lower().endswith(MARKDOWN) else parse_claims(text, file=file)


def parse_expression(text: str, setting: Setting, *, indices: Iterable[Index] = (), file: str = "<text>") -> Expr:
    """One expression over the names of ``setting``: the inverse of :func:`closedform.syntax.text.to_text`.

    Args:
        text: the expression.
        setting: its givens and lets, which the text may use.
        indices: free indices whose dimension the text alone does not tell.
        file: what errors call the text.

    Raises:
        ParseError: see :func:`parse_claims`.
    """
    source = Source(file, text)
    block = _block_of(setting, source)
    line = read(source, text, "definition")
    if line.head is not None:
        raise source.error(TextNotationError, line.head.spot, "expected an expression; got an equation")
    places = {index.name: Place(index.name, Axis(index.dim.name, "by its definition"), source, Spot(1, 1)) for index in indices}
    made = block.resolver(source).formula(line.body, Scope(places, grows=True))
    return made()


def _block_of(setting: Setting, source: Source) -> Block:
    """A block in which the names of a setting are known already."""
    block = Block()
    spellings = {let.name: let.spelling for let in setting.lets}
    for item in setting.items():
        dims = item.symbol.dims if isinstance(item.symbol, NamedTensor) else ()
        axes = tuple(Axis(dim.name, "by its definition") for dim in dims)
        spelling = spellings.get(item.name, "")
        known = Known(item.name, axes, "let" if item.name in spellings else "given", source, Spot(0, 0), spelling)
        block.names.declare(known)
        if spelling:
            block.know_spelling(known)
    block.names.dims.update({dim.name: Dim(dim.name) for dim in setting.dims})
    return block


def _blocks(source: Source, groups: list[list[Statement]]) -> tuple[ClaimBlock, ...]:
    """Every claim, or the first mistake of every one that has any."""
    blocks: list[ClaimBlock] = []
    mistakes: list[ParseError] = []
    seen: dict[str, int] = {}
    for group in groups:
        try:
            blocks.append(_block(source, group, seen))
        except LimitError:
            raise
        except ParseError as mistake:
            mistakes.append(mistake)
            if len(mistakes) == limits.MISTAKES:
                break
    if mistakes:
        first = mistakes[0]
        raise type(first)("\n".join(map(str, mistakes)), file=first.file, line=first.line, column=first.column)
    return tuple(blocks)


def _block(source: Source, group: list[Statement], seen: dict[str, int]) -> ClaimBlock:
    """One claim; ``seen`` remembers in which line each name stands."""
    head, *body = group
    line: t.ClaimLine = read(source, head.text, "claim", line=head.line)
    name = line.name.text
    if name in seen:
        message = f"two claims are named {name}; the first stands in line {seen[name]}"
        raise source.error(ParseError, line.name.spot, message)
    seen[name] = head.line
    if len(body) > limits.STATEMENTS:
        message = f"a claim has at most {limits.STATEMENTS:,} statements; this one has {len(body):,}"
        raise source.error(LimitError, Spot(head.line, 1), message)
    block = Block()
    for statement in body:
        block.add(read(source, statement.text, statement.keyword, line=statement.line), source)
    if not any(statement.keyword == "show" for statement in body):
        message = f"claim {name} shows nothing; add a line such as show dL/dz[i] = ..."
        raise source.error(ParseError, Spot(head.line, 1), message)
    return ClaimBlock(name, line.title, block.setting(), block.claims(name, line.title), head.line)


def _text_of(file: str) -> str:
    try:
        with open(file, "rb") as stream:
            # four bytes are the most that one character takes
            data = stream.read(4 * limits.FILE + 4)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise ParseError(f"{file}: cannot be read: {reason}", file=file) from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        if len(data) > 4 * limits.FILE:
            raise LimitError(f"{file}: a file has at most {limits.FILE:,} characters", file=file) from None
        line = data.count(b"\n", 0, problem.start) + 1
        column = problem.start - data.rfind(b"\n", 0, problem.start)
        message = f"{file}:{line}:{column}: expected UTF-8 text; got the byte 0x{data[problem.start]:02x}. Save the file as UTF-8"
        raise ParseError(message, file=file, line=line, column=column) from None
