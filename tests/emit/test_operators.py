"""Hessians as operators: their methods are the kernel functions, at the price of what a direction changes."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from kernel_cases import CASES, kernels
from scipy.sparse.linalg import cg, eigsh

from closedform.functions import hessian_operators
from closedform.numeric.numpy import linear_cross_entropy
from closedform.numeric.torch import linear_cross_entropy as torch_head

POISSON = next(case for case in CASES if case.derivation.name == "poisson")
BOTH = pytest.mark.parametrize("module", [linear_cross_entropy, torch_head], ids=["numpy", "torch"])
C, D, B = 4, 3, 6


def arguments(module: ModuleType, dtype: type = np.float64) -> list[Any]:
    random = np.random.default_rng(5)
    W: np.ndarray = random.normal(size=(C, D)).astype(dtype)
    e: np.ndarray = random.normal(size=(B, D)).astype(dtype)
    make = torch.as_tensor if module is torch_head else np.asarray
    return [make(x) for x in (W, e, random.integers(0, C, B))]


def direction(module: ModuleType, *lead: int) -> Any:
    V = np.random.default_rng(6).normal(size=(*lead, C, D))
    return torch.as_tensor(V) if module is torch_head else V


@BOTH
def test_methods_are_the_functions(module: ModuleType) -> None:
    given = arguments(module)
    operator = module.hessian_operator_W(*given)
    for V in (direction(module), direction(module, 2)):
        np.testing.assert_allclose(operator.hvp(V), module.hvp_W(*given, V), rtol=1e-13)
    np.testing.assert_allclose(operator.diagonal(), module.hessian_diagonal_W(*given), rtol=1e-13)
    np.testing.assert_allclose(operator.trace(), module.hessian_trace_W(*given), rtol=1e-13)
    np.testing.assert_allclose(operator.dense(), module.hessian_W(*given), rtol=1e-13)
    assert operator.shape == (C, D)
    assert operator.dtype == given[0].dtype


@BOTH
def test_scipy_takes_it(module: ModuleType) -> None:
    operator = module.hessian_operator_W(*arguments(module))
    matrix = np.asarray(operator.dense()).reshape(C * D, C * D)
    linear = operator.linear_operator()
    X = np.random.default_rng(7).normal(size=(C * D, 3))
    np.testing.assert_allclose(linear @ X, matrix @ X, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(linear @ X[::-1], matrix @ X[::-1], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(linear.T @ X[:, 0], matrix @ X[:, 0], rtol=1e-12, atol=1e-14)
    with pytest.raises(TypeError, match="complex"):
        linear @ (1j * X)
    largest = eigsh(linear, k=2, return_eigenvectors=False, v0=X[:, 0])
    np.testing.assert_allclose(np.sort(largest), np.linalg.eigvalsh(matrix)[-2:], rtol=1e-10)
    solution, failed = cg(linear, matrix @ X[:, 0], rtol=1e-12)
    assert failed == 0
    np.testing.assert_allclose(matrix @ solution, matrix @ X[:, 0], rtol=1e-8, atol=1e-10)


def test_half_precision_is_computed_in_single() -> None:
    for dtype in (torch.float16, torch.bfloat16):
        W, e, y = (x.to(dtype) if x.is_floating_point() else x for x in arguments(torch_head))
        operator = torch_head.hessian_operator_W(W, e, y)
        V = direction(torch_head).to(dtype)
        assert operator.p.dtype == torch.float32
        found = operator.hvp(V)
        assert found.dtype == dtype
        torch.testing.assert_close(found, torch_head.hvp_W(W.float(), e.float(), y, V.float()).to(dtype), rtol=0, atol=0)
        assert operator.linear_operator().dtype == np.float32


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_an_operator_outside_the_catalogue(backend: str) -> None:
    module = kernels(POISSON.derivation, backend)
    inputs = POISSON.inputs(torch.Generator().manual_seed(3))
    make = torch.as_tensor if backend == "torch" else np.asarray
    given = [make(x) for x in inputs.values()]
    V = make(torch.randn(2, *inputs["W"].shape, dtype=torch.float64))
    operator = module.hessian_operator_W(*given)
    full = torch.func.hessian(POISSON.reference)(*inputs.values())
    np.testing.assert_allclose(operator.hvp(V), np.einsum("cmkn,vkn->vcm", full, np.asarray(V)), rtol=1e-11)
    np.testing.assert_allclose(operator.dense(), full, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(operator.trace(), np.einsum("cmcm->", full), rtol=1e-11)
    assert [operator.name for operator in hessian_operators(POISSON.derivation)] == ["hessian_operator_W"]


def test_products_and_matrices_go_through_torch_transforms() -> None:
    W, e, y = arguments(torch_head)
    V = direction(torch_head, 3)
    operator = torch_head.hessian_operator_W(W, e, y)
    torch.testing.assert_close(torch.vmap(operator.hvp)(V), operator.hvp(V))
    compiled = torch.compile(lambda W, V: torch_head.hessian_operator_W(W, e, y).hvp(V), fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(W, V), operator.hvp(V))
    third = torch.func.jvp(lambda W: torch_head.hessian_operator_W(W, e, y).hvp(V[0]), (W,), (V[1],))[1]
    other = torch.func.jvp(lambda W: torch_head.hessian_operator_W(W, e, y).hvp(V[1]), (W,), (V[0],))[1]
    torch.testing.assert_close(third, other)


@BOTH
def test_messages(module: ModuleType) -> None:
    operator = module.hessian_operator_W(*arguments(module))
    wrong = direction(module)[:, :2]
    message = "V must have shape (4, 3), or one more axis in front for several directions, got shape (4, 2)"
    with pytest.raises(ValueError, match=re.escape(message) + r"\Z"):
        operator.hvp(wrong)
    single = torch.float32 if module is torch_head else np.float32
    V = direction(module).to(single) if module is torch_head else direction(module).astype(single)
    with pytest.raises(TypeError, match=r"V must have the dtype of the other inputs, (torch\.)?float64, got (torch\.)?float32\Z"):
        operator.hvp(V)
    with pytest.raises(ValueError, match=re.escape("out must have shape (4, 3, 4, 3), got shape (4, 3)") + r"\Z"):
        operator.dense(out=direction(module))
