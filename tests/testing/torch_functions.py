"""torch's own functions in the form of the claims that they implement."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def softmax(z: torch.Tensor) -> torch.Tensor:
    return torch.softmax(z, -1)


def log_softmax(z: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(z, -1)


def layer_norm(z: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(z, z.shape[-1:], eps=1 / 1024)


def attention(Q: torch.Tensor, K: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(Q[None, None], K[None, None], V[None, None], scale=0.125)[0, 0]
