"""check_kernel: right kernels pass, wrong ones are shown at a small input, and nothing passes without being tested."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import hand_kernels
import numpy as np
import pytest
import torch

from closedform.check.kernel import check_kernel
from closedform.derivations import cross_entropy, softmax
from closedform.errors import UsageError
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation, Dim, Given, Let, equation, indices, inv, scalar, summation, tensor
from closedform.pipeline.making import closed_forms, modules
from closedform.results import FAILED, INCONCLUSIVE, PASSED, KernelCheck


def function_of(derivation: Derivation, name: str) -> KernelFunction:
    return next(function for function in kernel_functions(derivation) if function.name == name)


def check(derivation: Derivation, name: str, module: Any, **options: Any) -> dict[str, KernelCheck]:
    settings: dict[str, Any] = {"backend": "numpy", "dtype": "float64", "examples": 8} | options
    return {record.oracle: record for record in check_kernel(derivation, function_of(derivation, name), module, **settings)}


RIGHT = [
    (derivation, function.name, module)
    for derivation, module in ((softmax.derivation, hand_kernels.softmax), (cross_entropy.derivation, hand_kernels.cross_entropy))
    for function in kernel_functions(derivation)
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("derivation", "name", "module"), RIGHT, ids=[f"{d.name}.{n}" for d, n, _ in RIGHT])
def test_right_kernels_are_never_accused(derivation: Derivation, name: str, module: Any, seed: int) -> None:
    for dtype in ("float64", "float32"):
        for backend in ("numpy", "torch"):
            records = check(derivation, name, module, backend=backend, dtype=dtype, seed=seed)
            assert {"contract", "ball arithmetic", "autograd"} <= set(records)
            assert not [record.message for record in records.values() if record.verdict == FAILED]
            assert records["ball arithmetic"].verdict == PASSED


def f_cross_entropy(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(z, y)


def by_backward(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    z = z.detach().clone().requires_grad_()
    return torch.autograd.grad(f_cross_entropy(z, y), z)[0]


def by_double_backward(z: torch.Tensor, y: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    z = z.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(f_cross_entropy(z, y), z, create_graph=True)
    return torch.autograd.grad((gradient * v).sum(), z)[0]


TORCH = SimpleNamespace(value=f_cross_entropy, gradient=by_backward, hvp=by_double_backward)


@pytest.mark.parametrize("name", ["value", "gradient", "hvp"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_autograd_of_torch_passes_in_the_absolute_class(name: str, dtype: str) -> None:
    for seed in range(3):
        records = check(cross_entropy.derivation, name, TORCH, backend="torch", dtype=dtype, seed=seed, accuracy="absolute")
        assert not [record.message for record in records.values() if record.verdict == FAILED]


def test_the_same_seed_gives_the_same_records() -> None:
    wrong = SimpleNamespace(gradient=lambda z, y: hand_kernels.cross_entropy.gradient(z, y) * 2)
    one, two = (check(cross_entropy.derivation, "gradient", wrong, seed=4) for _ in range(2))
    assert one == two


def test_a_failure_shows_a_small_input_and_by_how_much() -> None:
    wrong = SimpleNamespace(gradient=lambda z, y: -hand_kernels.cross_entropy.gradient(z, y))
    record = check(cross_entropy.derivation, "gradient", wrong)["ball arithmetic"]
    assert record.verdict == FAILED
    assert record.worst > 1e10
    lines = record.message.splitlines()
    assert lines[0] == "gradient of cross_entropy (numpy, float64) fails against the definition in ball arithmetic"
    assert re.fullmatch(r"  entry \[\d, \d\]: got \S+, expected \S+; the error \S+ is \S+ ulp and \S+ times the bound \S+", lines[1])
    assert lines[2] == "  looks like: the sign is reversed"
    assert lines[3] == "  input: B=2, C=2"
    assert lines[4].startswith("         z = [[")
    assert lines[5].startswith("         y = [")


def test_a_kernel_that_raises_is_a_failure_and_says_what_it_raised() -> None:
    def broken(z: np.ndarray, y: np.ndarray) -> np.ndarray:
        raise IndexError("index 3 is out of bounds")

    records = check(cross_entropy.derivation, "gradient", SimpleNamespace(gradient=broken))
    assert records["contract"].verdict == FAILED
    assert "it raised IndexError: index 3 is out of bounds" in records["contract"].message


def test_a_kernel_that_raises_on_what_it_is_not_meant_for_is_told_what_to_state() -> None:
    def of_classes(z: np.ndarray, y: np.ndarray) -> np.ndarray:
        z[np.arange(len(z)), y]
        return hand_kernels.cross_entropy.gradient(z, y)

    records = check(cross_entropy.derivation, "gradient", SimpleNamespace(gradient=of_classes), examples=20)
    assert 'if it takes class indices only, not probabilities, say labels="classes"' in records["contract"].message

    n = Dim("n")
    i, j = indices("i j", n)
    x, S, q = tensor("x", n), tensor("S", n, n), scalar("q")
    form = Derivation("form", "form", (Given(x), Given(S)), (Let(q, summation(x[i] * inv(S, i, j) * x[j], i, j)),), q, (x,))
    names: dict[str, Any] = {"__name__": "form"}
    exec(compile(modules(form, closed_forms(form))["numpy"], "form", "exec"), names)
    records = check(form, "value", SimpleNamespace(**names), examples=60)
    assert "LinAlgError: Singular matrix; if no singular matrix is meant, state that with InvertibleMatrix" in records["contract"].message


def test_what_cannot_be_told_is_inconclusive_and_not_passed() -> None:
    # sum x - sum x + 1e-30 x_1: the terms that cancel are so much larger that no float64 kernel has a right digit
    C = Dim("C")
    i, j = indices("i j", C)
    x, L = tensor("x", C), scalar("L")
    body = (summation(x[i], i) + 10**20) ** 2 - (summation(x[j], j) + 10**20 + 1) ** 2 + 2 * 10**20
    derivation = Derivation("cancelling", "Cancelling", (Given(x),), (Let(L, body),), L, (x,))
    record = check(derivation, "value", SimpleNamespace(value=lambda x: np.zeros((), x.dtype)))["ball arithmetic"]
    assert record.verdict == INCONCLUSIVE
    assert "the bound is as large as the values" in record.message


def test_finite_differences_at_a_kink_are_inconclusive_not_wrong() -> None:
    from closedform.notation import Abs

    C = Dim("C")
    (i,) = indices("i", C)
    x, L = tensor("x", C), scalar("L")
    derivation = Derivation("absolute", "Sum of absolute values", (Given(x),), (Let(L, summation(Abs(x[i]), i)),), L, (x,))
    records = check(derivation, "gradient", SimpleNamespace(gradient=np.sign), examples=12)
    assert records["ball arithmetic"].verdict == PASSED
    assert records["finite differences"].verdict == PASSED


def test_a_wrong_formula_with_its_own_wrong_value_is_caught_on_the_value() -> None:
    twice = SimpleNamespace(
        value=lambda z, y: 2 * hand_kernels.cross_entropy.value(z, y), gradient=lambda z, y: 2 * hand_kernels.cross_entropy.gradient(z, y)
    )
    for name in ("value", "gradient"):
        assert check(cross_entropy.derivation, name, twice)["ball arithmetic"].verdict == FAILED


def test_a_user_derivation_without_claims_is_checked_too() -> None:
    B, C = Dim("B"), Dim("C")
    b, i, k = *indices("b", B), *indices("i k", C)
    z, y, p, L = tensor("z", B, C), tensor("y", B, C), tensor("p", B, C), scalar("L")
    from closedform.notation import exp

    derivation = Derivation(
        name="brier",
        title="Brier score",
        given=(Given(z), Given(y, where=(equation(summation(y[b, k], k), 1),), classes=True)),
        lets=(Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k)), Let(L, summation((p[b, i] - y[b, i]) ** 2, i, b) / B)),
        output=L,
        wrt=(z,),
        batch=B,
    )

    def gradient(z: Any, y: Any) -> Any:
        p = hand_kernels.softmax.value(z)
        r = p - hand_kernels.rows(y, z)
        return 2 * p * (r - (p * r).sum(-1)[:, None]) / len(z)

    right = check(derivation, "gradient", SimpleNamespace(gradient=gradient))
    assert {record.verdict for record in right.values()} == {PASSED}
    wrong = check(derivation, "gradient", SimpleNamespace(gradient=lambda z, y: gradient(z, y) * (1 + 1e-9)))
    assert wrong["ball arithmetic"].verdict == FAILED


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_kernels_are_judged_by_their_own_bounds(dtype: str) -> None:
    records = check(softmax.derivation, "value", hand_kernels.softmax, backend="torch", dtype=dtype)
    assert records["ball arithmetic"].verdict == PASSED
    wrong = SimpleNamespace(value=lambda z: hand_kernels.softmax.value(z) * 1.1)
    assert check(softmax.derivation, "value", wrong, backend="torch", dtype=dtype)["ball arithmetic"].verdict == FAILED


def test_a_constraint_that_cannot_be_drawn_is_inconclusive_and_says_so() -> None:
    C = Dim("C")
    (i,) = indices("i", C)
    x, L = tensor("x", C), scalar("L")
    unit = Given(x, where=(equation(summation(x[i] ** 2, i), 1),))
    derivation = Derivation("on_the_sphere", "On the sphere", (unit,), (Let(L, summation(x[i], i)),), L, (x,))
    (record,) = check(derivation, "value", SimpleNamespace(value=np.sum)).values()
    assert record.verdict == INCONCLUSIVE
    assert "no inputs can be drawn for the constraint" in record.message


def test_usage_errors() -> None:
    function = function_of(softmax.derivation, "value")
    with pytest.raises(UsageError, match="has no function value"):
        check_kernel(softmax.derivation, function, SimpleNamespace(), backend="numpy")
    with pytest.raises(UsageError, match="unknown backend 'jax'; kernels are checked for numpy and torch"):
        check_kernel(softmax.derivation, function, hand_kernels.softmax, backend="jax")
    with pytest.raises(UsageError, match="unknown dtype 'int8' for numpy"):
        check_kernel(softmax.derivation, function, hand_kernels.softmax, backend="numpy", dtype="int8")
    with pytest.raises(UsageError, match="unknown accuracy 'rough'"):
        check_kernel(softmax.derivation, function, hand_kernels.softmax, backend="numpy", accuracy="rough", examples=1)
