"""What every kernel promises of its arguments and its result, whatever it computes."""

from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np
import pytest
import torch
from kernel_cases import function_names

from closedform.numeric.numpy import cross_entropy, kl_divergence, linear_cross_entropy, linear_mse, mse, softmax
from closedform.numeric.torch import cross_entropy as torch_ce
from closedform.numeric.torch import kl_divergence as torch_kl
from closedform.numeric.torch import linear_cross_entropy as torch_head
from closedform.numeric.torch import linear_mse as torch_linear_mse
from closedform.numeric.torch import mse as torch_mse
from closedform.numeric.torch import softmax as torch_softmax

PAIRS = [
    (softmax, torch_softmax),
    (cross_entropy, torch_ce),
    (mse, torch_mse),
    (linear_cross_entropy, torch_head),
    (linear_mse, torch_linear_mse),
]
FUNCTIONS = [(numpy, pytorch, name) for numpy, pytorch in PAIRS for name in function_names(numpy)]
IDS = [f"{numpy.__name__.rpartition('.')[2]}.{name}" for numpy, _, name in FUNCTIONS]
each = pytest.mark.parametrize(("numpy", "pytorch", "name"), FUNCTIONS, ids=IDS)


def arguments(module: ModuleType, name: str, dtype: type = np.float64, scale: float = 1.0, batch: int = 6) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    B, d, C = batch, 5, 4
    z, v, W, V, e = (scale * random.normal(size=shape) for shape in ((B, C), (B, C), (C, d), (C, d), (B, d)))
    short = module.__name__.rpartition(".")[2]
    y = random.integers(0, C, B) if "cross" in short else v
    table: dict[str, list[np.ndarray]] = {
        "softmax": [z],
        "cross_entropy": [z, y],
        "mse": [z, y],
        "linear_cross_entropy": [W, e, y],
        "linear_mse": [W, e, y],
    }
    given = table[short]
    if name in ("hvp", "jvp", "vjp"):
        given = [*given, v]
    elif name.startswith("hvp"):
        given = [*given, V if name == "hvp_W" else e]
    return [x if x.dtype == np.int64 else x.astype(dtype) for x in given]


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backends_agree_and_keep_dtype_and_inputs(numpy: ModuleType, pytorch: ModuleType, name: str, dtype: type) -> None:
    given = arguments(numpy, name, dtype)
    kept = [x.copy() for x in given]
    for x in given:
        x.setflags(write=False)
    found = getattr(numpy, name)(*given)
    assert found.dtype == dtype
    tensors = [torch.as_tensor(x.copy()) for x in given]
    same = getattr(pytorch, name)(*tensors)
    assert same.dtype == torch.as_tensor(np.zeros(0, dtype)).dtype
    # A few hundred operations on numbers near one.
    np.testing.assert_allclose(found, same.numpy(), rtol=0, atol=200 * np.finfo(dtype).eps * max(1, np.abs(found).max()))
    for x, tensor, before in zip(given, tensors, kept, strict=True):
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(tensor.numpy(), before)
    if isinstance(found, np.ndarray):
        assert found.flags.writeable
        assert not any(np.shares_memory(found, x) for x in given)


@each
def test_strides_do_not_matter(numpy: ModuleType, pytorch: ModuleType, name: str) -> None:
    given = arguments(numpy, name)
    strided = [np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim > 1 else np.repeat(x, 2)[::2] for x in given]
    flipped = [np.asfortranarray(x) for x in given]
    want = getattr(numpy, name)(*given)
    for other in (strided, flipped):
        np.testing.assert_allclose(getattr(numpy, name)(*other), want, rtol=1e-12, atol=1e-13)
        tensors = [torch.as_tensor(x) for x in other]
        np.testing.assert_allclose(getattr(pytorch, name)(*tensors).numpy(), want, rtol=1e-12, atol=1e-13)


@each
def test_huge_logits_stay_finite(numpy: ModuleType, pytorch: ModuleType, name: str) -> None:
    given = arguments(numpy, name, scale=1e4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(getattr(numpy, name)(*given)).all()
    assert torch.isfinite(getattr(pytorch, name)(*map(torch.as_tensor, given))).all()


@each
def test_empty_batch(numpy: ModuleType, pytorch: ModuleType, name: str) -> None:
    """The mean over nothing is nan, as in torch; its derivatives are sums over nothing, or empty."""
    given = arguments(numpy, name, batch=0)
    full = getattr(numpy, name)(*arguments(numpy, name, batch=2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = getattr(numpy, name)(*given)
    same = getattr(pytorch, name)(*map(torch.as_tensor, given)).numpy()
    assert found.ndim == full.ndim
    assert same.shape == found.shape
    if name == "value" and numpy is not softmax:
        assert np.isnan(found)
        assert np.isnan(same)
    elif "mse" not in numpy.__name__:
        assert not np.any(found)
        assert not np.any(same)


def test_empty_batch_is_torchs() -> None:
    W = torch.randn(4, 5, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(torch.zeros(0, 5) @ W.T, torch.zeros(0, dtype=torch.long))
    (gradient,) = torch.autograd.grad(loss, W)
    found = torch_head.gradient_W(W.detach(), torch.zeros(0, 5), torch.zeros(0, dtype=torch.long))
    torch.testing.assert_close(found, gradient)


@pytest.mark.parametrize("module", [cross_entropy, torch_ce], ids=["numpy", "torch"])
def test_nan_logits_propagate_in_their_row_only(module: ModuleType) -> None:
    z, y = arguments(cross_entropy, "gradient")
    z[2, 1] = np.nan
    make = torch.as_tensor if module is torch_ce else np.asarray
    found = np.asarray(module.gradient(make(z), make(y)))
    want = np.asarray(
        torch.func.grad(torch.nn.functional.cross_entropy)(torch.as_tensor(z), torch.as_tensor(y)),
    )
    np.testing.assert_array_equal(np.isnan(found), np.isnan(want))
    assert np.isnan(float(module.value(make(z), make(y))))


def test_labels_of_every_integer_type_are_classes() -> None:
    z, y = arguments(cross_entropy, "gradient")
    want = cross_entropy.gradient(z, y)
    for kind in (np.int8, np.int16, np.int32, np.uint8):
        np.testing.assert_array_equal(cross_entropy.gradient(z, y.astype(kind)), want)
        found = torch_ce.gradient(torch.as_tensor(z), torch.as_tensor(y.astype(kind))).numpy()
        np.testing.assert_allclose(found, want, rtol=1e-12)


@pytest.mark.parametrize("module", [kl_divergence, torch_kl], ids=["numpy", "torch"])
def test_a_branch_that_is_not_taken_warns_of_nothing_and_hides_no_nan(module: ModuleType) -> None:
    make = torch.as_tensor if module is torch_kl else np.asarray
    z, y = np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 1.0, 0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isclose(float(module.value(make(z), make(y))), float(cross_entropy.value(z, y)), rtol=1e-14)
        for nan in ((np.array([[1.0, np.nan, 3.0]]), y), (z, np.array([[0.0, np.nan, 0.0]]))):
            assert np.isnan(float(module.value(*map(make, nan))))
