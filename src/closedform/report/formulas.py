"""A paper's formulas, one by one, with the claims that state them and their verdicts; then what else is claimed."""

from __future__ import annotations

from collections.abc import Sequence

from closedform.papers import Paper, PaperFormula
from closedform.report.markdown import MARKS, escaped
from closedform.results import PROVED, REFUTED, UNDECIDED, ClaimResult, DerivationResult

HEAD = """# The catalogue, formula by formula

Every formula of {title}
in its order, with the claims of the catalogue that state it and what became of them. Each claim is judged against the definition,
for all sizes, and what is unknown (the extractor, the loss) stands for any. Written by `make verify` from the recorded verdicts.
"""
FURTHER = "## What follows from them, and what else the catalogue claims"


def formula_table(paper: Paper, results: Sequence[DerivationResult], *, pages: str) -> str:
    """The table as Markdown; ``pages`` is the folder of the derivations' pages, relative to the file.

    A formula that is no equation to be proved is listed with the definitions that state it and its note; one that
    nothing cites is listed as left out.
    """
    lines = [HEAD.format(title=paper.title).rstrip()]
    section = None
    for formula in paper.formulas:
        if formula.section != section:
            section = formula.section
            lines += ["", f"## {section}", "", "| | formula | derivation and claim | verdict |", "| --- | --- | --- | --- |"]
        lines.append(_row(formula, results, pages))
    lines += ["", FURTHER, ""]
    lines += ["| derivation and claim | formula | verdict |", "| --- | --- | --- |"]
    lines += [_further(claim, pages) for result in results for claim in result.claims if not claim.cites and claim.kind != "assumption"]
    return "\n".join(lines) + "\n"


def cited(paper: Paper, results: Sequence[DerivationResult]) -> frozenset[int]:
    """The numbers of the formulas that a claim or a definition cites."""
    defined = {number for result in results for number in result.cites}
    claimed = {number for result in results for claim in result.claims for number in claim.cites}
    return frozenset(formula.number for formula in paper.formulas if formula.number in defined | claimed)


# ---------------------------------------------------------------------------------------------


def _row(formula: PaperFormula, results: Sequence[DerivationResult], pages: str) -> str:
    claims = [claim for result in results for claim in result.claims if formula.number in claim.cites]
    defining = [f"{_page(result.name, pages)} (definition)" for result in results if formula.number in result.cites]
    stated = "<br>".join([*defining, *(f"{_page(claim.derivation, pages)}: {escaped(claim.claim)}{_layouts(claim)}" for claim in claims)])
    note = f"<br>{escaped(formula.note)}" if formula.note else ""
    return f"| {formula.number} | {_math(formula.latex)}{note} | {stated or 'left out'} | {_verdict(claims, bool(defining))} |"


def _further(claim: ClaimResult, pages: str) -> str:
    title = f"<br>{escaped(claim.title)}" if claim.title else ""
    formula = _math(f"{claim.lhs_latex} = {claim.rhs_latex}")
    return f"| {_page(claim.derivation, pages)}: {escaped(claim.claim)}{_layouts(claim)}{title} | {formula} | {_mark([claim])} |"


def _verdict(claims: Sequence[ClaimResult], defined: bool) -> str:
    """The worst verdict of the claims; where there are none, that it is a definition."""
    return _mark(claims) if claims else "definition" if defined else "**left out**"


def _mark(claims: Sequence[ClaimResult]) -> str:
    """The worst verdict of some claims, and whether it is one for all sizes."""
    found = {claim.verdict.verdict for claim in claims}
    worst = next(verdict for verdict in (REFUTED, UNDECIDED, PROVED) if verdict in found)
    return MARKS[worst] + (" at the sizes tried" if worst == PROVED and any(claim.verdict.limited for claim in claims) else "")


def _layouts(claim: ClaimResult) -> str:
    """Where a matrix formula holds: in some layouts only, or in all."""
    named = [reading.layout for reading in claim.readings if reading.expected]
    if not claim.readings or len(named) == len(claim.readings):
        return ""
    return f" ({' and '.join(named)} layout{'s' if len(named) > 1 else ''})"


def _page(name: str, pages: str) -> str:
    return f"[{escaped(name)}]({pages}/{name}.md)"


def _math(latex: str) -> str:
    """Inline mathematics in a table's cell, in which a bar would end the cell."""
    return "$`" + latex.replace("|", r"\vert ") + "`$"
