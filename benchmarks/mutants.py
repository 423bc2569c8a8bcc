"""The kernel's power: verdicts on mutants of every proved claim, in the catalogue and in files of claims (tests/data/dev.claims).

    python benchmarks/mutants.py [--sample N] [--report FILE] [CLAIMS…]

Exit status 1 if a verdict is wrong or undecided.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click
from rich.progress import track

from closedform.certify import prove
from closedform.check.mutants import Mutant, mutants
from closedform.check.power import Outcome, Tally, judge, tally
from closedform.discover import discover
from closedform.files import write_all
from closedform.notation import Claim, Setting
from closedform.results import PROVED
from closedform.syntax.parse import parse_file

CLAIMS = Path(__file__).parents[1] / "tests" / "data" / "dev.claims"
WORKERS = 2


@click.command(help=__doc__)
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--sample", type=int, help="judge this many mutants, drawn at random, instead of all")
@click.option("--seed", default=0, show_default=True)
@click.option("--report", type=click.Path(path_type=Path), help="write the table as Markdown")
def main(files: tuple[Path, ...], sample: int | None, seed: int, report: Path | None) -> None:
    """Judge the mutants and print the table."""
    claims = list(_claims(files or (CLAIMS,)))
    sources = [(setting, claim) for setting, claim in claims if prove(setting, claim, explain=False).verdict == PROVED]
    found = [mutant for setting, claim in sources for mutant in mutants(setting, claim)]
    chosen = found if sample is None else random.Random(seed).sample(found, min(sample, len(found)))
    outcomes = _judged(chosen)
    text = _page(_heading(len(sources), len(found), len(chosen)), tally(outcomes), [outcome for outcome in outcomes if not outcome.right])
    click.echo(text)
    if report is not None:
        write_all({report: text + "\n"})
    sys.exit(0 if all(outcome.right for outcome in outcomes) else 1)


def _claims(files: tuple[Path, ...]) -> Iterator[tuple[Setting, Claim]]:
    for found in discover():
        yield from ((found.derivation.setting_of(claim), claim) for claim in found.derivation.claims)
    for file in files:
        yield from ((block.setting, claim) for block in parse_file(file) for claim in block.claims)


def _judged(found: list[Mutant]) -> list[Outcome]:
    with ProcessPoolExecutor(WORKERS) as pool:
        return list(track(pool.map(judge, found, chunksize=8), total=len(found), description="mutants", transient=True))


def _heading(sources: int, found: int, chosen: int) -> str:
    which = f"{chosen:,}" if chosen == found else f"{chosen:,}, drawn at random,"
    return f"Verdicts on {which} of the {found:,} single-point mutants of {sources} proved claims (`make mutants`)."


def _page(heading: str, rows: tuple[Tally, ...], exceptions: list[Outcome]) -> str:
    """The table by kind of mutant, the sums below, then every verdict that is not as it must be."""
    head = ("kind of mutant", "mutants", "refuted", "equivalent, proved", "defined nowhere", "undecided", "wrong")
    counts = [(row.mutants, row.refuted, row.equivalent, row.nowhere, row.undecided, row.wrong) for row in rows]
    total = tuple(sum(column) for column in zip(*counts, strict=True)) if counts else (0,) * (len(head) - 1)
    lines = [
        "# The kernel's power: verdicts on wrong formulas",
        "",
        heading,
        "Whether a mutant is equivalent is decided by ball arithmetic at several sizes and exact random points, not by the kernel",
        "that is being tested; one that is defined nowhere, or at the smallest sizes only, must not be refuted.",
        "",
        "| " + " | ".join(head) + " |",
        "|---|" + "---:|" * (len(head) - 1),
        *("| " + " | ".join((row.kind, *map(str, count))) + " |" for row, count in zip(rows, counts, strict=True)),
        "| **all** | " + " | ".join(f"**{count}**" for count in total) + " |",
    ]
    lines += [""] * bool(exceptions)
    lines += [f"- {o.claim}: {o.kind}, {o.description}: {o.verdict}, by balls {o.truth}" for o in exceptions]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
