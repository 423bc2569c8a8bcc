"""Why a refuted claim is wrong: verified statements from a fixed list of kinds.

A diagnosis is a hypothesis that was tested like a claim: the corrected formula, or the claim under
a further condition, agrees with the definition at several points and sizes in double precision, then
in balls to some twenty digits, and at the counterexample; then the kernel has to prove it. What is not verified is not said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from closedform.certify.diagnose.blocks import functions, quantities
from closedform.certify.diagnose.case import Case, make_case
from closedform.certify.diagnose.conditions import constraints
from closedform.certify.diagnose.factors import rescaled_entry, several_terms, sum_dropped, term_factor, whole_factor
from closedform.certify.diagnose.indices import patterns, rewritten, symmetrised, transposed_indices
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.certify.diagnose.parts import wrong_parts
from closedform.certify.diagnose.sizes import sizes
from closedform.certify.diagnose.surrogates import surrogates
from closedform.certify.diagnose.terms import other_terms, summed_terms
from closedform.notation import Claim, Setting
from closedform.results import Counterexample

__all__ = ["Diagnosis", "Kind", "diagnose", "diagnoses"]

MOST = 3


def diagnose(setting: Setting, claim: Claim, counterexample: Counterexample, *, seed: int = 0) -> tuple[str, ...]:
    """What is wrong with a refuted claim, at most three sentences, the most telling first.

    >>> from closedform.notation import Dim, Given, Let, indices, partial, scalar, summation, tensor
    >>> D = Dim("D"); (i,) = indices("i", D); x, f = tensor("x", D), scalar("f")
    >>> setting = Setting((Given(x),), (Let(f, summation(x[i] ** 2, i)),))
    >>> diagnose(setting, Claim("half", partial(f, x[i]), x[i]), Counterexample({"D": 1}, {}, {}, "", ""))
    ('off by a constant factor: the claimed side is 1/2 times the true one; multiply it by 2',)
    """
    return tuple(diagnosis.sentence for diagnosis in diagnoses(setting, claim, counterexample, seed=seed))


def diagnoses(setting: Setting, claim: Claim, counterexample: Counterexample, *, seed: int = 0) -> tuple[Diagnosis, ...]:
    """As :func:`diagnose`, with the kind of each."""
    case = make_case(setting, claim, counterexample, seed=seed)
    if case is None:
        return ()
    correction = next(_corrections(case), None)
    pattern = next(patterns(replace(case, doubted=[]), counterexample.entry), None)
    condition = next(constraints(replace(case, doubted=[])), None)
    size = next(sizes(replace(case, doubted=[])), None)
    # Three at most: what corrects it, then the conditions; the pattern says least of them.
    by_weight = [correction, condition, size, pattern] if correction is not None else [pattern, condition, size]
    return tuple(diagnosis for diagnosis in by_weight if diagnosis is not None)[:MOST]


def _corrections(case: Case) -> Iterator[Diagnosis]:
    """What makes the claim hold, or what it is instead; simple explanations before elaborate ones."""
    known = quantities(case)
    plain = [quantity for quantity in known if quantity.constant]
    yield from whole_factor(case, plain)
    yield from transposed_indices(case)
    yield from term_factor(case, plain)
    yield from symmetrised(case)
    yield from surrogates(case)
    yield from rewritten(case)
    yield from whole_factor(case, known)
    yield from sum_dropped(case)
    yield from term_factor(case, known)
    yield from several_terms(case)
    yield from rescaled_entry(case)
    yield from other_terms(case, known)
    yield from summed_terms(case, plain)
    yield from wrong_parts(case)
    yield from whole_factor(case, functions(case))
    yield from term_factor(case, functions(case))
