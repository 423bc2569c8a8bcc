"""What the README shows is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from closedform.cli import main

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def _without_times(text: str) -> str:
    return re.sub(r"\b\d+\.\d\d?\b *$", "", re.sub(r" +", " ", text), flags=re.MULTILINE).strip()


def test_its_python_examples() -> None:
    assert doctest.testfile(str(README), module_relative=False).failed == 0


def test_its_derivation_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(from closedform\.notation.*?)```", TEXT, re.DOTALL)
    (tmp_path / "derivations").mkdir()
    (tmp_path / "derivations" / "half_square.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["verify", "--examples", "1"])
    assert result.exit_code == 0, result.output
    assert "half_square" in result.stdout


def test_its_closed_form() -> None:
    command, printed = _console("closedform derive")
    arguments = re.findall(r'"([^"]*)"|(\S+)', command)
    result = CliRunner().invoke(main, [quoted or plain for quoted, plain in arguments][1:])
    assert result.exit_code == 0
    assert result.stdout.strip() == printed.strip()


def test_its_plan() -> None:
    command, printed = _console("closedform plan")
    result = CliRunner().invoke(main, command.split()[1:])
    assert result.exit_code == 0
    assert result.stdout.strip() == printed.strip()


def test_its_wrong_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, claims = _console("cat mine.claims")
    (tmp_path / "mine.claims").write_text(claims)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["check", "mine.claims"])
    assert result.exit_code == 1
    assert _without_times(result.stdout) == _without_times(_console("closedform check")[1])


def _console(start: str) -> tuple[str, str]:
    """The command that begins so, and what the README prints below it."""
    blocks = "\n".join(re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL))
    for part in re.split(r"^\$ ", blocks, flags=re.MULTILINE):
        if part.startswith(start):
            command, _, printed = part.partition("\n")
            return command, printed
    raise AssertionError(f"the README shows no command that begins with {start}")
