"""Closed forms as the command line prints them: text, LaTeX, Python or JSON, with their steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from closedform.report.records import claim_record, to_json
from closedform.results import PROVED, ClaimResult


def forms_text(results: Sequence[ClaimResult], form: str, *, steps: bool) -> str:
    """Closed forms in one of the formats ``text``, ``latex`` and ``json``."""
    if form == "json":
        return to_json([{**claim_record(result), **_form(result), **(_steps(result) if steps else {})} for result in results]).rstrip()
    return "\n".join(_one(result, form, steps=steps) for result in results)


def _one(result: ClaimResult, form: str, *, steps: bool) -> str:
    latex = form == "latex"
    remark = "%" if latex else "#"
    lines = []
    if steps:
        for at, step in enumerate(result.steps, 1):
            lines += [f"{at}. {step.rule}: {step.reason}", f"   {step.latex if latex else step.text}"]
    left, right = (result.lhs_latex, result.derived_latex) if latex else (result.lhs_text, result.derived_text)
    lines.append(f"{left} = {right}")
    lines += [
        rf"\text{{where }} {let.lhs_latex} = {let.rhs_latex}" if latex else f"where {let.lhs_text} = {let.rhs_text}"
        for let in result.introduced
    ]
    lines.append(f"{remark} {result.verdict}")
    if result.verdict.limited:
        lines += [f"{remark} {note}" for note in result.verdict.notes]
    if result.verdict.verdict != PROVED:
        lines += [f"{remark} {line}" for line in str(result).splitlines()]
    return "\n".join(lines)


def _form(result: ClaimResult) -> dict[str, Any]:
    """What a record says of a closed form besides what it says of every claim."""
    return {
        "lhs": result.lhs_text,
        "lhs_latex": result.lhs_latex,
        "derived_latex": result.derived_latex,
        "where": [asdict(let) for let in result.introduced],
    }


def _steps(result: ClaimResult) -> dict[str, list[dict[str, str]]]:
    return {"steps": [{"rule": s.rule, "reason": s.reason, "text": s.text, "latex": s.latex} for s in result.steps]}
