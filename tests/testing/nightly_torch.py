"""No false alarm: torch's own functions and their backward passes, in 20 seeds. Run by ``make nightly``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from faulty_kernels import ATTENTION, LAYER_NORM, LOG_SOFTMAX, log_softmax
from torch.nn import functional as F

from closedform.testing import check_kernel


def layer_norm(z: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(z, z.shape[-1:], eps=1 / 1024)


def attention(Q: torch.Tensor, K: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(Q[None, None], K[None, None], V[None, None], scale=0.125)[0, 0]


TORCH: list[tuple[str, Callable[..., Any]]] = [
    ("cross_entropy", F.cross_entropy),
    ("mse", F.mse_loss),
    (LOG_SOFTMAX, log_softmax),
    (LAYER_NORM, layer_norm),
    (ATTENTION, attention),
]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("implements", "kernel"), TORCH, ids=["cross_entropy", "mse", "log_softmax", "layer_norm", "attention"])
def test_torch_passes_in_the_absolute_class(implements: str, kernel: Callable[..., Any], seed: int) -> None:
    assert check_kernel(kernel, implements, accuracy="absolute", order=1, seed=seed, profile="dev").ok
