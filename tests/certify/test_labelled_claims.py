"""Claims from papers, blogs and kernels, true and false: the verdicts that they must get.

The files in ``tests/data`` hold hundreds of them. All of ``dev.claims`` and a sample of the others are judged here,
``make verdicts`` judges them all with several seeds.
"""

import json
from pathlib import Path

import pytest

from closedform.certify import prove
from closedform.syntax.parse import ClaimBlock, parse_file

DATA = Path(__file__).parents[1] / "data"
EVERY = {"dev": 1, "more": 8, "field": 8}
BLOCKS = [(name, block) for name, every in EVERY.items() for block in parse_file(DATA / f"{name}.claims")[::every]]


@pytest.mark.parametrize(("file", "block"), BLOCKS, ids=[f"{file}:{block.name}" for file, block in BLOCKS])
def test_labelled_claims_get_their_verdict(file: str, block: ClaimBlock) -> None:
    expected = json.loads((DATA / f"{file}.expected.json").read_text())[block.name]["verdict"]
    (claim,) = block.claims
    assert prove(block.setting, claim, explain=False).verdict == expected


@pytest.mark.parametrize("file", ["more", "field"])
def test_every_claim_says_its_verdict_in_the_text_too(file: str) -> None:
    text = (DATA / f"{file}.claims").read_text()
    labels = json.loads((DATA / f"{file}.expected.json").read_text())
    for name, label in labels.items():
        line = next(line for line in text.splitlines() if line.startswith(f"claim {name} "))
        said = ": ".join(label[key] for key in ("verdict", "mistake") if key in label)
        assert line.endswith(f"# {said}"), line
    assert {block.name for block in parse_file(DATA / f"{file}.claims")} == set(labels)
