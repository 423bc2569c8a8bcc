"""Kernels of derivations outside the catalogue agree with torch.func on the definition written again in torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from kernel_cases import CASES, Case, kernels
from torch import Tensor
from torch.func import hessian, jacrev

from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import head_name

# Float64 through formulas of condition below 1e3: agreement to 1e-11 leaves no room for a wrong term.
TOLERANCE = 1e-11


def expected(case: Case, function: KernelFunction, inputs: dict[str, Tensor], extra: tuple[Tensor, ...]) -> Tensor:
    names = list(inputs)
    values = tuple(inputs.values())
    if function.kind == "value":
        return case.reference(*values)
    assert function.wrt is not None
    at = names.index(head_name(function.wrt) if not hasattr(function.wrt, "name") else function.wrt.name)
    rank = values[at].ndim
    jacobian = jacrev(case.reference, argnums=at)(*values)
    if function.kind in ("jacobian", "gradient"):
        return jacobian
    if function.kind == "jvp":
        return torch.tensordot(jacobian, extra[0], dims=rank)
    if function.kind == "vjp":
        return torch.tensordot(extra[0], jacobian, dims=extra[0].ndim)
    second = hessian(case.reference, argnums=at)(*values)
    if function.kind == "hvp":
        return torch.tensordot(second, extra[0], dims=rank)
    flat = second.reshape(values[at].numel(), values[at].numel())
    if function.kind == "hessian_diagonal":
        return flat.diagonal().reshape(values[at].shape)
    if function.kind == "hessian_trace":
        return flat.trace()
    if case.derivation.batch is not None and case.derivation.batch in getattr(function.wrt, "dims", ()):
        return torch.stack([second[sample, ..., sample, :] for sample in range(len(values[at]))])
    return second


def draw(case: Case, function: KernelFunction, inputs: dict[str, Tensor], generator: torch.Generator) -> tuple[Tensor, ...]:
    output = case.derivation.output
    assert output is not None
    shapes = {output.name: case.reference(*inputs.values()).shape, **{name: x.shape for name, x in inputs.items()}}
    like = function.wrt.name if function.kind in ("jvp", "hvp") and function.wrt is not None else output.name
    return tuple(torch.randn(shapes[like], generator=generator, dtype=torch.float64) for _ in function.extra)


def call(kernel: Callable[..., object], backend: str, inputs: dict[str, Tensor], extra: tuple[Tensor, ...]) -> Tensor:
    arguments = [*inputs.values(), *extra]
    if backend == "torch":
        found = kernel(*arguments)
        assert isinstance(found, Tensor)
        return found
    return torch.as_tensor(np.asarray(kernel(*(x.numpy() if x.ndim else float(x) for x in arguments))))


def of_two_rows(rows: int, entries: int) -> list[slice]:
    return [slice(at, min(at + 2, rows)) for at in range(0, rows, 2)]


@pytest.mark.parametrize("in_blocks", [False, True])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.derivation.name)
def test_kernels_agree_with_autograd(case: Case, backend: str, in_blocks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    module = kernels(case.derivation, backend)
    if in_blocks and hasattr(module, "_blocks"):
        monkeypatch.setattr(module, "_blocks", of_two_rows)
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        inputs = case.inputs(generator)
        for function in kernel_functions(case.derivation):
            extra = draw(case, function, inputs, generator)
            want = expected(case, function, inputs, extra)
            got = call(getattr(module, function.name), backend, inputs, extra)
            assert got.shape == want.shape, function.name
            assert got.dtype == want.dtype, function.name
            error = (got - want).abs().max() / want.abs().max().clamp(min=1)
            assert error < TOLERANCE, (function.name, got, want)
