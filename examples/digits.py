"""The last layer of a real classifier: generated kernels against autograd, and the leading curvature.

Trains a small network on the UCI digits that ship inside scikit-learn (1,797 images), takes its last layer's
features, weights and labels, and compares the kernels of ``linear_cross_entropy`` there with ``torch.func``.
The leading eigenvalues of the last layer's Hessian come from Hessian-vector products alone (Lanczos), and are
compared with those of the whole matrix.

    python examples/digits.py [--report FILE.md]

Exits with 1 if anything is farther off than its bound. Needs ``pip install closedform[digits]``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.datasets import load_digits
from sympy import Expr

from closedform.certify.evaluate import evaluate
from closedform.check.bounds import PRECISIONS, REARRANGEMENT, ErrorAnalysis
from closedform.check.views import by_claims
from closedform.derivations.linear_cross_entropy import B, C, D, derivation
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Setting
from closedform.numeric.numpy import linear_cross_entropy as numpy_kernels
from closedform.numeric.torch import linear_cross_entropy as torch_kernels

FEATURES = 8
STEPS = 100
EIGENVALUES = 5
SEED = 0
CHECKED = ("gradient_W", "hessian_W", "hvp_W", "hessian_diagonal_W", "hessian_trace_W")
U = PRECISIONS["float64"].roundoff

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Head:
    """The last layer of a trained classifier on its data: weights (C,d), features (B,d), classes (B,), all float64."""

    W: torch.Tensor
    e: torch.Tensor
    y: torch.Tensor
    accuracy: float


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        relative: the largest error over the largest value.
        ratio: the largest error over its bound, which is at most 1 when all is well.
    """

    quantity: str
    backend: str
    entries: int
    relative: float
    ratio: float

    @property
    def ok(self) -> bool:
        """Within the bound."""
        return self.ratio <= 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, compare and print; the exit code."""
    parser = argparse.ArgumentParser(description="Check the generated kernels on a classifier of the UCI digits.")
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write what was found as a Markdown page")
    options = parser.parse_args(arguments)
    head = trained_head()
    direction = torch.from_numpy(np.random.default_rng(SEED).normal(size=head.W.shape))
    hessian_bound = bound("hessian_W", head, direction)
    rows = compared(head, direction, hessian_bound)
    leading, dense, row = spectrum(head, hessian_bound)
    rows.append(row)
    print(f"{head.e.shape[0]} images, {FEATURES} features, {head.W.shape[0]} classes, {head.accuracy:.1%} of the labels right\n")
    print(f"{'quantity':22}{'backend':10}{'entries':>8}{'relative error':>17}{'error/bound':>14}")
    for item in rows:
        print(
            f"{item.quantity:22}{item.backend:10}{item.entries:8d}{item.relative:17.1e}{item.ratio:14.1e}  {'ok' if item.ok else 'FAILED'}"
        )
    print(f"\nleading eigenvalues of the last layer's Hessian, from products with it: {shown(leading)}")
    print(f"                                                 from the whole matrix: {shown(dense)}")
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(page(head, rows, leading), encoding="utf-8")
    return 0 if all(item.ok for item in rows) else 1


def trained_head() -> Head:
    """Train ``tanh`` features and a linear head with Adam on all images; deterministic."""
    torch.manual_seed(SEED)
    torch.set_default_dtype(torch.float64)
    images, classes = load_digits(return_X_y=True)
    x, y = torch.from_numpy(images / 16), torch.from_numpy(classes)
    extractor = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, FEATURES), torch.nn.Tanh())
    head = torch.nn.Linear(FEATURES, 10, bias=False)
    optimiser = torch.optim.Adam([*extractor.parameters(), *head.parameters()], lr=0.02)
    for _ in range(STEPS):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(head(extractor(x)), y).backward()
        optimiser.step()
    with torch.no_grad():
        e = extractor(x)
        right = (head(e).argmax(1) == y).double().mean()
    return Head(head.weight.detach().clone(), e, y, float(right))


def compared(head: Head, direction: torch.Tensor, hessian_bound: Array) -> list[Row]:
    """Every kernel in both backends against autograd.

    Both have rounded, so the bound is taken twice: once for the kernel, once for autograd, which evaluates the
    same formula in another order.
    """
    expected = by_autograd(head, direction)
    rows = []
    for name in CHECKED:
        allowed = 2 * (hessian_bound if name == "hessian_W" else bound(name, head, direction))
        for backend, kernel in (("torch", from_torch(torch_kernels, name)), ("numpy", from_numpy(numpy_kernels, name))):
            error = np.abs(kernel(head, direction) - expected[name])
            relative = np.max(error) / np.max(np.abs(expected[name]))
            rows.append(Row(name, backend, error.size, float(relative), float(np.max(error / allowed))))
    return rows


def by_autograd(head: Head, direction: torch.Tensor) -> dict[str, Array]:
    """The same quantities from ``torch.func``, which knows the loss only."""

    def loss(W: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(head.e @ W.T, head.y)

    gradient = torch.func.grad(loss)
    hessian = torch.func.hessian(loss)(head.W).numpy()
    size = head.W.numel()
    diagonal = np.diagonal(hessian.reshape(size, size)).reshape(head.W.shape)
    return {
        "gradient_W": gradient(head.W).numpy(),
        "hessian_W": hessian,
        "hvp_W": torch.func.jvp(gradient, (head.W,), (direction,))[1].numpy(),
        "hessian_diagonal_W": diagonal,
        "hessian_trace_W": np.asarray(diagonal.sum()),
    }


def spectrum(head: Head, hessian_bound: Array) -> tuple[Array, Array, Row]:
    """The largest eigenvalues, by Lanczos on Hessian-vector products and from the dense Hessian.

    By Weyl's inequality two symmetric matrices that differ by E have eigenvalues that differ by at most |E|. Here E
    is the rounding of both kernels (within the bound on the Hessian's entries, each) and n u |H| of each solver.
    """
    size = head.W.numel()

    def product(vector: Array) -> Array:
        V = torch.from_numpy(np.ascontiguousarray(vector, dtype=np.float64).reshape(head.W.shape))
        return np.asarray(torch_kernels.hvp_W(head.W, head.e, head.y, V).numpy().ravel())

    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    start = np.random.default_rng(SEED).normal(size=size)
    leading = np.sort(eigsh(operator, k=EIGENVALUES, which="LA", v0=start, return_eigenvectors=False))[::-1]
    matrix = torch_kernels.hessian_W(head.W, head.e, head.y).numpy().reshape(size, size)
    dense = np.linalg.eigvalsh(matrix)[::-1][:EIGENVALUES]
    allowed = 2 * np.linalg.norm(hessian_bound) + 2 * size * U * np.linalg.norm(matrix)
    error = float(np.max(np.abs(leading - dense)))
    return leading, dense, Row("leading eigenvalues", "torch", EIGENVALUES, error / float(dense[0]), error / float(allowed))


def bound(name: str, head: Head, direction: torch.Tensor) -> Array:
    """How far a program in float64 may be from the exact value, entry by entry, by running error analysis."""
    function = next(item for item in kernel_functions(derivation) if item.name == name)
    classes = np.eye(head.W.shape[0])[head.y.numpy()]
    values = {"W": head.W.numpy(), "e": head.e.numpy(), "y": classes, **{given.name: direction.numpy() for given in function.extra}}
    setting = Setting((*derivation.given, *function.extra), derivation.lets)
    return _error(by_claims(derivation, function.target), setting, function, values)


def _error(formula: Expr, setting: Setting, function: KernelFunction, values: dict[str, Array]) -> Array:
    ring = ErrorAnalysis(PRECISIONS["float64"])
    sizes = {B: values["e"].shape[0], C: values["W"].shape[0], D: values["W"].shape[1]}
    with ring.scope():
        exact = {given: ring.exact(array) for given, array in values.items()}
        result = ring.settled(evaluate(formula, setting, sizes, exact, ring, function.axes)).full()
    return np.asarray(REARRANGEMENT * result.error + PRECISIONS["float64"].tiny)


def from_torch(kernels: Any, name: str) -> Callable[[Head, torch.Tensor], Array]:
    """The kernel of that name, torch tensors in, an array out."""

    def call(head: Head, direction: torch.Tensor) -> Array:
        extra = (direction,) if name.startswith("hvp") else ()
        return np.asarray(getattr(kernels, name)(head.W, head.e, head.y, *extra).numpy())

    return call


def from_numpy(kernels: Any, name: str) -> Callable[[Head, torch.Tensor], Array]:
    """The kernel of that name, called with NumPy arrays."""

    def call(head: Head, direction: torch.Tensor) -> Array:
        extra = (direction.numpy(),) if name.startswith("hvp") else ()
        return np.asarray(getattr(kernels, name)(head.W.numpy(), head.e.numpy(), head.y.numpy(), *extra))

    return call


def shown(values: Array) -> str:
    """Four digits: the training differs in the last ones from machine to machine."""
    return ", ".join(f"{value:.4f}" for value in values)


def page(head: Head, rows: Sequence[Row], leading: Array) -> str:
    """What was found, as Markdown without anything that differs from machine to machine."""
    lines = [
        "# The last layer of a digit classifier",
        "",
        f"A network with {FEATURES} `tanh` features before its last layer, trained on the {head.e.shape[0]:,} UCI digits of",
        f"scikit-learn ({head.accuracy:.1%} of the labels right): kernels of `linear_cross_entropy` on its features, weights and",
        "labels against `torch.func`, each entry within a bound from running error analysis. Written by `examples/digits.py`.",
        "",
        "| quantity | backend | entries | within its bound |",
        "| --- | --- | --- | --- |",
        *(f"| {row.quantity} | {row.backend} | {row.entries} | {'✓' if row.ok else '**✗**'} |" for row in rows),
        "",
        "The leading eigenvalues of the last layer's Hessian, found by Lanczos iteration on `hvp_W` without the matrix and",
        f"agreeing with those of `hessian_W`: {shown(leading)}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
