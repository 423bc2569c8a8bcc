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
def _forward(out, z, stride, B, C, ROWS: tl.constexpr, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """p = softmax(z), some rows for each program."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.arange(0, BLOCK)[None, :]
    inside = (row < B) & (column < C)
    at = row * stride + column
    x = tl.load(z + at, mask=inside, other=-float("inf"))
    largest = tl.where(row < B, tl.max(x, axis=1)[:, None], 0.0)
    e = tl.exp(x - largest)
    total = tl.where(row < B, tl.sum(e, axis=1)[:, None], 1.0)
    tl.store(out + at, e / total, mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _backward(out, p, g, stride, B, C, ROWS: tl.constexpr, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """p (g - <p, g>), some rows for each program."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.arange(0, BLOCK)[None, :]
    inside = (row < B) & (column < C)
    at = row * stride + column
    probability = tl.load(p + at, mask=inside, other=0.0)
    upstream = tl.load(g + at, mask=inside, other=0.0)
    dot = tl.sum(probability * upstream, axis=1)[:, None]
    tl.store(out + at, probability * (upstream - dot), mask=inside)


def _launch(kernel: Any, B: int, C: int, *arguments: Any) -> None:
    """Blocks of up to 16 rows, as the interpreter's price is by the program; of one row where rows are long."""
    block = triton.next_power_of_2(C)
    rows = max(1, min(16, 16384 // block))
    kernel[(triton.cdiv(B, rows),)](*arguments, B, C, ROWS=rows, BLOCK=block)


class Softmax(torch.autograd.Function):
    """Softmax over the last axis of a matrix."""

    @staticmethod
    def forward(ctx: Any, z: torch.Tensor) -> torch.Tensor:
        z = z.contiguous()
        p = torch.empty_like(z)
        _launch(_forward, *z.shape, p, z, z.stride(0))
        ctx.save_for_backward(p)
        return p

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        (p,) = ctx.saved_tensors
        result = torch.empty_like(p)
        _launch(_backward, *p.shape, result, p, g.contiguous(), p.stride(0))
        return result


test_triton_softmax = kernel_test(Softmax.apply, SOFTMAX, dtypes=("float32", "float64"), order=1)


class Softmax32Lanes(Softmax):
    """The same with blocks that end at 32 columns, as when the grid is forgotten."""

    @staticmethod
    def forward(ctx: Any, z: torch.Tensor) -> torch.Tensor:
        z = z.contiguous()
        p = torch.zeros_like(z)
        B, C = z.shape
        _launch(_forward, B, min(C, 32), p, z, z.stride(0))
        ctx.save_for_backward(p)
        return p


def test_a_triton_kernel_that_drops_lanes_is_caught() -> None:
    import pytest

    from closedform.testing import KernelError, check_kernel

    with pytest.raises(KernelError, match="times the bound"):
        check_kernel({"value": Softmax32Lanes.apply}, SOFTMAX, dtypes=("float32",), profile="dev")
