"""Mutants of proved claims: the right ones are made, the kernel refutes them, and a bad kernel would be seen."""

from pathlib import Path
from random import Random

import pytest

from closedform.check import power
from closedform.check.mutants import KINDS, Mutant, mutants
from closedform.check.power import DIFFERENT, EQUAL, NOWHERE, Outcome, judge, tally, truth
from closedform.results import PROVED, REFUTED, UNDECIDED, Verdict
from closedform.syntax.parse import parse_claims, parse_file

DATA = Path(__file__).parents[1] / "data"
SAMPLE = 2  # of each kind

GRADIENT = """
claim gradient
given z[C]
given y[C] where sum_c(y[c]) = 1
let   p[c] = exp(z[c])/sum_k(exp(z[k]))
let   L = -sum_c(y[c]*log(p[c]))
show  dL/dz[j] = p[j] - y[j]
"""


def of(text: str) -> tuple[Mutant, ...]:
    (block,) = parse_claims(text)
    return mutants(block.setting, block.claims[0])


def sample() -> list[Mutant]:
    blocks = parse_file(DATA / "dev.claims")
    proved = [block for block in blocks if block.name in ("core-04", "core-14", "core-31", "ext-05", "ext-16", "hard-13", "hard-34")]
    found = [mutant for block in proved for mutant in mutants(block.setting, block.claims[0])]
    by_kind = {kind: [mutant for mutant in found if mutant.kind == kind] for kind in KINDS}
    return [mutant for kind, listed in by_kind.items() for mutant in Random(kind).sample(listed, min(SAMPLE, len(listed)))]


def test_mutants_of_every_kind_get_the_verdict_that_balls_demand() -> None:
    chosen = sample()
    assert {mutant.kind for mutant in chosen} == set(KINDS)
    outcomes = [judge(mutant) for mutant in chosen]
    assert [outcome for outcome in outcomes if not outcome.right] == []
    assert sum(outcome.truth == DIFFERENT for outcome in outcomes) > len(outcomes) / 2


def test_a_kernel_that_proves_everything_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "prove", lambda *_, **__: Verdict(PROVED, {}))
    outcomes = [judge(mutant) for mutant in of(GRADIENT) if mutant.kind in ("sign", "constraint removed")]
    assert len(outcomes) > 3
    assert all(outcome.wrong for outcome in outcomes)
    assert all(row.wrong == row.mutants for row in tally(outcomes))


def test_a_kernel_that_refutes_everything_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "prove", lambda *_, **__: Verdict(REFUTED, {}))
    text = GRADIENT.replace("where sum_c(y[c]) = 1", "where y onehot").replace("p[j] - y[j]", "p[j]*sum_c(y[c]) - y[j]")
    removed = [mutant for mutant in of(text) if mutant.kind == "constraint removed"]
    assert [truth(mutant) for mutant in removed] == [EQUAL]
    assert judge(removed[0]).wrong


def test_a_mutant_that_exists_nowhere_may_be_left_undecided_but_not_refuted() -> None:
    text = "claim log\ngiven x where x > 0\nlet f = log(x)\nshow df/dx = 1/x"
    (nowhere,) = [mutant for mutant in of(text.replace("log(x)", "log(x - 2*x) + 0*x").replace("1/x", "2/x")) if mutant.kind == "sign"][:1]
    assert truth(nowhere) == NOWHERE
    outcomes = [Outcome("log", "sign", "", verdict, NOWHERE) for verdict in (PROVED, UNDECIDED, REFUTED)]
    assert [outcome.right for outcome in outcomes] == [True, True, False]
    (row,) = tally(outcomes)
    assert (row.nowhere, row.undecided, row.wrong) == (2, 0, 1)


def test_an_undecided_mutant_counts_as_such() -> None:
    (row,) = tally([Outcome("f", "factor", "", UNDECIDED, DIFFERENT), Outcome("f", "factor", "", REFUTED, DIFFERENT)])
    assert (row.mutants, row.refuted, row.undecided, row.wrong) == (2, 1, 1, 0)


def test_what_exists_for_whole_numbers_only_is_compared_there() -> None:
    (block,) = parse_claims("claim powers\ngiven p where p > 0\ngiven g where g > 0\nshow (-p)^g = p^g + 1\n")
    assert truth(Mutant("sign", "minus p", block.setting, block.claims[0])) == DIFFERENT
