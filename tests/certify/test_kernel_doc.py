"""docs/kernel.md names the test that holds each point: the tests it names must exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "kernel.md").read_text(encoding="utf-8")
FILES = sorted(set(re.findall(r"`((?:[\w/]+/)?test_\w+\.py)", DOCUMENT)))


def named_tests() -> list[tuple[str, str]]:
    """Pairs (file, test); ``::test_x`` alone is in the file named before it."""
    found, file = [], ""
    for match in re.finditer(r"`((?:[\w/]+/)?test_\w+\.py)?(?:::(test_\w+))?`", DOCUMENT):
        file = match[1] or file
        if match[2]:
            found.append((file, match[2]))
    return found


def path_of(file: str) -> Path:
    return ROOT / file if "/" in file else Path(__file__).parent / file


@pytest.mark.parametrize("file", FILES)
def test_the_files_named_exist(file: str) -> None:
    assert path_of(file).is_file()


@pytest.mark.parametrize(("file", "name"), sorted(set(named_tests())))
def test_the_tests_named_exist(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\b", path_of(file).read_text(encoding="utf-8"), re.MULTILINE), f"{file} has no {name}"


def test_every_source_file_named_exists() -> None:
    for name in re.findall(r"`(certify/\w+\.py)`", DOCUMENT):
        assert (ROOT / "src" / "closedform" / name).is_file(), name


def test_many_points_name_a_test() -> None:
    assert len(named_tests()) >= 20
