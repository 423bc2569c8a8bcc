"""Every folder of the package, and every data file in it, is named in pyproject.toml and so gets into the wheel."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
MAPPED = {name: ROOT / folder for name, folder in SETUPTOOLS["package-dir"].items()}


def _folder(package: str) -> Path:
    root = max((name for name in MAPPED if package == name or package.startswith(f"{name}.")), key=len)
    return MAPPED[root].joinpath(*package.removeprefix(root).split("."))


def test_every_package_is_listed() -> None:
    folders = {path.parent for mapped in MAPPED.values() for path in mapped.rglob("__init__.py")}
    assert {_folder(package) for package in SETUPTOOLS["packages"]} == folders
    with_modules = {path.parent for path in (ROOT / "src").rglob("*.py")}
    assert with_modules <= folders, "a folder without __init__.py is not a package"


def test_every_data_file_is_listed() -> None:
    listed = {path for package, patterns in SETUPTOOLS["package-data"].items() for p in patterns for path in _folder(package).glob(p)}
    data = {path for path in (ROOT / "src" / "closedform").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert data <= listed
