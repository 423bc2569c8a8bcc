"""Kernels keep their digits at every scale: what their docstrings say of their accuracy, against ball arithmetic.

The truth is written here once more, from the definitions, with balls of 1,500 bits: at that precision nothing cancels.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from closedform.numeric.numpy import cross_entropy as cross_entropy_numpy
from closedform.numeric.numpy import focal as focal_numpy
from closedform.numeric.numpy import info_nce as info_nce_numpy
from closedform.numeric.numpy import linear_cross_entropy as linear_cross_entropy_numpy
from closedform.numeric.numpy import softmax as softmax_numpy
from closedform.numeric.numpy import temperature as temperature_numpy
from closedform.numeric.torch import cross_entropy as cross_entropy_torch
from closedform.numeric.torch import focal as focal_torch
from closedform.numeric.torch import info_nce as info_nce_torch
from closedform.numeric.torch import linear_cross_entropy as linear_cross_entropy_torch
from closedform.numeric.torch import softmax as softmax_torch
from closedform.numeric.torch import temperature as temperature_torch

MODULES = {"numpy": (softmax_numpy, cross_entropy_numpy), "torch": (softmax_torch, cross_entropy_torch)}
SCALES = (1.0, 10.0, 30.0, 100.0, 1e4)
Rows = list[list[arb]]


def probabilities(z: np.ndarray) -> Rows:
    ctx.prec = 1500
    found = []
    for row in z:
        powers = [(arb(float(x)) - float(row.max())).exp() for x in row]
        total = sum(powers, arb(0))
        found.append([power / total for power in powers])
    return found


def stated(function: Callable[..., object]) -> int:
    """The ulp that a docstring names."""
    match = re.search(r"Accuracy:\s+(\d+) ulp of", function.__doc__ or "")
    assert match, f"{function.__name__} says nothing of its accuracy"
    return int(match[1])


def worst(found: np.ndarray, truth: list[arb], condition: list[arb], dtype: str) -> float:
    """The largest error in ulp of the condition, where that is above the subnormal range."""
    errors = [0.0]
    for got, true, of in zip(found.ravel(), truth, condition, strict=True):
        scale = abs(float(of))
        if scale >= np.finfo(dtype).tiny:
            errors.append(float(abs(arb(float(got)) - true) / float(np.spacing(np.dtype(dtype).type(scale)))))
    return max(errors)


def truths(z: np.ndarray, y: np.ndarray, v: np.ndarray) -> dict[str, tuple[list[arb], list[arb]]]:
    """Each function's true entries, and what their error is relative to."""
    rows, B = probabilities(z), len(z)
    rest = [[1 - p for p in row] for row in rows]
    pairs = [(row, other, label, [arb(float(x)) for x in w]) for row, other, label, w in zip(rows, rest, y, v, strict=True)]
    value = sum((-row[label].log() for row, _, label, _ in pairs), arb(0)) / B
    gradient = [(p - (i == label)) / B for row, _, label, _ in pairs for i, p in enumerate(row)]
    diagonal = [p * other / B for row, others, _, _ in pairs for p, other in zip(row, others, strict=True)]
    hessian = [(p * ((i == j) - q)) / B for row, _, _, _ in pairs for i, p in enumerate(row) for j, q in enumerate(row)]
    spread = [[sum((q * (x - w[i]) for q, x in zip(row, w, strict=True)), arb(0)) for i in range(len(row))] for row, _, _, w in pairs]
    size = [[sum((q * abs(x - w[i]) for q, x in zip(row, w, strict=True)), arb(0)) for i in range(len(row))] for row, _, _, w in pairs]
    product = [-p * s / B for (row, *_), found in zip(pairs, spread, strict=True) for p, s in zip(row, found, strict=True)]
    condition = [p * s / B for (row, *_), found in zip(pairs, size, strict=True) for p, s in zip(row, found, strict=True)]
    trace = sum(diagonal, arb(0))
    own = {"value": [value], "gradient": gradient, "hessian": hessian, "hessian_diagonal": diagonal, "hessian_trace": [trace]}
    return {name: (entries, entries) for name, entries in own.items()} | {"hvp": (product, condition)}


def arguments(backend: str, device: str, *arrays: np.ndarray) -> list[object]:
    return [torch.from_numpy(array).to(device) if backend == "torch" else array for array in arrays]


def numbers(result: Any) -> np.ndarray:
    return np.asarray(result.cpu() if isinstance(result, torch.Tensor) else result)


def check(backend: str, device: str, z: np.ndarray, y: np.ndarray, v: np.ndarray) -> None:
    softmax, cross_entropy = MODULES[backend]
    dtype = str(z.dtype)
    flat = [p for row in probabilities(z) for p in row]
    assert worst(numbers(softmax.value(*arguments(backend, device, z))), flat, flat, dtype) <= stated(softmax.value)
    for name, (truth, condition) in truths(z, y, v).items():
        kernel = getattr(cross_entropy, name)
        found = numbers(kernel(*arguments(backend, device, *((z, y, v) if name == "hvp" else (z, y)))))
        assert worst(found, truth, condition, dtype) <= stated(kernel), name


@pytest.mark.parametrize("backend", MODULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_accuracy_is_as_stated_at_every_scale(backend: str, dtype: str, data: st.DataObject, device: str) -> None:
    B, C = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([2, 3, 8, 17]))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    scale, offset = data.draw(st.sampled_from(SCALES)), data.draw(st.sampled_from([0.0, -1e3, 1e3]))
    z = (generator.standard_normal((B, C)) * scale + offset).astype(dtype)
    top = z.argmax(-1)
    y = data.draw(st.sampled_from([top, generator.integers(0, C, B)]))
    direction = generator.standard_normal((B, C))
    v = data.draw(st.sampled_from([direction, direction + 1e4, np.eye(C)[top], np.full((B, C), 1.7)])).astype(dtype)
    check(backend, device, z, y, v)


@pytest.mark.parametrize("backend", MODULES)
@pytest.mark.parametrize("seed", [17, 373])
def test_errors_of_two_probabilities_do_not_add_up(backend: str, seed: int, device: str) -> None:
    """Entries of a Hessian are products of two exponentials, each of which NumPy has to some two ulp in float32: these were off by 8.05."""
    z = (np.random.default_rng(seed).standard_normal((1, 17)) * 10 - 1000).astype("float32")
    truth, condition = truths(z, z.argmax(-1), z)["hessian"]
    found = numbers(MODULES[backend][1].hessian(*arguments(backend, device, z, z.argmax(-1))))
    assert worst(found, truth, condition, "float32") <= 6


@pytest.mark.parametrize("backend", MODULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", SCALES)
def test_accuracy_with_many_classes(backend: str, dtype: str, scale: float, device: str) -> None:
    generator = np.random.default_rng(5)
    z, v = ((generator.standard_normal((1, 150)) * size).astype(dtype) for size in (scale, 1.0))
    check(backend, device, z, z.argmax(-1), v)


@pytest.mark.parametrize("backend", MODULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("margin", [1.0, 4.0, 9.2, 11.0])
def test_accuracy_where_the_first_of_many_classes_has_nearly_everything(backend: str, dtype: str, margin: float, device: str) -> None:
    """A sum that begins with its largest term rounds that with each that follows; torch's own put the diagonal off by 10 ulp."""
    z = np.random.default_rng(3).standard_normal((4, 700))
    z[:, 0] = np.log(np.exp(z).sum(-1)) + margin
    z = z.astype(dtype)
    y = np.array([0, 0, 1, 2])
    softmax, cross_entropy = MODULES[backend]
    rows = probabilities(z)
    entries = [p for row in rows for p in row]
    diagonal = [p * (1 - p) / 4 for p in entries]
    gradient = [(p - (i == label)) / 4 for row, label in zip(rows, y, strict=True) for i, p in enumerate(row)]
    assert worst(numbers(softmax.value(*arguments(backend, device, z))), entries, entries, dtype) <= 6
    assert worst(numbers(cross_entropy.hessian_diagonal(*arguments(backend, device, z, y))), diagonal, diagonal, dtype) <= 6
    assert worst(numbers(cross_entropy.gradient(*arguments(backend, device, z, y))), gradient, gradient, dtype) <= 6


def mixed_rows(dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of which rows have no majority, one that is nearly one, one that is barely one, and have to be shifted; labels; directions."""
    generator = np.random.default_rng(7)
    z = generator.standard_normal((4, 6)).astype(dtype)
    z[1, 2] += 30
    z[2, 0] = np.log(np.exp(z[2, 1:]).sum()) + 0.01
    z[3] -= 500
    V = generator.standard_normal((3, 4, 6)).astype(dtype) + np.array([0, 1e4, -1e6], dtype)[:, None, None]
    return z, z.argmax(-1), V


@pytest.mark.parametrize("backend", MODULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("in_out", [False, True])
def test_accuracy_of_several_directions_where_some_rows_have_a_leader(backend: str, dtype: str, in_out: bool, device: str) -> None:
    z, y, V = mixed_rows(dtype)
    hvp = MODULES[backend][1].hvp
    out = np.empty_like(V)
    found = numbers(hvp(*arguments(backend, device, z, y, V), **({"out": arguments(backend, device, out)[0]} if in_out else {})))
    for v, product in zip(V, found, strict=True):
        truth, condition = truths(z, y, v)["hvp"]
        assert worst(product, truth, condition, dtype) <= stated(hvp)
        alone = numbers(hvp(*arguments(backend, device, z, y, v), **({"out": arguments(backend, device, out[0])[0]} if in_out else {})))
        assert worst(alone, truth, condition, dtype) <= stated(hvp)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hessian_of_the_features_keeps_its_digits_however_sure_the_head_is(backend: str, dtype: str, device: str) -> None:
    """Logits are whole numbers, from the first column of W alone, so only the Hessian is rounded; margins are 1, 8, 16 and 40."""
    W = np.array([[3, 1000.1], [2, 1000.7], [-5, 1002.3], [0, 999.2]], dtype)
    e = np.array([[1, 0], [8, 0], [16, 0], [40, 0]], dtype)
    rows, B = probabilities(e @ W.T), len(e)
    columns = [[arb(float(x)) for x in column] for column in W.T]
    means = [[sum((p * x for p, x in zip(row, column, strict=True)), arb(0)) for column in columns] for row in rows]
    rest = [[[x - mean for x in column] for column, mean in zip(columns, own, strict=True)] for own in means]
    terms = [[p * x * y for p, x, y in zip(row, u, w, strict=True)] for row, own in zip(rows, rest, strict=True) for u in own for w in own]
    truth = [sum(entry, arb(0)) / B for entry in terms]
    condition = [sum((abs(term) for term in entry), arb(0)) / B for entry in terms]
    on = [i for i in range(len(truth)) if i % 4 in (0, 3)]  # the diagonals of blocks of two by two
    module = linear_cross_entropy_numpy if backend == "numpy" else linear_cross_entropy_torch
    found = numbers(module.hessian_e(*arguments(backend, device, W, e, np.zeros(B, np.int64))))
    assert worst(found, truth, condition, dtype) <= 8
    diagonal = numbers(module.hessian_diagonal_e(*arguments(backend, device, W, e, np.zeros(B, np.int64))))
    assert worst(diagonal, [truth[i] for i in on], [condition[i] for i in on], dtype) <= 8


LED_BY_SEVERAL = {
    "three alike": [20.0, 20.0, 20.0, 0.0],
    "three nearly alike": [30.0, 29.9, 29.8, 0.0],
    "in order": [3.0, 2.9, 2.8, -20.0],
    "seven of eight": [0.0] * 7 + [-30.0],
    "all but one": [0.0] * 3 + [-70.0],
}


@pytest.mark.parametrize("backend", MODULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", LED_BY_SEVERAL)
def test_accuracy_where_several_classes_lead_and_the_direction_is_the_same_for_them(
    backend: str, dtype: str, case: str, device: str
) -> None:
    """What is left of the direction is tiny beside it: the rounding of the mean must not be what is computed with."""
    z = np.array([LED_BY_SEVERAL[case]] * 2, dtype)
    hvp, y = MODULES[backend][1].hvp, np.zeros(2, np.int64)
    v = np.where(z > z.max() - 1, np.array([[1.1], [-0.7]]), np.array([[0.3], [2.9]])).astype(dtype)
    truth, condition = truths(z, y, v)["hvp"]
    out = np.empty_like(v)
    results = [hvp(*arguments(backend, device, z, y, v)), hvp(*arguments(backend, device, z, y, v[None]))[0]]
    results.append(hvp(*arguments(backend, device, z, y, v), out=arguments(backend, device, out)[0]))
    for found in results:
        assert worst(numbers(found), truth, condition, dtype) <= stated(hvp)


@pytest.mark.parametrize("module", [temperature_numpy, temperature_torch], ids=["numpy", "torch"])
def test_no_offset_of_gradient_or_direction_counts_in_the_curvature_of_softmax(module: Any, device: str) -> None:
    z, g, v = (np.array(row, "float32") for row in ([0, 1, 2], [0, 1, 3], [0, 2, 1]))
    p = np.exp(z.astype("float64")) / np.exp(z.astype("float64")).sum()
    joint = (g - p @ g) * (v - p @ v)
    backend = "torch" if module is temperature_torch else "numpy"
    logits, *offset = arguments(backend, device, z, g + np.float32(1000), v - np.float32(1000))
    np.testing.assert_allclose(numbers(module.hvp(logits, 1.0, *offset)), p * (joint - p @ joint), rtol=16 * float(np.finfo("float32").eps))


@pytest.mark.parametrize("backend", MODULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stacked", [False, True])
def test_a_variance_to_which_a_rare_class_alone_adds_keeps_its_digits(backend: str, dtype: str, stacked: bool, device: str) -> None:
    """Keys 0 but for that of probability r: their variance is 4 r (1 - r), by hand; measured from their mean they would cancel."""
    logits = np.array([10, 9, 9, -4], dtype)
    keys = np.stack([logits, np.array([0, 0, 0, 2], dtype)], -1)
    queries = np.array([[1, 0]] * 4, dtype)
    rare = math.exp(-14) / (1 + 2 * math.exp(-1) + math.exp(-14))
    given = [np.stack([x, x]) if stacked else x for x in (queries, keys)]
    module = info_nce_numpy if backend == "numpy" else info_nce_torch
    found = numbers(module.hessian_diagonal_q(*arguments(backend, device, *given), 1.0))
    np.testing.assert_allclose(found[..., 1], rare * (1 - rare), rtol=8 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("backend", MODULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0, 1000])
def test_a_variance_is_not_rounded_to_an_outlier_without_weight(backend: str, dtype: str, offset: int, device: str) -> None:
    """Two classes of probability 1/2 with weights 1 and 2, and one of exp(-80): the trace is (2 - 1)^2/4, by hand."""
    W = np.array([[0, 1 + offset], [0, 2 + offset], [-1, 1e6 if offset == 0 else offset]], dtype)
    e, y = np.array([[80, 0]], dtype), np.zeros(1, np.int64)
    module = linear_cross_entropy_numpy if backend == "numpy" else linear_cross_entropy_torch
    found = float(numbers(module.hessian_trace_e(*arguments(backend, device, W, e, y))))
    assert abs(found - 0.25) <= 16 * float(np.finfo(dtype).eps) * 5


@pytest.mark.parametrize("module", [focal_numpy, focal_torch], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_slope_of_an_answer_that_is_right_already_keeps_its_digits(module: Any, dtype: str, device: str) -> None:
    """(1 - p)^g (1 - p - g p log p): 1 - p*(1 + g log p), as it is derived, is the rounding of 1 once p is nearly that."""
    ctx.prec = 1500
    z = np.array([[-20.0, -1.0, 0.3, 5.0, 15.0, 25.0, 40.0]], dtype)
    truth = []
    for x in z[0]:
        p, rest = 1 / (1 + arb(-float(x)).exp()), 1 / (1 + arb(float(x)).exp())
        truth.append(-(rest**2) * (rest - 2 * p * p.log()) / 7)
    backend = "torch" if module is focal_torch else "numpy"
    found = numbers(module.gradient(*arguments(backend, device, z, np.ones_like(z)), 2.0))
    assert worst(found, truth, truth, dtype) <= 8


@pytest.mark.skipif(not shutil.which("g++"), reason="inductor needs a C++ compiler")
def test_accuracy_of_a_compiled_product_into_out(device: str) -> None:
    z, y, V = mixed_rows("float32")
    hvp = cross_entropy_torch.hvp
    z[0] = [20, 20, 20, 0, 0, 0]
    V = np.concatenate([V, np.where(z > 10, 1.1, 0.3).astype("float32")[None]])
    compiled, out = torch.compile(hvp, fullgraph=True), torch.empty(z.shape, device=device)
    for v in V:
        assert compiled(*arguments("torch", device, z, y, v), out=out) is out
        assert worst(numbers(out), *truths(z, y, v)["hvp"], "float32") <= stated(hvp)


def test_a_kernel_that_cancels_is_found_out() -> None:
    """p - 1 at the label, as everyone writes it, is wrong in every digit here."""

    def gradient(z: np.ndarray, y: np.ndarray) -> np.ndarray:
        p = np.exp(z - z.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        return (p - np.eye(z.shape[-1], dtype=z.dtype)[y]) / len(z)

    z, y, v = np.array([[40.0, 0.0, -3.0]]), np.array([0]), np.ones((1, 3))
    truth, condition = truths(z, y, v)["gradient"]
    assert worst(gradient(z, y), truth, condition, "float64") > 1e15
    assert worst(cross_entropy_numpy.gradient(z, y), truth, condition, "float64") <= stated(cross_entropy_numpy.gradient)


def test_every_module_states_its_accuracy() -> None:
    for modules in MODULES.values():
        for module in modules:
            assert isinstance(module, ModuleType)
            for name in module.__all__:
                assert stated(getattr(module, name)) in (8, 16)
