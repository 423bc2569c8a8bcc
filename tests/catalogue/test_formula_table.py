"""The table of the article's formulas: none left out, and the committed file is what the derivations say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from closedform.discover import discover
from closedform.errors import DiscoveryError
from closedform.notation import Claim, Derivation
from closedform.notation.matrices import LAYOUTS
from closedform.papers import Paper, read_paper
from closedform.pipeline.describing import described
from closedform.report.formulas import FURTHER, cited, formula_table
from closedform.results import PROVED, REFUTED, ClaimResult, DerivationResult, Reading, Verdict
from closedform.syntax.latex import to_latex
from closedform.syntax.matrices import matrix_latex

ROOT = Path(__file__).parents[2]
TRUE = Verdict(PROVED, {}, error_probability=0.0)


def _claim(derivation: Derivation, claim: Claim) -> ClaimResult:
    lhs, rhs = (to_latex(side, derivation.setting) for side in (claim.lhs, claim.rhs))
    return ClaimResult(derivation.name, claim.name, claim.title, claim.source, "", lhs, "", rhs, TRUE, cites=claim.cites)


def _recorded(derivation: Derivation) -> DerivationResult:
    """What a run would record in which everything is proved."""
    claims = [_claim(derivation, claim) for claim in derivation.claims]
    for formula in derivation.formulas:
        readings = tuple(Reading(layout, layout in formula.layouts) for layout in LAYOUTS)
        latex = matrix_latex(formula.lhs), matrix_latex(formula.rhs)
        claims.append(
            ClaimResult(
                derivation.name, formula.name, formula.title, formula.source, "", latex[0], "", latex[1], TRUE,
                kind="matrix formula", cites=formula.cites, readings=readings,
            )
        )  # fmt: skip
    return described(derivation, claims=tuple(claims))


@pytest.fixture(scope="module")
def paper() -> Paper:
    return read_paper(ROOT / "derivations" / "paper.toml")


@pytest.fixture(scope="module")
def results() -> tuple[DerivationResult, ...]:
    return tuple(_recorded(item.derivation) for item in discover(ROOT / "derivations"))


def test_no_formula_of_the_article_is_left_out(paper: Paper, results: tuple[DerivationResult, ...]) -> None:
    assert cited(paper, results) == {formula.number for formula in paper.formulas}
    claims = [claim for result in results for claim in result.claims]
    assert max(number for claim in claims for number in claim.cites) <= len(paper.formulas)


def test_the_committed_table_says_of_each_formula_that_it_is_proved(paper: Paper, results: tuple[DerivationResult, ...]) -> None:
    """The formulas of the article exactly; of what follows, `make verify` writes what there is."""
    committed = (ROOT / "derivations" / "README.md").read_text(encoding="utf-8")
    written = formula_table(paper, results, pages="../reports")
    assert committed.split(FURTHER)[0] == written.split(FURTHER)[0]
    assert FURTHER in committed


def test_a_formula_without_claims_and_one_that_is_refuted_are_marked(paper: Paper, results: tuple[DerivationResult, ...]) -> None:
    (softmax,) = (result for result in results if result.name == "softmax")
    wrong = replace(softmax, claims=tuple(replace(claim, verdict=Verdict(REFUTED, {})) for claim in softmax.claims))
    table = formula_table(paper, [wrong], pages="../reports")
    jacobian = next(line for line in table.splitlines() if line.startswith("| 11 |"))
    pipeline = next(line for line in table.splitlines() if line.startswith("| 28 |"))
    assert jacobian.endswith("| **✗ refuted** |")
    assert pipeline.endswith("| left out | **left out** |")


def test_a_paper_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "paper.toml"
    path.write_text("title = 'A paper'\n[[formula]]\nsection = 'One'\n")
    with pytest.raises(DiscoveryError, match=r"paper\.toml: formula 1 needs latex = '…'; got None"):
        read_paper(path)
    path.write_text("title = \n")
    with pytest.raises(DiscoveryError, match=r"paper\.toml cannot be read"):
        read_paper(path)
