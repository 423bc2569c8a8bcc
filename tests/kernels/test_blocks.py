"""Kernels that run block by block of rows give what they give for all rows at once, however long a block is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from test_stated_memory import FUNCTIONS, Largest, inputs_of

from closedform.check.backends import BACKENDS, Outcome, library
from closedform.check.judge import Judge
from closedform.files import import_file
from closedform.functions import KernelFunction
from closedform.notation import Derivation, Dim, Given, Let, exp, indices, summation, tanh, tensor
from closedform.pipeline.making import closed_forms, modules

# Seven samples in blocks of two: the last block is shorter.
SIZES = {"B": 7, "C": 5, "d": 4}


def outcome(module: ModuleType, derivation: Derivation, function: KernelFunction, backend: str) -> Outcome:
    """What a kernel returns, and what it writes into ``out``."""
    inputs = inputs_of(derivation, function, SIZES, "float64")
    found = Judge(getattr(module, function.name), derivation, function, library(backend), "float64", "cpu").outcome_of(inputs)
    assert not found.violation
    return found


def of_two_rows(rows: int, entries: int) -> list[slice]:
    return [slice(at, min(at + 2, rows)) for at in range(0, rows, 2)]


def without_the_last_row(rows: int, entries: int) -> list[slice]:
    return of_two_rows(rows - rows % 2, entries)


def in_blocks(module: ModuleType, blocks: Callable[[int, int], list[slice]], monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(module, "_blocks"):
        monkeypatch.setattr(module, "_blocks", blocks)


def agree(found: Outcome, whole: Outcome) -> None:
    """To rounding: the sums of blocks are sums of other terms."""
    for got, want in ((found.result, whole.result), (found.written, whole.written)):
        if got is not None and want is not None:
            np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-14 * float(np.abs(want).max(initial=0)))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("derivation", "function"), FUNCTIONS)
def test_blocks_are_the_whole(derivation: Derivation, function: KernelFunction, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"closedform.numeric.{backend}.{derivation.name}")
    whole = outcome(module, derivation, function, backend)
    in_blocks(module, of_two_rows, monkeypatch)
    agree(outcome(module, derivation, function, backend), whole)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["value", "hessian_trace", "gradient"])
def test_rows_that_no_block_has_are_missed(name: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    derivation, function = next(p.values for p in FUNCTIONS if p.id == f"cross_entropy.{name}")
    assert isinstance(derivation, Derivation)
    assert isinstance(function, KernelFunction)
    module = importlib.import_module(f"closedform.numeric.{backend}.cross_entropy")
    whole = outcome(module, derivation, function, backend)
    in_blocks(module, without_the_last_row, monkeypatch)
    with pytest.raises(AssertionError):
        agree(outcome(module, derivation, function, backend), whole)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["mse", "squared_euclidean"])
def test_an_array_filled_with_one_number_may_be_longer_than_a_block(name: str, backend: str) -> None:
    kernels = importlib.import_module(f"closedform.numeric.{backend}.{name}")
    z: Any = np.zeros((1100, 1000), np.float32) if backend == "numpy" else torch.zeros(1100, 1000)
    found = kernels.hessian_diagonal(z, z)
    assert found.shape == z.shape
    assert (kernels.hessian_diagonal(z, z, out=found + 1) == found).all()
    assert float(found.min()) == float(found.max()) == pytest.approx(2 / 1100 / (1000 if name == "mse" else 1))


@pytest.mark.parametrize("name", ["value", "hessian_trace"])
def test_no_number_needs_an_array_like_the_logits(name: str) -> None:
    kernels = importlib.import_module("closedform.numeric.torch.cross_entropy")
    z, y = torch.randn(256, 8192), torch.zeros(256, dtype=torch.long)
    with (seen := Largest()):
        found = getattr(kernels, name)(z, y)
    assert seen.entries <= 2**19 < z.numel()
    parts = torch.stack([getattr(kernels, name)(rows, labels) for rows, labels in zip(z.split(16), y.split(16), strict=True)])
    torch.testing.assert_close(found, parts.mean(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("in_out", [False, True])
def test_hidden_units_are_computed_by_blocks_however_few_the_outputs_are(in_out: bool, tmp_path: Path) -> None:
    """p = softmax(V tanh(U x)): more is computed on the way to the (B, C) outputs than they are."""
    B, C, D, N = (Dim(name) for name in "BCDN")
    x, U, V, h, z, p = (tensor(*it) for it in (("x", B, D), ("U", N, D), ("V", C, N), ("h", B, N), ("z", B, C), ("p", B, C)))
    (b,), (i, k), (m,), (n,) = indices("b", B), indices("i k", C), indices("m", D), indices("n", N)
    lets = (
        Let(h[b, n], tanh(summation(U[n, m] * x[b, m], m))),
        Let(z[b, i], summation(V[i, n] * h[b, n], n)),
        Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k)),
    )
    network = Derivation("network", "a network", (Given(x), Given(U), Given(V)), lets, p, (), batch=B)
    path = tmp_path / "network.py"
    path.write_text(modules(network, closed_forms(network), ("torch",))["torch"])
    given = (torch.randn(3000, 3), torch.randn(4096, 3), torch.randn(4, 4096))
    with (seen := Largest()):
        found = import_file(path, "network").value(*given, **({"out": torch.empty(3000, 4)} if in_out else {}))
    torch.testing.assert_close(found, torch.softmax(torch.tanh(given[0] @ given[1].T) @ given[2].T, -1))
    assert seen.entries <= 2**22 < 3000 * 4096
