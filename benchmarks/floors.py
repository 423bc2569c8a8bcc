"""What the hardware allows: the matrix products alone, or a pass over the arrays; and the plain formulas, without the accurate path."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks import problems as of
from benchmarks.contender import Call, Contender
from benchmarks.problems import Linear, Logits

PRODUCTS = "two matrix products, torch"
PRODUCTS_NUMPY = "two matrix products, NumPy"
PRODUCT = "one product X'X, torch"
PRODUCT_NUMPY = "one product X'X, NumPy"
COPY = "copy, torch"
TRIAD = "triad, torch"
PLAIN = "plain formula, torch"
BY_ROWS = "by hand, in place, by rows, NumPy"

ROWS = 8  # of 32,000 logits: 1 MB, which stays in the second level of cache


def _products(problem: Linear) -> Call:
    W, e = problem.W, problem.e
    return lambda: (e @ W.T).T @ e


def _products_several(problem: Linear) -> Call:
    """The directions stacked, so two products again."""
    e, Vs = problem.e, problem.Vs
    K, C, d = Vs.shape
    return lambda: (e @ Vs.reshape(K * C, d).T).T @ e


def _products_numpy(problem: Linear) -> Call:
    W, e = problem.W.numpy(), problem.e.numpy()
    return lambda: (e @ W.T).T @ e


def _products_several_numpy(problem: Linear) -> Call:
    e, Vs = problem.e.numpy(), problem.Vs.numpy()
    K, C, d = Vs.shape
    return lambda: (e @ Vs.reshape(K * C, d).T).T @ e


def _rows(problem: Linear) -> torch.Tensor:
    """X with X'X as large as the Hessian, (B, C*d)."""
    return (torch.softmax(problem.e @ problem.W.T, -1)[:, :, None] * problem.e[:, None, :]).reshape(problem.B, -1)


def _product(problem: Linear) -> Call:
    X = _rows(problem)
    return lambda: X.T @ X


def _product_numpy(problem: Linear) -> Call:
    X = _rows(problem).numpy()
    return lambda: X.T @ X


def _copy(problem: Logits) -> Call:
    return lambda: problem.out.copy_(problem.z)


def _triad(problem: Logits) -> Call:
    """out = z + a*v: each input read once, the output written once, as a product with the Hessian must at least."""
    return lambda: torch.add(problem.z, problem.v, alpha=1.5, out=problem.out)


def _plain_gradient(problem: Linear) -> Call:
    """(p - y)' e/B, where 1 - p cancels."""
    W, e, y = problem.inputs

    def call() -> torch.Tensor:
        p = torch.softmax(e @ W.T, -1)
        p[torch.arange(len(y)), y] -= 1
        return p.T @ e / len(y)

    return call


def _plain_product(problem: Linear) -> Call:
    """(p*(u - sum(p*u)))' e/B with p kept: nothing is centred."""
    W, e, _ = problem.inputs
    p = torch.softmax(e @ W.T, -1)

    def call() -> torch.Tensor:
        u = e @ problem.V.T
        u -= (p * u).sum(-1, keepdim=True)
        u *= p
        return u.T @ e / len(e)

    return call


def _by_rows(problem: Logits) -> Call:
    """The best NumPy form known for a product with the Hessian: blocks of rows that stay in cache, in place, softmax never divided."""
    z, v, out = (x.numpy() for x in (problem.z, problem.v, problem.out))
    x = np.empty((ROWS, problem.C), np.float32)
    rows = np.arange(ROWS)

    def call() -> np.ndarray:
        for i in range(0, problem.B, ROWS):
            zi, vi, oi = z[i : i + ROWS], v[i : i + ROWS], out[i : i + ROWS]
            top = zi.argmax(-1)
            np.subtract(zi, zi[rows, top][:, None], out=x)
            np.exp(x, out=x)
            total = x.sum(-1)
            np.subtract(vi, vi[rows, top][:, None], out=oi)
            oi -= (np.einsum("bc,bc->b", x, oi) / total)[:, None]
            oi *= x
            oi /= (total * problem.B)[:, None]
        return out

    return call


CONTENDERS = (
    *(Contender(PRODUCTS, quantity, Linear, _products, floor=True) for quantity in (of.GRADIENT, of.HVP)),
    *(Contender(PRODUCTS_NUMPY, quantity, Linear, _products_numpy, floor=True) for quantity in (of.GRADIENT, of.HVP)),
    Contender(PRODUCTS, of.HVPS, Linear, _products_several, floor=True),
    Contender(PRODUCTS_NUMPY, of.HVPS, Linear, _products_several_numpy, floor=True),
    Contender(PRODUCT, of.HESSIAN, Linear, _product, of.DENSE, floor=True),
    Contender(PRODUCT_NUMPY, of.HESSIAN, Linear, _product_numpy, of.DENSE, floor=True),
    *(Contender(COPY, quantity, Logits, _copy, floor=True) for quantity in (of.GRADIENT, of.HVP, of.DIAGONAL)),
    Contender(TRIAD, of.HVP, Logits, _triad, floor=True),
    Contender(PLAIN, of.GRADIENT, Linear, _plain_gradient),
    Contender(PLAIN, of.HVP, Linear, _plain_product),
    Contender(BY_ROWS, of.HVP, Logits, _by_rows),
)
