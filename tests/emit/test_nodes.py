"""Every kind of node in both backends: right values, in the dtype of the inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from kernel_cases import load
from sympy import Expr, Symbol

from closedform.emit import emit
from closedform.emit.names import Names
from closedform.emit.numpy_backend import NumpyPrinter
from closedform.errors import LoweringError, UsageError
from closedform.functions import KernelFunction
from closedform.lower import lower
from closedform.lower.nodes import Node
from closedform.notation import (
    Derivation,
    Dim,
    Given,
    Index,
    Let,
    cos,
    delta,
    det,
    erf,
    exp,
    indices,
    less,
    log,
    maximum,
    minimum,
    pi,
    scalar,
    sign,
    sin,
    sinh,
    sqrt,
    step,
    summation,
    tensor,
    where,
)

N, M = Dim("N"), Dim("M")
i, j, k = indices("i j k", N)
m, n = indices("m n", M)
x, S, A = tensor("x", N), tensor("S", N, N), tensor("A", N, M)
T, L = scalar("T"), scalar("L")
X = np.array([-40.0, -1.5, 0.0, 0.3, 3.5])
SQUARE = np.random.default_rng(1).normal(size=(5, 5))
WIDE = np.random.default_rng(2).normal(size=(5, 3))
ERF = np.vectorize(math.erf)

CASES: list[tuple[Expr, tuple[Index, ...], Callable[[np.ndarray, np.ndarray, np.ndarray, float], object]]] = [
    (erf(x[i] / sqrt(2)), (i,), lambda x, S, A, T: ERF(x / math.sqrt(2))),
    (exp(-(x[i] ** 2) / 2) / sqrt(2 * pi), (i,), lambda x, S, A, T: np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)),
    (x[i] / sqrt(M) + log(N), (i,), lambda x, S, A, T: x / math.sqrt(3) + math.log(5)),
    (x[i] * (N - 1) / (N * M), (i,), lambda x, S, A, T: x * 4 / 15),
    (maximum(x[i], T, 0), (i,), lambda x, S, A, T: np.maximum(np.maximum(x, T), 0)),
    (minimum(x[i], 2) + sign(x[i]), (i,), lambda x, S, A, T: np.minimum(x, 2) + np.sign(x)),
    (step(x[i]) * less(x[i], 1), (i,), lambda x, S, A, T: ((x > 0) & (x < 1)) * 1.0),
    (where(less(x[i], T), sin(x[i]), cos(x[i])), (i,), lambda x, S, A, T: np.where(x < T, np.sin(x), np.cos(x))),
    (where(x[i], T, 0), (i,), lambda x, S, A, T: np.where(x != 0, T, 0)),
    (sinh(x[i] / 10) ** 3, (i,), lambda x, S, A, T: np.sinh(x / 10) ** 3),
    (sqrt(x[i] ** 2 + T) ** 3, (i,), lambda x, S, A, T: np.sqrt(x**2 + T) ** 3),
    (summation(S[k, k], k), (), lambda x, S, A, T: np.trace(S)),
    (S[i, i] * x[i], (i,), lambda x, S, A, T: np.diag(S) * x),
    (S[j, i], (i, j), lambda x, S, A, T: S.T),
    (x[i], (i,), lambda x, S, A, T: x),
    (det(S), (), lambda x, S, A, T: np.linalg.det(S)),
    (T + 0 * x[i], (i,), lambda x, S, A, T: np.full(5, T)),
    (A[i, m] * A[j, n], (i, m, j, n), lambda x, S, A, T: np.einsum("im,jn->imjn", A, A)),
    (delta(i, j) * delta(m, n), (i, m, j, n), lambda x, S, A, T: np.einsum("ij,mn->imjn", np.eye(5), np.eye(3))),
    (exp(delta(i, j) * x[i]), (i, j), lambda x, S, A, T: np.exp(np.diag(x))),
    (summation(exp(-delta(i, k) * S[i, k] ** 2), k), (i,), lambda x, S, A, T: np.exp(-np.diag(np.diag(S) ** 2)).sum(1)),
    (summation(A[i, m] * S[i, j] * A[j, m], i, j, m), (), lambda x, S, A, T: np.trace(A.T @ S @ A)),
]


@dataclass(frozen=True)
class Form:
    setting: object
    expression: Expr


def kernel(expression: Expr, axes: tuple[Index, ...], backend: str, leading: bool) -> Callable[..., object]:
    given = (Given(x), Given(S), Given(A), Given(T))
    batch = None if leading else Dim("B")
    derivation = Derivation("case", "case", given, (Let(L, 0),), L, (x,), batch=batch)
    function = KernelFunction("compute", "gradient", L, axes)
    source = emit(lower(derivation, [(function, SimpleNamespace(setting=derivation.setting, expression=expression))]), backend)
    return load(source, "node_case").compute


@pytest.mark.parametrize("leading", [True, False], ids=["leading", "plain"])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize(("expression", "axes", "reference"), CASES, ids=[str(case[0]) for case in CASES])
def test_values_and_dtypes(
    expression: Expr, axes: tuple[Index, ...], reference: Callable[..., np.ndarray], backend: str, leading: bool
) -> None:
    compute = kernel(expression, axes, backend, leading)
    for dtype in (np.float64, np.float32):
        arrays = [a.astype(dtype) for a in (X, SQUARE, WIDE)]
        want = np.asarray(reference(*arrays, 0.7))
        if leading:
            arrays, want = [np.stack([a, a]) for a in arrays], np.stack([want, want])
        found = compute(*(map(torch.as_tensor, arrays) if backend == "torch" else arrays), 0.7)
        assert str(found.dtype).removeprefix("torch.") == np.dtype(dtype).name  # type: ignore[attr-defined]
        eps = float(np.finfo(dtype).eps)
        # A dozen roundings, and a determinant of condition below 100.
        np.testing.assert_allclose(np.asarray(found), want, rtol=1e4 * eps, atol=100 * eps)


def test_results_are_no_views_of_inputs() -> None:
    same = kernel(x[i], (i,), "numpy", leading=False)(X, SQUARE, WIDE, 1.0)
    assert not np.shares_memory(same, X)


def test_an_unknown_node_is_refused() -> None:
    class Strange(Node):
        parts = ()

    printer = NumpyPrinter({}, "x", Names([]), leading=False, guard=True)
    with pytest.raises(LoweringError, match="the np backend has no code for Strange"):
        printer.code(Strange())


def test_an_unknown_backend_is_refused() -> None:
    derivation = Derivation("case", "case", (Given(x),), (Let(L, summation(x[i], i)),), L, (x,))
    with pytest.raises(UsageError, match="unknown backend 'fortran'; choose one of numpy, torch"):
        emit(lower(derivation, []), "fortran")


def test_names_that_python_or_the_module_needs_are_not_taken() -> None:
    lam, low = tensor("lambda", N), Symbol("np", real=True)
    expression = lam[i] * low + summation(lam[k], k)
    derivation = Derivation("case", "case", (Given(lam), Given(low)), (Let(L, 0),), L, (lam,))
    function = KernelFunction("compute", "gradient", L, (i,))
    program = lower(derivation, [(function, SimpleNamespace(setting=derivation.setting, expression=expression))])
    found = load(emit(program, "numpy"), "names_case").compute(X, 2.0)
    np.testing.assert_allclose(found, 2 * X + X.sum())


def test_many_arguments_are_wrapped_as_the_formatter_does() -> None:
    many = [tensor(f"a_rather_long_name_{n}", N) for n in range(9)]
    total = summation(sum((t[i] for t in many), start=many[0][i] * 0), i)
    derivation = Derivation("case", "case", tuple(map(Given, many)), (Let(L, total),), L, (many[0],))
    function = KernelFunction("compute", "value", L, ())
    source = emit(lower(derivation, [(function, SimpleNamespace(setting=derivation.setting, expression=total))]), "numpy")
    assert max(map(len, source.splitlines())) <= 140
    assert load(source, "many_case").compute(*[X] * 9) == pytest.approx(9 * X.sum())
