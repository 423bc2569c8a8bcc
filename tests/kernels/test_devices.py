"""Torch kernels run on the device of their inputs: no array of theirs is made on another, and the numbers are those of the CPU."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch
from elsewhere import ELSEWHERE, Device, Elsewhere
from test_stated_memory import FUNCTIONS, inputs_of

from closedform.check.backends import kernel_of, library
from closedform.functions import KernelFunction, ways_to_call
from closedform.notation import Derivation

SIZES = {"B": 7, "C": 5, "d": 4}


def arguments(derivation: Derivation, function: KernelFunction, dtype: str) -> list[torch.Tensor]:
    """Inputs on the CPU, in the order of the function's parameters."""
    inputs = inputs_of(derivation, function, SIZES, dtype)
    names = [given.name for given in (*derivation.given, *function.extra)]
    labels = inputs.classes
    return [library("torch").array(labels.get(n, inputs.values[n]), "int64" if n in labels else dtype, "contiguous", "cpu") for n in names]


def away(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    return [Elsewhere(x.clone()) for x in tensors]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("derivation", "function"), FUNCTIONS)
def test_every_kernel_runs_elsewhere(derivation: Derivation, function: KernelFunction, dtype: str) -> None:
    module = importlib.import_module(f"closedform.numeric.torch.{derivation.name}")
    given = arguments(derivation, function, dtype)
    for name in ways_to_call(derivation, function):
        if not hasattr(module, name.partition(".")[0]):
            continue
        kernel = kernel_of(module, name, derivation)
        want = kernel(*given)
        with Device():
            found: Any = kernel(*away(given))
            assert (found.device.type, found.dtype) == (ELSEWHERE, want.dtype)
            results = [found]
            if function.axes:
                results.append(kernel(*away(given), out=Elsewhere(torch.full_like(want, torch.nan))))
        for result in results:
            torch.testing.assert_close(result.here, want, rtol=1e-5 if dtype == "float32" else 1e-2, atol=1e-6)


def test_products_with_many_directions_and_long_rows_run_elsewhere() -> None:
    kernels = importlib.import_module("closedform.numeric.torch.linear_cross_entropy")
    torch.manual_seed(0)
    W, e, y, V = 8 * torch.randn(600, 8), torch.randn(300, 8), torch.randint(0, 600, (300,)), torch.randn(3, 600, 8)
    want = kernels.hvp_W(W, e, y, V)
    with Device():
        found: Any = kernels.hvp_W(*away([W, e, y, V]))
    torch.testing.assert_close(found.here, want, rtol=1e-4, atol=1e-7)


def test_an_operator_elsewhere_serves_scipy() -> None:
    kernels = importlib.import_module("closedform.numeric.torch.linear_cross_entropy")
    W, e, y = torch.randn(3, 2), torch.randn(5, 2), torch.tensor([0, 1, 2, 0, 1])
    v = np.arange(6, dtype=np.float32)
    with Device():
        found = kernels.hessian_operator_W(*away([W, e, y])).linear_operator() @ v
    np.testing.assert_allclose(found, kernels.hvp_W(W, e, y, torch.from_numpy(v).view(3, 2)).ravel(), rtol=1e-5, atol=1e-7)


def test_an_array_made_on_the_cpu_is_seen() -> None:
    x = torch.ones(3)
    with Device():
        twice: Any = Elsewhere(x) * 2 + torch.zeros((), device=ELSEWHERE)
        assert twice.here.sum() == 6
        with pytest.raises(RuntimeError, match="all tensors must be on one device, found meta and cpu"):
            Elsewhere(x) + torch.arange(3)
