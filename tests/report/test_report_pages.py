"""Reports render recorded results, the same bytes for the same results, and nothing from them acts as markup."""

from __future__ import annotations

import html.parser
import re
from dataclasses import replace
from pathlib import Path

import pytest

from closedform.report.forms import forms_text
from closedform.report.html import document, mathml
from closedform.report.markdown import derivation_page
from closedform.report.pages import report_files
from closedform.report.records import claim_record, to_json, verification_records
from closedform.report.text import verify_row
from closedform.results import (
    ClaimResult,
    Counterexample,
    DerivationResult,
    Equation,
    Input,
    KernelCheck,
    ModuleResult,
    Step,
    Verdict,
)

PROOF = Verdict("proved", {"C": (2, 3, 4)}, 2.5e-31, seconds=0.5)
POINT = Counterexample({"C": 2}, {"z": ["0", "1/2"]}, {"i": 1}, "0.25", "-0.25")
REFUTATION = Verdict("refuted", {"C": (2,)}, counterexample=POINT, diagnosis=("the sign is wrong",), notes=("not at 0",))


def _claim(verdict: Verdict) -> ClaimResult:
    steps = (Step("chain rule", "p depends on z", "p[i]", "p_{i}"),)
    return ClaimResult("square", "slope", "twice x", "a book", "ds/dx", r"\frac{ds}{dx}", "2*x", "2 x", verdict, "2*x", "2 x", steps)


def _result(verdict: Verdict = PROOF) -> DerivationResult:
    return DerivationResult(
        name="square",
        title="Square <script>alert(1)</script> of *x*",
        about="x & y, `code`, a|b",
        source="",
        given=(Input("x", r"x \in \mathbb{R}", "a number"),),
        lets=(Equation("s", "s", "x^2", "x^{2}", "its square"),),
        claims=(_claim(verdict),),
        forms=(replace(_claim(verdict), kind="closed form"),),
        modules=(ModuleResult("square", "numpy", 'def f(x):\n    """```"""\n\n\n    return 2 * x\n', "", "passed"),),
        checks=(KernelCheck("square", "value", "numpy", "float32", "autograd", "passed", 0.25, 20),),
        seconds=1.0,
    )


def test_a_proof_at_some_sizes_only_is_not_called_one_for_all() -> None:
    limited = _result(replace(PROOF, all_sizes=False, notes=("the theorem does not cover it",)))
    page = derivation_page(limited)
    assert "**✓ proved** at these sizes only (tried: C=2..4)" in page
    assert "for all sizes" not in page
    assert "1/1 proved (1 at sizes tried)" in verify_row(limited)
    assert "# the theorem does not cover it" in forms_text(limited.forms, "text", steps=False)
    assert claim_record(limited.claims[0])["all_sizes"] is False


class _Outline(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")


def test_a_page_tells_definition_claims_steps_verdicts_and_code() -> None:
    page = derivation_page(_result())
    for part in (
        "## Definition",
        "s = x^{2}",
        "**✓ proved** for all sizes (tried: C=2..4), error probability below 10^-30",
        "**chain rule**",
    ):
        assert part in page
    assert '    """```"""\n\n\n    return 2 * x' in page, "code stays as it is"
    assert "````python" in page, "a fence that the code cannot close"


def test_a_page_tells_what_is_against_a_claim() -> None:
    page = derivation_page(_result(REFUTATION))
    for part in ("**✗ refuted**", "z = [0, 1/2]", "left side   0.25", "the sign is wrong", "not at 0"):
        assert part in page


def test_pages_hold_nothing_that_differs_from_run_to_run() -> None:
    slow = replace(
        _result(), seconds=99.0, checks=(replace(_result().checks[0], worst=0.5),), claims=(_claim(replace(PROOF, seconds=9.0)),)
    )
    assert derivation_page(slow) == derivation_page(_result())


def test_the_html_is_one_file_with_typeset_formulas_and_working_links(tmp_path: Path) -> None:
    (tmp_path / "real_data.md").write_text("# Real data\n\nSee [the square](square.md).\n")
    files = report_files([_result()], tmp_path)
    assert sorted(path.name for path in files) == ["README.md", "index.html", "square.md"]
    assert "- [Real data](real_data.md)" in files[tmp_path / "README.md"]
    outline = _Outline(files[tmp_path / "index.html"])
    assert "math" in outline.tags
    assert "msup" in outline.tags
    assert not {"script", "link", "img", "iframe"} & set(outline.tags)
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids), "every link stays in the file"
    assert len(set(outline.ids)) == len(outline.ids)


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    assert report_files([_result()], tmp_path) == report_files([_result()], tmp_path)


def test_text_from_results_is_no_markup() -> None:
    text = document({"square.md": derivation_page(_result())})
    assert "<script" not in text
    assert "<em>x</em>" not in text
    assert "x &amp; y, `code`, a|b" in text


@pytest.mark.parametrize("latex", [r"\sum_{b,i} y_{b,i} \log\left(p_{b,i}\right)", r"\frac{\partial^{2} L}{\partial z_{i} \partial z_{j}}"])
def test_formulas_become_mathml(latex: str) -> None:
    assert re.fullmatch(r'<math .*display="block".*</math>', mathml(latex), re.DOTALL)


def test_json_has_one_flat_record_for_each_claim_and_check() -> None:
    records = verification_records([_result(REFUTATION)])
    assert [record["kind"] for record in records] == ["claim", "closed form", "module", "kernel check"]
    claim, check = records[0], records[3]
    assert (claim["derivation"], claim["claim"], claim["verdict"]) == ("square", "slope", "refuted")
    assert claim["sizes"] == {"C": [2]}
    assert claim["counterexample"] == {"sizes": {"C": 2}, "values": {"z": ["0", "1/2"]}, "entry": {"i": 1}, "lhs": "0.25", "rhs": "-0.25"}
    assert check["worst"] == 0.25
    assert to_json(records).startswith("[\n {")


def test_json_writes_no_infinity() -> None:
    endless = replace(_result(), checks=(replace(_result().checks[0], worst=float("inf")),))
    assert verification_records([endless])[-1]["worst"] == "inf"
