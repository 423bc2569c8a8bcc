"""curvlinops: the Hessian of a model as a linear operator; it has no exact diagonal or trace."""

from __future__ import annotations

import torch
from curvlinops import HessianLinearOperator
from torch import nn

from benchmarks import problems as of
from benchmarks.contender import Call, Contender
from benchmarks.problems import Linear

NAME = "curvlinops"


def _operator(problem: Linear) -> HessianLinearOperator:
    model = nn.Linear(problem.d, problem.C, bias=False)
    model.weight.data.copy_(problem.W)
    data = [(problem.e, problem.y)]
    return HessianLinearOperator(model, nn.CrossEntropyLoss(), list(model.parameters()), data, check_deterministic=False)


def _product(problem: Linear) -> Call:
    operator, V = _operator(problem), problem.V.flatten()
    return lambda: operator @ V


def _products(problem: Linear) -> Call:
    """Directions are the columns of a matrix."""
    operator, Vs = _operator(problem), problem.Vs.flatten(1).T

    def call() -> torch.Tensor:
        product: torch.Tensor = operator @ Vs
        return product.T

    return call


CONTENDERS = (
    Contender(NAME, of.HVP, Linear, _product),
    Contender(NAME, of.HVPS, Linear, _products),
)
