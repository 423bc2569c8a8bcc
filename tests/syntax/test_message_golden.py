"""Golden test of the parser's messages: ``messages.golden`` has each text with the message that it gets.

After a wanted change run ``UPDATE_GOLDEN=1 pytest tests/syntax/test_message_golden.py`` and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from closedform.errors import ClosedformError
from closedform.syntax.parse import parse_claims

GOLDEN = Path(__file__).with_name("messages.golden")
MARK = "--- message\n"
END = "=" * 80 + "\n"


def _cases() -> list[tuple[str, str]]:
    """(text, message) pairs."""
    parts = GOLDEN.read_text(encoding="utf-8").split(END)
    return [(part.split(MARK)[0], part.split(MARK)[1]) for part in parts if part.strip()]


def _message(text: str) -> str:
    with pytest.raises(ClosedformError) as caught:
        parse_claims(text, file="notes.claims")
    return f"{type(caught.value).__name__}: {caught.value}\n"


@pytest.mark.skipif("UPDATE_GOLDEN" not in os.environ, reason="only on demand")
def test_update_golden() -> None:
    GOLDEN.write_text(END.join(f"{text}{MARK}{_message(text)}" for text, _ in _cases()), encoding="utf-8")


@pytest.mark.parametrize(("text", "message"), _cases(), ids=[f"case{n}" for n, _ in enumerate(_cases())])
def test_message_is_as_recorded(text: str, message: str) -> None:
    assert _message(text) == message
