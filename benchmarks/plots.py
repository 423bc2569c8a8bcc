"""The pictures of the page, as SVG that depends on the figures alone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.accuracy import AUTOGRAD, DIAGONAL, GRADIENT, LOSS, OURS_TORCH, PRODUCT
from benchmarks.results import Cell, Error

mpl.use("svg")

STYLE: dict[Any, Any] = {"svg.hashsalt": "closedform", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
OURS, FLOOR, OTHERS = "#0b6e4f", "#9aa0a6", "#c9713b"
COLUMNS = 3
LOST = 2.0**23  # ulp of float32: an error of 100%
LARGEST = 300.0  # scale that is drawn: beyond, the small entries leave the range of float32


def accuracy(errors: Sequence[Error], dtype: str = "float32", classes: int = 10) -> str:
    """Error against logit scale: autograd's digits vanish, ours stay."""
    panels = (LOSS, GRADIENT, DIAGONAL, PRODUCT)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(panels), figsize=(11, 3), sharey=True)
        for axis, quantity in zip(axes, panels, strict=True):
            for who, colour in ((AUTOGRAD, OTHERS), (OURS_TORCH, OURS)):
                drawn = [e for e in errors if (e.who, e.quantity, e.dtype, e.classes) == (who, quantity, dtype, classes)]
                points = [(e.scale, max(e.ulp, 0.5)) for e in drawn if e.scale <= LARGEST]
                axis.loglog(*zip(*points, strict=True), "o-", color=colour, label=who, markersize=3)
            axis.axhline(LOST, color=FLOOR, linestyle=":")
            axis.set_title(quantity)
            axis.set_xlabel("scale of the logits")
        axes[0].set_ylabel("largest error, ulp")
        axes[0].text(1, LOST * 1.5, "no digit left", color=FLOOR, fontsize=8)
        axes[0].legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.4))
        return _svg(figure)


def speed(cells: Sequence[Cell]) -> str:
    """Times over the fastest of ours, a point for each contender, a panel for each race."""
    shown = [cell for cell in cells if any(row.ours and row.seconds for row in cell.rows)]
    lines = -(-len(shown) // COLUMNS)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(lines, COLUMNS, figsize=(14, 2.9 * lines), squeeze=False)
        for axis in axes.flat:
            axis.set_visible(False)
        for axis, cell in zip(axes.flat, shown, strict=False):
            _points(axis, cell)
        return _svg(figure)


def _points(axis: Any, cell: Cell) -> None:
    timed = [(row, row.seconds) for row in cell.rows if row.seconds]
    best = min(seconds for row, seconds in timed if row.ours)
    axis.set_visible(True)
    axis.axvline(1, color=OURS, linewidth=0.8)
    for line, (row, seconds) in enumerate(timed):
        colour = OURS if row.ours else FLOOR if row.floor else OTHERS
        axis.plot(seconds / best, line, "o", color=colour, markersize=5)
        axis.annotate(
            f"{seconds / best:.3g}", (seconds / best, line), (6, 0), textcoords="offset points", va="center", fontsize=7, color=colour
        )
    axis.set_xscale("log")
    axis.set_xlim(min(seconds for _, seconds in timed) / best / 1.5, 4 * max(seconds for _, seconds in timed) / best)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_yticks(range(len(timed)), [row.name for row, _ in timed], fontsize=7)
    axis.set_ylim(len(timed) - 0.5, -0.5)
    axis.set_title(f"{cell.quantity}, {cell.size}")


def _svg(figure: Any) -> str:
    figure.tight_layout()
    with io.StringIO() as file:
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
        return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"
