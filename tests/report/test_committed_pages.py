"""The committed pages show the committed kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "numeric").glob("*/[a-z]*.py"))


@pytest.mark.parametrize("module", MODULES, ids=[f"{path.parent.name}.{path.stem}" for path in MODULES])
def test_a_page_has_the_code_of_its_kernels(module: Path) -> None:
    page = (ROOT / "reports" / f"{module.stem}.md").read_text(encoding="utf-8")
    assert module.read_text(encoding="utf-8").strip() in page, f"reports/{module.stem}.md is stale; write it anew with: make report"
