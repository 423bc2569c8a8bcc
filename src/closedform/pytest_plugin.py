"""The pytest plugin: derivations and Markdown claims as tests, profiles, and how many faults a kernel's test would catch.

It is loaded wherever closedform is installed (``-p no:closedform`` turns it off), so it imports nothing until a file or an
option is really for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd")
CLAIMS = ".claims"
FOLDER = "derivations"
MARKERS = (
    "proof: a claim or a closed form is judged for all sizes",
    "numeric: a kernel is compared with its definition",
    "cuda: needs a CUDA device",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options ``--kernel-profile``, ``--kernel-power`` and ``--kernel-device``."""
    group = parser.getgroup("closedform", "kernels and derivations")
    group.addoption("--kernel-profile", choices=("dev", "ci", "nightly"), help="How many inputs kernels are tested on.")
    group.addoption(
        "--kernel-power",
        type=float,
        metavar="SHARE",
        help="Also plant faults into a right kernel in place of the tested one, and fail where less than this share is caught (0.9).",
    )
    group.addoption("--kernel-device", action="append", default=[], metavar="DEVICE", help="Check torch kernels there too, such as cuda.")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; make the profile known to the tests, those of xdist's workers too."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if config.getoption("--kernel-profile"):
        os.environ["CLOSEDFORM_PROFILE"] = config.getoption("--kernel-profile")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Files ``derivations/*.py`` that are about closedform; Markdown and claim files that are named on the command line."""
    if file_path.suffix == ".py":
        if file_path.parent.name != FOLDER or file_path.name.startswith("_") or not _mentions(file_path, b"closedform"):
            return None
        from closedform.testing.collecting import DerivationFile

        return DerivationFile.from_parent(parent, path=file_path)
    if file_path.suffix in (*MARKDOWN, CLAIMS) and parent.session.isinitpath(file_path):
        if file_path.suffix != CLAIMS and not _mentions(file_path, b"```closedform"):
            return None
        from closedform.testing.collecting import ClaimFile

        return ClaimFile.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> Any:
    """With ``--kernel-power``, one more item for each test that kernel_test made."""
    found = yield
    specification = getattr(obj, "closedform_specification", None)
    threshold = collector.config.getoption("--kernel-power")
    if specification is None or threshold is None or not found:
        return found
    from closedform.testing.collecting import PowerItem

    items: Iterable[Any] = found if isinstance(found, list) else [found]
    return [*items, PowerItem.from_parent(collector, name=f"{name}:power", specification=specification, threshold=threshold)]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What ``--kernel-power`` found."""
    lines = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for key, value in getattr(report, "user_properties", [])
        if key == "kernel power" and report.when == "call"
    ]
    if lines:
        terminalreporter.section("kernel power")
        for line in lines:
            terminalreporter.write_line(str(line))


def _mentions(path: Path, words: bytes) -> bool:
    try:
        return words in path.read_bytes()
    except OSError:
        return False
