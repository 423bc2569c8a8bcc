"""The wheel works by itself: built, installed into an empty environment outside the checkout, and run there.

It installs packages, so it is not among the tests that `make test` collects; CI runs it by its path.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run(*command: str | Path, cwd: Path) -> str:
    run = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert run.returncode == 0, f"{' '.join(map(str, command))}\n{run.stdout}\n{run.stderr}"
    return run.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment in which nothing but the wheel and what it requires is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", ROOT, cwd=folder)
    _run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    pip: list[str | Path] = [folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "--constraint", ROOT / "constraints.txt", wheel, cwd=folder)
    return folder / "venv" / "bin"


def test_verify_runs_outside_the_checkout(environment: Path, tmp_path: Path) -> None:
    printed = _run(environment / "closedform", "verify", "softmax", "--report", tmp_path / "report", cwd=tmp_path)
    assert "softmax" in printed
    assert "FAILED" not in printed
    assert "note: torch is not installed: its kernels were generated and compared, but not run" in printed
    assert (tmp_path / "report" / "index.html").is_file()


def test_the_kernels_are_importable(environment: Path, tmp_path: Path) -> None:
    program = "import numpy as np; from closedform.numeric.numpy import softmax; print(softmax.value(np.zeros(4)).sum())"
    assert float(_run(environment / "python", "-c", program, cwd=tmp_path)) == 1.0


def test_the_committed_kernels_travel_with_it(environment: Path, tmp_path: Path) -> None:
    program = "import pathlib, closedform.numeric as n; print(*sorted(p.name for p in pathlib.Path(n.__path__[0]).rglob('*.py')))"
    installed = _run(environment / "python", "-c", program, cwd=tmp_path).split()
    assert installed == sorted(path.name for path in (ROOT / "numeric").rglob("*.py"))
