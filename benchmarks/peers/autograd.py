"""torch's autograd on its fused losses, `F.cross_entropy` and `F.linear_cross_entropy`: a second derivative is a double backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks import problems as of
from benchmarks.contender import Call, Contender, UnavailableError
from benchmarks.problems import Linear, Logits

CROSS_ENTROPY = "torch autograd"
CACHED = "torch autograd, graph kept"
FUSED = "F.linear_cross_entropy"


def _parameter(x: torch.Tensor) -> torch.Tensor:
    return x.clone().requires_grad_()


def _value(problem: Linear) -> Call:
    return lambda: F.cross_entropy(problem.e @ problem.W.T, problem.y)


def _gradient(problem: Linear) -> Call:
    W = _parameter(problem.W)
    return lambda: torch.autograd.grad(F.cross_entropy(problem.e @ W.T, problem.y), W)[0]


def _directions(problem: Linear, quantity: str) -> tuple[torch.Tensor, dict[str, Any]]:
    return (problem.V, {}) if quantity == of.HVP else (problem.Vs, {"is_grads_batched": True})


def _product(quantity: str) -> Callable[[Linear], Call]:
    def prepare(problem: Linear) -> Call:
        W = _parameter(problem.W)
        V, options = _directions(problem, quantity)

        def call() -> torch.Tensor:
            (g,) = torch.autograd.grad(F.cross_entropy(problem.e @ W.T, problem.y), W, create_graph=True)
            return torch.autograd.grad(g, W, V, **options)[0]

        return call

    return prepare


def _product_cached(quantity: str) -> Callable[[Linear], Call]:
    """The gradient's graph is built once, for as many products as wanted."""

    def prepare(problem: Linear) -> Call:
        W = _parameter(problem.W)
        V, options = _directions(problem, quantity)
        (g,) = torch.autograd.grad(F.cross_entropy(problem.e @ W.T, problem.y), W, create_graph=True)
        return lambda: torch.autograd.grad(g, W, V, retain_graph=True, **options)[0]

    return prepare


def _hessian(problem: Linear) -> Call:
    return lambda: torch.autograd.functional.hessian(lambda W: F.cross_entropy(problem.e @ W.T, problem.y), problem.W)


def _fused(name: str) -> Callable[..., torch.Tensor]:
    loss = getattr(F, "linear_cross_entropy", None)
    if loss is None:
        raise UnavailableError(f"this torch has no {name}")
    return loss


def _fused_value(problem: Linear) -> Call:
    loss = _fused(FUSED)
    return lambda: loss(problem.e, problem.W, problem.y)


def _fused_gradient(problem: Linear) -> Call:
    loss, W = _fused(FUSED), _parameter(problem.W)
    return lambda: torch.autograd.grad(loss(problem.e, W, problem.y), W)[0]


def _logits_value(problem: Logits) -> Call:
    return lambda: F.cross_entropy(problem.z, problem.y)


def _logits_gradient(problem: Logits) -> Call:
    z = _parameter(problem.z)
    return lambda: torch.autograd.grad(F.cross_entropy(z, problem.y), z)[0]


def _logits_product(problem: Logits) -> Call:
    z = _parameter(problem.z)

    def call() -> torch.Tensor:
        (g,) = torch.autograd.grad(F.cross_entropy(z, problem.y), z, create_graph=True)
        return torch.autograd.grad(g, z, problem.v)[0]

    return call


CONTENDERS = (
    Contender(CROSS_ENTROPY, of.VALUE, Linear, _value),
    Contender(FUSED, of.VALUE, Linear, _fused_value),
    Contender(CROSS_ENTROPY, of.GRADIENT, Linear, _gradient),
    Contender(FUSED, of.GRADIENT, Linear, _fused_gradient),
    *(Contender(CROSS_ENTROPY, quantity, Linear, _product(quantity)) for quantity in (of.HVP, of.HVPS)),
    *(Contender(CACHED, quantity, Linear, _product_cached(quantity)) for quantity in (of.HVP, of.HVPS)),
    Contender(CROSS_ENTROPY, of.HESSIAN, Linear, _hessian, of.DENSE),
    Contender(CROSS_ENTROPY, of.VALUE, Logits, _logits_value),
    Contender(CROSS_ENTROPY, of.GRADIENT, Logits, _logits_gradient),
    Contender(CROSS_ENTROPY, of.HVP, Logits, _logits_product),
)
