"""Second moments under a softmax: found by their form, and right where rows are saturated."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from flint import arb, ctx

from closedform.numeric.numpy import linear_cross_entropy as by_numpy
from closedform.numeric.torch import linear_cross_entropy as by_torch


def true_diagonal(W: np.ndarray, e: np.ndarray) -> np.ndarray:
    """sum_c p_c (W_cm - mean_m)^2 / B in balls, where nothing cancels."""
    ctx.prec = 400
    rows = [[arb(float(w)) for w in row] for row in W]
    found = np.empty(e.shape)
    for b, features in enumerate(e):
        logits = [sum((w * float(x) for w, x in zip(row, features, strict=True)), arb(0)) for row in rows]
        powers = [logit.exp() for logit in logits]
        p = [power / sum(powers, arb(0)) for power in powers]
        for m in range(e.shape[1]):
            mean = sum((q * row[m] for q, row in zip(p, rows, strict=True)), arb(0))
            found[b, m] = float(sum((q * (row[m] - mean) ** 2 for q, row in zip(p, rows, strict=True)), arb(0)) / len(e))
    return found


@pytest.mark.parametrize("gap", [0, 8, 40, 70])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_diagonal_keeps_its_digits_in_saturated_rows(dtype: str, gap: int) -> None:
    """Features are such that logits are exact; where p is 1 to the last bit, the variance is 1e-30 and still right."""
    W = np.array([[2.0, 1.0], [-1.0, 3.0], [1.0, -2.0], [0.5, 0.25]], dtype)
    e = np.array([[gap, 0.0], [0.0, gap], [-gap, gap]], dtype)
    y = np.array([0, 1, 2])
    truth = true_diagonal(W, e)
    found = by_numpy.hessian_diagonal_e(W, e, y)
    found_by_torch = by_torch.hessian_diagonal_e(*(torch.from_numpy(array) for array in (W, e, y))).numpy()
    normal = truth > np.finfo(dtype).tiny
    assert normal.any()
    # 16 ulp of terms that are at most (|W_j| + |W_t|)^2 / (W_j - W_t)^2 <= 16 times the value here.
    for array in (found, found_by_torch):
        assert np.all(np.abs(array - truth)[normal] <= 16 * 16 * np.finfo(dtype).eps * truth[normal])
