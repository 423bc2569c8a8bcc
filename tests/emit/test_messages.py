"""Bad input to generated kernels: an error of the right class, before anything is computed, that says what to do."""

from __future__ import annotations

import re
from types import ModuleType

import numpy as np
import pytest
import torch
from kernel_cases import CASES, kernels

from closedform.numeric.numpy import cross_entropy as np_ce
from closedform.numeric.numpy import linear_cross_entropy as np_head
from closedform.numeric.numpy import softmax as np_softmax
from closedform.numeric.torch import cross_entropy as torch_ce
from closedform.numeric.torch import linear_cross_entropy as torch_head
from closedform.numeric.torch import softmax as torch_softmax

Z = np.zeros((3, 4))
Y = np.zeros(3, dtype=np.int64)
P = np.full((3, 4), 0.25)

# what is called, with which arguments (as NumPy arrays), the error and its whole message; {a} is the array type's own words
SHARED = [
    ("ce", (Z[0], Y), ValueError, "z must have 2 axes (B, C), got shape (4,)"),
    ("ce", (Z, Y[:2]), ValueError, "y must have shape (3,) for class indices, got shape (2,)"),
    ("ce", (Z, P[:2]), ValueError, "y must have shape (3, 4) for probabilities, got shape (2, 4)"),
    ("ce", (Z, Y + 4), ValueError, "y must hold class indices from 0 to 3, got 4 to 4"),
    ("ce", (Z, Y - 1), ValueError, "y must hold class indices from 0 to 3, got -1 to -1"),
    ("ce", (Z, P * 2), ValueError, "y must satisfy sum_k(y[b,k]) = 1; it does not at index (0,)"),
    ("head", (np.zeros((4, 2)), np.zeros((3, 5)), Y), ValueError, "e must have shape (B, d) with d = 2, got shape (3, 5)"),
    (
        "hvp",
        (Z, Y, np.zeros((2, 4))),
        ValueError,
        "v must have shape (3, 4), or one more axis in front for several directions, got shape (2, 4)",
    ),
    ("softmax", (np.zeros(()),), ValueError, "z must have shape (..., C), got shape ()"),
    ("jvp", (Z, np.zeros((2, 4))), ValueError, "v must have the leading axes of z, which has shape (3, 4); got shape (2, 4)"),
    ("jvp", (Z, np.zeros((3, 5))), ValueError, "v must have shape (..., C) with C = 4, got shape (3, 5)"),
]


def functions(ce: ModuleType, head: ModuleType, softmax: ModuleType) -> dict[str, object]:
    return {"ce": ce.gradient, "hvp": ce.hvp, "head": head.gradient_W, "softmax": softmax.value, "jvp": softmax.jvp}


@pytest.mark.parametrize(("name", "arguments", "error", "message"), SHARED)
def test_numpy_messages(name: str, arguments: tuple[np.ndarray, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message) + r"\Z"):
        functions(np_ce, np_head, np_softmax)[name](*arguments)  # type: ignore[operator]


@pytest.mark.parametrize(("name", "arguments", "error", "message"), SHARED)
def test_torch_messages(name: str, arguments: tuple[np.ndarray, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message) + r"\Z"):
        functions(torch_ce, torch_head, torch_softmax)[name](*map(torch.as_tensor, arguments))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Z.tolist(), Y), "z must be a NumPy array, got list; convert it with np.asarray"),
        ((Z.astype(np.int64), Y), "z must be float32 or float64, got int64; convert it with z.astype"),
        ((Z.astype(np.float16), Y), "z must be float32 or float64, got float16; convert it with z.astype"),
        ((Z, Y.tolist()), "y must be a NumPy array, got list; convert it with np.asarray"),
        ((Z.astype(np.float32), P), "y must hold integer class indices or float32 probabilities, got float64"),
        ((Z, Y > 0), "y must hold integer class indices or float64 probabilities, got bool"),
        ((Z, Y, Z.astype(np.float32)), "v must have the dtype of the other inputs, float64, got float32"),
    ],
)
def test_numpy_type_messages(arguments: tuple[np.ndarray, ...], message: str) -> None:
    function = np_ce.gradient if len(arguments) == 2 else np_ce.hvp
    with pytest.raises(TypeError, match=re.escape(message) + r"\Z"):
        function(*arguments)


LOGITS, CLASSES = torch.zeros(3, 4), torch.as_tensor(Y)
SOFT = "y must hold integer class indices or torch.float32 probabilities, got torch.float64"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((Z, torch.as_tensor(Y)), TypeError, "z must be a tensor, got ndarray; convert it with torch.as_tensor"),
        (
            (torch.zeros(3, 4, dtype=torch.long), torch.as_tensor(Y)),
            TypeError,
            "z must be a floating point tensor, got torch.int64; convert it with z.to",
        ),
        (
            (LOGITS, torch.as_tensor(P)),
            TypeError,
            "y must hold integer class indices or torch.float32 probabilities, got torch.float64",
        ),
        (
            (LOGITS, CLASSES, LOGITS.half()),
            TypeError,
            "v must have the dtype of the other inputs, torch.float32, got torch.float16",
        ),
        (
            (LOGITS, CLASSES.to("meta")),
            ValueError,
            "y must be on the device of the other inputs, cpu, got meta",
        ),
        (
            (LOGITS, CLASSES, LOGITS.to("meta")),
            ValueError,
            "v must be on the device of the other inputs, cpu, got meta",
        ),
    ],
)
def test_torch_type_and_device_messages(arguments: tuple[torch.Tensor, ...], error: type[Exception], message: str) -> None:
    function = torch_ce.gradient if len(arguments) == 2 else torch_ce.hvp
    with pytest.raises(error, match=re.escape(message) + r"\Z"):
        function(*arguments)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_declared_domains_are_checked(backend: str) -> None:
    case = next(case for case in CASES if case.derivation.name == "ridge_logistic")
    module = kernels(case.derivation, backend)
    make = np.asarray if backend == "numpy" else torch.as_tensor
    w, X, v = make(np.ones(3)), make(np.ones((5, 3))), make(np.ones(5))
    assert np.isfinite(float(module.value(w, X, v, 0.5)))
    with pytest.raises(ValueError, match=re.escape("v must satisfy v[r] in {-1, 1}; it does not at index (0,)")):
        module.value(w, X, 0 * v, 0.5)
    with pytest.raises(ValueError, match=r"lam must satisfy lam > 0\Z"):
        module.value(w, X, v, -1)
    with pytest.raises(TypeError, match=r"lam must be a number, got \w+ of shape \(3,\)"):
        module.value(w, X, v, w)
