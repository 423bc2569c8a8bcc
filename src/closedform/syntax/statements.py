"""A text as statements: each begins a line with claim, given, let or show; indented lines continue it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from closedform.errors import ParseError
from closedform.syntax import limits
from closedform.syntax.source import LimitError, Source, Spot
from closedform.syntax.vocabulary import STATEMENTS, suggestion

# Characters that a reader cannot see, or that change the order in which a line is shown.
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
FENCE = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)\Z")


@dataclass(frozen=True)
class Statement:
    """The text of one statement, and the line at which it begins."""

    keyword: str
    text: str
    line: int


def statements(source: Source) -> Iterator[Statement]:
    """The statements of a text, in order.

    Raises:
        ParseError: a line that begins no statement and continues none, or hidden characters.
    """
    if len(source.text) > limits.TEXT:
        message = f"the claims of a file have at most {limits.TEXT:,} characters; these have {len(source.text):,}"
        raise LimitError(f"{source.name}: {message}", file=source.name)
    refuse_hidden(source)
    parts: list[str] = []
    keyword, start = "", 0
    for number, line in enumerate(source.text.split("\n"), 1):
        bare = line.strip()
        word = re.match(r"[A-Za-z]*", bare)[0]  # type: ignore[index]
        if word in STATEMENTS and not re.match(r"[\w(\[]", bare[len(word) :]):
            if parts:
                yield Statement(keyword, "\n".join(parts), start)
            parts, keyword, start = [line], word, number
        elif not bare:
            if parts:
                yield Statement(keyword, "\n".join(parts), start)
            parts = []
        elif parts and (line[0] in " \t" or bare.startswith("#")):
            parts.append(line)
        elif not bare.startswith("#"):
            raise _stray(source, number, line, word)
    if parts:
        yield Statement(keyword, "\n".join(parts), start)


def _stray(source: Source, number: int, line: str, word: str) -> ParseError:
    spot = Spot(number, len(line) - len(line.lstrip()) + 1)
    if line[0] in " \t":
        message = "this indented line continues no statement; a statement begins with claim, given, let or show and has no blank line in it"
    else:
        near = suggestion(word, STATEMENTS) if word else ""
        message = f"expected claim, given, let or show at the start of a line{near}. To continue the line above, indent this one"
    return source.error(ParseError, spot, message)


def refuse_hidden(source: Source) -> None:
    """Raise ParseError if the text has characters that a reader cannot see."""
    found = HIDDEN.search(source.text)
    if found is None:
        return
    line = source.text.count("\n", 0, found.start()) + 1
    column = found.start() - source.text.rfind("\n", 0, found.start())
    message = f"the hidden character U+{ord(found[0]):04X} may not stand in a claim; remove it"
    raise source.error(ParseError, Spot(line, column), message)


def fenced(text: str) -> tuple[str, bool]:
    """Markdown with only its ```closedform blocks left, line for line; and whether it has any."""
    kept: list[str] = []
    fence, inside, found = "", False, False
    for line in text.split("\n"):
        match = FENCE.match(line.rstrip())
        mark, info = (match["mark"], match["info"].split()) if match else ("", [])
        if fence:
            closes = mark.startswith(fence) and not info
            kept.append(line if inside and not closes else "")
            fence = "" if closes else fence
        else:
            kept.append("")
            fence, inside = mark, info[:1] == ["closedform"]
            found = found or (bool(mark) and inside)
    return "\n".join(kept), found
