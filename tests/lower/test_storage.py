"""Digits do not depend on how an array is stored, or on which way round a difference is written."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from closedform.notation import Derivation, Dim, Expr, Given, Let, exp, indices, log, scalar, summation, tensor
from closedform.numeric.numpy import log_softmax as by_numpy
from closedform.numeric.torch import log_softmax as by_torch
from closedform.pipeline.making import closed_forms, modules

B, C, D = Dim("B"), Dim("C"), Dim("d")
b = indices("b", B)[0]
c, k = indices("c k", C)
m = indices("m", D)[0]
e, y, z, p, L = tensor("e", B, D), tensor("y", B, C), tensor("z", B, C), tensor("p", B, C), scalar("L")


def head(*, transposed: bool) -> str:
    """The NumPy kernels of softmax cross-entropy on a linear layer whose weights are stored as (d, C), or as (C, d)."""
    W = tensor("W", D, C) if transposed else tensor("W", C, D)

    def weight(row: Expr, column: Expr) -> Expr:
        return W[column, row] if transposed else W[row, column]

    lets = (
        Let(z[b, c], summation(weight(c, m) * e[b, m], m)),
        Let(p[b, c], exp(z[b, c]) / summation(exp(z[b, k]), k)),
        Let(L, -summation(y[b, c] * log(p[b, c]), b, c) / B),
    )
    derivation = Derivation("head", "head", (Given(W), Given(e), Given(y, classes=True)), lets, L, (W, e), batch=B)
    return modules(derivation, closed_forms(derivation))["numpy"]


@pytest.mark.parametrize("transposed", [False, True])
def test_a_confident_head_keeps_its_digits_however_its_weights_are_stored(transposed: bool) -> None:
    names: dict[str, object] = {"__name__": "head"}
    exec(compile(head(transposed=transposed), "head", "exec"), names)
    W = np.array([[20.0, 1.0], [0.0, 2.0], [-3.0, 0.5]], "float32")  # margins of 20 and 40
    e = np.array([[1.0, 0.0], [2.0, 0.0]], "float32")
    V = np.array([[1.0, 3.0], [-2.0, 5.0], [0.5, -1.0]], "float32") + np.float32(1000)
    labels = np.zeros(2, np.int64)
    powers = np.exp((e @ W.T).astype("float64"))
    p = powers / powers.sum(-1, keepdims=True)
    u = (e @ (V - 1000).T).astype("float64")  # what is added to all classes alike changes nothing
    want = np.einsum("bc,bm->cm", p * (u - (p * u).sum(-1, keepdims=True)), e) / 2
    given = (W.T, e, labels, V.T) if transposed else (W, e, labels, V)
    found = names["hvp_W"](*given)  # type: ignore[operator]
    np.testing.assert_allclose(found.T if transposed else found, want, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("module", [by_numpy, by_torch], ids=["numpy", "torch"])
def test_a_mean_less_a_number_is_centred_as_a_number_less_a_mean(module: object) -> None:
    """-sum(g) p_i (v_i - sum_k p_k v_k): of the last entry only the others' share is left, -6 exp(-40) ((1 - 2) + (1 + 1))."""
    given = [np.array(row) for row in ([0.0, 0.0, 40.0], [1.0, 2.0, 3.0], [2.0, -1.0, 1.0])]
    found = np.asarray(module.hvp(*(map(torch.from_numpy, given) if module is by_torch else given)))  # type: ignore[attr-defined]
    np.testing.assert_allclose(found[2], -6 * np.exp(-40.0), rtol=1e-14)
