"""Closed forms of derivatives that people derive by hand: exact text, and the numbers of autograd.

``closed_forms.txt`` holds them in the notation of claims; the right sides are what the engine must print, where
``p`` and ``lse`` may be names that it introduces.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from derive_oracle import agree, drawn

from closedform.derive import closed_form
from closedform.notation import Claim, Setting
from closedform.syntax.parse import parse_claims
from closedform.syntax.text import to_text

BLOCKS = {
    block.split()[1]: block.strip()
    for block in re.split(r"\n(?=claim )", (Path(__file__).parent / "closed_forms.txt").read_text())
    if "show" in block
}
BLOCKS = {name: "\n".join(line for line in block.splitlines() if not line.startswith("#")) for name, block in BLOCKS.items()}


# exp(..) by itself, over no sum of exponentials
RAW_EXPONENTIALS = {"gaussian-log-variance", "variational-kl", "poisson"}


def read(name: str) -> tuple[Setting, Claim, str]:
    """The setting, the claim (its right side left out, as it may use introduced names) and the expected text."""
    before, expected = BLOCKS[name].rsplit(" = ", 1)
    (block,) = parse_claims(f"{before} = 0", file=name)
    return block.setting, block.claims[0], expected


@pytest.mark.parametrize("name", BLOCKS)
def test_closed_form(name: str) -> None:
    setting, claim, expected = read(name)
    form = closed_form(setting, claim.lhs)
    text = to_text(form.expression, form.setting)
    assert text == expected
    assert "exp(" not in text or name in RAW_EXPONENTIALS, "an exponential is left that softmax, sigmoid or logsumexp fits"
    assert "log(sum" not in text, "a logsumexp is left unnamed"
    assert not re.search(r"sum_\w+\(delta\(", text), "a delta is left under a sum"
    # Sizes fall from the first dimension on: Gram matrices of the data are invertible.
    sizes = {dim: max(2, 4 - n) for n, dim in enumerate(setting.dims)}
    assert agree(drawn(setting, sizes, seed=5), claim.lhs, form.expression, form.setting)


def test_oracle_finds_a_planted_fault() -> None:
    setting, claim, _ = read("softmax-jacobian")
    form = closed_form(setting, claim.lhs)
    point = drawn(setting, dict.fromkeys(setting.dims, 3), seed=1)
    assert not agree(point, claim.lhs, form.expression * (1 + 1e-6), form.setting)
    assert not agree(point, claim.lhs, -form.expression, form.setting)


def test_oracle_knows_the_softmax_jacobian_by_heart() -> None:
    setting, claim, _ = read("softmax-jacobian")
    point = drawn(setting, dict.fromkeys(setting.dims, 4), seed=2)
    p = torch.softmax(point.named("z"), 0)
    entries = point.array(claim.lhs, (claim.lhs.args[0].indices[0], claim.lhs.args[1].indices[0]))
    torch.testing.assert_close(entries, torch.diag(p) - torch.outer(p, p), rtol=1e-12, atol=1e-14)
