"""The text of small modules, kept as files: run this file as a script to write them again after a deliberate change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
BACKENDS = ("numpy", "torch")
PRINT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from kernel_cases import CASES, program_of; from closedform.emit import emit; "
    "[print(emit(program_of(c.derivation), b)) for c in CASES if c.derivation.name in sys.argv[2:] for b in ('numpy', 'torch')]"
)


def text(name: str, backend: str) -> str:
    from kernel_cases import CASES, program_of

    from closedform.emit import emit

    case = next(case for case in CASES if case.derivation.name == name)
    return emit(program_of(case.derivation), backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["huber", "distillation"])
def test_text_is_the_golden_text(name: str, backend: str) -> None:
    kept = GOLDEN / f"{name}_{backend}.golden"
    assert text(name, backend) == kept.read_text(encoding="utf-8"), f"if this is meant: python {Path(__file__).name}"


def test_text_does_not_depend_on_the_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PRINT, str(HERE), "brier", "z_loss", "rms_norm"],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "77")
    }
    assert len(outputs) == 1
    assert b"def hvp" in outputs.pop()


def test_text_is_formatted(tmp_path: Path) -> None:
    from kernel_cases import CASES

    for case in CASES:
        for backend in BACKENDS:
            (tmp_path / f"{case.derivation.name}_{backend}.py").write_text(text(case.derivation.name, backend), encoding="utf-8")
    config = ["--config", str(HERE.parents[1] / "pyproject.toml")]
    for arguments in (["format", "--check"], ["check"]):
        command = [sys.executable, "-m", "ruff", *arguments, *config, str(tmp_path)]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in ("huber", "distillation"):
        for backend in BACKENDS:
            (GOLDEN / f"{name}_{backend}.golden").write_text(text(name, backend), encoding="utf-8")
