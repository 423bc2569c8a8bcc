"""A derivation file with a wrong formula makes ``closedform verify`` exit with 1 and print a counterexample."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from closedform.cli import main

CATALOGUE = Path(__file__).parents[2] / "derivations"


@pytest.mark.parametrize(
    ("name", "right", "wrong", "claim", "diagnosis"),
    [
        ("softmax", "p[i] * (delta(i, j) - p[j])", "p[i] * delta(i, j)", "jacobian", r"p"),
        ("softmax", "p[i] * (delta(i, j) - p[j])", "p[i] * (p[j] - delta(i, j))", "jacobian", r"-1|sign"),
        ("mse", "2 * (z[b, i] - y[b, i]) / (B * C)", "(z[b, i] - y[b, i]) / (B * C)", "gradient", r"1/2|factor|2"),
        (
            "linear_cross_entropy",
            "summation((p[b, c] - y[b, c]) * e[b, m], b) / B",
            "summation((y[b, c] - p[b, c]) * e[b, m], b) / B",
            "gradient_W",
            r"-1|sign",
        ),
    ],
    ids=["off-diagonal dropped", "sign flipped", "factor 2", "labels minus probabilities"],
)
def test_a_wrong_formula_is_refuted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, right: str, wrong: str, claim: str, diagnosis: str
) -> None:
    text = (CATALOGUE / f"{name}.py").read_text(encoding="utf-8")
    assert text.count(right) == 1
    _judge(tmp_path, monkeypatch, name, text.replace(right, wrong), claim, diagnosis)


TRANSPOSED = """
from closedform.notation import Claim, Derivation, Dim, Given, Let, indices, partial, scalar, summation, tensor

N = Dim("N")
i, j, k = indices("i j k", N)
A, x, L = tensor("A", N, N), tensor("x", N), scalar("L")
derivation = Derivation(
    name="form",
    title="A bilinear form",
    given=(Given(A), Given(x), Given(tensor("y", N))),
    lets=(Let(L, summation(x[i] * A[i, j] * tensor("y", N)[j], i, j)),),
    output=L,
    wrt=(x,),
    claims=(Claim("gradient", partial(L, x[k]), summation(A[j, k] * tensor("y", N)[j], j)),),
)
"""


def test_a_transpose_is_refuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _judge(tmp_path, monkeypatch, "form", TRANSPOSED, "gradient", "transpos|order of")


def _judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, claim: str, diagnosis: str) -> None:
    (tmp_path / "derivations").mkdir()
    (tmp_path / "derivations" / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["verify", "--examples", "1", "--json", "found.json"])
    assert result.exit_code == 1, result.output
    said = result.stdout.split(f"{name}: {claim}: refuted", 1)
    assert len(said) == 2, result.stdout
    assert re.search(r"left side +\S+\n +right side +\S+", said[1])
    records = json.loads((tmp_path / "found.json").read_text())
    (wrong,) = [record for record in records if record["kind"] == "claim" and record["claim"] == claim]
    assert wrong["verdict"] == "refuted"
    assert wrong["counterexample"]["lhs"] != wrong["counterexample"]["rhs"]
    assert re.search(diagnosis, " ".join(wrong["diagnosis"])), wrong["diagnosis"]
    forms = [record for record in records if record["kind"] == "closed form"]
    assert forms, "the engine's own closed forms do not depend on what is claimed"
    assert all(record["verdict"] == "proved" for record in forms)


def test_a_committed_kernel_that_was_edited_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "derivations").mkdir()
    (tmp_path / "derivations" / "softmax.py").write_text((CATALOGUE / "softmax.py").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["generate"]).exit_code == 0
    kernel = tmp_path / "numeric" / "numpy" / "softmax.py"
    kernel.write_text(kernel.read_text() + "\n\ndef value(z):\n    return z * 0 + 0.25\n")
    result = CliRunner().invoke(main, ["verify", "--examples", "2"])
    assert result.exit_code == 1
    assert "softmax.py is not what is generated; write it again with: closedform generate softmax" in result.stdout
    assert "softmax: value (numpy, float64) against ball arithmetic: failed" in result.stdout, "the committed file is what runs"
    (tmp_path / "numeric" / "torch" / "softmax.py").write_text("raise RuntimeError('broken')\n")
    broken = CliRunner().invoke(main, ["verify", "--examples", "1"])
    assert broken.exit_code == 1
    assert "softmax.py does not import: RuntimeError: broken" in broken.stdout
