"""Errors against the scale of the logits, in float32 and float64: truth is ball arithmetic at 2,000 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from flint import arb, ctx

from benchmarks.results import Error, Judged
from closedform.numeric.numpy import cross_entropy as numpy_kernels
from closedform.numeric.numpy import softmax as numpy_softmax
from closedform.numeric.torch import cross_entropy as torch_kernels
from closedform.numeric.torch import softmax as torch_softmax

SCALES = (1.0, 2.0, 4.0, 7.0, 10.0, 20.0, 30.0, 50.0, 100.0, 300.0, 1e3, 1e5)
ROWS = {10: 24, 1000: 2}  # by number of classes
BITS = 2000  # 1 - p of a row with a gap of 1e3 is e^-1000: enough that the naive formulas lose nothing

LOSS, SOFTMAX, GRADIENT, PRODUCT, DIAGONAL, HESSIAN = (
    "loss",
    "softmax",
    "gradient",
    "Hessian times a direction",
    "Hessian diagonal",
    "Hessian",
)
BELOW = "Hessian, least eigenvalue below zero"  # over its largest: the true one is never below
LIMITS = {SOFTMAX: 8.0, LOSS: 8.0, GRADIENT: 8.0, DIAGONAL: 8.0, HESSIAN: 8.0, PRODUCT: 16.0, BELOW: 16.0}

OURS_TORCH, OURS_NUMPY, AUTOGRAD = "closedform, torch", "closedform, NumPy", "torch autograd"

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Row:
    """One sample: logits, its predicted class as the label, and a direction."""

    z: np.ndarray
    y: int
    v: np.ndarray


def rows(classes: int, scale: float, dtype: str) -> list[Row]:
    """Gaussian logits, labelled with their largest: the rows of a classifier that is right, where 1 - p cancels."""
    rng = np.random.default_rng(7)
    drawn = []
    for _ in range(ROWS[classes]):
        z = (scale * rng.standard_normal(classes)).astype(dtype)
        drawn.append(Row(z, int(z.argmax()), rng.standard_normal(classes).astype(dtype)))
    return drawn


def truth(row: Row) -> Arrays:
    """Every quantity of one row in balls, by its plain formula, rounded to float64 at the end; the condition of the product with it."""
    ctx.prec = BITS
    z, v = [arb(float(x)) for x in row.z], [arb(float(x)) for x in row.v]
    top = max(range(len(z)), key=lambda i: float(row.z[i]))
    exps = [(x - z[top]).exp() for x in z]
    total = sum(exps, arb(0))
    p = [x / total for x in exps]
    mean = sum((a * b for a, b in zip(p, v, strict=True)), arb(0))
    gradient = [x - (i == row.y) for i, x in enumerate(p)]
    found = {
        SOFTMAX: _floats(p),
        LOSS: _floats([total.log() + z[top] - z[row.y]]),
        GRADIENT: _floats(gradient),
        DIAGONAL: _floats([x * (1 - x) for x in p]),
        PRODUCT: _floats([x * (w - mean) for x, w in zip(p, v, strict=True)]),
    }
    if len(z) <= 32:
        found[HESSIAN] = _floats([a * (int(i == j) - b) for i, a in enumerate(p) for j, b in enumerate(p)])
    return found


def condition(row: Row) -> np.ndarray:
    """p[i]*sum_j p[j]*|v[i] - v[j]|, for which float64 is enough when the parts that cancel are left out."""
    z, v = row.z.astype(np.longdouble), row.v.astype(np.longdouble)
    x = np.exp(z - z.max())
    p = x / x.sum()
    weighed: np.ndarray = (p * np.array([(p * np.abs(w - v)).sum() for w in v])).astype(np.float64)
    return weighed


def _floats(values: list[Any]) -> np.ndarray:
    return np.array([float(x.mid()) for x in values])


def _ours(row: Row, kernels: Any, softmax: Any, tensor: Callable[[np.ndarray], Any]) -> Arrays:
    z, v, y = tensor(row.z[None]), tensor(row.v[None]), tensor(np.array([row.y]))
    return {
        SOFTMAX: np.asarray(softmax.value(z)).ravel(),
        LOSS: np.asarray(kernels.value(z, y)).ravel(),
        GRADIENT: np.asarray(kernels.gradient(z, y)).ravel(),
        DIAGONAL: np.asarray(kernels.hessian_diagonal(z, y)).ravel(),
        PRODUCT: np.asarray(kernels.hvp(z, y, v)).ravel(),
        HESSIAN: np.asarray(kernels.hessian(z, y)).ravel(),
    }


def _autograd(row: Row) -> Arrays:
    z, v, y = torch.from_numpy(row.z), torch.from_numpy(row.v), torch.tensor(row.y)

    def loss(z: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(z, y)

    gradient = torch.func.grad(loss)
    hessian = torch.func.hessian(loss)(z)
    return {
        SOFTMAX: torch.softmax(z, -1).numpy(),
        LOSS: loss(z).numpy().ravel(),
        GRADIENT: gradient(z).numpy(),
        DIAGONAL: hessian.diagonal().numpy(),
        PRODUCT: torch.func.jvp(gradient, (z,), (v,))[1].numpy(),
        HESSIAN: hessian.numpy().ravel(),
    }


WHO: Mapping[str, Callable[[Row], Arrays]] = {
    OURS_TORCH: lambda row: _ours(row, torch_kernels, torch_softmax, torch.from_numpy),
    OURS_NUMPY: lambda row: _ours(row, numpy_kernels, numpy_softmax, np.asarray),
    AUTOGRAD: _autograd,
}


def ulp(result: np.ndarray, expected: np.ndarray, scale: np.ndarray, dtype: str) -> float:
    """The largest error over `scale`, in units of the last place; entries near the subnormal range are left out."""
    kept = (np.abs(expected) > 0) & (np.abs(scale) > np.finfo(dtype).tiny / np.finfo(dtype).eps)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(result.astype(np.float64) - expected) / np.abs(scale)
    return float(relative[kept].max(initial=0.0) / np.finfo(dtype).eps)


def below_zero(hessian: np.ndarray, dtype: str) -> float:
    """How far the least eigenvalue is below zero, over the largest, in units of the last place.

    Entries that are right to 8 units move an eigenvalue by 8 units of |H|'s norm, which for diag(p) - p p' is at most twice that of H.
    """
    size = round(hessian.size**0.5)
    values = np.linalg.eigvalsh(hessian.reshape(size, size).astype(np.float64))
    limit = np.finfo(dtype)
    if values[-1] <= limit.tiny / limit.eps:
        return 0.0
    return float(max(0.0, -values[0] / values[-1]) / limit.eps)


def measure(
    dtypes: Iterable[str] = ("float32", "float64"), scales: Iterable[float] = SCALES, classes: Iterable[int] = tuple(ROWS)
) -> list[Error]:
    """Errors of everybody, for every quantity, dtype, number of classes and scale."""
    scales = tuple(scales)
    return [
        error
        for dtype in dtypes
        for count in classes
        for scale in scales
        for error in _at_scale(rows(count, scale, dtype), dtype, count, scale)
    ]


def _at_scale(drawn: list[Row], dtype: str, classes: int, scale: float) -> list[Error]:
    worst: dict[tuple[str, str], float] = {}
    for row in drawn:
        expected = truth(row)
        for who, compute in WHO.items():
            found = compute(row)
            for quantity, exact in expected.items():
                weight = condition(row) if quantity == PRODUCT else exact
                error = ulp(found[quantity], exact, weight, dtype)
                worst[who, quantity] = max(worst.get((who, quantity), 0.0), error)
            if HESSIAN in expected:
                worst[who, BELOW] = max(worst.get((who, BELOW), 0.0), below_zero(found[HESSIAN], dtype))
    return [Error(who, quantity, dtype, classes, scale, error) for (who, quantity), error in worst.items()]


def judge_accuracy(errors: Iterable[Error]) -> tuple[Judged, ...]:
    """The worst error of each of our functions over all scales and numbers of classes, beside its limit."""
    worst: dict[tuple[str, str, str], float] = {}
    for error in errors:
        if error.who != AUTOGRAD:
            key = error.quantity, error.who, error.dtype
            worst[key] = max(worst.get(key, 0.0), error.ulp)
    return tuple(
        Judged(f"{quantity}: {who}, {dtype}", "all scales", "truth, in ulp", LIMITS[quantity], error)
        for (quantity, who, dtype), error in sorted(worst.items())
    )
