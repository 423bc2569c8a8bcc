"""Derivatives of a torch function by its own backward pass, as kernels that take the derivation's arguments in order.

A kernel that is wrapped here is called on leaves that share memory with the arguments, so a function that overwrites
its inputs is seen to, and memory layouts reach it as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from closedform.errors import ClosedformError

Kernel = Callable[..., Any]


class BackwardError(ClosedformError):
    """A backward pass does not do what every backward pass has to."""


def with_leaves(function: Kernel) -> Kernel:
    """The value, where every floating-point input requires a gradient."""

    def kernel(*arguments: Any) -> Any:
        return function(*map(_leaf, arguments)).detach()

    return kernel


def vjp(function: Kernel, place: int) -> Kernel:
    """The backward pass for the upstream gradient that comes as last argument, taken twice."""

    def kernel(*arguments: Any) -> Any:
        import torch

        *given, upstream = arguments
        x, output = _recorded(function, given, place)
        before = x.detach().clone()
        first = _backward(output, x, upstream, retain_graph=True).clone()
        second = _backward(output, x, upstream)
        # Where the input was overwritten that is what is wrong, and is seen by who calls.
        if not torch.equal(first.nan_to_num(), second.nan_to_num()) and torch.equal(before, x):
            raise BackwardError("a second backward pass through the same graph gave other values")
        return first

    return kernel


def jvp(function: Kernel, place: int) -> Kernel:
    """The backward pass, which is linear in the upstream gradient, differentiated by it along the last argument."""

    def kernel(*arguments: Any) -> Any:
        import torch

        *given, direction = arguments
        x, output = _recorded(function, given, place)
        upstream = torch.zeros_like(output).requires_grad_()
        first = _backward(output, x, upstream, create_graph=True)
        return _backward(first, upstream, direction)

    return kernel


def gradient(function: Kernel, place: int) -> Kernel:
    """The backward pass of a loss, where every floating-point input requires a gradient."""

    def kernel(*arguments: Any) -> Any:
        leaves = [*map(_leaf, arguments)]
        return _backward(function(*leaves), leaves[place], None)

    return kernel


def hvp(function: Kernel, place: int) -> Kernel:
    """The backward pass of the backward pass of a loss, along the last argument."""
    return mixed(function, place, place)


def mixed(function: Kernel, rows: int, columns: int) -> Kernel:
    """d/dw of the product of dL/dx with the last argument; w is argument number ``rows``, x ``columns``."""

    def kernel(*arguments: Any) -> Any:
        *given, direction = arguments
        leaves = [_leaf(x) if k in (rows, columns) else x for k, x in enumerate(given)]
        first = _backward(function(*leaves), leaves[columns], None, create_graph=True)
        return _backward(first, leaves[rows], direction)

    return kernel


def _recorded(function: Kernel, given: list[Any], place: int) -> tuple[Any, Any]:
    x = _leaf(given[place])
    return x, function(*given[:place], x, *given[place + 1 :])


def _leaf(x: Any) -> Any:
    return x.detach().requires_grad_() if x.is_floating_point() else x


def _backward(output: Any, x: Any, upstream: Any, **options: bool) -> Any:
    """One gradient; zeros where the output does not depend on x, as torch has it when asked to."""
    import torch

    if not output.requires_grad:
        return torch.zeros_like(x)
    (found,) = torch.autograd.grad(output, x, upstream, materialize_grads=True, **options)
    return found
