"""docs/testing.md is run: its blocks of Python print the blocks of text below them."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

TUTORIAL = Path(__file__).parents[2] / "docs" / "testing.md"
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")


def blocks() -> list[tuple[str, str]]:
    return re.findall(r"^```(python|text)\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def transcript() -> Iterator[tuple[str, str]]:
    """Each block of text with what the Python before it printed."""
    names: dict[str, Any] = {"__name__": "tutorial"}
    printed = ""
    for kind, body in blocks():
        if kind == "text":
            yield body, printed
            printed = ""
            continue
        with redirect_stdout(io.StringIO()) as stream:
            exec(compile(body, str(TUTORIAL), "exec"), names)
        printed += stream.getvalue()
    assert not printed, "the last block prints something that is not shown"


def same(shown: str, printed: str) -> bool:
    """Equal texts, whose numbers may differ in the last digits, as processors do."""
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=False)
    close = all(math.isclose(float(one), float(other), rel_tol=0.02, abs_tol=1e-12) for one, other in pairs)
    return close and NUMBER.sub("#", shown) == NUMBER.sub("#", printed)


def test_the_tutorial_prints_what_it_shows() -> None:
    for shown, printed in transcript():
        assert same(shown, printed), printed
