"""A real Triton kernel under the plugin, in Triton's interpreter: no GPU is needed. Run by ``make nightly``."""

from __future__ import annotations

import os
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"  # read when a kernel is defined

import torch
import triton
import triton.language as tl
from faulty_kernels import SOFTMAX

from closedform.testing import kernel_test


@triton.jit  # type: ignore[untyped-decorator]
def _forward(out, z, C, stride, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """p = softmax(z), one row for each program."""
    row = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    inside = column < C
    x = tl.load(z + row * stride + column, mask=inside, other=-float("inf"))
    e = tl.exp(x - tl.max(x, axis=0))
    tl.store(out + row * stride + column, e / tl.sum(e, axis=0), mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _backward(out, p, g, C, stride, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """p (g - <p, g>), one row for each program."""
    row = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    inside = column < C
    at = row * stride + column
    probability = tl.load(p + at, mask=inside, other=0.0)
    upstream = tl.load(g + at, mask=inside, other=0.0)
    dot = tl.sum(probability * upstream, axis=0)
    tl.store(out + at, probability * (upstream - dot), mask=inside)


class Softmax(torch.autograd.Function):
    """Softmax over the last axis of a matrix."""

    @staticmethod
    def forward(ctx: Any, z: torch.Tensor) -> torch.Tensor:
        z = z.contiguous()
        p = torch.empty_like(z)
        _forward[(z.shape[0],)](p, z, z.shape[1], z.stride(0), BLOCK=triton.next_power_of_2(z.shape[1]))
        ctx.save_for_backward(p)
        return p

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        (p,) = ctx.saved_tensors
        result = torch.empty_like(p)
        _backward[(p.shape[0],)](result, p, g.contiguous(), p.shape[1], p.stride(0), BLOCK=triton.next_power_of_2(p.shape[1]))
        return result


test_triton_softmax = kernel_test(Softmax.apply, SOFTMAX, dtypes=("float32", "float64"), order=1)


class Softmax32Lanes(Softmax):
    """The same with blocks that end at 32 columns, as when the grid is forgotten."""

    @staticmethod
    def forward(ctx: Any, z: torch.Tensor) -> torch.Tensor:
        z = z.contiguous()
        p = torch.zeros_like(z)
        _forward[(z.shape[0],)](p, z, min(z.shape[1], 32), z.stride(0), BLOCK=32)
        ctx.save_for_backward(p)
        return p


def test_a_triton_kernel_that_drops_lanes_is_caught() -> None:
    import pytest

    from closedform.testing import KernelError, check_kernel

    with pytest.raises(KernelError, match="times the bound"):
        check_kernel({"value": Softmax32Lanes.apply}, SOFTMAX, dtypes=("float32",), profile="dev")
