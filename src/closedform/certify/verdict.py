"""``prove``: a verdict on a claim, and what is wrong with a refuted one."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

from closedform.certify.diagnose.diagnosis import diagnose
from closedform.certify.judge import judge
from closedform.certify.rings.base import TooLargeError
from closedform.notation import Claim, Setting
from closedform.results import Verdict


def prove(setting: Setting, claim: Claim, *, seed: int = 0, explain: bool = True) -> Verdict:
    """Judge ``claim`` in ``setting``: proved for all sizes, refuted with a counterexample, or undecided.

    >>> from closedform.notation import Dim, Given, Let, delta, exp, indices, partial, summation, tensor
    >>> C = Dim("C"); i, j, k = indices("i j k", C); z, p = tensor("z", C), tensor("p", C)
    >>> setting = Setting((Given(z),), (Let(p[i], exp(z[i]) / summation(exp(z[k]), k)),))
    >>> prove(setting, Claim("right", partial(p[i], z[j]), p[i] * (delta(i, j) - p[j]))).verdict
    'proved'
    >>> prove(setting, Claim("wrong", partial(p[i], z[j]), p[i] * (delta(i, j) - 1))).verdict
    'refuted'

    Args:
        setting: what is given, and the definitions.
        claim: the equation.
        seed: of all randomness; the verdict does not depend on it, except with the stated probability.
        explain: whether to say what is wrong with a refuted claim; finding out takes most of the time.
    """
    start = time.perf_counter()
    verdict = judge(setting, claim, seed=seed)
    if explain and verdict.counterexample is not None:
        part = setting.about(claim.lhs, claim.rhs)
        with suppress(TooLargeError):
            verdict = replace(verdict, diagnosis=diagnose(part, claim, verdict.counterexample, seed=seed))
    return replace(verdict, seconds=time.perf_counter() - start)
