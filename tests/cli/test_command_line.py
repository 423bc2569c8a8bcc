"""The command line: exit codes, messages without tracebacks, files written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from closedform.cli import main
from closedform.files import write_all

CLAIMS = """
claim good "Softmax Jacobian"
given z[C]
let p[i] = exp(z[i])/sum_k(exp(z[k]))
show dp[i]/dz[j] = p[i]*(delta(i,j) - p[j])

claim bad "Softmax Jacobian without the off-diagonal term"
given z[C]
let p[i] = exp(z[i])/sum_k(exp(z[k]))
show dp[i]/dz[j] = p[i]*delta(i,j)
"""


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    assert "Traceback" not in result.output
    return result


def test_help_lists_the_commands() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("verify", "generate", "check", "derive"):
        assert command in result.stdout


def test_version() -> None:
    assert run("--version").stdout.startswith("closedform, version ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "sofmax"), "closedform: no derivation is named 'sofmax'; did you mean softmax or "),
        (("generate", "qqq"), "closedform: no derivation is named 'qqq'; there are: "),
        (("verify", "softmax", "--examples", "0"), "Invalid value for '--examples'"),
        (("verify", "softmax", "--device", "cuda:99"), "closedform: torch has no device 'cuda:99' here"),
        (("verify", "softmax", "--json", "no/such/folder.json"), "there is no folder no/such"),
        (("verify", "softmax", "--seed", "-1"), "Invalid value for '--seed'"),
        (("verify", "softmax", "--device", "meta"), "closedform: device 'meta' holds no numbers to check"),
        (("generate", "--backend", "fortran"), "Invalid value for '--backend'"),
        (("check",), "Missing argument 'FILE...'"),
        (("check", "missing.claims"), "closedform: missing.claims: cannot be read: No such file or directory"),
        (("derive", "sofmax"), "closedform: no derivation is named 'sofmax'; did you mean softmax or "),
        (("derive", "L = z[i]^2", "--given", "z[C]"), "closedform: "),
        (("derive", "L = x^2", "--given", "x", "--wrt", "y"), "closedform: "),
        (("derive", "L = x^", "--given", "x", "--wrt", "x"), "closedform: "),
        (("nonsense",), "No such command 'nonsense'"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_report_does_not_overwrite_a_readme_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    result = run("verify", "softmax", "--report", ".")
    assert result.exit_code == 2
    assert "README.md is no report of closedform's and would be overwritten; give --report a folder of its own" in result.stderr
    assert (tmp_path / "README.md").read_text() == "# My project\n"


def test_a_folder_that_is_gone_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        result = run("verify", "softmax")
        patch.chdir(tmp_path)
    assert result.exit_code == 2
    assert "closedform: " in result.stderr


def test_a_link_is_written_through_and_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_all({tmp_path / "link.json": "new", tmp_path / "pipe": "through"})
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"
    assert os.read(reader, 100) == b"through"
    os.close(reader)


def test_a_file_that_does_not_import_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "derivations").mkdir()
    (tmp_path / "derivations" / "broken.py").write_text("from closedform.notation import Dim\nC = Dim('1')\n")
    result = run("verify")
    assert result.exit_code == 2
    assert "broken.py does not import: line 2: NotationError: a dimension must be a name such as" in result.stderr
    assert "    C = Dim('1')" in result.stderr


def test_generate_writes_then_agrees_then_tells_a_change(tmp_path: Path) -> None:
    written = run("generate", "softmax", "--out", "kernels")
    assert written.exit_code == 0
    numpy_file = tmp_path / "kernels" / "numpy" / "softmax.py"
    assert numpy_file.read_bytes()
    assert (tmp_path / "kernels" / "torch" / "softmax.py").is_file()
    assert run("generate", "softmax", "--out", "kernels", "--check").exit_code == 0
    before = numpy_file.read_bytes()
    numpy_file.write_bytes(before + b"\n")
    changed = run("generate", "softmax", "--out", "kernels", "--check")
    assert changed.exit_code == 1
    assert f"differs or missing: {Path('kernels/numpy/softmax.py')}" in changed.stdout
    assert run("generate", "softmax", "--out", "kernels").exit_code == 0
    assert numpy_file.read_bytes() == before


def test_generate_writes_one_backend(tmp_path: Path) -> None:
    assert run("generate", "softmax", "--backend", "numpy").exit_code == 0
    assert [path.name for path in (tmp_path / "numeric").iterdir()] == ["numpy"]


def test_generate_writes_nothing_when_one_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "kernels" / "torch" / "softmax.py").mkdir(parents=True)
    result = run("generate", "softmax", "--out", "kernels")
    assert result.exit_code == 2
    assert "closedform: nothing was written: " in result.stderr
    assert not [path for path in (tmp_path / "kernels").rglob("*") if path.is_file()]


def test_check_prints_and_records_a_verdict_for_each_claim(tmp_path: Path) -> None:
    (tmp_path / "some.claims").write_text(CLAIMS)
    result = run("check", "some.claims", "--json", "verdicts.json")
    assert result.exit_code == 1
    assert "1 proved, 1 refuted, 0 undecided" in result.stdout
    good, bad = json.loads((tmp_path / "verdicts.json").read_text())
    assert (good["claim"], good["verdict"]) == ("good", "proved")
    assert good["error_probability"] < 2.0**-100
    assert (bad["claim"], bad["verdict"]) == ("bad", "refuted")
    assert bad["counterexample"]["lhs"] != bad["counterexample"]["rhs"]
    assert bad["diagnosis"]
    assert bad["seconds"] >= 0


def test_check_reads_markdown_and_exits_with_0_when_all_is_proved(tmp_path: Path) -> None:
    block = CLAIMS.split("\n\n")[0].strip()
    (tmp_path / "notes.md").write_text(f"# Notes\n\n```closedform\n{block}\n```\n")
    assert run("check", "notes.md").exit_code == 0


def test_check_leaves_no_file_behind_when_the_input_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "wrong.claims").write_text(CLAIMS + "\nclaim third\ngiven z[C\nshow z[i] = 0\n")
    result = run("check", "wrong.claims", "--json", "verdicts.json")
    assert result.exit_code == 2
    assert "wrong.claims" in result.stderr
    assert not (tmp_path / "verdicts.json").exists()


DERIVE = ("derive", "L = -sum_c(y[c]*log(softmax(z)[c]))", "--given", "z[C]", "--given", "y[C] where sum_a(y[a]) = 1", "--wrt", "z")


@pytest.mark.parametrize("order", [1, 2])
def test_derive_prints_a_certified_closed_form(order: int) -> None:
    result = run(*DERIVE, "--order", order)
    assert result.exit_code == 0
    assert "softmax(z)[" in result.stdout
    assert "exp" not in result.stdout
    assert "proved" in result.stdout


@pytest.mark.parametrize("form", ["text", "latex", "python", "json"])
def test_derive_prints_each_format(form: str) -> None:
    result = run(*DERIVE, "--format", form, "--steps")
    assert result.exit_code == 0
    if form == "json":
        (record,) = json.loads(result.stdout)
        assert record["verdict"] == "proved"
        assert record["steps"]
    if form == "python":
        compile(result.stdout, "printed", "exec")


@pytest.mark.parametrize(
    ("form", "meaning"),
    [
        ("text", "where p[c] = exp(z[c])/sum_i(exp(z[i]))"),
        ("latex", r"\text{where } p_{c} = \frac{e^{z_{c}}}{\sum_{i} e^{z_{i}}}"),
        ("json", '"rhs_text": "exp(z[c])/sum_i(exp(z[i]))"'),
    ],
)
def test_derive_says_what_the_names_mean_that_it_introduces(form: str, meaning: str) -> None:
    result = run("derive", "L = log(sum_c(exp(z[c])))", "--given", "z[C]", "--wrt", "z", "--format", form)
    assert meaning in result.stdout


def test_derive_prints_the_forms_of_a_derivation() -> None:
    result = run("derive", "softmax")
    assert result.exit_code == 0
    assert "dp[i]/dz[j] = p[i]*(delta(i,j) - p[j])" in result.stdout


IDENTITY = """from closedform.notation import Claim, Derivation, Dim, Given, Let, indices, partial, tensor

(n, m) = indices("n m", Dim("N"))
x, y = tensor("x", Dim("N")), tensor("y", Dim("N"))
derivation = Derivation(
    name="doubling",
    title="Doubling",
    given=(Given(x),),
    lets=(Let(y[n], 2 * x[n]),),
    claims=(Claim("rate", partial(y[n], x[n]), 2, cites=(1,)),),
)
"""


def test_a_papers_formulas_are_listed_with_their_verdicts(tmp_path: Path) -> None:
    folder = tmp_path / "derivations"
    folder.mkdir()
    (folder / "doubling.py").write_text(IDENTITY)
    table = folder / "README.md"
    command = ("verify", "--jobs", "1", "--report", "reports", "--formulas", table)
    assert "formulas are listed in one paper.toml beside the derivations; found: none" in run(*command).output
    (folder / "paper.toml").write_text("title = 'A paper'\n[[formula]]\nlatex = '|y|'\nsection = 'One'\n[[formula]]\nlatex = 'z'\n")
    assert run(*command).exit_code == 0
    lines = table.read_text(encoding="utf-8").splitlines()
    assert r"| 1 | $`\vert y\vert `$ | [doubling](../reports/doubling.md): rate | **✓ proved** |" in lines
    assert "| 2 | $`z`$ | left out | **left out** |" in lines


def test_a_table_of_formulas_is_about_all_derivations() -> None:
    assert "--formulas is about all derivations" in run("verify", "softmax", "--formulas", "table.md").output
