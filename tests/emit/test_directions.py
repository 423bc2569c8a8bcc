"""Products with several directions at once: the rows of the result are the products with each."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from kernel_cases import CASES, kernels

from closedform.check.kernel import check_kernel
from closedform.derivations import linear_cross_entropy as head
from closedform.functions import KernelFunction, kernel_functions
from closedform.numeric.numpy import linear_cross_entropy
from closedform.numeric.torch import linear_cross_entropy as torch_head
from closedform.results import FAILED

STACKED = [
    pytest.param(case, function, id=f"{case.derivation.name}.{function.name}")
    for case in CASES
    for function in kernel_functions(case.derivation)
    if function.several
]
HVP = next(function for function in kernel_functions(head.derivation) if function.name == "hvp_W")


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize(("case", "function"), STACKED)
def test_stacked_is_the_loop(case: Any, function: KernelFunction, backend: str) -> None:
    kernel: Callable[..., Any] = getattr(kernels(case.derivation, backend), function.name)
    generator = torch.Generator().manual_seed(1)
    inputs = case.inputs(generator)
    like = inputs[function.wrt.name] if function.kind in ("hvp", "jvp") and function.wrt else case.reference(*inputs.values())
    directions = torch.randn(3, *like.shape, generator=generator, dtype=torch.float64)
    make = torch.as_tensor if backend == "torch" else np.asarray
    given = [make(x) for x in inputs.values()]
    found = np.asarray(kernel(*given, make(directions)))
    looped = np.stack([kernel(*given, make(v)) for v in directions])
    assert found.shape == looped.shape
    np.testing.assert_allclose(found, looped, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("module", [linear_cross_entropy, torch_head], ids=["numpy", "torch"])
@pytest.mark.parametrize(("B", "d"), [(0, 3), (5, 0), (0, 0)])
def test_stacks_of_nothing(module: ModuleType, B: int, d: int) -> None:
    make = torch.as_tensor if module is torch_head else np.asarray
    W, e, y, V = (make(np.zeros(shape)) for shape in ((4, d), (B, d), (B, 4), (2, 4, d)))
    if B:
        y = y + 0.25
    for found in (module.hvp_W(W, e, y, V), module.hessian_operator_W(W, e, y).hvp(V)):
        assert found.shape == (2, 4, d)
        assert not np.asarray(found).any()


def test_there_are_such_functions_outside_the_catalogue() -> None:
    assert len(STACKED) >= 3


def test_vmap_over_directions_is_the_stack() -> None:
    generator = torch.Generator().manual_seed(2)
    W, e, V = (torch.randn(*shape, generator=generator) for shape in ((4, 3), (5, 3), (6, 4, 3)))
    y = torch.randint(0, 4, (5,), generator=generator)
    mapped = torch.vmap(lambda v: torch_head.hvp_W(W, e, y, v))(V)
    torch.testing.assert_close(mapped, torch_head.hvp_W(W, e, y, V))


@pytest.mark.parametrize("module", [linear_cross_entropy, torch_head], ids=["numpy", "torch"])
@pytest.mark.parametrize("shape", [(3, 4), (4,), (2, 2, 4, 3), (4, 3, 1)])
def test_other_shapes_are_refused(module: ModuleType, shape: tuple[int, ...]) -> None:
    make = torch.as_tensor if module is torch_head else np.asarray
    given = [make(np.zeros(s)) for s in ((4, 3), (5, 3))]
    message = f"V must have shape (4, 3), or one more axis in front for several directions, got shape {shape}"
    with pytest.raises(ValueError, match=re.escape(message) + r"\Z"):
        module.hvp_W(*given, make(np.zeros(5, dtype=np.int64)), make(np.zeros(shape)))


def test_a_kernel_that_uses_one_direction_for_all_is_caught() -> None:
    def wrong(W: np.ndarray, e: np.ndarray, y: np.ndarray, V: np.ndarray) -> np.ndarray:
        right = linear_cross_entropy.hvp_W(W, e, y, V)
        return np.broadcast_to(right[:1], right.shape) if V.ndim == 3 else right

    settings = {"backend": "numpy", "examples": 12}
    records = check_kernel(head.derivation, HVP, SimpleNamespace(hvp_W=wrong), several=True, **settings)  # type: ignore[arg-type]
    failures = [record for record in records if record.verdict == FAILED]
    assert failures
    assert "V stacked over (2,)" in failures[0].message
    alone = check_kernel(head.derivation, HVP, SimpleNamespace(hvp_W=wrong), **settings)  # type: ignore[arg-type]
    assert not [record for record in alone if record.verdict == FAILED]
