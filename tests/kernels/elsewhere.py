"""A device to try kernels on where there is no GPU: tensors that say they are elsewhere, and are computed with here.

Whatever mixes them with tensors of this machine raises, as on a GPU, unless these have no axes. "meta" is the one device besides the
CPU that every build of torch takes for a tensor's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

ELSEWHERE = "meta"
COPIES = ("copy_", "_to_copy")  # from device to device


class Elsewhere(torch.Tensor):
    """A tensor with the device ELSEWHERE, whose numbers are in ``here``."""

    here: torch.Tensor

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> Elsewhere:
        kind: dict[str, Any] = {"storage_offset": here.storage_offset(), "dtype": here.dtype, "device": ELSEWHERE}
        tensor: Any = torch.Tensor._make_wrapper_subclass(cls, here.size(), here.stride(), **kind)
        tensor.here = here
        return tensor

    def data_ptr(self) -> int:
        """Where the numbers are: kernels ask for it to see whether arrays share memory."""
        return self.here.data_ptr()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        return _run(func, args, kwargs or {})


class Device(TorchDispatchMode):
    """While it is entered, factories make their tensors elsewhere where that is asked for."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    known = {id(x.here): x for x in tensors if isinstance(x, Elsewhere)}
    strangers = [x for x in tensors if x.ndim and not isinstance(x, Elsewhere)]
    if known and strangers and not any(copy in func.__name__ for copy in COPIES):
        raise RuntimeError(f"{func.__name__}: all tensors must be on one device, found {ELSEWHERE} and {strangers[0].device}")
    wanted = kwargs.get("device")
    away = bool(known) if wanted is None else torch.device(wanted).type == ELSEWHERE

    def returned(x: Any) -> Any:
        if not away or not isinstance(x, torch.Tensor):
            return x
        return known[id(x)] if id(x) in known else Elsewhere(x)

    return tree_map(returned, func(*tree_map(_here, tuple(args)), **tree_map(_here, kwargs)))


def _here(x: Any) -> Any:
    if isinstance(x, Elsewhere):
        return x.here
    return torch.device("cpu") if isinstance(x, torch.device) and x.type == ELSEWHERE else x
