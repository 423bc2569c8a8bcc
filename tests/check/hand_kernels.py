"""Kernels written by hand, right ones: what the checker must pass, and into which faults are planted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch


def _softmax(z: Any) -> Any:
    if isinstance(z, torch.Tensor):
        return torch.softmax(z, dim=-1)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def rows(y: Any, like: Any) -> Any:
    if y.ndim == like.ndim:
        return y
    if isinstance(y, torch.Tensor):
        return torch.nn.functional.one_hot(y, like.shape[-1]).to(like.dtype)
    return np.eye(like.shape[-1], dtype=like.dtype)[y]


def _jacobian(z: Any) -> Any:
    p = _softmax(z)
    eye = torch.eye(z.shape[-1], dtype=z.dtype) if isinstance(z, torch.Tensor) else np.eye(z.shape[-1], dtype=z.dtype)
    return p[..., :, None] * eye - p[..., :, None] * p[..., None, :]


def _jvp(z: Any, v: Any) -> Any:
    p = _softmax(z)
    return p * (v - (p * v).sum(-1)[..., None])


softmax = SimpleNamespace(__name__="softmax", value=_softmax, jacobian=_jacobian, jvp=_jvp, vjp=_jvp)


def _loss(z: Any, y: Any) -> Any:
    library: Any = torch if isinstance(z, torch.Tensor) else np
    shifted = z - (z.amax(-1)[:, None] if library is torch else z.max(-1)[:, None])
    log_p = shifted - library.log(library.exp(shifted).sum(-1))[:, None]
    return -(rows(y, z) * log_p).sum() / len(z)


def _diagonal(z: Any, y: Any) -> Any:
    p = _softmax(z)
    return p * (1 - p) / len(z)


cross_entropy = SimpleNamespace(
    __name__="cross_entropy",
    value=_loss,
    gradient=lambda z, y: (_softmax(z) - rows(y, z)) / len(z),
    hessian=lambda z, y: _jacobian(z) / len(z),
    hvp=lambda z, y, v: _jvp(z, v) / len(z),
    hessian_diagonal=_diagonal,
    hessian_trace=lambda z, y: _diagonal(z, y).sum(),
)
