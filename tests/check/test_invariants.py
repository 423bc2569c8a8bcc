"""Invariants are found on the definition, and demanded of kernels that have to have them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from closedform.check.cases import cases
from closedform.check.invariants import invariants
from closedform.check.kernel import check_kernel
from closedform.check.shifts import shifts
from closedform.derivations import cross_entropy, linear_cross_entropy, mse, softmax
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation, Dim, Given, Let, cos, indices, scalar, summation, tensor


def function_of(derivation: Derivation, name: str) -> KernelFunction:
    return next(function for function in kernel_functions(derivation) if function.name == name)


def found(derivation: Derivation, name: str) -> set[str]:
    function = function_of(derivation, name)
    return {invariant.name for invariant in invariants(function, cases(derivation, function, "float64", 10, 0))}


def concave_and_convex() -> Derivation:
    C = Dim("C")
    (i,) = indices("i", C)
    x, L = tensor("x", C), scalar("L")
    return Derivation("waves", "Sum of cosines", (Given(x),), (Let(L, summation(cos(x[i]), i)),), L, (x,))


@pytest.mark.parametrize(
    ("derivation", "name", "expected"),
    [
        (softmax.derivation, "value", {"sums to 1 over i", "non-negative"}),
        (softmax.derivation, "jacobian", {"rows sum to 0", "columns sum to 0", "symmetric"}),
        (softmax.derivation, "jvp", {"sums to 0 over i"}),
        (cross_entropy.derivation, "gradient", {"sums to 0 over i"}),
        (cross_entropy.derivation, "hessian", {"H.1 = 0", "1.H = 0", "symmetric", "positive semidefinite"}),
        (mse.derivation, "hessian", {"symmetric", "positive semidefinite"}),
        (concave_and_convex(), "hessian", {"symmetric"}),
        (concave_and_convex(), "gradient", set()),
    ],
)
def test_what_the_definition_has_is_found(derivation: Derivation, name: str, expected: set[str]) -> None:
    assert found(derivation, name) == expected


@pytest.mark.parametrize(
    ("derivation", "expected"),
    [
        (softmax.derivation, ["unchanged when z is shifted along C"]),
        (cross_entropy.derivation, ["unchanged when z is shifted along C"]),
        (linear_cross_entropy.derivation, ["unchanged when W is shifted along C"]),
        (mse.derivation, []),
    ],
)
def test_shifts_that_leave_the_output_are_found(derivation: Derivation, expected: list[str]) -> None:
    assert [shift.title for shift in shifts(derivation)] == expected


def naive_softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z)
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def softmax_by_logarithm(z: np.ndarray) -> np.ndarray:
    """exp(z - (m + log S)): the sum m + log S rounds away log S at a large offset m."""
    m = z.max(axis=-1, keepdims=True)
    return np.asarray(np.exp(z - (m + np.log(np.exp(z - m).sum(axis=-1, keepdims=True)))))


@pytest.mark.parametrize("kernel", [naive_softmax, softmax_by_logarithm])
def test_a_kernel_that_is_not_shift_invariant_fails(kernel: object) -> None:
    module = SimpleNamespace(value=kernel)
    records = check_kernel(softmax.derivation, function_of(softmax.derivation, "value"), module, backend="numpy", dtype="float32")
    failed = {record.oracle for record in records if record.verdict == "failed"}
    assert {"ball arithmetic", "unchanged when z is shifted along C"} <= failed


def test_a_jacobian_whose_rows_do_not_sum_to_zero_fails_that_invariant() -> None:
    def wrong(z: np.ndarray) -> np.ndarray:
        p = naive_softmax(z - z.max(axis=-1, keepdims=True))
        return np.asarray(p[..., :, None] * np.eye(z.shape[-1], dtype=z.dtype) * (1 - p[..., None, :]))

    records = check_kernel(
        softmax.derivation, function_of(softmax.derivation, "jacobian"), SimpleNamespace(jacobian=wrong), backend="numpy"
    )
    verdicts = {record.oracle: record.verdict for record in records}
    assert verdicts["rows sum to 0"] == "failed"
    assert verdicts["symmetric"] == "passed"
    message = next(record.message for record in records if record.oracle == "ball arithmetic")
    assert "only entries off the diagonal are wrong" in message


def test_a_hessian_with_a_negative_eigenvalue_fails() -> None:
    def wrong(z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(-2 * np.eye(z.shape[1], dtype=z.dtype)[None].repeat(len(z), 0) / z.size)

    records = check_kernel(mse.derivation, function_of(mse.derivation, "hessian"), SimpleNamespace(hessian=wrong), backend="numpy")
    assert next(record for record in records if record.oracle == "positive semidefinite").verdict == "failed"
