"""What is computed: the losses, their sizes, and inputs that every contender gets alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

DIRECTIONS = 16  # of a product with several directions at once

VALUE = "value"
GRADIENT = "gradient"
HVP = "Hessian times one direction"
HVPS = f"Hessian times {DIRECTIONS} directions"
DIAGONAL = "Hessian diagonal"
TRACE = "Hessian trace"
HESSIAN = "Hessian"
QUANTITIES = (VALUE, GRADIENT, HVP, HVPS, DIAGONAL, TRACE, HESSIAN)


def _normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _labels(B: int, C: int) -> torch.Tensor:
    return torch.randint(C, (B,), generator=torch.Generator().manual_seed(9))


@dataclass(frozen=True)
class Linear:
    """Cross-entropy of a linear head, L(W) with logits z = e W': derivatives with respect to W."""

    name: str
    B: int
    d: int
    C: int
    W: torch.Tensor = field(init=False, repr=False)  # (C, d)
    e: torch.Tensor = field(init=False, repr=False)  # (B, d)
    y: torch.Tensor = field(init=False, repr=False)  # (B,) class indices
    V: torch.Tensor = field(init=False, repr=False)  # (C, d)

    def __post_init__(self) -> None:
        # Rows of W have length 1, so the logits are about as large as a feature, as in a network at the start of training.
        for name, x in (
            ("W", _normal(1, self.C, self.d) / self.d**0.5),
            ("e", _normal(2, self.B, self.d)),
            ("y", _labels(self.B, self.C)),
            ("V", _normal(3, self.C, self.d)),
        ):
            object.__setattr__(self, name, x)

    @cached_property
    def Vs(self) -> torch.Tensor:
        """Several directions, (K, C, d)."""
        return _normal(4, DIRECTIONS, self.C, self.d)

    @property
    def inputs(self) -> tuple[torch.Tensor, ...]:
        return self.W, self.e, self.y

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(x.numpy() for x in self.inputs)

    def __str__(self) -> str:
        return f"{self.name}: (B, d, C) = ({self.B}, {self.d}, {self.C})"


@dataclass(frozen=True)
class Logits:
    """Cross-entropy of logits, L(z): derivatives with respect to z, into an array that exists."""

    name: str
    B: int
    C: int
    z: torch.Tensor = field(init=False, repr=False)  # (B, C)
    y: torch.Tensor = field(init=False, repr=False)  # (B,) class indices
    v: torch.Tensor = field(init=False, repr=False)  # (B, C)
    out: torch.Tensor = field(init=False, repr=False)  # (B, C)

    def __post_init__(self) -> None:
        shape = self.B, self.C
        for name, x in (("z", _normal(1, *shape)), ("y", _labels(*shape)), ("v", _normal(3, *shape)), ("out", torch.zeros(shape))):
            object.__setattr__(self, name, x)

    @property
    def inputs(self) -> tuple[torch.Tensor, ...]:
        return self.z, self.y

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(x.numpy() for x in self.inputs)

    def __str__(self) -> str:
        return f"{self.name}: (B, C) = ({self.B}, {self.C})"


Problem = Linear | Logits

# Name -> constructor; made when needed, as the larger ones take half a gigabyte.
SIZES: dict[str, Callable[[], Problem]] = {
    "S": lambda: Linear("S", 128, 64, 10),
    "M": lambda: Linear("M", 512, 256, 100),
    "L": lambda: Linear("L", 1024, 768, 1000),
    "Z1": lambda: Logits("Z1", 4096, 1000),
    "Z2": lambda: Logits("Z2", 1024, 32000),
}
QUICK = ("S", "M")
DENSE = ("S",)  # where a whole Hessian fits: at M it has 655 million entries
