"""The formulas of a paper that a folder of derivations follows: ``paper.toml`` beside the derivations.

    title = "…"
    [[formula]]
    section = "…"                 # where it begins; following formulas belong to it too
    latex = '\\frac{…}{…}'
    note = "…"                    # may be left out

Formulas are numbered from 1 in the order of the file; claims and derivations cite those numbers.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from closedform.errors import DiscoveryError

PAPER = "paper.toml"


@dataclass(frozen=True)
class PaperFormula:
    """One formula of a paper, as LaTeX, with a remark for readers."""

    number: int
    section: str
    latex: str
    note: str = ""


@dataclass(frozen=True)
class Paper:
    """A paper's title and its formulas in order."""

    title: str
    formulas: tuple[PaperFormula, ...]


def read_paper(path: Path) -> Paper:
    """The paper that a file describes.

    Raises:
        DiscoveryError: the file cannot be read, or lacks a title or a formula's LaTeX.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DiscoveryError(f"{path} cannot be read: {error}") from error
    formulas: list[PaperFormula] = []
    section = ""
    for number, entry in enumerate(content.get("formula", ()), 1):
        section = entry.get("section", section)
        formulas.append(PaperFormula(number, section, _text(entry, "latex", f"{path}: formula {number}"), entry.get("note", "")))
    return Paper(_text(content, "title", str(path)), tuple(formulas))


def _text(entry: dict[str, Any], key: str, what: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise DiscoveryError(f"{what} needs {key} = '…'; got {value!r}")
    return value
