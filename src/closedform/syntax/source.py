"""Where text comes from, and errors that show it: file, line, column, the line with a caret."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from closedform.errors import DimensionError, NotationError, ParseError

_SHOWN = 100  # characters of a line that an error shows


class TextNotationError(ParseError, NotationError):
    """Text that can be read, but that means nothing (an unknown name, a free index, a wrong rank)."""


class TextDimensionError(ParseError, DimensionError):
    """Text in which an index stands for positions of two dimensions, or of none."""


class LimitError(ParseError):
    """Text beyond the stated limits of size, nesting or magnitude."""


@dataclass(frozen=True, order=True)
class Spot:
    """A position in a text: line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """A named text; ``name`` is the file's, or says where else the text comes from."""

    name: str
    text: str

    def error(self, kind: type[ParseError], spot: Spot, message: str) -> ParseError:
        """An error of ``kind`` at ``spot``, with the line and a caret below the message."""
        where = f"{self.name}:{spot.line}:{spot.column}: "
        return kind(f"{where}{message}\n{self._shown(spot)}", file=self.name, line=spot.line, column=spot.column)

    def place(self, spot: Spot) -> str:
        """A position in words, for messages that name a second place."""
        return f"line {spot.line}, column {spot.column}"

    def _shown(self, spot: Spot) -> str:
        lines = self.text.split("\n")
        line = printable(lines[spot.line - 1] if 0 < spot.line <= len(lines) else "")
        column = spot.column - 1
        start = max(0, column - _SHOWN // 2) if len(line) > _SHOWN else 0
        clipped = line[start : start + _SHOWN].rstrip()
        before = "..." if start else ""
        after = "..." if start + _SHOWN < len(line) else ""
        return f"    {before}{clipped}{after}\n    {' ' * (len(before) + column - start)}^"


def printable(text: str) -> str:
    """The text with one visible character for each of its characters: safe for every terminal."""
    return "".join(c if c.isprintable() and not unicodedata.combining(c) else " " if c.isspace() else "?" for c in text)
