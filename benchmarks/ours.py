"""The generated kernels, as a user calls them: every check of the inputs is in the time."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

from benchmarks import problems as of
from benchmarks.contender import Call, Contender, UnavailableError
from benchmarks.problems import Linear, Logits
from closedform.numeric.numpy import cross_entropy as cross_entropy_numpy
from closedform.numeric.numpy import linear_cross_entropy as linear_numpy
from closedform.numeric.torch import cross_entropy as cross_entropy_torch
from closedform.numeric.torch import linear_cross_entropy as linear_torch

TORCH = "closedform, torch"
NUMPY = "closedform, NumPy"
OPERATOR = "closedform, torch, operator"
OPERATOR_NUMPY = "closedform, NumPy, operator"
COMPILED = "closedform, torch.compile"

Function = Callable[..., Any]
LINEAR = {
    of.VALUE: "value",
    of.GRADIENT: "gradient_W",
    of.HVP: "hvp_W",
    of.HVPS: "hvp_W",
    of.DIAGONAL: "hessian_diagonal_W",
    of.TRACE: "hessian_trace_W",
    of.HESSIAN: "hessian_W",
}
LOGITS = {
    of.VALUE: "value",
    of.GRADIENT: "gradient",
    of.HVP: "hvp",
    of.DIAGONAL: "hessian_diagonal",
    of.TRACE: "hessian_trace",
}
SCALARS = (of.VALUE, of.TRACE)


def function(module: ModuleType, name: str, *needs: str) -> Function:
    """A function of a module of kernels that has the parameters needed; raises UnavailableError if there is none."""
    found: Function | None = getattr(module, name, None)
    if found is None:
        raise UnavailableError(f"{module.__name__} has no {name}")
    missing = [need for need in needs if need not in inspect.signature(found).parameters]
    if missing:
        raise UnavailableError(f"{module.__name__}.{name} has no {', '.join(missing)}")
    return found


def _linear(module: ModuleType, quantity: str) -> Callable[[Linear], Call]:
    def prepare(problem: Linear) -> Call:
        kernel = function(module, LINEAR[quantity])
        numpy = module is linear_numpy
        inputs: tuple[Any, ...] = problem.arrays if numpy else problem.inputs
        if quantity in (of.HVP, of.HVPS):
            V = problem.V if quantity == of.HVP else problem.Vs
            inputs += (V.numpy() if numpy else V,)
        return lambda: kernel(*inputs)

    return prepare


def _operator(module: ModuleType, quantity: str) -> Callable[[Linear], Call]:
    """The operator is made once; a product is what is timed."""

    def prepare(problem: Linear) -> Call:
        numpy = module is linear_numpy
        operator = function(module, "hessian_operator_W")(*(problem.arrays if numpy else problem.inputs))
        V = problem.V if quantity == of.HVP else problem.Vs
        direction = V.numpy() if numpy else V
        return lambda: operator.hvp(direction)

    return prepare


def _logits(module: ModuleType, quantity: str) -> Callable[[Logits], Call]:
    def prepare(problem: Logits) -> Call:
        numpy = module is cross_entropy_numpy
        kernel = function(module, LOGITS[quantity], *(() if quantity in SCALARS else ("out",)))
        inputs: tuple[Any, ...] = problem.arrays if numpy else problem.inputs
        if quantity == of.HVP:
            inputs += (problem.v.numpy() if numpy else problem.v,)
        if quantity in SCALARS:
            return lambda: kernel(*inputs)
        out = problem.out.numpy() if numpy else problem.out
        return lambda: kernel(*inputs, out=out)

    return prepare


def _compiled(problem: Logits) -> Call:
    # For this size alone: compiled before for another, it would be compiled again for every size.
    kernel = torch.compile(function(cross_entropy_torch, "hvp", "out"), fullgraph=True, dynamic=False)
    return lambda: kernel(problem.z, problem.y, problem.v, out=problem.out)


def _sizes(quantity: str) -> tuple[str, ...]:
    return of.DENSE if quantity == of.HESSIAN else ()


CONTENDERS = (
    *(Contender(TORCH, quantity, Linear, _linear(linear_torch, quantity), _sizes(quantity), ours=True) for quantity in LINEAR),
    *(Contender(NUMPY, quantity, Linear, _linear(linear_numpy, quantity), _sizes(quantity), ours=True) for quantity in LINEAR),
    *(Contender(OPERATOR, quantity, Linear, _operator(linear_torch, quantity), ours=True) for quantity in (of.HVP, of.HVPS)),
    *(Contender(OPERATOR_NUMPY, quantity, Linear, _operator(linear_numpy, quantity), ours=True) for quantity in (of.HVP, of.HVPS)),
    *(Contender(TORCH, quantity, Logits, _logits(cross_entropy_torch, quantity), ours=True) for quantity in LOGITS),
    *(Contender(NUMPY, quantity, Logits, _logits(cross_entropy_numpy, quantity), ours=True) for quantity in LOGITS),
    Contender(COMPILED, of.HVP, Logits, _compiled, ours=True),
)
