"""Mistakes that real kernels shipped with, to plant into a right kernel: a checker earns trust by catching them.

Each fault wraps one kernel function, in either backend, and knows what the failure must say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from closedform.functions import KernelFunction
from closedform.notation import Derivation

Kernel = Callable[..., Any]


@dataclass(frozen=True)
class Site:
    """Where a fault is planted: the function, and how its arguments are called."""

    derivation: Derivation
    function: KernelFunction

    @property
    def names(self) -> list[str]:
        """The arguments in order."""
        return [item.name for item in (*self.derivation.given, *self.function.extra)]

    @property
    def matrix(self) -> bool:
        """Whether the result is a matrix over the last two axes."""
        axes = self.function.axes
        return self.function.kind in ("jacobian", "hessian") and len(axes) >= 2 and axes[-1].dim == axes[-2].dim

    @property
    def extra(self) -> list[int]:
        """Places of the directions and upstream gradients that have axes."""
        start = len(self.derivation.given)
        return [start + k for k, item in enumerate(self.function.extra) if item.dims]

    @property
    def labels(self) -> list[int]:
        """Places of the labels that may be class indices."""
        return [k for k, item in enumerate(self.derivation.given) if item.classes]


@dataclass(frozen=True)
class Fault:
    """A mistake.

    Attributes:
        name: in a few words.
        seen: where it shipped.
        says: a regular expression that the failure's message must match.
        applies: whether it can be made at a site.
        plant: the wrong kernel, made from the right one.
    """

    name: str
    seen: str
    says: str
    applies: Callable[[Site], bool]
    plant: Callable[[Kernel, Site], Kernel]

    @property
    def telling(self) -> bool:
        """Whether the message tells this fault from others, and not only that numbers differ."""
        return self.says != _NUMBERS


def planted(module: Any, site: Site, fault: Fault) -> Any:
    """A module with that one function made wrong."""
    name = site.function.name
    return SimpleNamespace(
        __name__=f"{getattr(module, '__name__', 'kernel')} with {fault.name}", **{name: fault.plant(getattr(module, name), site)}
    )


def _is_torch(x: Any) -> bool:
    return type(x).__module__.partition(".")[0] == "torch"


def _floating(x: Any) -> bool:
    return bool(x.is_floating_point()) if _is_torch(x) else np.asarray(x).dtype.kind == "f"


def _as(x: Any, dtype: str) -> Any:
    if not _is_torch(x):
        return np.asarray(x).astype(dtype)
    import torch

    return x.to(getattr(torch, dtype))


def _dtype(x: Any) -> str:
    return str(x.dtype).removeprefix("torch.")


def _where(condition: Any, a: Any, b: Any) -> Any:
    if not _is_torch(a):
        return np.where(condition, a, np.asarray(b, dtype=a.dtype))
    import torch

    return torch.where(condition, a, torch.as_tensor(b, dtype=a.dtype))


def _copy(x: Any) -> Any:
    return x.clone() if _is_torch(x) else np.array(x)


def _on_result(change: Callable[[Any, tuple[Any, ...]], Any]) -> Callable[[Kernel, Site], Kernel]:
    return lambda kernel, site: lambda *arguments: change(kernel(*arguments), arguments)


def _on_arguments(change: Callable[[list[Any], Site], list[Any]]) -> Callable[[Kernel, Site], Kernel]:
    return lambda kernel, site: lambda *arguments: kernel(*change(list(arguments), site))


def _always(site: Site) -> bool:
    return True


def _has_axes(site: Site) -> bool:
    return bool(site.function.axes)


def _has_extra(site: Site) -> bool:
    return bool(site.extra)


def _has_labels(site: Site) -> bool:
    """The labels matter to the value and the gradient; second derivatives of many losses are free of them."""
    return bool(site.labels) and site.function.kind in ("value", "gradient")


# -- on results -------------------------------------------------------------------------------


def _first_of(arguments: tuple[Any, ...]) -> int:
    return int(arguments[0].shape[0]) if arguments[0].ndim else 1


def _eye_only(result: Any, arguments: tuple[Any, ...]) -> Any:
    eye = _as(np.eye(result.shape[-1]), "float64") if not _is_torch(result) else result.new_ones(result.shape[-1]).diag()
    return result * (eye.astype(result.dtype) if not _is_torch(result) else eye)


def _one_entry(result: Any, arguments: tuple[Any, ...]) -> Any:
    result = _copy(result)
    result[(-1,) * result.ndim] *= 1.01
    return result


def _lane(result: Any, arguments: tuple[Any, ...]) -> Any:
    result = _copy(result)
    if result.shape[-1] % 2 and result.shape[-1] > 1:
        result[..., -1] = 0
    return result


def _flushed(result: Any, arguments: tuple[Any, ...]) -> Any:
    return _where(abs(result) < 1e-3, 0 * result, result)


def _rounded(result: Any, arguments: tuple[Any, ...]) -> Any:
    return _as(_as(result, "float16"), _dtype(result))


def _in_half(result: Any, arguments: tuple[Any, ...]) -> Any:
    return _as(result, "float16")


# -- on arguments -----------------------------------------------------------------------------


def _first_element(arguments: list[Any], site: Site) -> list[Any]:
    for k in site.extra:
        v = arguments[k]
        arguments[k] = 0 * v + v[(0,) * v.ndim] if v.ndim and all(v.shape) else v
    return arguments


def _ignored(arguments: list[Any], site: Site) -> list[Any]:
    for k in site.extra:
        arguments[k] = 0 * arguments[k] + 1
    return arguments


def _contiguous(x: Any) -> Any:
    """The memory behind an array read as if it were contiguous, wrapping around where it is too short."""
    if _is_torch(x):
        import torch

        memory = x.as_strided((x.untyped_storage().nbytes() // x.element_size(),), (1,), 0)
        return memory[torch.arange(x.numel()) % len(memory)].reshape(x.shape)
    owner = x
    while isinstance(getattr(owner, "base", None), np.ndarray):
        owner = owner.base
    memory = owner.ravel(order="K")
    return memory[np.arange(x.size) % len(memory)].reshape(x.shape)


def _in_memory(arguments: list[Any], site: Site) -> list[Any]:
    return [_contiguous(x) for x in arguments]


def _clipped(arguments: list[Any], site: Site) -> list[Any]:
    return [x.clip(-20, 20) if _floating(x) else x for x in arguments]


def _next_label(arguments: list[Any], site: Site) -> list[Any]:
    for k in site.labels:
        if not _floating(arguments[k]):
            classes = next(x.shape[-1] for x in arguments if _floating(x) and x.ndim) if k == 1 else arguments[0].shape[0]
            arguments[k] = (arguments[k] + 1) % classes
    return arguments


def _in_float32(kernel: Kernel, site: Site) -> Kernel:
    def wrong(*arguments: Any) -> Any:
        kind = next(_dtype(x) for x in arguments if _floating(x))
        lowered = [_as(x, "float32") if _floating(x) else x for x in arguments]
        return _as(kernel(*lowered), kind)

    return wrong


def _overwriting(kernel: Kernel, site: Site) -> Kernel:
    def wrong(*arguments: Any) -> Any:
        result = kernel(*[_copy(x) for x in arguments])
        try:
            arguments[0][...] = arguments[0] * 0.5 + 1
        except (ValueError, RuntimeError):
            return result  # memory that several entries share cannot be written to
        return result

    return wrong


def _unsteady(kernel: Kernel, site: Site) -> Kernel:
    calls: list[int] = []

    def wrong(*arguments: Any) -> Any:
        calls.append(1)
        return kernel(*arguments) * (1.0 if len(calls) % 2 else 1.5)

    return wrong


def _times(factor: float) -> Callable[[Kernel, Site], Kernel]:
    return _on_result(lambda result, arguments: result * factor)


# What every failure says that is about numbers.
_NUMBERS = "times the bound"
_RIGHT_SHAPE = "0 where the value is not|0 everywhere"

FAULTS: tuple[Fault, ...] = (
    Fault("the sign reversed", "labels - p for p - y", "the sign is reversed", _always, _times(-1)),
    Fault("scale 1 + 5e-4", "missed by gradcheck", _NUMBERS, _always, _times(1 + 5e-4)),
    Fault("a factor 2", "gradient of the mean squared error", "2 times the value", _always, _times(2)),
    Fault("reduction ignored", "pytorch 10009", _NUMBERS, _has_axes, _on_result(lambda r, a: r * (1 + _first_of(a)))),
    Fault("p constant in the second derivative", "tensorflow 7403", "0 everywhere", _has_axes, _times(0)),
    Fault("off-diagonal dropped", "softmax backward as p (1 - p)", "off the diagonal", lambda s: s.matrix, _on_result(_eye_only)),
    Fault("one wrong entry", "pytorch 59584", _NUMBERS, lambda s: s.matrix, _on_result(_one_entry)),
    Fault("a lane dropped for odd sizes", "pytorch 143644", f"last entry along axis|{_RIGHT_SHAPE}", _has_axes, _on_result(_lane)),
    Fault("small values zeroed", "jax 40344", _RIGHT_SHAPE, _has_axes, _on_result(_flushed)),
    Fault("rounded to half precision", "Liger 1329", _NUMBERS, _always, _on_result(_rounded)),
    Fault("float32 inside float64", "missed by gradcheck", _NUMBERS, _always, _in_float32),
    Fault("upstream ignored", "Liger 968", "it ignores", _has_extra, _on_arguments(_ignored)),
    Fault(
        "one upstream element", "pytorch 94226", "only the first element of . is used|it ignores", _has_extra, _on_arguments(_first_element)
    ),
    Fault("assumes contiguous", "FlagGems 5212", "contiguously in memory", _always, _on_arguments(_in_memory)),
    Fault("a branch at abs(z) > 20", "missed by gradcheck", _NUMBERS, _always, _on_arguments(_clipped)),
    Fault("labels off by one", "pytorch 73205", "one-hot rows instead of class indices", _has_labels, _on_arguments(_next_label)),
    Fault("input overwritten", "Liger 272", "overwrote its input", _always, _overwriting),
    Fault("another result on the second call", "pytorch 152309", "second call", _always, _unsteady),
    Fault("result in another dtype", "pytorch 43228", "results are in the dtype of the inputs", _always, _on_result(_in_half)),
    Fault("keeps a reduced axis", "FlagGems 5212", "it returned the shape", _always, _on_result(lambda r, a: r[None])),
)
