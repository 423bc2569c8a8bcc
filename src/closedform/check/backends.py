"""Calling a kernel: arrays of its library in the memory layout asked for, and what its contract says.

The contract: the result has the shape, dtype and device that the inputs say, the inputs are left as they
were, their strides too, and a second call gives the same bits. How the result lies in memory is free: gradients of
torch's own are expanded or transposed tensors at times.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from closedform.check.inputs import Inputs
from closedform.errors import UsageError
from closedform.functions import KernelFunction
from closedform.notation import Derivation, Given

BACKENDS = ("numpy", "torch")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a call gave: the result as float64, and in ``violation`` how it broke the contract ('' if it did not).

    ``written`` is what a second call left in the argument ``out``, where the kernel takes one.
    """

    result: np.ndarray
    violation: str = ""
    written: np.ndarray | None = None


class NumpyLibrary:
    """NumPy arrays."""

    name = "numpy"

    def scope(self) -> AbstractContextManager[Any]:
        """Entered around the calls; kernels may overflow on purpose."""
        return np.errstate(all="ignore")

    def array(self, values: np.ndarray, dtype: str, layout: str, device: str) -> Any:
        """The values as an array of that layout."""
        values = values.astype(dtype)
        if not values.ndim or layout == "contiguous":
            return values
        if layout == "transposed":
            return np.asfortranarray(values)
        if layout == "broadcast" and len(values) and _repeats(values):
            return np.broadcast_to(values[:1], values.shape)
        buffer = np.full([2 * n for n in values.shape], _garbage(values.dtype), values.dtype)
        view = buffer[tuple(slice(None, None, 2) for _ in values.shape)]
        view[...] = values
        return view

    def numbers(self, result: Any) -> np.ndarray:
        """Back to float64."""
        return np.asarray(result, dtype=np.float64)

    def described(self, result: Any, device: str) -> tuple[str, str]:
        """Dtype and device of a result."""
        return str(np.asarray(result).dtype), "cpu"

    def layout(self, array: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shape and strides."""
        return array.shape, array.strides


class TorchLibrary:
    """torch tensors on a device."""

    name = "torch"

    def __init__(self) -> None:
        import torch

        self.torch = torch

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Entered around the calls: one thread, as waking a second one costs more than these small arrays."""
        threads = self.torch.get_num_threads()
        self.torch.set_num_threads(1)
        try:
            yield
        finally:
            self.torch.set_num_threads(threads)

    def array(self, values: np.ndarray, dtype: str, layout: str, device: str) -> Any:
        """The values as a tensor of that layout."""
        tensor = self.torch.tensor(np.array(values, order="C")).to(device=device, dtype=getattr(self.torch, dtype))
        if not values.ndim or layout == "contiguous":
            return tensor
        if layout == "transposed":
            order = tuple(reversed(range(values.ndim)))
            return tensor.permute(order).contiguous().permute(order)
        if layout == "broadcast" and len(values) and _repeats(values):
            return tensor[:1].expand(tensor.shape)
        garbage = _garbage(np.dtype(np.int64 if values.dtype.kind == "i" else np.float64))
        buffer = self.torch.full([2 * n for n in values.shape], garbage, dtype=tensor.dtype, device=device)
        view = buffer[tuple(slice(None, None, 2) for _ in values.shape)]
        view.copy_(tensor)
        return view

    def numbers(self, result: Any) -> np.ndarray:
        """Back to float64."""
        if not isinstance(result, self.torch.Tensor):
            return np.asarray(result, dtype=np.float64)
        return np.asarray(result.detach().to("cpu", self.torch.float64).numpy())

    def described(self, result: Any, device: str) -> tuple[str, str]:
        """Dtype and device of a result."""
        if not isinstance(result, self.torch.Tensor):
            return type(result).__name__, "cpu"
        return str(result.dtype).removeprefix("torch."), result.device.type

    def layout(self, array: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shape and strides."""
        return tuple(array.shape), array.stride()


Library = NumpyLibrary | TorchLibrary


def library(backend: str) -> Library:
    """The library of a backend's name."""
    if backend == "numpy":
        return NumpyLibrary()
    if backend == "torch":
        return TorchLibrary()
    raise UsageError(f"unknown backend {backend!r}; kernels are checked for {' and '.join(BACKENDS)}")


def kernel_of(module: Any, name: str, derivation: Derivation) -> Callable[..., Any]:
    """A function of a kernel module; ``operator.method``: a method of the operator that a function makes from the givens."""
    maker, _, method = name.partition(".")
    if not hasattr(module, maker):
        raise UsageError(f"the kernel module {getattr(module, '__name__', module)!r} has no function {maker}")
    function: Callable[..., Any] = getattr(module, maker)
    if not method:
        return function
    count = len(derivation.given)

    def called(*arguments: Any, out: Any = None) -> Any:
        keywords = {} if out is None else {"out": out}
        return getattr(function(*arguments[:count]), method)(*arguments[count:], **keywords)

    return called


def call(
    kernel: Callable[..., Any],
    derivation: Derivation,
    function: KernelFunction,
    inputs: Inputs,
    library: Library,
    dtype: str,
    device: str = "cpu",
    *,
    contiguous: bool = False,
) -> Outcome:
    """Call a kernel on inputs, and look at everything that it promises but the values."""
    shape = inputs.recipe.leading + tuple(inputs.sizes[index.dim] for index in function.axes)
    given = (*derivation.given, *function.extra)
    arguments = {}
    for item in given:
        layout = "contiguous" if contiguous else inputs.layout(item.name)
        is_label = item.name in inputs.classes
        values = inputs.classes[item.name] if is_label else inputs.values[item.name]
        arguments[item.name] = library.array(values, "int64" if is_label else dtype, layout, device)
    before = {name: (library.numbers(array).copy(), library.layout(array)) for name, array in arguments.items()}
    try:
        result = kernel(*arguments.values())
        again = kernel(*arguments.values())
        written = _written(kernel, arguments, function, inputs, library, dtype, device)
    except Exception as error:  # a kernel under test may raise anything, and that is a finding
        return Outcome(np.full(shape, np.nan), f"it raised {type(error).__name__}: {error}{_advice(error, given, inputs)}")
    numbers = library.numbers(result)
    violation = _violation(library, arguments, before, result, numbers, library.numbers(again), shape, dtype, device)
    return Outcome(numbers if numbers.shape == shape else np.full(shape, np.nan), violation, written)


def _advice(error: Exception, given: Sequence[Given], inputs: Inputs) -> str:
    """What may be missing where a kernel fails on inputs that it is not meant for."""
    if type(error).__name__.endswith("LinAlgError"):
        return "; if no singular matrix is meant, state that with InvertibleMatrix(...) in the derivation"
    if isinstance(error, IndexError) and not inputs.classes and any(item.classes for item in given):
        return '; if it takes class indices only, not probabilities, say labels="classes"'
    return ""


def _written(
    kernel: Callable[..., Any],
    arguments: dict[str, Any],
    function: KernelFunction,
    inputs: Inputs,
    library: Library,
    dtype: str,
    device: str,
) -> np.ndarray | None:
    """What a kernel that takes ``out`` leaves in it: an array of NaN in the layout of the first argument."""
    if not function.axes or "out" not in inspect.signature(kernel).parameters:
        return None
    shape = inputs.recipe.leading + tuple(inputs.sizes[index.dim] for index in function.axes)
    layout = inputs.layout(next(iter(arguments)))
    out = library.array(np.full(shape, np.nan), dtype, "contiguous" if layout == "broadcast" else layout, device)
    kernel(*arguments.values(), out=out)
    return library.numbers(out)


def _violation(
    library: Library,
    arguments: dict[str, Any],
    before: dict[str, tuple[np.ndarray, Any]],
    result: Any,
    numbers: np.ndarray,
    again: np.ndarray,
    shape: tuple[int, ...],
    dtype: str,
    device: str,
) -> str:
    for name, array in arguments.items():
        values, layout = before[name]
        if library.layout(array) != layout:
            return f"it changed its input {name}: its shape and strides were {layout}, and are {library.layout(array)} after the call"
        if not np.array_equal(values, library.numbers(array), equal_nan=True):
            return f"it overwrote its input {name}"
    if numbers.shape != shape:
        return f"it returned the shape {numbers.shape}; expected {shape}"
    kind, place = library.described(result, device)
    if kind != dtype:
        return f"it returned {kind} for inputs of {dtype}; results are in the dtype of the inputs"
    if place != device.split(":")[0]:
        return f"it returned a result on {place} for inputs on {device}"
    if not np.array_equal(numbers, again, equal_nan=True):
        return "a second call on the same inputs gave other values"
    return ""


def _repeats(values: np.ndarray) -> bool:
    return bool(np.all(values == values[:1]))


def _garbage(dtype: np.dtype[Any]) -> Any:
    """What lies between the elements of a strided array: NaN, or a label out of range."""
    return np.nan if dtype.kind == "f" else -(10**6)
