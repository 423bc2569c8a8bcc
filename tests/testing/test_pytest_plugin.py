"""The pytest plugin: what it collects, how it is selected, what it says, and that it costs nothing where it is not used."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
import torch  # noqa: F401

# In-process runs forget what they imported, and neither NumPy nor torch can be imported twice.
import closedform.testing.collecting
import closedform.testing.kernels  # noqa: F401

pytest_plugins = "pytester"

CLAIMS = """
# Notes

```closedform
claim right "the derivative of a square"
given x[N]
let   L = sum_n(x[n]^2)
show  dL/dx[n] = 2*x[n]

claim wrong
given x[N]
let   L = sum_n(x[n]^2)
show  dL/dx[n] = x[n]
```
"""

DERIVATION = """
from closedform.notation import (
    Claim, Derivation, Dim, Given, Let, MatrixFormula, derivative, indices, partial, scalar, summation, tensor, whole
)

N = Dim("N")
(n,) = indices("n", N)
x, v, L = tensor("x", N), tensor("v", N), scalar("L")
derivation = Derivation(
    name="square", title="A square", given=(Given(x),), lets=(Let(L, summation(x[n] ** 2, n)),), output=L, wrt=(x,),
    claims=(
        Claim("gradient", partial(L, x[n]), FACTOR * x[n]),
        Claim("slope", summation(partial(L, x[n]) * v[n], n), FACTOR * summation(x[n] * v[n], n), given=(Given(v),)),
    ),
    formulas=(MatrixFormula("whole", derivative(L, x), FACTOR * whole(x)),),
)
"""

KERNEL = """
from closedform.testing import kernel_test

def square(x):
    return (x * x).sum()

CLAIM = "claim square\\ngiven x[N]\\nlet L = sum_n(x[n]^2)\\nshow dL/dx[n] = 2*x[n]"
test_square = kernel_test(square, CLAIM, dtypes=("float64",), order=1)
"""

# Where the package was installed before it had the plugin, the plugin is named.
INSTALLED = any(entry.name == "closedform" for entry in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "closedform.pytest_plugin")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with notes, a derivation and a kernel's test."""
    pytester.makefile(".md", notes=CLAIMS)
    folder = pytester.mkdir("derivations")
    (folder / "square.py").write_text(DERIVATION.replace("FACTOR", "2"))
    (folder / "_helper.py").write_text("import closedform")
    (folder / "other.py").write_text("not_a_derivation = 1")
    pytester.makepyfile(test_kernel=KERNEL)
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider", *arguments)


def test_markdown_claims_are_items_and_a_failure_reads_like_a_report(project: pytest.Pytester) -> None:
    result = run(project, "notes.md")
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert "wrong: refuted" in text
    assert "off by the factor 2" in text or "2 times" in text or "1/2" in text
    assert "Traceback" not in text
    assert "closedform/testing" not in text
    run(project, "notes.md", "-k", "right").assert_outcomes(passed=1, deselected=1)
    run(project, "notes.md", "-x", "-m", "proof").assert_outcomes(passed=1, failed=1)


def test_a_derivation_gives_items_for_claims_closed_forms_and_kernels(project: pytest.Pytester) -> None:
    result = run(project, "derivations", "--collect-only", "-q")
    names = [line.partition("::")[2] for line in result.stdout.lines if "::" in line]
    assert names[:5] == ["claim:gradient", "claim:slope", "claim:whole", "assumptions:samples", "closed_form:value"]
    assert "kernel:hvp-torch-float64" in names
    assert len([name for name in names if name.startswith("kernel")]) == 6 * 2 * 2
    run(project, "derivations", "-k", "gradient and (numpy or claim or form) and not float32").assert_outcomes(
        passed=3, deselected=len(names) - 3
    )
    chosen = run(project, "derivations", "-m", "cuda", "--kernel-device", "cuda", "-k", "kernel:value-torch-float32")
    assert chosen.parseoutcomes().get("failed", 0) == 0


def test_a_wrong_derivation_fails_with_its_counterexample(project: pytest.Pytester) -> None:
    (project.path / "derivations" / "square.py").write_text(DERIVATION.replace("FACTOR", "3"))
    result = run(project, "derivations", "-m", "proof", "-k", "claim")
    assert result.parseoutcomes()["failed"] == 3
    for name in ("gradient", "slope", "whole"):
        assert f"{name}: refuted" in result.stdout.str()


def test_a_file_that_cannot_be_read_says_where(project: pytest.Pytester) -> None:
    (project.path / "notes.md").write_text("```closedform\nclaim c\ngiven x[N\n```\n")
    result = run(project, "notes.md")
    assert "notes.md:3:" in result.stdout.str()
    assert result.ret != 0


def test_markdown_that_is_not_named_is_left_alone(project: pytest.Pytester) -> None:
    result = run(project, "--collect-only", "-q")
    assert "notes.md" not in result.stdout.str()
    assert "_helper" not in result.stdout.str()
    assert "other.py" not in result.stdout.str()


def test_a_kernel_s_test_is_items_by_role_with_its_power(project: pytest.Pytester) -> None:
    result = run(project, "test_kernel.py", "--kernel-profile", "dev", "--kernel-power", "0.9", "-v")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(
        ["*test_square?vjp-float64? PASSED*", "*test_square:power PASSED*", "*kernel power*", "*planted faults and mutants caught*"]
    )


def test_a_weak_test_fails_by_its_power(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closedform.testing.power._Trial._caught", lambda self, kernel: False)
    result = run(project, "test_kernel.py", "--kernel-power", "0.9", "-k", "power")
    result.assert_outcomes(failed=1, deselected=4)
    assert "less than the 90% asked for" in result.stdout.str()
    assert "missed" in result.stdout.str()


def test_last_failed_and_xdist(project: pytest.Pytester) -> None:
    project.runpytest_inprocess(*PLUGIN, "notes.md").assert_outcomes(passed=1, failed=1)
    project.runpytest_inprocess(*PLUGIN, "notes.md", "--lf").assert_outcomes(failed=1)
    run(project, "notes.md", "-n", "1").assert_outcomes(passed=1, failed=1)


def test_without_the_plugin_tests_of_kernels_still_run_and_nothing_else_is_collected(project: pytest.Pytester) -> None:
    off = project.runpytest_inprocess(
        "-p", "no:closedform", "-W", "ignore::pytest.PytestUnknownMarkWarning", "test_kernel.py", "derivations"
    )
    off.assert_outcomes(passed=4)


def test_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys, pytest\n"
        f"pytest.main(['-q', '--co', '-p', 'no:cacheprovider', *{PLUGIN!r}, '--rootdir=.', 'nothing_here'])\n"
        "heavy = {'torch', 'sympy', 'numpy', 'lark', 'flint'} & set(sys.modules)\n"
        "print(sorted(heavy), 'closedform.pytest_plugin' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ), check=True)
    assert shown.stdout.splitlines()[-1] == "[] True"
