"""The arrows between packages: what makes a formula or a kernel cannot also be what says that it is right."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "src" / "closedform"
BASE = {"errors", "notation"}

# Package or module of the engine -> what it may import from the engine, besides itself.
ALLOWED = {
    "errors": set(),
    "results": set(),
    "notation": {"errors"},
    "functions": BASE,
    "files": {"errors"},
    "syntax": BASE,
    # the making wing
    "derive": {*BASE, "functions", "results", "syntax"},
    "lower": {*BASE, "functions", "results", "syntax", "derive"},
    "emit": {*BASE, "functions", "results", "syntax", "lower"},
    # the judging wing
    "certify": {*BASE, "results", "syntax"},
    "check": {*BASE, "functions", "results", "syntax", "certify"},
    # what stands on both
    "papers": {"errors"},
    "report": {"results", "papers"},
    "discover": {*BASE, "files", "papers", "derivations"},
    "pipeline": {
        *BASE,
        "functions",
        "results",
        "files",
        "syntax",
        "derive",
        "lower",
        "emit",
        "certify",
        "check",
        "report",
        "discover",
        "papers",
    },
    "testing": {*BASE, "functions", "results", "certify", "check", "pipeline", "report", "syntax", "discover"},
    "pytest_plugin": {"testing"},
    "cli": {"__init__", "errors", "files", "pipeline", "report"},
    "__init__": {"pipeline"},
}
MAX_LINES = 400


def _package(path: Path) -> str:
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


def _sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at whatever depth it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "closedform" else (module,)


def _engine_imports(path: Path) -> set[str]:
    names = [name.split(".") for name in _imports(path) if name.split(".")[0] == "closedform"]
    return {name[1] if len(name) > 1 else "__init__" for name in names}


@pytest.mark.parametrize("path", _sources(ENGINE), ids=lambda path: str(path.relative_to(ENGINE)))
def test_a_package_imports_only_what_it_stands_on(path: Path) -> None:
    package = _package(path)
    assert package in ALLOWED, f"{package} is new: say in this test what it may import"
    wrong = _engine_imports(path) - ALLOWED[package] - {package}
    assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}; {package} may import {sorted(ALLOWED[package])}"


def _reachable(package: str) -> set[str]:
    reached: set[str] = set()
    todo = [package]
    while todo:
        new = ALLOWED[todo.pop()] - reached
        reached |= new
        todo += [name for name in new if name in ALLOWED]
    return reached


def test_the_two_wings_never_reach_each_other() -> None:
    for maker in ("derive", "lower", "emit"):
        assert not _reachable(maker) & {"certify", "check", "pipeline"}
    for judge in ("certify", "check"):
        assert not _reachable(judge) & {"derive", "lower", "emit", "pipeline"}


def test_what_proves_stands_without_what_refutes() -> None:
    """The trusted part of the kernel; above it, only the verdict is put together from all parts."""
    kernel = ENGINE / "certify"
    above = {kernel / "verdict.py", kernel / "judge.py", kernel / "balls.py", kernel / "__init__.py"}
    trusted = [path for path in _sources(kernel) if path not in above and not {"refute", "diagnose"} & set(path.parts)]
    for path in trusted:
        assert not [name for name in _imports(path) if name.startswith(("closedform.certify.refute", "closedform.certify.diagnose"))], path


@pytest.mark.parametrize("path", _sources(ROOT / "derivations"), ids=lambda path: path.name)
def test_a_derivation_imports_the_notation_only(path: Path) -> None:
    assert set(_imports(path)) <= {"closedform.notation", "__future__"}


@pytest.mark.parametrize("path", _sources(ROOT / "numeric"), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_kernel_imports_its_backend_only(path: Path) -> None:
    """SciPy is imported only by the method that makes one of its operators."""
    allowed = {path.parent.name, "__future__"}
    assert {name.split(".")[0] for name in _imports(path)} <= {*allowed, "scipy"}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {node for function in ast.walk(tree) if getattr(function, "name", "") == "linear_operator" for node in ast.walk(function)}
    outside = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) and node not in inside]
    assert all((alias.name if isinstance(node, ast.Import) else node.module) in allowed for node in outside for alias in node.names)


def test_no_file_is_long() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in _sources(ENGINE) if (lines := len(path.read_text().splitlines())) > MAX_LINES}
    assert not long


def _identifiers_and_strings(path: Path) -> set[str]:
    words = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
    return words


@pytest.mark.parametrize("path", _sources(ENGINE), ids=lambda path: str(path.relative_to(ENGINE)))
def test_the_engine_knows_no_derivation_by_name(path: Path) -> None:
    names = {path.stem for path in (ROOT / "derivations").glob("[a-z]*.py")}
    notation = {"softmax", "log_softmax", "logsumexp", "log_cosh"}  # also functions that text or kernels may use, as exp is
    assert not (names - notation) & _identifiers_and_strings(path)


def test_nothing_evaluates_text() -> None:
    """No eval, exec, or SymPy's parsers anywhere; sympify may see numbers and expressions, never a string."""
    for path in _sources(ENGINE):
        called = {node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
        names = {function.id if isinstance(function, ast.Name) else getattr(function, "attr", "") for function in called}
        assert not names & {"eval", "exec", "parse_expr", "lambdify"}, path
