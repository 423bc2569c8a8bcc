"""The judging wing at work: a verdict for what a derivation claims and for what was derived from it."""

from __future__ import annotations

from closedform.certify import prove as certify
from closedform.derive import ClosedForm, closed_form
from closedform.errors import DerivationError
from closedform.functions import sample_independence
from closedform.notation import Claim, Derivation, Setting
from closedform.pipeline.describing import described_let
from closedform.pipeline.formulas import judge_formula
from closedform.pipeline.making import Form
from closedform.results import ClaimResult
from closedform.syntax.latex import to_latex
from closedform.syntax.text import to_text


def judge_claims(derivation: Derivation, *, seed: int) -> tuple[ClaimResult, ...]:
    """A verdict for every claim and matrix formula, beside the engine's own closed form of its left side."""
    claims = [judge(derivation.setting_of(claim), claim, derivation=derivation.name, seed=seed) for claim in derivation.claims]
    formulas = [judge_formula(derivation.setting, formula, derivation=derivation.name, seed=seed) for formula in derivation.formulas]
    return (*claims, *formulas)


def judge_assumptions(derivation: Derivation, *, seed: int) -> tuple[ClaimResult, ...]:
    """A verdict for what the layout of the kernels takes for granted: samples are independent."""
    return tuple(
        judge(derivation.setting, claim, derivation=derivation.name, seed=seed, kind="assumption", derive=False)
        for claim in sample_independence(derivation)
    )


def judge_form(derivation: Derivation, form: Form, *, seed: int) -> ClaimResult:
    """A verdict for the closed form of a kernel function, against the definition of the function."""
    title = form.function.kind.replace("_", " ")
    return judge_derived(derivation.name, form.function.name, form.closed, title=title, seed=seed)


def judge_derived(derivation: str, name: str, closed: ClosedForm, *, title: str = "", seed: int = 0) -> ClaimResult:
    """A verdict for what was derived, which is judged as anybody's claim is."""
    claim = Claim(name, closed.target, closed.expression, title=title)
    return _result(closed.setting, claim, closed, derivation=derivation, seed=seed, kind="closed form")


def judge(setting: Setting, claim: Claim, *, derivation: str = "", seed: int = 0, kind: str = "claim", derive: bool = True) -> ClaimResult:
    """A verdict for one claim; with ``derive`` the engine's own closed form, where it finds one, is recorded beside it."""
    try:
        derived = closed_form(setting, claim.lhs) if derive else None
    except DerivationError:
        derived = None  # the verdict does not need it: the kernel judges the definition against the claim
    return _result(setting, claim, derived, derivation=derivation, seed=seed, kind=kind)


def _result(setting: Setting, claim: Claim, derived: ClosedForm | None, *, derivation: str, seed: int, kind: str) -> ClaimResult:
    return ClaimResult(
        derivation=derivation,
        claim=claim.name,
        title=claim.title,
        source=claim.source,
        lhs_text=to_text(claim.lhs, setting),
        lhs_latex=to_latex(claim.lhs, setting),
        rhs_text=to_text(claim.rhs, setting),
        rhs_latex=to_latex(claim.rhs, setting),
        verdict=certify(setting, claim, seed=seed),
        derived_text=to_text(derived.expression, derived.setting) if derived else "",
        derived_latex=to_latex(derived.expression, derived.setting) if derived else "",
        steps=derived.steps if derived else (),
        kind=kind,
        cites=claim.cites,
        introduced=tuple(described_let(let, derived.setting) for let in derived.introduced) if derived else (),
    )
