"""The catalogue means what torch means: kernels against torch's own functions, with torch's own options.

Value, gradient (or vector-Jacobian product) and product with the Hessian, each within the derived bound of the
kernel's formula, once for the kernel and once for torch, whose inputs here are ones on which it keeps its digits.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from closedform.check.backends import BACKENDS
from closedform.check.cases import bound_at
from closedform.check.inputs import Inputs, Recipe
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation, Dim

SIZES = {"B": 6, "C": 5, "N": 4, "M": 7, "d": 5, "e": 3}


@dataclass(frozen=True)
class Peer:
    """A function of torch that a derivation is meant to be; ``special`` makes arguments that are not Gaussian."""

    derivation: str
    function: Callable[..., Tensor]
    special: dict[str, Callable[[torch.Generator], Tensor]]
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.derivation


def _number(value: float) -> Callable[[torch.Generator], Tensor]:
    return lambda generator: torch.tensor(value, dtype=torch.float64)


def _positive(*shape: int) -> Callable[[torch.Generator], Tensor]:
    return lambda generator: torch.rand(shape, generator=generator, dtype=torch.float64) + 0.25


def _classes(generator: torch.Generator) -> Tensor:
    return torch.randint(SIZES["C"], (SIZES["B"],), generator=generator)


def _signs(generator: torch.Generator) -> Tensor:
    return 2 * torch.randint(2, (SIZES["B"], SIZES["C"]), generator=generator).double() - 1


def _soft(generator: torch.Generator) -> Tensor:
    return torch.randn(SIZES["B"], SIZES["C"], generator=generator, dtype=torch.float64).softmax(-1)


def _sparse(generator: torch.Generator) -> Tensor:
    """Rows of probabilities, half of which are 0, and a one-hot row."""
    y = _soft(generator)
    y[:, ::2] = 0
    y[0] = torch.eye(SIZES["C"], dtype=torch.float64)[2]
    return y / y.sum(-1, keepdim=True)


def _mask(generator: torch.Generator) -> Tensor:
    return torch.tensor([1, 0, 1, 1, 0, 1], dtype=torch.float64)


def _ignoring(z: Tensor, y: Tensor, m: Tensor) -> Tensor:
    return F.cross_entropy(z, torch.where(m > 0, y, -100), ignore_index=-100)


def _distilling(z: Tensor, t: Tensor, T: Tensor) -> Tensor:
    return T**2 * F.kl_div(F.log_softmax(z / T, -1), F.log_softmax(t / T, -1), log_target=True, reduction="batchmean")


def _diverging(z: Tensor, y: Tensor) -> Tensor:
    return F.kl_div(F.log_softmax(z, -1), y, reduction="batchmean")


def _contrasting(q: Tensor, k: Tensor, T: Tensor) -> Tensor:
    return F.cross_entropy(q @ k.T / T, torch.arange(len(q)))


def _focal(z: Tensor, y: Tensor, gamma: Tensor) -> Tensor:
    return -(torch.sigmoid(-y * z) ** gamma * F.logsigmoid(y * z)).mean()


PEERS = (
    Peer("softmax", lambda z: F.softmax(z, -1), {}),
    Peer("temperature", lambda z, T: F.softmax(z / T, -1), {"T": _number(2.0)}),
    Peer("mse", F.mse_loss, {}),
    Peer("squared_euclidean", lambda z, y: F.mse_loss(z, y, reduction="sum") / len(z), {}),
    Peer("euclidean_distance", lambda z, y: F.pairwise_distance(z, y, eps=0.0).mean(), {}),
    Peer("cosine_distance", lambda z, y: 1 - F.cosine_similarity(z, y, dim=0), {}),
    Peer("linear_cross_entropy", lambda W, e, y: F.cross_entropy(F.linear(e, W), y), {"y": _classes}),
    Peer("linear_mse", lambda W, e, y: F.mse_loss(F.linear(e, W), y), {}),
    Peer("log_softmax", lambda z: F.log_softmax(z, -1), {}),
    Peer("logsumexp", lambda z: torch.logsumexp(z, -1), {}),
    Peer("cross_entropy", F.cross_entropy, {"y": _classes}),
    Peer("cross_entropy", F.cross_entropy, {"y": _soft}, "cross_entropy of probabilities"),
    Peer("label_smoothing", lambda z, y, eps: F.cross_entropy(z, y, label_smoothing=float(eps)), {"y": _classes, "eps": _number(0.1)}),
    Peer(
        "label_smoothing",
        lambda z, y, eps: F.cross_entropy(z, y, label_smoothing=float(eps)),
        {"y": _soft, "eps": _number(1.0)},
        "label_smoothing of probabilities, to the end",
    ),
    Peer("class_weights", lambda z, y, w: F.cross_entropy(z, y, weight=w), {"y": _classes, "w": _positive(SIZES["C"])}),
    Peer(
        "class_weights",
        lambda z, y, w: F.cross_entropy(z, y, weight=w),
        {"y": _classes, "w": lambda generator: torch.tensor([1.0, -0.5, 2.0, -0.25, 3.0], dtype=torch.float64)},
        "class_weights of either sign",
    ),
    Peer("ignored_labels", _ignoring, {"y": _classes, "m": _mask}),
    Peer("kl_divergence", _diverging, {"y": _soft}),
    Peer("kl_divergence", _diverging, {"y": _sparse}, "kl_divergence of labels that may be 0"),
    Peer("distillation", _distilling, {"T": _number(3.0)}),
    Peer(
        "bce_with_logits",
        lambda z, y, w: F.binary_cross_entropy_with_logits(z, y, pos_weight=w),
        {"y": _soft, "w": _positive(SIZES["C"])},
    ),
    Peer("z_loss", lambda z, y, lam: F.cross_entropy(z, y) + lam * (z.logsumexp(-1) ** 2).mean(), {"y": _classes, "lam": _number(0.25)}),
    Peer("focal", _focal, {"y": _signs, "gamma": _number(2.0)}),
    Peer("focal", _focal, {"y": _signs, "gamma": _number(0.5)}, "focal, to a power that is no whole number"),
    Peer("log_cosh", lambda z, y: torch.log(torch.cosh(z - y)).mean(), {}),
    Peer("huber", lambda z, y, d: F.huber_loss(z, y, delta=float(d)), {"d": _number(0.75)}),
    Peer(
        "gaussian_nll",
        lambda mu, y, v: F.gaussian_nll_loss(mu, y, v, eps=0.0),
        {"v": _positive(SIZES["B"], SIZES["C"])},
    ),
    Peer("info_nce", _contrasting, {"T": _number(0.5)}),
    Peer("l2_normalise", lambda x: F.normalize(x, dim=-1), {}),
    Peer("layer_norm", lambda x, w, b, eps: F.layer_norm(x, x.shape, w, b, float(eps)), {"eps": _number(1e-5)}),
    Peer("rms_norm", lambda x, w, eps: F.rms_norm(x, x.shape, w, float(eps)), {"eps": _number(1e-5)}),
    Peer("attention", F.scaled_dot_product_attention, {}),
)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("peer", PEERS, ids=str)
def test_value_and_derivatives_are_those_of_torch(peer: Peer, backend: str) -> None:
    derivation = importlib.import_module(f"closedform.derivations.{peer.derivation}").derivation
    module = importlib.import_module(f"closedform.numeric.{backend}.{peer.derivation}")
    generator = torch.Generator().manual_seed(3)
    inputs = {
        given.name: peer.special[given.name](generator)
        if given.name in peer.special
        else torch.randn([SIZES[dim.name] for dim in given.dims], generator=generator, dtype=torch.float64)
        for given in derivation.given
    }
    for function in kernel_functions(derivation):
        if function.kind in ("value", "gradient", "vjp", "hvp"):
            shapes = {
                **{name: value.shape for name, value in inputs.items()},
                derivation.output.name: peer.function(*inputs.values()).shape,
            }
            extra = tuple(
                torch.randn([SIZES[dim.name] for dim in item.dims], generator=generator, dtype=torch.float64) for item in function.extra
            )
            expected = by_torch(peer, function, inputs, extra)
            got = call(module, function, (*inputs.values(), *extra))
            assert got.shape == expected.shape, shapes
            bound = 2 * bound_at(derivation, function, as_inputs(derivation, function, inputs, extra), "float64")
            assert np.all(np.abs(got - expected.numpy()) <= bound), (function.name, got, expected)


def by_torch(peer: Peer, function: KernelFunction, inputs: dict[str, Tensor], extra: tuple[Tensor, ...]) -> Tensor:
    """The value of torch's function, or what its autograd makes of it."""
    if function.wrt is None:
        return peer.function(*inputs.values())
    name = function.wrt.name
    x = inputs[name].clone().requires_grad_()
    output = peer.function(*(x if other == name else value for other, value in inputs.items()))
    if function.kind == "vjp":
        return torch.autograd.grad(output, x, extra[0])[0]
    upstream = extra[0] if len(extra) == 2 else torch.ones_like(output)
    (first,) = torch.autograd.grad(output, x, upstream, create_graph=function.kind == "hvp")
    return first if function.kind == "gradient" else torch.autograd.grad(first, x, extra[-1])[0]


def call(module: ModuleType, function: KernelFunction, arguments: tuple[Tensor, ...]) -> np.ndarray:
    kernel = getattr(module, function.name)
    if module.__name__.split(".")[-2] == "torch":
        return np.asarray(kernel(*arguments).numpy())
    return np.asarray(kernel(*(x.numpy() if x.ndim else float(x) for x in arguments)))


def as_inputs(derivation: Derivation, function: KernelFunction, inputs: dict[str, Tensor], extra: tuple[Tensor, ...]) -> Inputs:
    values = {name: _probabilities(value).numpy() for name, value in inputs.items()}
    values |= {item.name: value.numpy() for item, value in zip(function.extra, extra, strict=True)}
    dims: list[Dim] = [dim for item in (*derivation.given, *function.extra) for dim in item.dims]
    return Inputs(Recipe((), (), ()), {dim: SIZES[dim.name] for dim in dims}, values, {})


def _probabilities(labels: Tensor) -> Tensor:
    return labels if labels.is_floating_point() else F.one_hot(labels, SIZES["C"]).double()


# -- where torch's definition has an edge --------------------------------------------------------


def kernels(name: str) -> Any:
    return importlib.import_module(f"closedform.numeric.torch.{name}")


def test_a_class_of_weight_zero_is_left_out_of_the_mean() -> None:
    z, y, w = torch.randn(4, 3, dtype=torch.float64), torch.tensor([0, 1, 2, 0]), torch.tensor([0.0, 2.0, 1.0], dtype=torch.float64)
    found = kernels("class_weights").value(z, y, w)
    torch.testing.assert_close(found, F.cross_entropy(z, y, weight=w))
    torch.testing.assert_close(found, kernels("class_weights").value(z[1:3], y[1:3], w))


def test_huber_takes_the_square_on_the_threshold() -> None:
    r, zero = torch.tensor([[1.0, -1.0, 0.5]], requires_grad=True), torch.zeros(1, 3)
    loss = F.huber_loss(r, zero, delta=1.0)
    (gradient,) = torch.autograd.grad(loss, r)
    assert torch.equal(kernels("huber").value(r.detach(), zero, 1.0), loss.detach())
    torch.testing.assert_close(kernels("huber").gradient(r.detach(), zero, 1.0), gradient)


def test_attention_maps_over_batch_and_heads() -> None:
    Q, K, V = (torch.randn(2, 3, *shape, dtype=torch.float64) for shape in ((4, 5), (7, 5), (7, 2)))
    torch.testing.assert_close(kernels("attention").value(Q, K, V), F.scaled_dot_product_attention(Q, K, V))


@pytest.mark.parametrize("ignore_index", [-100, 2])
def test_an_ignore_index_is_a_mask(ignore_index: int) -> None:
    z, v = torch.randn(2, 6, 4, dtype=torch.float64)
    target = torch.tensor([ignore_index, 1, 0, ignore_index, 3, 3])
    kept = target != ignore_index
    arguments = (z, torch.where(kept, target, 0), kept.double())
    x = z.clone().requires_grad_()
    loss = F.cross_entropy(x, target, ignore_index=ignore_index)
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    (product,) = torch.autograd.grad(gradient, x, v)
    ours = kernels("ignored_labels")
    torch.testing.assert_close(ours.value(*arguments), loss.detach())
    torch.testing.assert_close(ours.gradient(*arguments), gradient.detach())
    torch.testing.assert_close(ours.hvp(*arguments, v), product)


@pytest.mark.parametrize("labels", [torch.tensor([0, 1, 2]), torch.full((3, 4), 0.25)], ids=["classes", "probabilities"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_without_any_label_the_loss_is_nan_and_its_derivatives_are_0(backend: str, labels: Tensor) -> None:
    z, v, none = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4), torch.zeros(3)
    loss = _ignoring(z, torch.tensor([0, 1, 2]), none)  # torch ignores class indices only
    (gradient,) = torch.autograd.grad(loss, z, create_graph=True)
    (product,) = torch.autograd.grad(gradient, z, v)
    assert math.isnan(loss.detach())
    derivation = importlib.import_module("closedform.derivations.ignored_labels").derivation
    module = importlib.import_module(f"closedform.numeric.{backend}.ignored_labels")
    expected = {"gradient": gradient.detach(), "hvp": product}
    for function in kernel_functions(derivation):
        arguments = (z.detach(), labels, none, *(v for _ in function.extra))
        if function.kind == "value":
            with np.errstate(invalid="ignore"):
                assert math.isnan(call(module, function, arguments))
        else:
            with np.errstate(all="raise"):
                got = call(module, function, arguments)
            np.testing.assert_array_equal(got, expected.get(function.kind, torch.zeros(got.shape)).numpy())


def test_one_of_many_batches_may_have_no_label() -> None:
    z, y, m = torch.randn(2, 3, 4), torch.tensor([[0, 1, 2], [3, 2, 1]]), torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    found = torch.func.vmap(kernels("ignored_labels").gradient)(z, y, m)
    torch.testing.assert_close(found, torch.stack([kernels("ignored_labels").gradient(*each) for each in zip(z, y, m, strict=True)]))
    assert torch.equal(found[1], torch.zeros(3, 4))


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_any_weight_neither_the_loss_nor_its_derivatives_exist(backend: str) -> None:
    z, v = torch.randn(2, 3, 4, dtype=torch.float64)
    y, w = torch.tensor([0, 1, 0]), torch.tensor([0.0, 0.0, 1.0, 2.0], dtype=torch.float64)
    x = z.clone().requires_grad_()
    loss = F.cross_entropy(x, y, weight=w)
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    (product,) = torch.autograd.grad(gradient, x, v)
    assert all(each.isnan().all() for each in (loss, gradient, product))
    derivation = importlib.import_module("closedform.derivations.class_weights").derivation
    module = importlib.import_module(f"closedform.numeric.{backend}.class_weights")
    for function in kernel_functions(derivation):
        if function.kind in ("value", "gradient", "hvp"):
            with np.errstate(invalid="ignore"):
                assert np.isnan(call(module, function, (z, y, w, *(v for _ in function.extra)))).all()


def test_a_distance_of_zero_has_no_gradient_where_torch_has_0() -> None:
    z, y = torch.zeros(1, 3, requires_grad=True), torch.zeros(1, 3)
    loss = F.pairwise_distance(z, y, eps=0.0).mean()
    assert torch.equal(torch.autograd.grad(loss, z)[0], torch.zeros(1, 3))
    assert torch.equal(kernels("euclidean_distance").value(z.detach(), y), loss.detach())
    assert kernels("euclidean_distance").gradient(z.detach(), y).isnan().all()
