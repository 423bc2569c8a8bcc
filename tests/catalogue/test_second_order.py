"""The catalogue's second order on numbers: a concrete network in torch, and the eigenvalues of softmax's Hessian.

What is proved for every network is seen here on one, with torch's automatic differentiation as the oracle.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import grad, hessian, jacrev

from closedform.numeric.numpy import cross_entropy

C, D, N, B = 4, 3, 2, 5
GENERATOR = torch.Generator().manual_seed(7)
X = torch.randn(B, N, generator=GENERATOR, dtype=torch.float64)
W = torch.randn(C, D, generator=GENERATOR, dtype=torch.float64)
THETA = torch.randn(D * N, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.tensor([0, 2, 1, 3, 1])


def features(theta: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.tanh(theta.reshape(D, N) @ x)


def logits(theta: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return torch.vmap(lambda x: weights @ features(theta, x))(X)


def loss(z: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(z, LABELS)


def curvature(z: torch.Tensor) -> torch.Tensor:
    """diag(p) - p p' of each row."""
    p = torch.softmax(z, dim=-1)
    return torch.diag_embed(p) - p[:, :, None] * p[:, None, :]


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """Equal within a thousand roundings of the largest entry: a few sums of B C^2 terms on each side."""
    bound = 1000 * torch.finfo(torch.float64).eps * expected.abs().max().item()
    torch.testing.assert_close(actual, expected, rtol=0, atol=bound)


def test_the_last_layers_hessian_is_a_mean_of_kronecker_products() -> None:
    found = hessian(lambda weights: loss(logits(THETA, weights)))(W)
    e = torch.vmap(lambda x: features(THETA, x))(X)
    blocks = [torch.kron(h, torch.outer(f, f)) for h, f in zip(curvature(logits(THETA, W)), e, strict=True)]
    close(found.reshape(C * D, C * D), torch.stack(blocks).mean(dim=0))
    columns = [torch.kron(torch.outer(f, f), h) for h, f in zip(curvature(logits(THETA, W)), e, strict=True)]
    close(found.permute(1, 0, 3, 2).reshape(C * D, C * D), torch.stack(columns).mean(dim=0))


def test_the_hessian_splits_into_gauss_newton_and_the_networks_curvature() -> None:
    z = logits(THETA, W)
    jacobian = jacrev(lambda theta: logits(theta, W))(THETA)
    bent = hessian(lambda theta: logits(theta, W))(THETA)
    gauss_newton = torch.einsum("bcs,bck,bkt->st", jacobian, curvature(z), jacobian) / B
    gradient = (torch.softmax(z, -1) - torch.nn.functional.one_hot(LABELS, C)) / B
    close(hessian(lambda theta: loss(logits(theta, W)))(THETA), gauss_newton + torch.einsum("bc,bcst->st", gradient, bent))


def test_fishers_information_is_the_gauss_newton_matrix() -> None:
    """The mean over every possible label, with its probability, of the outer product of its gradient."""
    p = torch.softmax(logits(THETA, W), -1)
    scores = jacrev(lambda theta: torch.log_softmax(logits(theta, W), -1))(THETA)
    fisher = torch.einsum("bc,bcs,bct->st", p, scores, scores) / B
    jacobian = jacrev(lambda theta: logits(theta, W))(THETA)
    close(fisher, torch.einsum("bcs,bck,bkt->st", jacobian, curvature(logits(THETA, W)), jacobian) / B)


def test_the_cross_block_of_weights_and_features() -> None:
    y = torch.nn.functional.one_hot(LABELS, C)[0].double()

    def sample(weights: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
        return -(y * torch.log_softmax(weights @ e, -1)).sum()

    e = features(THETA, X[0])
    found = jacrev(grad(sample), argnums=1)(W, e)
    h = curvature((W @ e)[None])[0]
    expected = torch.einsum("cn,m->cmn", h @ W, e) + torch.einsum("c,mn->cmn", torch.softmax(W @ e, -1) - y, torch.eye(D).double())
    close(found, expected)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 33])
@pytest.mark.parametrize("scale", [0.0, 1.0, 5.0])
def test_eigenvalues_of_the_hessian_by_the_logits(size: int, scale: float) -> None:
    """0 <= H <= 1/2, the ones direction alone is in the kernel, and the trace is 1 - sum p^2."""
    z = scale * np.random.default_rng(size).standard_normal((1, size))
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    hessian_of_z = cross_entropy.hessian(z, np.zeros(1, dtype=int))[0]
    values = np.linalg.eigvalsh(hessian_of_z)
    slack = size * np.finfo(float).eps
    assert -slack <= values[0] <= slack
    assert np.all(values[1:] > 0.01 * p.min())
    assert values[-1] <= 0.5 + slack
    assert abs(values.sum() - (1 - (p**2).sum())) <= 4 * slack
    assert np.abs(hessian_of_z @ np.ones(size)).max() <= slack
