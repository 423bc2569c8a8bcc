"""torch.func: forward over reverse for products, and whole Hessians where they fit."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import func

from benchmarks import problems as of
from benchmarks.contender import Call, Contender
from benchmarks.problems import Linear, Logits

NAME = "torch.func"


def _loss(problem: Linear) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda W: F.cross_entropy(problem.e @ W.T, problem.y)


def _gradient(problem: Linear) -> Call:
    gradient = func.grad(_loss(problem))
    return lambda: gradient(problem.W)


def _product(problem: Linear) -> Call:
    gradient = func.grad(_loss(problem))
    return lambda: func.jvp(gradient, (problem.W,), (problem.V,))[1]


def _products(problem: Linear) -> Call:
    gradient = func.grad(_loss(problem))
    product = func.vmap(lambda V: func.jvp(gradient, (problem.W,), (V,))[1])
    return lambda: product(problem.Vs)


def _hessian(problem: Linear) -> Call:
    hessian = func.hessian(_loss(problem))
    return lambda: hessian(problem.W)


def _diagonal(problem: Linear) -> Call:
    """Of the whole Hessian: there is no other exact way."""
    hessian = func.hessian(_loss(problem))
    size = problem.C * problem.d
    return lambda: hessian(problem.W).reshape(size, size).diagonal()


def _trace(problem: Linear) -> Call:
    diagonal = _diagonal(problem)
    return lambda: torch.sum(torch.as_tensor(diagonal()))


def _logits_product(problem: Logits) -> Call:
    gradient = func.grad(lambda z: F.cross_entropy(z, problem.y))
    return lambda: func.jvp(gradient, (problem.z,), (problem.v,))[1]


CONTENDERS = (
    Contender(NAME, of.GRADIENT, Linear, _gradient),
    Contender(NAME, of.HVP, Linear, _product),
    Contender(NAME, of.HVPS, Linear, _products),
    Contender(NAME, of.DIAGONAL, Linear, _diagonal, of.DENSE),
    Contender(NAME, of.TRACE, Linear, _trace, of.DENSE),
    Contender(NAME, of.HESSIAN, Linear, _hessian, of.DENSE),
    Contender(NAME, of.HVP, Logits, _logits_product),
)
