"""Generated torch kernels compiled whole, and under nested transforms: nothing in them asks for the value of a tensor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from test_torch_transforms import KERNELS, B, C, e, hard, named, soft, v, z
from torch import Tensor
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap

from closedform.numeric.torch import cross_entropy, linear_cross_entropy, softmax

# Each function once: of those that take labels, with class indices.
ONCE = [(kernel, arguments) for kernel, arguments in KERNELS if not any(x is soft for x in arguments)]


@pytest.mark.parametrize(("kernel", "arguments"), ONCE, ids=named)
def test_traced_as_one_graph(kernel: Callable[..., Tensor], arguments: tuple[Tensor, ...]) -> None:
    compiled = torch.compile(kernel, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*arguments), kernel(*arguments))


def test_compiled_into_out() -> None:
    out = torch.empty(B, C, dtype=z.dtype)
    compiled = torch.compile(cross_entropy.hvp, fullgraph=True, backend="aot_eager")
    assert compiled(z, hard, v, out=out) is out
    torch.testing.assert_close(out, cross_entropy.hvp(z, hard, v))


def test_compiled_derivatives_of_the_value() -> None:
    compiled = torch.compile(grad(cross_entropy.value), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(z, hard), cross_entropy.gradient(z, hard))


def test_labels_may_be_mapped_over() -> None:
    Z, Y = torch.stack([z, z.flip(1)]), torch.stack([hard, hard.flip(0)])
    for kernel in (cross_entropy.value, cross_entropy.gradient, cross_entropy.hessian):
        torch.testing.assert_close(vmap(kernel)(Z, Y), torch.stack([kernel(a, b) for a, b in zip(Z, Y, strict=True)]))
        torch.testing.assert_close(vmap(kernel, (None, 0))(z, Y), torch.stack([kernel(z, b) for b in Y]))


def test_hessian_of_each_sample_by_vmap() -> None:
    one = vmap(hessian(lambda z, y: cross_entropy.value(z[None], y[None])))(z, hard)
    torch.testing.assert_close(one / B, cross_entropy.hessian(z, hard))


def test_products_are_linear_and_symmetric_under_forward_and_reverse_mode() -> None:
    W = torch.randn(C, e.shape[1], dtype=z.dtype)
    U, V = torch.randn(2, *W.shape, dtype=z.dtype)
    product = linear_cross_entropy.hvp_W
    torch.testing.assert_close(jvp(lambda V: product(W, e, hard, V), (U,), (V,))[1], product(W, e, hard, V))
    forward = jacfwd(lambda W: product(W, e, hard, V))(W)
    torch.testing.assert_close(forward, jacrev(lambda W: product(W, e, hard, V))(W))
    # the third derivative is symmetric: along U then V as along V then U
    torch.testing.assert_close(
        torch.tensordot(forward, U), torch.tensordot(jacfwd(lambda W: product(W, e, hard, U))(W), V), rtol=1e-9, atol=1e-11
    )


def test_second_derivatives_of_softmax_of_every_kind_of_mode() -> None:
    ways = [first(second(softmax.value)) for first in (jacfwd, jacrev) for second in (jacfwd, jacrev)]
    want = jacfwd(softmax.jacobian)(z[0])
    for way in ways:
        torch.testing.assert_close(way(z[0]), want)


def test_range_of_labels_is_checked_where_values_can_be_read() -> None:
    wrong = torch.full_like(hard, C)
    with pytest.raises(ValueError, match="class indices from 0 to 3"):
        cross_entropy.gradient(z, wrong)
    with pytest.raises(ValueError, match="class indices from 0 to 3"):
        grad(cross_entropy.value)(z, wrong)
