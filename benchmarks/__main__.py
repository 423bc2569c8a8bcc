"""Measure the generated kernels beside their peers and floors.

python -m benchmarks [--quick] [--size S]… [--only TEXT]… [--report FILE]
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import click

from benchmarks import page, plots
from benchmarks.problems import SIZES
from benchmarks.results import SHORT, Results
from benchmarks.run import FULL, run
from benchmarks.run import SHORT as QUICK
from closedform.files import write_all


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="sizes S and M, a second for each race, accuracy in float32 at a few scales")
@click.option("--size", "sizes", multiple=True, type=click.Choice(list(SIZES)), help="only this size; may be repeated")
@click.option("--only", multiple=True, help="only quantities whose name contains this; may be repeated")
@click.option("--without-accuracy", is_flag=True, help="time and memory only")
@click.option("--cpu-time", is_flag=True, help="time on the processor, not the clock; for one thread on a busy machine")
@click.option("--report", type=click.Path(path_type=Path), help="write the page here, and its plots beside it")
@click.option("--strict", is_flag=True, help="exit with 1 if a goal falls short")
def main(
    quick: bool, sizes: tuple[str, ...], only: tuple[str, ...], without_accuracy: bool, cpu_time: bool, report: Path | None, strict: bool
) -> None:
    """Run the races, judge the goals, print the page or write it."""
    settings = QUICK if quick else FULL
    settings = replace(settings, sizes=sizes or settings.sizes, only=only)
    settings = replace(settings, dtypes=() if without_accuracy else settings.dtypes)
    settings = replace(settings, clock=time.process_time if cpu_time else settings.clock)
    results = run(settings, lambda race: click.echo(race, err=True))
    if report is None:
        click.echo(page.markdown(results))
    else:
        write_all(_files(report, results))
        click.echo("\n".join(page.goals_table(results.judged)))
    click.echo(page.summary(results.judged))
    sys.exit(1 if strict and any(goal.verdict == SHORT for goal in results.judged) else 0)


def _files(report: Path, results: Results) -> dict[Path, str]:
    """The page and its plots."""
    pictures = {}
    if results.errors:
        pictures[f"{report.stem}-accuracy.svg"] = ("Error against the scale of the logits", plots.accuracy(results.errors))
    if results.cells:
        pictures[f"{report.stem}-speed.svg"] = ("Time over the fastest function of closedform", plots.speed(results.cells))
    text = page.markdown(results, [(title, file) for file, (title, _) in pictures.items()])
    return {report: text} | {report.with_name(file): picture for file, (_, picture) in pictures.items()}


if __name__ == "__main__":
    main()
