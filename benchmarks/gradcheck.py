"""Who catches what: torch's gradcheck and closedform's kernel tests on kernels with the mistakes that shipped.

    python benchmarks/gradcheck.py [--report FILE]

gradcheck gets float64 Gaussian inputs at the sizes that its users take (six classes), in its slow and its fast mode, and
gradgradcheck for second derivatives; closedform runs the role that shows the mistake, in its ``ci`` profile. Exit status 1
if closedform misses one, or accuses a right kernel.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import torch
from torch.autograd import gradcheck, gradgradcheck

from closedform.check.inputs import Recipe, Texture, build
from closedform.files import write_all
from closedform.notation import Derivation
from closedform.results import FAILED, PASSED
from closedform.testing.specification import Item, Specification
from closedform.testing.subjects import subject

KERNELS = Path(__file__).parents[1] / "tests" / "testing" / "faulty_kernels.py"
SIZE = 6
CAUGHT, MISSED, ACCUSED, RIGHT = "caught", "**missed**", "**accused**", "passed"
COLUMNS = ("kernel", "seen in", "gradcheck", "fast mode", "gradgradcheck", "closedform")


@click.command(help=__doc__)
@click.option("--report", type=click.Path(path_type=Path), help="write the table as Markdown")
def main(report: Path | None) -> None:
    """Run every checker on every kernel and print the table."""
    kernels = _loaded()
    rows = [_row(faulty) for faulty in kernels.FAULTY]
    controls = [_control(*control) for control in _right(kernels)]
    text = _page(rows, controls)
    click.echo(text)
    if report is not None:
        write_all({report: text + "\n"})
    sys.exit(0 if all(row[-1] == CAUGHT for row in rows) and all(row[-1] == RIGHT for row in controls) else 1)


def _loaded() -> Any:
    sys.path.insert(0, str(KERNELS.parent))
    return importlib.import_module(KERNELS.stem)


def _row(faulty: Any) -> tuple[str, ...]:
    torch.manual_seed(0)
    found = _by_torch(faulty.kernel, subject(faulty.implements), torch.float64)
    specification = Specification(faulty.kernel, faulty.implements, dtypes=(faulty.dtype,), **faulty.options)
    examined = specification.examine(Item(faulty.role, faulty.dtype, "cpu"), profile_name="ci")
    return faulty.name, faulty.seen, *(MISSED if passed else CAUGHT for passed in found), CAUGHT if examined.verdict == FAILED else MISSED


def _right(kernels: Any) -> list[tuple[str, str, Any, str]]:
    """Right kernels: torch's own, in both precisions."""
    subjects = [("log_softmax", kernels.LOG_SOFTMAX, kernels.log_softmax), ("softmax", kernels.SOFTMAX, kernels.softmax)]
    return [(f"torch's {name}, {dtype}", claim, kernel, dtype) for name, claim, kernel in subjects for dtype in ("float64", "float32")]


def _control(name: str, claim: str, kernel: Callable[..., Any], dtype: str) -> tuple[str, ...]:
    torch.manual_seed(0)
    found = _by_torch(kernel, subject(claim), getattr(torch, dtype))
    report = Specification(kernel, claim, dtypes=(dtype,)).report(profile_name="dev")
    ours = RIGHT if all(item.verdict == PASSED for item in report) else ACCUSED
    return name, "", *(RIGHT if passed else ACCUSED for passed in found), ours


def _by_torch(kernel: Callable[..., Any], derivation: Derivation, dtype: torch.dtype) -> tuple[bool, bool, bool]:
    """Whether gradcheck, its fast mode and gradgradcheck pass."""

    def passes(check: Callable[..., bool], **options: Any) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return check(kernel, _inputs(derivation, dtype), raise_exception=True, **options)
        except RuntimeError:  # GradcheckError among them
            return False

    return passes(gradcheck), passes(gradcheck, fast_mode=True), passes(gradgradcheck)


def _inputs(derivation: Derivation, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    dims = dict.fromkeys(dim for item in derivation.given for dim in item.dims)
    textures = tuple((item.name, Texture(3, "classes" if item.classes else "dense")) for item in derivation.given)
    made = build(Recipe(tuple((dim.name, SIZE) for dim in dims), (), textures), derivation.given, (), "float64")
    varied = {symbol.name for symbol in derivation.wrt}
    return tuple(
        torch.tensor(made.classes[item.name])
        if item.name in made.classes
        else torch.tensor(made.values[item.name], dtype=dtype).requires_grad_(item.name in varied)
        for item in derivation.given
    )


def _page(rows: Sequence[tuple[str, ...]], controls: Sequence[tuple[str, ...]]) -> str:
    missed = [sum(row[column] != CAUGHT for row in rows) for column in range(2, len(COLUMNS))]
    return "\n".join(
        [
            "# Wrong kernels, and who catches them",
            "",
            "Made by `make gradcheck` (`python benchmarks/gradcheck.py`). Each kernel has a mistake that a real one shipped with",
            "(`tests/testing/faulty_kernels.py`). `gradcheck` and `gradgradcheck` are torch's, with their defaults, on float64",
            f"Gaussian inputs with all sizes {SIZE}; closedform runs the role that shows the mistake, in the `ci` profile.",
            "",
            *_table(rows),
            "",
            f"Of {len(rows)} wrong kernels, gradcheck misses {missed[0]}, its fast mode {missed[1]}, gradgradcheck {missed[2]}, "
            f"closedform {missed[3]}.",
            "",
            "## Right kernels",
            "",
            *_table(controls),
        ]
    )


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


if __name__ == "__main__":
    main()
