"""From text to verdicts and closed forms: ``check`` and ``derive``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from closedform.derive import closed_form
from closedform.errors import UsageError
from closedform.notation import Derivation
from closedform.pipeline.judging import judge, judge_derived, judge_form
from closedform.pipeline.making import closed_forms
from closedform.pipeline.outcomes import Derived, DerivedForm, Verdicts
from closedform.pipeline.verifying import Progress, resolve
from closedform.results import ClaimResult
from closedform.syntax.parse import parse_file
from closedform.syntax.problem import parse_problem


def check(*files: Path | str, seed: int = 0, progress: Progress | None = None) -> Verdicts:
    """Judge every claim in files of closedform notation, or in the fenced blocks of Markdown files.

    All files are read before the first claim is judged.

    Raises:
        ParseError: a file cannot be read, or its text is not well formed; with file, line and column.
    """
    claims = [(block.setting, claim) for file in files for block in parse_file(file) for claim in block.claims]
    results: list[ClaimResult] = []
    for setting, claim in claims:
        if progress:
            progress(claim.name, len(results), len(claims))
        results.append(judge(setting, claim, seed=seed, derive=False))
    return Verdicts(tuple(results))


def derive(
    definition: str | Derivation,
    *,
    given: Sequence[str] = (),
    lets: Sequence[str] = (),
    wrt: str | Sequence[str] = (),
    order: int = 1,
    seed: int = 0,
) -> Derived:
    """Derive closed forms for every size, and certify each against the definition.

    Args:
        definition: an equation such as ``"L = -sum_c(y[c]*log(softmax(z)[c]))"``; or a derivation or the name of one,
            whose kernel functions are all derived, without further arguments.
        given: the inputs with what is known of them, ``"y[C] where sum_a(y[a]) = 1"``.
        lets: named intermediates that the equation uses, ``"p[i] = exp(z[i])/sum_k(exp(z[k]))"``.
        wrt: the input to differentiate by, or several for a mixed derivative.
        order: of the derivative.

    Raises:
        ParseError, UsageError: the text is not well formed, or asks for what is not given.
        UnknownDerivationError: no derivation has that name.
        DerivationError: no closed form was found.

    >>> import closedform
    >>> print(closedform.derive("L = -sum_c(y[c]*log(softmax(z)[c]))", given=["z[C]", "y[C] where sum_a(y[a]) = 1"], wrt="z"))
    dL/dz[i] = softmax(z)[i] - y[i]
    """
    if not isinstance(definition, str | Derivation):
        raise UsageError(f"derive takes an equation as text, a derivation or the name of one; got {definition!r}")
    if isinstance(definition, Derivation) or (definition.isidentifier() and not (given or lets or wrt)):
        (found,) = resolve([definition])
        forms = [(form.closed, judge_form(found.derivation, form, seed=seed)) for form in closed_forms(found.derivation)]
    else:
        if not wrt:
            raise UsageError("say what to differentiate by: --wrt NAME on the command line, wrt=NAME in Python")
        closed = closed_form(*parse_problem(definition, given, wrt=wrt, order=order, let=lets))
        forms = [(closed, judge_derived("", "closed form", closed, seed=seed))]
    return Derived(tuple(DerivedForm(closed, result) for closed, result in forms))
