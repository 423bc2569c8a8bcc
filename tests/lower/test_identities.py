"""What the accurate forms rest on is proved, not trusted; and what is stated covers what is used."""

from __future__ import annotations

from dataclasses import replace

import closedform
from closedform.lower.identities import IDENTITIES
from closedform.notation import Claim


def test_every_identity_is_proved_for_all_sizes() -> None:
    verdicts = closedform.prove(*IDENTITIES)
    assert verdicts.ok, str(verdicts)
    assert {result.verdict.verdict for result in verdicts.results} == {"proved"}


def test_a_wrong_identity_is_refuted() -> None:
    probabilities = IDENTITIES[0]
    right = next(claim for claim in probabilities.claims if claim.name == "residual")
    wrong = replace(probabilities, claims=(Claim("residual", right.lhs, -right.rhs),))
    verdicts = closedform.prove(wrong)
    assert not verdicts.ok
    assert "residual: refuted" in str(verdicts)
