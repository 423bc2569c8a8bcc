"""Verdicts on files of claims whose verdicts are known, with any number of seeds.

    python benchmarks/verdicts.py [--seeds N] [--explain] [CLAIMS…]

Beside each FILE.claims stands FILE.expected.json. Exit status 1 if a verdict is not the expected one.
"""

from __future__ import annotations

import json
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.progress import track

from closedform.certify import prove
from closedform.syntax.parse import ClaimBlock, parse_file

CLAIMS = Path(__file__).parents[1] / "tests" / "data"
WORKERS = 2


@dataclass(frozen=True)
class Trial:
    """A claim and the verdicts that it got, one for each seed."""

    name: str
    verdicts: tuple[str, ...]
    seconds: float


@click.command(help=__doc__)
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--seeds", default=1, show_default=True, help="how many seeds to judge every claim with")
@click.option("--explain", is_flag=True, help="also find out what is wrong with the refuted ones")
def main(files: tuple[Path, ...], seeds: int, explain: bool) -> None:
    """Judge the claims and say which verdicts are not the expected ones."""
    wrong = sum(_judged(file, seeds, explain) for file in files or sorted(CLAIMS.glob("*.claims")))
    sys.exit(1 if wrong else 0)


def _judged(file: Path, seeds: int, explain: bool) -> int:
    """Print a line for the file, and one for each claim with an unexpected verdict; how many there were."""
    expected = json.loads(file.with_suffix(".expected.json").read_text(encoding="utf-8"))
    blocks = list(parse_file(file))
    with ProcessPoolExecutor(WORKERS) as pool:
        trials = pool.map(partial(_trial, seeds=seeds, explain=explain), blocks)
        found = list(track(trials, total=len(blocks), description=file.name, transient=True))
    seconds = sorted((trial.seconds for trial in found), reverse=True)
    wrong = [trial for trial in found if set(trial.verdicts) != {expected[trial.name]["verdict"]}]
    click.echo(
        f"{file.name}: {len(found) - len(wrong)} of {len(found)} claims have the expected verdict with each of {seeds} seeds; "
        f"seconds a verdict: median {statistics.median(seconds):.2f}, largest {seconds[0]:.2f}, sum {sum(seconds):.1f}"
    )
    for trial in wrong:
        click.echo(f"    {trial.name}: expected {expected[trial.name]['verdict']}, got {', '.join(sorted(set(trial.verdicts)))}")
    return len(wrong)


def _trial(block: ClaimBlock, *, seeds: int, explain: bool) -> Trial:
    (claim,) = block.claims
    found = [prove(block.setting, claim, seed=seed, explain=explain) for seed in range(seeds)]
    return Trial(claim.name, tuple(item.verdict for item in found), statistics.mean(item.seconds for item in found))


if __name__ == "__main__":
    main()
