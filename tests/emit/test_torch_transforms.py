"""Generated torch kernels under torch.func, and in half precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from kernel_cases import function_names
from torch import Tensor
from torch.autograd import forward_ad
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap

from closedform.numeric.torch import cross_entropy, linear_cross_entropy, linear_mse, mse, softmax

G = torch.Generator().manual_seed(0)
B, D, C = 5, 3, 4


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=G, dtype=torch.float64)


z, v, W, V, e = randn(B, C), randn(B, C), randn(C, D), randn(C, D), randn(B, D)
hard = torch.randint(0, C, (B,), generator=G)
soft = torch.softmax(randn(B, C), -1)
labels = pytest.mark.parametrize("y", [hard, soft], ids=["classes", "probabilities"])


@labels
def test_derivatives_of_the_value_are_the_other_kernels(y: Tensor) -> None:
    torch.testing.assert_close(grad(cross_entropy.value)(z, y), cross_entropy.gradient(z, y))
    torch.testing.assert_close(jvp(lambda z: cross_entropy.gradient(z, y), (z,), (v,))[1], cross_entropy.hvp(z, y, v))
    blocks = torch.stack([hessian(cross_entropy.value)(z, y)[b, :, b] for b in range(B)])
    torch.testing.assert_close(blocks, cross_entropy.hessian(z, y))
    torch.testing.assert_close(jacrev(linear_cross_entropy.gradient_W)(W, e, y), linear_cross_entropy.hessian_W(W, e, y))
    torch.testing.assert_close(jacfwd(linear_cross_entropy.gradient_W)(W, e, y), linear_cross_entropy.hessian_W(W, e, y))
    torch.testing.assert_close(jacfwd(softmax.value)(z[0]), softmax.jacobian(z[0]))


@labels
def test_third_derivatives_agree(y: Tensor) -> None:
    found = jacrev(cross_entropy.hessian)(z, y)
    torch.testing.assert_close(found, jacfwd(cross_entropy.hessian)(z, y))
    reference = jacrev(hessian(torch.nn.functional.cross_entropy))(z, y)
    torch.testing.assert_close(found, torch.stack([reference[b, :, b] for b in range(B)]))


@labels
def test_dual_numbers_of_forward_mode_are_followed(y: Tensor) -> None:
    for name, further in (("gradient_W", ()), ("hessian_W", ()), ("hvp_W", (V,)), ("hessian_diagonal_W", ())):
        kernel = getattr(linear_cross_entropy, name)
        with forward_ad.dual_level():
            tangent = forward_ad.unpack_dual(kernel(forward_ad.make_dual(W, V), e, y, *further)).tangent
        torch.testing.assert_close(tangent, jvp(lambda W, kernel=kernel, further=further: kernel(W, e, y, *further), (W,), (V,))[1])


KERNELS: list[tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = [
    *((getattr(softmax, name), (z, v)[: 1 + (name in ("jvp", "vjp"))]) for name in function_names(softmax)),
    *((getattr(cross_entropy, name), (z, y, v)[: 2 + (name == "hvp")]) for name in function_names(cross_entropy) for y in (hard, soft)),
    *((getattr(mse, name), (z, v, v)[: 2 + (name == "hvp")]) for name in function_names(mse)),
    *(
        (getattr(module, name), (W, e, y, V if name == "hvp_W" else e)[: 3 + name.startswith("hvp")])
        for module, ys in ((linear_cross_entropy, (hard, soft)), (linear_mse, (v,)))
        for name in function_names(module)
        for y in ys
    ),
]


def named(item: object) -> str:
    return f"{item.__module__.rpartition('.')[2]}.{item.__name__}" if callable(item) and hasattr(item, "__name__") else ""


@pytest.mark.parametrize(("kernel", "arguments"), KERNELS, ids=named)
def test_vmap_is_the_loop(kernel: Callable[..., Tensor], arguments: tuple[Tensor, ...]) -> None:
    first = torch.stack([arguments[0], arguments[0].flip(0), 2 * arguments[0]])
    looped = torch.stack([kernel(x, *arguments[1:]) for x in first])
    torch.testing.assert_close(vmap(lambda x: kernel(x, *arguments[1:]))(first), looped)
    last = torch.stack([arguments[-1], arguments[-1]])
    torch.testing.assert_close(vmap(lambda x: kernel(*arguments[:-1], x))(last)[1], kernel(*arguments))


# Probabilities that are rounded to half precision do not sum to one in float32, so only class indices compare.
EXACT = [(kernel, arguments) for kernel, arguments in KERNELS if not any(x is soft for x in arguments)]


@pytest.mark.parametrize(("kernel", "arguments"), EXACT, ids=named)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_float32_rounded_once(kernel: Callable[..., Tensor], arguments: tuple[Tensor, ...], dtype: torch.dtype) -> None:
    rounded = tuple(x.to(dtype) if x.is_floating_point() else x for x in arguments)
    wide = tuple(x.float() if x.is_floating_point() else x for x in rounded)
    found = kernel(*rounded)
    assert found.dtype == dtype
    torch.testing.assert_close(found, kernel(*wide).to(dtype), rtol=0, atol=0)


@labels
def test_probabilities_in_half_precision_are_accepted(y: Tensor) -> None:
    for dtype in (torch.float16, torch.bfloat16):
        half = y.to(dtype) if y.is_floating_point() else y
        found = cross_entropy.gradient(z.to(dtype), half)
        torch.testing.assert_close(found.double(), cross_entropy.gradient(z, y), rtol=0.05, atol=0.01)
