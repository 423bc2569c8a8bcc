"""The command line: each command is one function of the pipeline, its progress and its printed result.

Exit codes: 0 everything holds, 1 something does not, 2 the input or the usage is wrong.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import closedform
from closedform.errors import ClosedformError

if TYPE_CHECKING:
    from closedform.pipeline.verifying import Progress

BACKENDS = ("numpy", "torch")
FORMATS = ("text", "latex", "python", "json")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(closedform.__version__, prog_name="closedform")
def main() -> None:
    """Derive, prove, generate and test derivatives that hold for every size."""


def _command(function: Callable[..., bool]) -> Callable[..., None]:
    """Exit with 0 or 1 by what the command returns; print an error of closedform's own without a traceback and exit with 2."""

    @functools.wraps(function)
    def run(*args: Any, **options: Any) -> None:
        try:
            holds = function(*args, **options)
        except ClosedformError as error:
            click.echo(f"closedform: {error}", err=True)
            sys.exit(2)
        except OSError as error:  # such as a current folder that is gone
            click.echo(f"closedform: {error.filename or 'the current folder'}: {error.strerror or error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(130)
        sys.exit(0 if holds else 1)

    return run


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--examples", type=click.IntRange(min=1), default=16, show_default=True, help="Inputs for each kernel, dtype and oracle.")
@click.option("--device", default="cpu", show_default=True, help="Where the torch kernels run.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of every random draw.")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Derivations at the same time, each in a process of its own.  [default: one a core]"
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write one record per claim and check.")
@click.option("--report", "report_folder", type=click.Path(path_type=Path, file_okay=False), help="Write Markdown pages and one HTML file.")
@click.option(
    "--formulas",
    "formulas_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a table of a paper's formulas (paper.toml beside the derivations) with claims and verdicts; links to --report.",
)
@_command
def verify(
    names: tuple[str, ...],
    examples: int,
    device: str,
    seed: int,
    jobs: int | None,
    json_file: Path | None,
    report_folder: Path | None,
    formulas_file: Path | None,
) -> bool:
    """Derive, prove, generate and test derivations.

    Finds derivations/*.py below the current folder, or takes the installed catalogue where there is none; a NAME that is not among
    them is looked up in the catalogue.
    """
    from closedform import pipeline
    from closedform.files import write_all
    from closedform.report.records import to_json, verification_records

    _check_writable(json_file)
    _check_writable(formulas_file)
    if report_folder:
        _check_report_folder(report_folder)
    if formulas_file and (names or not report_folder):
        raise click.UsageError("--formulas is about all derivations and links to their pages: give --report, and no names")
    paper = pipeline.cited_paper() if formulas_file else None
    with _progress_bar() as progress:
        jobs = jobs or os.cpu_count() or 1
        outcome = pipeline.verify(*names, examples=examples, device=device, seed=seed, jobs=jobs, progress=progress)
    files = {json_file: to_json(verification_records(outcome.results))} if json_file else {}
    if report_folder:
        from closedform.report.pages import report_files

        files.update(report_files(outcome.results, report_folder))
    if formulas_file and report_folder and paper:
        from closedform.report.formulas import formula_table

        pages = Path(os.path.relpath(report_folder, formulas_file.parent)).as_posix()
        files[formulas_file] = formula_table(paper, outcome.results, pages=pages)
    write_all(files)
    click.echo(str(outcome))
    return outcome.ok


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--backend", "backends", type=click.Choice(BACKENDS), multiple=True, help="Only this backend; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for numpy/NAME.py and torch/NAME.py.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is missing or differs.")
@_command
def generate(names: tuple[str, ...], backends: tuple[str, ...], out: Path | None, check: bool) -> bool:
    """Write NumPy and torch modules, all of them or none.

    They go into numeric/ beside the folder derivations/, unless --out says otherwise.
    """
    from closedform import pipeline

    made = pipeline.generate(*names, backends=backends or BACKENDS, out=out)
    for path in made.stale if check else made.write():
        click.echo(f"{'differs or missing' if check else 'written'}: {path}")
    click.echo(f"{len(made.paths)} modules, {len(made.paths) - len(made.stale)} up to date")
    return made.ok


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of every random draw.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write one record per claim.")
@_command
def check(files: tuple[Path, ...], seed: int, json_file: Path | None) -> bool:
    """Judge every claim in text files, or in the ```closedform blocks of Markdown files."""
    from closedform import pipeline
    from closedform.files import write_all
    from closedform.report.records import claim_record, to_json

    _check_writable(json_file)
    with _progress_bar() as progress:
        verdicts = pipeline.check(*files, seed=seed, progress=progress)
    write_all({json_file: to_json([claim_record(result) for result in verdicts])} if json_file else {})
    click.echo(str(verdicts))
    return verdicts.ok


@main.command()
@click.argument("definition", metavar="DEFINITION|NAME")
@click.option("--given", multiple=True, metavar="'y[C] where …'", help="An input, its shape and what is known of it; may be repeated.")
@click.option("--let", "lets", multiple=True, metavar="'p[i] = …'", help="A named intermediate; may be repeated.")
@click.option("--wrt", multiple=True, metavar="NAME", help="Differentiate by this input; repeat it for mixed derivatives.")
@click.option("--order", type=click.IntRange(1, 2), default=1, show_default=True, help="First or second derivative.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--steps", is_flag=True, help="Print how it was derived.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of every random draw.")
@_command
def derive(
    definition: str,
    given: tuple[str, ...],
    lets: tuple[str, ...],
    wrt: tuple[str, ...],
    order: int,
    form: str,
    steps: bool,
    seed: int,
) -> bool:
    """Derive a closed form and certify it before printing it.

    DEFINITION is an equation such as "L = -sum_c(y[c]*log(softmax(z)[c]))", or the name of a derivation,
    whose closed forms are printed all.
    """
    from closedform import pipeline
    from closedform.report.forms import forms_text

    derived = pipeline.derive(definition, given=given, lets=lets, wrt=wrt, order=order, seed=seed)
    if form == "python":
        click.echo("\n\n".join(item.python for item in derived))
    else:
        click.echo(forms_text([item.result for item in derived], form, steps=steps))
    return derived.ok


@main.command()
@click.argument("name", metavar="NAME")
@click.argument("function", metavar="FUNCTION")
@click.option("--dtype", default="float32", show_default=True, help="Of the arrays, for bytes.")
@click.option("--size", "sizes", type=(str, int), multiple=True, metavar="DIM N", help="Figures for this size; may be repeated.")
@_command
def plan(name: str, function: str, dtype: str, sizes: tuple[tuple[str, int], ...]) -> bool:
    """Show the array program of a kernel: steps, shapes, operations, bytes, and the least that it could cost."""
    from closedform import pipeline

    click.echo(str(pipeline.plan(name, function, dtype=dtype, sizes=dict(sizes))))
    return True


# ---------------------------------------------------------------------------------------------


@contextmanager
def _progress_bar() -> Iterator[Progress | None]:
    """A bar on the terminal's standard error; nothing where that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


def _check_writable(path: Path | None) -> None:
    """Before anything is computed: the folder of an output file exists."""
    if path is not None and not path.parent.is_dir():
        raise click.UsageError(f"{path} cannot be written: there is no folder {path.parent}")


def _check_report_folder(folder: Path) -> None:
    """Before anything is computed: a report overwrites no page but its own."""
    from closedform.report.pages import foreign_index

    if foreign := foreign_index(folder):
        raise click.UsageError(f"{foreign} is no report of closedform's and would be overwritten; give --report a folder of its own")
