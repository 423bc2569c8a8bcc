"""A verdict on a matrix formula: in which layouts it can be read at all, and whether its entries are equal there."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from closedform.certify import prove as certify
from closedform.derive import closed_form
from closedform.errors import DerivationError, LayoutError
from closedform.notation import MatrixFormula, Setting
from closedform.notation.layouts import claim_in, shape_in
from closedform.notation.matrices import LAYOUTS
from closedform.results import PROVED, REFUTED, UNDECIDED, ClaimResult, Reading, Step, Verdict
from closedform.syntax.latex import to_latex
from closedform.syntax.matrices import matrix_latex, matrix_text
from closedform.syntax.text import to_text


def judge_formula(setting: Setting, formula: MatrixFormula, *, derivation: str = "", seed: int = 0) -> ClaimResult:
    """The formula read in every layout: proved if it holds in those that it names and in no other."""
    verdicts: dict[tuple[Expr, Expr], Verdict] = {}  # layouts that read the formula alike share one
    readings = tuple(_reading(setting, formula, layout, seed, verdicts) for layout in LAYOUTS)
    return ClaimResult(
        derivation=derivation,
        claim=formula.name,
        title=formula.title,
        source=formula.source,
        lhs_text=matrix_text(formula.lhs),
        lhs_latex=matrix_latex(formula.lhs),
        rhs_text=matrix_text(formula.rhs),
        rhs_latex=matrix_latex(formula.rhs),
        verdict=_verdict(readings),
        steps=_steps(setting, formula),
        kind="matrix formula",
        cites=formula.cites,
        readings=readings,
    )


def _reading(setting: Setting, formula: MatrixFormula, layout: str, seed: int, verdicts: dict[tuple[Expr, Expr], Verdict]) -> Reading:
    expected = layout in formula.layouts
    try:
        claim = claim_in(formula, layout)
    except LayoutError as error:
        return Reading(layout, expected, complaint=str(error))
    text, latex = (f"{form(claim.lhs, setting)} = {form(claim.rhs, setting)}" for form in (to_text, to_latex))
    if (claim.lhs, claim.rhs) not in verdicts:
        verdicts[claim.lhs, claim.rhs] = certify(setting, claim, seed=seed)
    return Reading(layout, expected, shape_in(formula.lhs, layout), "", text, latex, verdicts[claim.lhs, claim.rhs])


def _verdict(readings: Sequence[Reading]) -> Verdict:
    """Proved where every layout is as it is said to be; else what is wrong with the first that is not."""
    judged = {id(reading.verdict): reading.verdict for reading in readings if reading.verdict is not None}
    seconds = sum(verdict.seconds for verdict in judged.values())
    holding = [reading.verdict for reading in readings if reading.expected and reading.verdict is not None and reading.holds]
    wrong = [reading for reading in readings if reading.holds != reading.expected]
    open_ = [reading for reading in readings if reading.verdict is not None and reading.verdict.verdict == UNDECIDED]
    if open_:
        notes = tuple(
            f"{reading.layout} layout: undecided: {note}" for reading in open_ if reading.verdict for note in reading.verdict.notes
        )
        return Verdict(UNDECIDED, {}, notes=notes, seconds=seconds)
    if wrong:
        counterexample = next((reading.verdict.counterexample for reading in wrong if reading.verdict is not None), None)
        diagnosis = tuple(sentence for reading in wrong for sentence in _against(reading))
        return Verdict(REFUTED, {}, counterexample=counterexample, diagnosis=diagnosis, seconds=seconds)
    names = dict.fromkeys(name for verdict in holding for name in verdict.sizes)
    sizes = {name: tuple(sorted({size for verdict in holding for size in verdict.sizes.get(name, ())})) for name in names}
    chance = max(verdict.error_probability or 0.0 for verdict in holding)
    notes = tuple(dict.fromkeys(note for verdict in holding for note in verdict.notes))
    everywhere = all(verdict.all_sizes for verdict in holding)
    return Verdict(PROVED, sizes, chance, notes=notes, seconds=seconds, all_sizes=everywhere)


def _against(reading: Reading) -> tuple[str, ...]:
    """Why a reading is not as the formula says."""
    where = f"in the {reading.layout} layout"
    if reading.complaint:
        return (f"{where} it does not fit: {reading.complaint}",)
    if reading.holds:
        return (f"{where} it holds too; name it among the layouts",)
    return (f"{where} it is false: {reading.text}", *(reading.verdict.diagnosis if reading.verdict is not None else ()))


def _steps(setting: Setting, formula: MatrixFormula) -> tuple[Step, ...]:
    """How the left side is derived in index notation, in the first layout that the formula names and can be read in."""
    for layout in formula.layouts:
        try:
            return closed_form(setting, claim_in(formula, layout).lhs).steps
        except (LayoutError, DerivationError):
            continue  # the verdict needs no derivation
    return ()
