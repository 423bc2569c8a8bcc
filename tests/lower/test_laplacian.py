"""Blocks on the diagonal that are minus the sum of their neighbours: found where they are, and nowhere else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sympy import Expr

from closedform.emit import emit
from closedform.functions import KernelFunction
from closedform.lower import lower
from closedform.notation import Derivation, Dim, Given, Let, delta, exp, indices, scalar, summation, tensor

B, C, D, F = Dim("B"), Dim("C"), Dim("d"), Dim("f")
c, k, i = indices("c k i", C)
m, n = indices("m n", D)
o = indices("o", F)[0]
b = indices("b", B)[0]
z, u, e, g = tensor("z", B, C), tensor("u", B, C), tensor("e", B, D), tensor("g", B, F)
w, p, q, L = tensor("w", B), tensor("p", B, C), tensor("q", B, C), scalar("L")
SIZES = {"z": (5, 3), "u": (5, 3), "e": (5, 2), "g": (5, 4), "w": (5,)}
GIVEN = {name: np.random.default_rng(at).normal(scale=2, size=size) for at, (name, size) in enumerate(SIZES.items())}


def softmax(array: np.ndarray) -> np.ndarray:
    powers = np.exp(array)
    return powers / powers.sum(-1, keepdims=True)


def summed(p: np.ndarray, q: np.ndarray, *, own: float, right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """sum_b( weights p_c (own*delta(c,k) - q_k) e_m right_n ), all arrays at once."""
    jacobian = p[:, :, None] * (own * np.eye(3) - q[:, None, :])
    return np.einsum("b,bck,bm,bn->cmkn", weights, jacobian, GIVEN["e"], right)


P, Q = softmax(GIVEN["z"]), softmax(GIVEN["u"])
ONES, W, E, G = np.ones(5), GIVEN["w"], GIVEN["e"], GIVEN["g"]
BLOCKS = p[b, c] * (delta(c, k) - p[b, k]) * e[b, m]
FOUND: dict[str, tuple[Expr, np.ndarray]] = {
    "mean": (summation(BLOCKS * e[b, n], b) / B, summed(P, P, own=1, right=E, weights=ONES / 5)),
    "other sign": (summation(-2 * BLOCKS * e[b, n], b), summed(P, P, own=1, right=E, weights=-2 * ONES)),
    "weights": (summation(w[b] * BLOCKS * e[b, n], b), summed(P, P, own=1, right=E, weights=W)),
    "two features": (summation(BLOCKS * g[b, o], b) / B, summed(P, P, own=1, right=G, weights=ONES / 5)),
    "two softmaxes": (
        summation(p[b, c] * (delta(c, k) - q[b, k]) * e[b, m] * e[b, n], b),
        summed(P, Q, own=1, right=E, weights=ONES),
    ),
}
NOT_FOUND: dict[str, tuple[Expr, np.ndarray]] = {
    "twice on the diagonal": (
        summation(p[b, c] * (2 * delta(c, k) - p[b, k]) * e[b, m] * e[b, n], b),
        summed(P, P, own=2, right=E, weights=ONES),
    ),
    "no softmax": (
        summation(z[b, c] * (delta(c, k) - z[b, k]) * e[b, m] * e[b, n], b),
        summed(GIVEN["z"], GIVEN["z"], own=1, right=E, weights=ONES),
    ),
}


def source(expression: Expr, backend: str) -> str:
    lets = tuple(Let(x[b, c], exp(y[b, c]) / summation(exp(y[b, i]), i)) for x, y in ((p, z), (q, u)))
    derivation = Derivation("case", "case", tuple(map(Given, (z, u, e, g, w))), (*lets, Let(L, 0)), L, (z,), batch=B)
    last = o if expression.has(o) else n
    function = KernelFunction("compute", "gradient", L, (c, m, k, last))
    return emit(lower(derivation, [(function, SimpleNamespace(setting=derivation.setting, expression=expression))]), backend)


def computed(expression: Expr) -> list[np.ndarray]:
    """By NumPy, and by torch with and without ``out``."""
    modules = []
    for backend in ("numpy", "torch"):
        names: dict[str, object] = {"__name__": "case"}
        exec(compile(source(expression, backend), backend, "exec"), names)
        modules.append(names["compute"])
    by_numpy, by_torch = modules
    tensors = [torch.from_numpy(array) for array in GIVEN.values()]
    found = by_torch(*tensors)  # type: ignore[operator]
    into = torch.full_like(found, torch.nan)
    by_torch(*tensors, out=into)  # type: ignore[operator]
    return [np.asarray(by_numpy(*GIVEN.values())), found.numpy(), into.numpy()]  # type: ignore[operator]


@pytest.mark.parametrize("case", [*FOUND, *NOT_FOUND])
def test_blocks_are_what_the_sum_over_all_samples_says(case: str) -> None:
    expression, want = (FOUND | NOT_FOUND)[case]
    for array in computed(expression):
        np.testing.assert_allclose(array, want, rtol=0, atol=32 * np.finfo(float).eps * np.abs(want).max())


@pytest.mark.parametrize("case", FOUND)
def test_blocks_that_sum_to_zero_are_found(case: str) -> None:
    code = source(FOUND[case][0], "numpy")
    assert "_laplacian(" in code
    assert "_complement(" not in code


@pytest.mark.parametrize("case", NOT_FOUND)
def test_other_blocks_are_computed_by_themselves(case: str) -> None:
    assert "_laplacian(" not in source(NOT_FOUND[case][0], "numpy")
