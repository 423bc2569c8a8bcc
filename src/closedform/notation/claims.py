"""Claims, and derivations: the entries of a catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from closedform.errors import NotationError
from closedform.notation.expressions import free_indices
from closedform.notation.settings import Given, Let, Setting, check_names
from closedform.notation.tensors import Dim, Index, NamedTensor


@dataclass(frozen=True)
class Claim:
    """``lhs = rhs`` for every value of the free indices; the left side usually is a :class:`Partial`."""

    name: str
    lhs: Expr
    rhs: Expr
    title: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lhs", sympy.sympify(self.lhs))
        object.__setattr__(self, "rhs", sympy.sympify(self.rhs))
        extra = free_indices(self.rhs) - free_indices(self.lhs)
        if extra:
            names = ", ".join(sorted(index.name for index in extra))
            raise NotationError(
                f"claim {self.name}: the right side has the free index {names} that the left side lacks; sum over it or add it on the left"
            )

    @property
    def free_indices(self) -> tuple[Index, ...]:
        """The free indices of the left side, by dimension and name."""
        return tuple(sorted(free_indices(self.lhs), key=lambda index: (index.dim.name, index.name)))


@dataclass(frozen=True)
class Derivation:
    """One entry of a catalogue: a definition, its claims, and what kernels are made of it.

    Attributes:
        name: module-safe name, also that of the generated modules.
        title: one line.
        given, lets: see :class:`Setting`.
        output: the let that the kernels compute (a tensor or a scalar loss); None for claims without kernels.
        wrt: the givens to differentiate by.
        batch: the dimension over which samples are independent: Hessians come as one block a sample.
        claims: what the source says, to be proved or refuted.
        source: where the formulas come from.
        about: a paragraph for the docstring and the report.
    """

    name: str
    title: str
    given: tuple[Given, ...]
    lets: tuple[Let, ...]
    output: NamedTensor | Symbol | None = None
    wrt: tuple[NamedTensor | Symbol, ...] = ()
    claims: tuple[Claim, ...] = ()
    batch: Dim | None = None
    source: str = ""
    about: str = ""
    setting: Setting = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise NotationError(f"a derivation's name is lower case letters, digits and _, as it names a module; got {self.name!r}")
        setting = Setting(tuple(self.given), tuple(self.lets))
        object.__setattr__(self, "setting", setting)
        known = setting.symbols()
        if self.output is None and (self.wrt or self.batch is not None):
            raise NotationError(f"derivation {self.name}: wrt and batch are about kernels, which need an output")
        if self.output is not None and setting.let(self.output.name) is None:
            raise NotationError(f"derivation {self.name}: output {self.output.name} is not one of its lets")
        for symbol in self.wrt:
            if known.get(symbol.name) != symbol or setting.let(symbol.name) is not None:
                raise NotationError(f"derivation {self.name}: wrt {symbol.name} is not one of its givens")
        seen: set[str] = set()
        for claim in self.claims:
            if claim.name in seen:
                raise NotationError(f"derivation {self.name}: two claims are named {claim.name}")
            seen.add(claim.name)
            check_names(claim.lhs, known, f"claim {claim.name}")
            check_names(claim.rhs, known, f"claim {claim.name}")

    @property
    def computed(self) -> NamedTensor | Symbol:
        """The output of a derivation that has kernels."""
        if self.output is None:
            raise NotationError(f"derivation {self.name} has claims only, and no output that kernels compute")
        return self.output
