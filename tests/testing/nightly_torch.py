"""No false alarm: torch's own functions and their backward passes, in 20 seeds. Run by ``make nightly``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from faulty_kernels import ATTENTION, LAYER_NORM, LOG_SOFTMAX
from torch.nn import functional as F
from torch_functions import attention, layer_norm, log_softmax

from closedform.testing import check_kernel

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
