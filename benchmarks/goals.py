"""The goals of the kernels, each a measured figure beside its limit: none can be missed without being seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks import floors, ours
from benchmarks import problems as of
from benchmarks.peers import autograd
from benchmarks.results import Cell, Judged, Row, find

# Names of peers whose libraries may be missing, so they can't be imported for their names.
JAX, FUNC, CURVLINOPS, BACKPACK = "JAX, jit", "torch.func", "curvlinops", "BackPACK"


@dataclass(frozen=True)
class Goal:
    """At a size, the time of `ours` is at most `limit` times that of `other`."""

    quantity: str
    size: str
    ours: str
    other: str
    limit: float


def _at(quantity: str, mine: str, other: str, **limits: float) -> tuple[Goal, ...]:
    return tuple(Goal(quantity, size, mine, other, limit) for size, limit in limits.items())


def _everywhere(quantity: str, mine: str, other: str, limit: float = 1.0) -> tuple[Goal, ...]:
    return _at(quantity, mine, other, S=limit, M=limit, L=limit)


GOALS = (
    # One direction, p kept: near the two products that it needs, and faster than all that users have.
    *_at(of.HVP, ours.OPERATOR, floors.PRODUCTS, M=1.25, L=1.10),
    *_at(of.HVP, ours.OPERATOR_NUMPY, floors.PRODUCTS_NUMPY, M=1.25, L=1.10),
    *_everywhere(of.HVP, ours.OPERATOR, JAX),
    *_everywhere(of.HVP, ours.OPERATOR, BACKPACK),
    *_everywhere(of.HVP, ours.OPERATOR, autograd.CACHED),
    *_everywhere(of.HVP, ours.OPERATOR, autograd.CROSS_ENTROPY, 1 / 2),
    *_everywhere(of.HVP, ours.OPERATOR, FUNC, 1 / 3),
    *_everywhere(of.HVP, ours.OPERATOR, CURVLINOPS, 1 / 3),
    # Several directions at once.
    *_at(of.HVPS, ours.OPERATOR, floors.PRODUCTS, M=1.15, L=1.15),
    *_at(of.HVPS, ours.OPERATOR_NUMPY, floors.PRODUCTS_NUMPY, M=1.15, L=1.15),
    *(
        goal
        for peer in (autograd.CROSS_ENTROPY, autograd.CACHED, FUNC, JAX, CURVLINOPS, BACKPACK)
        for goal in _at(of.HVPS, ours.OPERATOR, peer, S=1.0)
    ),
    *_at(of.GRADIENT, ours.TORCH, floors.PRODUCTS, L=1.10),
    *_at(of.GRADIENT, ours.NUMPY, floors.PRODUCTS_NUMPY, L=1.10),
    *_everywhere(of.GRADIENT, ours.TORCH, autograd.CROSS_ENTROPY),
    *_everywhere(of.GRADIENT, ours.TORCH, autograd.FUSED),
    # The whole Hessian, by symmetric products.
    *_at(of.HESSIAN, ours.TORCH, FUNC, S=1 / 15),
    *_at(of.HESSIAN, ours.TORCH, JAX, S=1 / 2.5),
    *_at(of.HESSIAN, ours.TORCH, floors.PRODUCT, S=1.4),
    *_at(of.HESSIAN, ours.NUMPY, floors.PRODUCT_NUMPY, S=1.4),
    *_at(of.DIAGONAL, ours.TORCH, BACKPACK, S=1 / 10, M=1 / 40, L=1 / 800),
    # Work as large as the logits, into an array that exists.
    *_at(of.HVP, ours.TORCH, floors.TRIAD, Z2=3.5),
    *_at(of.HVP, ours.TORCH, autograd.CROSS_ENTROPY, Z2=1 / 10),
    *_at(of.HVP, ours.COMPILED, floors.TRIAD, Z2=2.0),
    *_at(of.HVP, ours.NUMPY, floors.BY_ROWS, Z2=1.3),
    # What accuracy costs.
    *_at(of.GRADIENT, ours.TORCH, floors.PLAIN, S=1.6, M=1.3, L=1.1),
    *_at(of.HVP, ours.OPERATOR, floors.PLAIN, S=1.6, M=1.3, L=1.1),
)


def judge(cells: Iterable[Cell], goals: Iterable[Goal] = GOALS) -> tuple[Judged, ...]:
    """Each goal with its measured ratio of medians."""
    measured = tuple(cells)
    return tuple(_judge(find(measured, goal.size, goal.quantity), goal) for goal in goals)


def _judge(cell: Cell | None, goal: Goal) -> Judged:
    ratio, note = _ratio(cell, goal)
    return Judged(f"{goal.quantity}: {goal.ours}", goal.size, goal.other, goal.limit, ratio, note)


def _ratio(cell: Cell | None, goal: Goal) -> tuple[float | None, str]:
    if cell is None:
        return None, "not run"
    seconds = []
    for name in (goal.ours, goal.other):
        row = cell.row(name)
        if row is None or row.seconds is None:
            return None, _absent(name, row)
        seconds.append(row.seconds)
    mine, other = seconds
    return mine / other, ""


def _absent(name: str, row: Row | None) -> str:
    return f"{name}: {row.note}" if row is not None else f"{name} is missing"


def judge_memory(cells: Iterable[Cell]) -> tuple[Judged, ...]:
    """For each function of ours: its largest array over the logits or the output, whichever is larger."""
    return tuple(
        Judged(f"{cell.quantity}: {row.name}, largest array", cell.size, "the logits or the output", 1.0, row.memory.largest / cell.allowed)
        for cell in cells
        for row in cell.rows
        if row.ours and row.memory is not None and row.memory.largest is not None
    )
