"""The results as Markdown: goals first, then every race, then memory and accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.results import HOLDS, SHORT, UNKNOWN, Cell, Error, Judged, Results, Row

HEAD = """# Speed, memory and accuracy beside what else there is

Written by `make bench`. Every table is one race: all contenders in one process, one after the other in each round; times are medians over
the rounds, and ratios are of medians. float32, and every check of its inputs is in the time of a function of ours. Ratios travel between
machines, times don't.
"""


def summary(judged: Sequence[Judged]) -> str:
    """How many goals hold."""
    counts = {verdict: sum(goal.verdict == verdict for goal in judged) for verdict in (HOLDS, SHORT, UNKNOWN)}
    return f"{counts[HOLDS]} goals hold, {counts[SHORT]} fall short, {counts[UNKNOWN]} were not measured"


def markdown(results: Results, plots: Iterable[tuple[str, str]] = ()) -> str:
    """The page; plots are (title, file)."""
    noise = median([cell.spread for cell in results.cells]) if results.cells else 0.0
    lines = [
        HEAD,
        f"Machine: {results.machine} Noise: half the distance of the quartiles of the floors is {noise:.0%} of their median.",
        "",
    ]
    if results.missing:
        lines += [f"Missing here: {', '.join(results.missing)}.", ""]
    lines += [f"- {problem}" for problem in dict.fromkeys(cell.problem for cell in results.cells)]
    lines += [*(line for title, file in plots for line in ("", f"![{title}]({file})"))]
    lines += ["", "## Goals", "", summary(results.judged) + ".", "", *goals_table(results.speed)]
    lines += ["", "### Accuracy", "", *goals_table(results.accuracy)] if results.accuracy else []
    lines += ["", "### Memory", "", *goals_table(results.memory)] if results.memory else []
    lines += ["", "## Races"]
    for cell in results.cells:
        lines += ["", f"### {cell.quantity}, {cell.problem}", "", *race_table(cell)]
    if results.errors:
        lines += ["", "## Error against the scale of the logits", "", *error_table(results.errors)]
    return "\n".join(lines) + "\n"


def goals_table(judged: Iterable[Judged]) -> list[str]:
    """Each ratio beside its goal; what falls short stands out."""
    rows = [
        (
            goal.subject,
            goal.size,
            goal.against,
            f"{goal.limit:.3g}",
            _measured(goal),
            f"**{goal.verdict}**" if goal.verdict == SHORT else goal.verdict,
        )
        for goal in judged
    ]
    return _table(("function", "size", "over", "goal: at most", "measured", "verdict"), rows, numbers=(3, 4))


def race_table(cell: Cell) -> list[str]:
    """Times and ratios over the fastest of ours; memory beyond the inputs."""
    best = min((row.seconds for row in cell.rows if row.ours and row.seconds), default=None)
    return _table(("", "ms", "ratio", "± %", "peak MB"), [_race_row(row, best) for row in cell.rows], numbers=(1, 2, 3, 4))


def error_table(errors: Iterable[Error]) -> list[str]:
    """Largest error in ulp, by scale."""
    errors = list(errors)
    scales = sorted({error.scale for error in errors})
    keys = sorted({(error.dtype, error.classes, error.quantity, error.who) for error in errors})
    found = {(error.dtype, error.classes, error.quantity, error.who, error.scale): error.ulp for error in errors}
    rows = [(*map(str, key), *(f"{found[(*key, scale)]:.2g}" if (*key, scale) in found else "" for scale in scales)) for key in keys]
    head = ("dtype", "classes", "quantity", "", *(f"{scale:g}" for scale in scales))
    return _table(head, rows, numbers=range(4, len(head)))


def _measured(goal: Judged) -> str:
    return goal.note if goal.measured is None else f"{goal.measured:.3g}"


def _race_row(row: Row, best: float | None) -> tuple[str, ...]:
    name = f"**{row.name}**" if row.ours else f"*{row.name}*" if row.floor else row.name
    if row.seconds is None:
        return name, row.note, "", "", ""
    ratio = f"{row.seconds / best:.2f}" if best else ""
    peak = f"{row.memory.peak / 2**20:.3g}" if row.memory else ""
    return name, f"{row.seconds * 1e3:.3g}", ratio, f"{row.spread * 100:.0f}", peak


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int]) -> list[str]:
    right = set(numbers)
    rule = "| " + " | ".join("---:" if i in right else "---" for i in range(len(head))) + " |"
    return ["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]
