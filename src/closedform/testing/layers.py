"""A kernel between other layers: the derivation and the callable changed alike, in ways that round nothing.

    contracted   L' = sum_k g_k f_k        a function of tensors as a loss, so that it has a second derivative
    composed     z = t^T / 2               before it, a layer that transposes and halves
                 L' = L^2 / 2              after a loss, one whose upstream gradient is L
                 L' = sum_k g^T_k f_k      after a tensor, one whose upstream gradient is transposed

All of it is stated in notation and differentiated by the oracles with the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sympy import Expr, Symbol

from closedform.notation import Derivation, Given, Index, Let, NamedTensor, indices, scalar, summation, tensor

Kernel = Callable[..., Any]


def contracted(derivation: Derivation) -> tuple[Derivation, Callable[[Kernel], Kernel]]:
    """The function of tensors summed up with weights, and how a callable becomes that loss."""
    return _contracted(derivation, transposed=False)


def _contracted(derivation: Derivation, *, transposed: bool) -> tuple[Derivation, Callable[[Kernel], Kernel]]:
    output = derivation.computed
    assert isinstance(output, NamedTensor)
    at = fresh_indices(output, "k")
    weights = tensor(fresh_name(derivation, "g"), *_turned(output.dims, transposed))
    total = scalar(fresh_name(derivation, "S"))
    given = (*derivation.given, Given(weights, "upstream gradient"))
    lets = (*derivation.lets, Let(total, summation(weights[_turned(at, transposed)] * output[at], *at)))

    def loss(kernel: Kernel) -> Kernel:
        return lambda *arguments: ((turned(arguments[-1]) if transposed else arguments[-1]) * kernel(*arguments[:-1])).sum()

    return replace(derivation, given=given, lets=lets, output=total, batch=None, claims=()), loss


def composed(derivation: Derivation, variable: NamedTensor | Symbol) -> tuple[Derivation, Callable[[Kernel], Kernel]]:
    """The function between two layers, as a function of what enters the first in place of ``variable``."""
    if isinstance(derivation.computed, NamedTensor):
        outer, close = _contracted(derivation, transposed=True)
    else:
        outer, close = _halved_square(derivation)
    place = [item.name for item in derivation.given].index(variable.name)
    name = fresh_name(outer, "t")
    before: NamedTensor | Symbol
    head: Expr
    body: Expr
    if isinstance(variable, NamedTensor):
        at = fresh_indices(variable, "i")
        before = tensor(name, *_turned(variable.dims, True))
        head, body = variable[at], before[_turned(at, True)] / 2
    else:
        before = scalar(name)
        head, body = variable, before / 2
    given = tuple(replace(item, symbol=before, where=()) if item.symbol == variable else item for item in outer.given)
    lets = (Let(head, body), *outer.lets)

    def between(kernel: Kernel) -> Kernel:
        inner = close(kernel)
        return lambda *arguments: inner(*arguments[:place], turned(arguments[place]) / 2, *arguments[place + 1 :])

    return replace(outer, given=given, lets=lets, wrt=(before,)), between


def _halved_square(derivation: Derivation) -> tuple[Derivation, Callable[[Kernel], Kernel]]:
    loss, square = derivation.computed, scalar(fresh_name(derivation, "S"))
    lets = (*derivation.lets, Let(square, loss**2 / 2))
    return replace(
        derivation, lets=lets, output=square, batch=None, claims=()
    ), lambda kernel: lambda *arguments: kernel(*arguments) ** 2 / 2


def turned(x: Any) -> Any:
    """The axes in the other order."""
    return x.permute(*reversed(range(x.ndim))) if hasattr(x, "permute") else x.transpose()


def _turned(items: tuple[Any, ...], transposed: bool) -> tuple[Any, ...]:
    return tuple(reversed(items)) if transposed else items


def fresh_name(derivation: Derivation, name: str) -> str:
    """``name``, or with a number where the derivation has it."""
    taken = {*derivation.setting.symbols(), *(dim.name for dim in derivation.setting.dims)}
    return next(candidate for candidate in (name, *(f"{name}{n}" for n in range(1, 1000))) if candidate not in taken)


def fresh_indices(symbol: NamedTensor, name: str) -> tuple[Index, ...]:
    """An index of its own for each axis."""
    return tuple(indices(f"{name}_{k}", dim)[0] for k, dim in enumerate(symbol.dims))
