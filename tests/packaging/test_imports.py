"""Importing the package is light: what a command does not need is not loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

import closedform

HEAVY = ("sympy", "torch", "numpy", "lark", "hypothesis", "jinja2", "rich", "flint")


def _loaded_by(code: str) -> set[str]:
    """The heavy modules that a fresh interpreter has loaded after ``code``."""
    program = f"{code}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


def test_importing_closedform_loads_nothing_heavy() -> None:
    assert _loaded_by("import closedform") == set()


def test_the_command_line_loads_nothing_heavy_by_itself() -> None:
    assert _loaded_by("import closedform.cli") <= {"rich"}


def test_notation_needs_sympy_only() -> None:
    assert _loaded_by("import closedform.notation") <= {"sympy", "flint"}  # SymPy itself computes with flint where it is installed


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_kernels_do_not_load_the_engine(backend: str) -> None:
    code = f"import closedform.numeric.{backend}.softmax\nimport sys\nassert 'closedform.pipeline' not in sys.modules"
    loaded = _loaded_by(code)
    assert backend in loaded
    assert loaded <= {backend, "numpy", *(["sympy", "flint"] if backend == "torch" else [])}  # torch itself may load SymPy


def test_a_proof_needs_no_torch() -> None:
    assert "torch" not in _loaded_by("import closedform; assert closedform.prove('softmax').ok")


@pytest.mark.parametrize("name", ["check", "derive", "generate", "prove", "verify"])
@pytest.mark.parametrize("first", ["", "import closedform.derive, closedform.check\n"])
def test_the_functions_are_there_whatever_was_imported_first(name: str, first: str) -> None:
    assert _loaded_by(f"{first}import closedform\nassert callable(closedform.{name})") is not None


def test_the_packages_that_are_functions_stay_packages() -> None:
    from closedform.derive import closed_form

    assert closedform.derive.closed_form is closed_form


def test_an_unknown_attribute_is_an_error() -> None:
    with pytest.raises(AttributeError, match="module 'closedform' has no attribute 'prov'"):
        closedform.prov  # noqa: B018
    assert set(closedform.__all__) <= set(dir(closedform))
