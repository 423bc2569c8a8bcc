"""BackPACK: second-order extensions of the backward pass; its products with the Hessian keep what does not depend on the direction."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from backpack import backpack, extend
from backpack.extensions import HMP, DiagHessian
from torch import nn

from benchmarks import problems as of
from benchmarks.contender import Call, Contender
from benchmarks.problems import Linear

NAME = "BackPACK"


def _extended(problem: Linear) -> tuple[Any, Any]:
    model = extend(nn.Linear(problem.d, problem.C, bias=False))
    model.weight.data.copy_(problem.W)
    return model, extend(nn.CrossEntropyLoss())


def _backward(problem: Linear, model: Any, loss: Any, extension: Any) -> None:
    with warnings.catch_warnings(), backpack(extension):
        warnings.filterwarnings("ignore", message="Full backward hook")
        loss(model(problem.e), problem.y).backward()


def _product(quantity: str) -> Callable[[Linear], Call]:
    def prepare(problem: Linear) -> Call:
        model, loss = _extended(problem)
        _backward(problem, model, loss, HMP())
        product = model.weight.hmp
        V = problem.V[None] if quantity == of.HVP else problem.Vs
        return lambda: product(V).detach()

    return prepare


def _diagonal(problem: Linear) -> Call:
    model, loss = _extended(problem)

    def call() -> torch.Tensor:
        _backward(problem, model, loss, DiagHessian())
        model.weight.grad = None
        diagonal: torch.Tensor = model.weight.diag_h
        return diagonal

    return call


def _trace(problem: Linear) -> Call:
    diagonal = _diagonal(problem)
    return lambda: torch.sum(torch.as_tensor(diagonal()))


CONTENDERS = (
    *(Contender(NAME, quantity, Linear, _product(quantity)) for quantity in (of.HVP, of.HVPS)),
    Contender(NAME, of.DIAGONAL, Linear, _diagonal),
    # Adding its diagonal up costs nothing beside making it, which takes half a minute at L.
    Contender(NAME, of.TRACE, Linear, _trace, ("S", "M")),
)
