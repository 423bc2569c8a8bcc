"""Derivations that the engine has never seen: a project of its own gets forms, proofs, kernels and checks."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import closedform
from closedform.cli import main
from closedform.files import import_file
from closedform.notation import Derivation, Dim, Given, Let, exp, indices, scalar, summation, tensor

OUTSIDE = Path(__file__).parents[1] / "data" / "outside"
NAMES = ("brier", "ridge_logistic")


@dataclass(frozen=True)
class Project:
    """What the command line made of a project."""

    folder: Path
    exit_code: int
    printed: str
    records: list[dict[str, Any]]

    def of(self, kind: str, derivation: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["kind"] == kind and record["derivation"] == derivation]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
    (folder / "derivations").mkdir()
    for name in NAMES:
        shutil.copy(OUTSIDE / f"{name}.py", folder / "derivations")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        generated = CliRunner().invoke(main, ["generate"])
        assert generated.exit_code == 0, generated.output
        result = CliRunner().invoke(main, ["verify", "--examples", "3", "--json", "found.json", "--report", "report"])
    return Project(folder, result.exit_code, result.stdout, json.loads((folder / "found.json").read_text()))


def test_everything_holds(project: Project) -> None:
    assert project.exit_code == 0, project.printed
    assert [line.split()[0] for line in project.printed.splitlines()] == ["derivation", *NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_every_part_was_done(project: Project, name: str) -> None:
    claims, forms, checks = (project.of(kind, name) for kind in ("claim", "closed form", "kernel check"))
    assert {record["verdict"] for record in (*claims, *forms)} == {"proved"}
    assert all(record["error_probability"] < 2.0**-100 for record in (*claims, *forms))
    assert [form["claim"] for form in forms] == ["value", "gradient", "hessian", "hvp", "hessian_diagonal", "hessian_trace"]
    # generated a second time for the comparison, so this is also the test that the bytes are the same
    assert [(module["backend"], module["verdict"]) for module in project.of("module", name)] == [("numpy", "passed"), ("torch", "passed")]
    assert len({(check["function"], check["backend"], check["dtype"]) for check in checks}) == 6 * 2 * 2
    assert {"ball arithmetic", "autograd", "finite differences"} <= {check["oracle"] for check in checks}


@pytest.mark.parametrize("name", NAMES)
def test_the_closed_forms_are_folded(project: Project, name: str) -> None:
    """Named probabilities and sigmoids, no quotients of exponentials."""
    assert not [form["derived"] for form in project.of("closed form", name) if "exp" in form["derived"]]


def test_the_report_has_a_page_for_each(project: Project) -> None:
    assert sorted(path.name for path in (project.folder / "report").iterdir()) == [
        "README.md",
        "brier.md",
        "index.html",
        "ridge_logistic.md",
    ]
    assert "<math" in (project.folder / "report" / "index.html").read_text()


def test_the_kernels_agree_with_torch_on_a_case(project: Project) -> None:
    brier = import_file(project.folder / "numeric" / "torch" / "brier.py", "brier")
    z, y = torch.randn(5, 4, dtype=torch.float64, generator=torch.manual_seed(0)), torch.tensor([0, 1, 2, 3, 0])

    def score(z: torch.Tensor) -> torch.Tensor:
        return ((torch.softmax(z, 1) - torch.nn.functional.one_hot(y, 4)) ** 2).sum() / 5

    torch.testing.assert_close(brier.gradient(z, y), torch.func.grad(score)(z))
    numpy_brier = import_file(project.folder / "numeric" / "numpy" / "brier.py", "brier")
    np.testing.assert_allclose(numpy_brier.gradient(z.numpy(), y.numpy()), torch.func.grad(score)(z).numpy(), rtol=1e-12)


def test_a_variable_may_be_a_number() -> None:
    """Hessians, products and diagonals with respect to a number have no axes; the checks of them neither."""
    (i,) = indices("i", Dim("n"))
    x, rate, L = tensor("x", i.dim), scalar("rate"), scalar("L")
    derivation = Derivation("decay", "Decay", (Given(x), Given(rate)), (Let(L, summation(exp(-rate * x[i]), i)),), L, (rate,))
    found = closedform.verify(derivation, examples=3)
    assert found.ok
    checked = {(check.function, check.oracle) for result in found.results for check in result.checks if check.verdict == "passed"}
    assert {(name, "finite differences") for name in ("hessian", "hvp", "hessian_diagonal", "hessian_trace")} <= checked
