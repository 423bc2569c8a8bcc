"""Results written into ``out``: the same values, checked before anything is written, without large temporaries."""

from __future__ import annotations

import re
import tracemalloc
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_contract import FUNCTIONS, IDS, arguments

import closedform.derivations.cross_entropy
from closedform.check.kernel import check_kernel
from closedform.functions import kernel_functions
from closedform.numeric.numpy import cross_entropy, linear_cross_entropy
from closedform.numeric.torch import cross_entropy as torch_ce
from closedform.numeric.torch import linear_cross_entropy as torch_head
from closedform.results import FAILED

each = pytest.mark.parametrize(("numpy", "pytorch", "name"), FUNCTIONS, ids=IDS)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_out_holds_the_result_whatever_its_strides(numpy: ModuleType, pytorch: ModuleType, name: str, dtype: type) -> None:
    given = arguments(numpy, name, dtype)
    want = np.asarray(getattr(numpy, name)(*given))
    if not want.ndim:
        return
    # The matrix products of blocks may round otherwise than that of the whole.
    tolerance = 8 * float(np.finfo(dtype).eps) * float(np.abs(want).max())
    strided: np.ndarray = np.full([2 * n for n in want.shape], np.nan, dtype)[(slice(None, None, 2),) * want.ndim]
    for out in (np.full(want.shape, np.nan, dtype), strided, np.full(want.shape[::-1], np.nan, dtype).T):
        assert getattr(numpy, name)(*given, out=out) is out
        np.testing.assert_allclose(out, want, rtol=0, atol=tolerance)
        tensor = torch.as_tensor(out).fill_(torch.nan)
        assert getattr(pytorch, name)(*map(torch.as_tensor, given), out=tensor) is tensor
        np.testing.assert_allclose(tensor.numpy(), want, rtol=0, atol=8 * tolerance)


@pytest.mark.parametrize("name", ["gradient", "hvp", "hessian_diagonal"])
def test_blocks_of_rows_are_the_whole(name: str) -> None:
    """More entries than a block holds: the same rows, up to the order of a sum."""
    random = np.random.default_rng(0)
    z, v, y = random.normal(size=(70, 9000)), random.normal(size=(70, 9000)), random.integers(0, 9000, 70)
    given = [z, y, v] if name == "hvp" else [z, y]
    tensors = [torch.as_tensor(x) for x in given]
    want = getattr(torch_ce, name)(*tensors)
    found = getattr(torch_ce, name)(*tensors, out=torch.empty_like(want))
    torch.testing.assert_close(found, want, rtol=1e-12, atol=0)
    np.testing.assert_allclose(getattr(cross_entropy, name)(*given, out=np.empty_like(z)), want, rtol=1e-11, atol=1e-18)


def test_no_temporary_is_as_large_as_the_result() -> None:
    z = np.random.default_rng(0).normal(size=(400, 4000)).astype(np.float32)
    y, out = np.zeros(400, dtype=np.int64), np.empty_like(z)
    cross_entropy.hvp(z, y, z, out=out)
    tracemalloc.start()
    cross_entropy.hvp(z, y, z, out=out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < z.nbytes


def calls(torch_too: bool) -> list[tuple[Any, tuple[Any, ...], Any, type[Exception], str]]:
    z, y = np.ones((3, 4)), np.zeros(3, dtype=np.int64)
    W, e = np.ones((4, 2)), np.ones((3, 2))
    single = z.astype(np.float32)
    found: list[tuple[Any, tuple[Any, ...], Any, type[Exception], str]] = [
        (cross_entropy.gradient, (z, y), z.T.copy(), ValueError, "out must have shape (3, 4), got shape (4, 3)"),
        (cross_entropy.gradient, (z, y), single, TypeError, "out must have the dtype of the inputs, float64, got float32"),
        (cross_entropy.gradient, (z, y), z, ValueError, "out must not share memory with an input; use an array of its own"),
        (cross_entropy.gradient, (z, y), z.tolist(), TypeError, "out must be a NumPy array, got list"),
        (cross_entropy.hvp, (z, y, np.ones((2, 3, 4))), z.copy(), ValueError, "out must have shape (2, 3, 4), got shape (3, 4)"),
        (linear_cross_entropy.gradient_W, (W, e, y), W, ValueError, "out must not share memory with an input; use an array of its own"),
        (
            cross_entropy.gradient,
            (z, y),
            np.broadcast_to(z[:1].copy(), (3, 4)),
            ValueError,
            "out must be writeable and have memory of its own for every entry; use a copy of it",
        ),
        (
            cross_entropy.gradient,
            (z, y),
            np.lib.stride_tricks.as_strided(np.ones(6), (3, 4), (8, 8)),
            ValueError,
            "out must be writeable and have memory of its own for every entry; use a copy of it",
        ),
    ]
    if torch_too:
        t, c = torch.ones(3, 4), torch.zeros(3, dtype=torch.long)
        found += [
            (torch_ce.gradient, (t, c), t.T.clone(), ValueError, "out must have shape (3, 4), got shape (4, 3)"),
            (torch_ce.gradient, (t, c), t.double(), TypeError, "out must have the dtype of the inputs, torch.float32, got torch.float64"),
            (torch_ce.gradient, (t, c), t, ValueError, "out must not share memory with an input; use a tensor of its own"),
            (torch_ce.gradient, (t, c), np.ones((3, 4)), TypeError, "out must be a tensor, got ndarray"),
            (torch_ce.gradient, (t, c), t.to("meta"), ValueError, "out must be on the device of the inputs, cpu, got meta"),
            (
                torch_ce.gradient,
                (t, c),
                torch.ones(1, 4).expand(3, 4),
                ValueError,
                "out must have memory of its own for every entry; use its clone",
            ),
            (
                torch_ce.gradient,
                (t, c),
                torch.ones(6).as_strided((3, 4), (1, 1)),
                ValueError,
                "out must have memory of its own for every entry; use its clone",
            ),
        ]
    return found


@pytest.mark.parametrize(("function", "given", "out", "error", "message"), calls(torch_too=True))
def test_a_wrong_out_is_refused_and_left_alone(
    function: Any, given: tuple[Any, ...], out: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message) + r"\Z"):
        function(*given, out=out)
    if not (isinstance(out, torch.Tensor) and out.is_meta):
        assert np.all(np.asarray(out) == 1)


def test_two_parts_of_one_workspace_do_not_overlap() -> None:
    workspace = torch.zeros(2, 3, 4)
    workspace[0] = torch.randn(3, 4)
    y = torch.zeros(3, dtype=torch.long)
    torch.testing.assert_close(torch_ce.gradient(workspace[0], y, out=workspace[1]), torch_ce.gradient(workspace[0].clone(), y))


def test_a_wrong_input_leaves_out_alone() -> None:
    out = np.ones((3, 4))
    with pytest.raises(ValueError, match="class indices"):
        cross_entropy.gradient(np.ones((3, 4)), np.full(3, 9), out=out)
    assert np.all(out == 1)


@pytest.mark.parametrize("module", [linear_cross_entropy, torch_head], ids=["numpy", "torch"])
def test_matrices_of_many_blocks_and_stacks_of_many_parts(module: ModuleType) -> None:
    """Sizes at which the matrix is made of several block rows, and directions are taken in several parts."""
    random = np.random.default_rng(1)
    make = torch.as_tensor if module is torch_head else np.asarray
    W, e, y = make(random.normal(size=(9, 70))), make(random.normal(size=(5, 70))), make(random.integers(0, 9, 5))
    want = module.hessian_W(W, e, y)
    out = make(np.full(want.shape, np.nan))
    assert module.hessian_W(W, e, y, out=out) is out
    np.testing.assert_allclose(out, want, rtol=1e-12, atol=1e-15)
    W, e, y = make(random.normal(size=(600, 2))), make(random.normal(size=(900, 2))), make(random.integers(0, 600, 900))
    V = make(random.normal(size=(5, 600, 2)))
    want = np.stack([module.hvp_W(W, e, y, v) for v in V])
    operator = module.hessian_operator_W(W, e, y)
    for found in (module.hvp_W(W, e, y, V), module.hvp_W(W, e, y, V, out=make(np.empty(V.shape))), operator.hvp(V)):
        np.testing.assert_allclose(found, want, rtol=1e-11, atol=1e-16)


def test_a_kernel_that_writes_something_else_is_caught() -> None:
    derivation = closedform.derivations.cross_entropy.derivation
    gradient = next(function for function in kernel_functions(derivation) if function.name == "gradient")

    def wrong(z: np.ndarray, y: np.ndarray, *, out: np.ndarray | None = None) -> np.ndarray:
        if out is not None:
            out[...] = 2 * cross_entropy.gradient(z, y)
        return cross_entropy.gradient(z, y) if out is None else out

    records = check_kernel(derivation, gradient, SimpleNamespace(gradient=wrong), backend="numpy", examples=4)
    failures = [record for record in records if record.verdict == FAILED]
    assert failures
    assert "breaks its contract: with out= it wrote other values than it returns" in failures[0].message
