"""Derivations are found as pytest finds tests, and a file that is not one is reported with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from closedform.discover import discover, named, select
from closedform.errors import DiscoveryError, UnknownDerivationError

CATALOGUE = ["cross_entropy", "linear_cross_entropy", "linear_mse", "mse", "softmax"]
SQUARE = """
from closedform.notation import Derivation, Given, Let, scalar
x, s = scalar("x"), scalar("s")
derivation = Derivation(name="{name}", title="Square", given=(Given(x),), lets=(Let(s, x**2),), output=s, wrt=(x,))
"""


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / "derivations" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _names(folder: Path) -> list[str]:
    return [item.derivation.name for item in discover(folder)]


def test_without_any_the_installed_catalogue_is_taken(tmp_path: Path) -> None:
    found = discover(tmp_path)
    assert {item.derivation.name for item in found} >= set(CATALOGUE)
    assert all(item.installed for item in found)


def test_a_project_has_its_own_at_any_depth_and_from_within(tmp_path: Path) -> None:
    _write(tmp_path, "square", SQUARE.format(name="square"))
    _write(tmp_path / "deep" / "down", "cube", SQUARE.format(name="cube"))
    assert _names(tmp_path) == ["square", "cube"]
    assert _names(tmp_path / "derivations") == ["square"]
    assert discover(tmp_path)[0].kernels == tmp_path / "numeric"


def test_a_project_hides_of_the_catalogue_what_it_names_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path, "mine", SQUARE.format(name="softmax"))
    monkeypatch.chdir(tmp_path)
    assert [item.derivation.name for item in discover()] == ["softmax"]
    found = {item.derivation.name: item for item in named(["softmax", "mse"])}
    assert found["softmax"].path == path
    assert found["mse"].installed
    with pytest.raises(UnknownDerivationError, match=r"no derivation is named 'sofmax'.*softmax"):
        named(["sofmax"])


@pytest.mark.parametrize("folder", [".hidden", "build", "dist", "node_modules", "site-packages", "environment"])
def test_folders_that_pytest_skips_are_skipped(tmp_path: Path, folder: str) -> None:
    _write(tmp_path, "square", SQUARE.format(name="square"))
    _write(tmp_path / folder, "cube", "raise RuntimeError")
    if folder == "environment":
        (tmp_path / folder / "pyvenv.cfg").touch()
    assert _names(tmp_path) == ["square"]


def test_files_with_an_underscore_are_help_for_their_siblings(tmp_path: Path) -> None:
    _write(tmp_path, "_shared_by_square", "NAME = 'square'")
    _write(tmp_path, "square", "from _shared_by_square import NAME\n" + SQUARE.replace('"{name}"', "NAME"))
    assert _names(tmp_path) == ["square"]


def test_an_imported_derivation_is_not_a_second_one(tmp_path: Path) -> None:
    _write(tmp_path, "square", SQUARE.format(name="square") + "again = derivation\n")
    assert _names(tmp_path) == ["square"]


def test_two_of_one_name_are_an_error(tmp_path: Path) -> None:
    _write(tmp_path, "one", SQUARE.format(name="square"))
    _write(tmp_path, "two", SQUARE.format(name="square").replace("Square", "Other"))
    with pytest.raises(DiscoveryError, match=r"two derivations are named square: in .*one\.py and in .*two\.py; rename one"):
        discover(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = 1/0\n", r"broken\.py does not import: line 2: ZeroDivisionError: division by zero\n    y = 1/0"),
        ("x = 1\nx = (\n", r"broken\.py does not import: line 2: SyntaxError: '\(' was never closed\n    x = \("),
        ("import no_such_module\n", r"line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)\n", r"line 1: SystemExit: 3"),
        ("x = 1\n", r"broken\.py defines no derivation; assign one to a module attribute"),
        (
            "from closedform.notation import *\nC, D = Dim('C'), Dim('D')\nz = tensor('z', C)\ni, = indices('i', D)\nz[i]\n",
            r"line 5: DimensionError: axis 0 of z runs over C, but index i runs over D; use an index over C\n    z\[i\]",
        ),
        (
            "from closedform.notation import *\nC = Dim('C')\nz = tensor('z', C)\np = tensor('p', C)\ni, j = indices('i j', C)\n"
            "Claim('c', partial(p[i], z[i]), z[j])\n",
            r"line 6: NotationError: claim c: the right side has the free index j that the left side lacks",
        ),
    ],
)
def test_a_file_that_is_not_a_derivation(tmp_path: Path, text: str, message: str) -> None:
    _write(tmp_path, "broken", text)
    with pytest.raises(DiscoveryError, match=message):
        discover(tmp_path)


def test_an_unknown_name_gets_the_close_ones(tmp_path: Path) -> None:
    found = discover(tmp_path)
    with pytest.raises(UnknownDerivationError, match=r"no derivation is named 'sofmax'; did you mean softmax or "):
        select(found, ["sofmax"])
    with pytest.raises(UnknownDerivationError, match=r"no derivation is named 'qqq'; there are: .*cross_entropy, .*softmax"):
        select(found, ["qqq"])
    assert [item.derivation.name for item in select(found, ["softmax", "mse"])] == ["mse", "softmax"]
