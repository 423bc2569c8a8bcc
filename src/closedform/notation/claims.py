"""Claims, and derivations: the entries of a catalogue."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from closedform.errors import NotationError
from closedform.notation.expressions import free_indices
from closedform.notation.matrices import MatrixFormula
from closedform.notation.settings import Given, Let, Setting, check_names
from closedform.notation.tensors import Dim, Index, NamedTensor


@dataclass(frozen=True)
class Claim:
    """``lhs = rhs`` for every value of the free indices; the left side usually is a :class:`Partial`.

    ``cites`` holds the numbers of the formulas of the source that it states. With ``computed`` the kernels compute this
    right side, not the one that is derived: of two equal formulas one may lose digits that the other keeps,
    ``1 - sum_i(p[i]^2)`` beside ``sum_i(p[i]*(1 - p[i]))``. ``given`` are further tensors that it is about, such as a direction
    or an upstream gradient; of a claim that kernels compute they are named as the kernels' arguments are, ``v`` and ``g``.
    """

    name: str
    lhs: Expr
    rhs: Expr
    title: str = ""
    source: str = ""
    cites: tuple[int, ...] = ()
    computed: bool = False
    given: tuple[Given, ...] = ()

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
        curved: of a tensor output, whether kernels are made of its second derivatives too (of a scalar they always are).
        claims: what the source says, to be proved or refuted.
        formulas: what it says of whole matrices, with the layouts in which it holds.
        source: where the formulas come from.
        cites: the numbers of the formulas of the source that it states as definitions.
        about: a paragraph for the docstring and the report.
    """

    name: str
    title: str
    given: tuple[Given, ...]
    lets: tuple[Let, ...]
    output: NamedTensor | Symbol | None = None
    wrt: tuple[NamedTensor | Symbol, ...] = ()
    claims: tuple[Claim, ...] = ()
    formulas: tuple[MatrixFormula, ...] = ()
    batch: Dim | None = None
    curved: bool = False
    source: str = ""
    cites: tuple[int, ...] = ()
    about: str = ""
    setting: Setting = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise NotationError(f"a derivation's name is lower case letters, digits and _, as it names a module; got {self.name!r}")
        if keyword.iskeyword(self.name):
            raise NotationError(f"a derivation's name names a module, and {self.name!r} is a word of Python's own; take another")
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
        self._check_claims(known)

    def _check_claims(self, known: dict[str, NamedTensor | Symbol]) -> None:
        """Claims and formulas have different names, and are about what is defined."""
        names = [claim.name for claim in self.claims] + [formula.name for formula in self.formulas]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise NotationError(f"derivation {self.name}: two claims are named {twice}")
        for claim in self.claims:
            known_here = self.setting_of(claim).symbols()
            check_names(claim.lhs, known_here, f"claim {claim.name}")
            check_names(claim.rhs, known_here, f"claim {claim.name}")
        for formula in self.formulas:
            for symbol in formula.symbols:
                entry = symbol if isinstance(symbol, Symbol) else symbol[tuple(Index("i", dim) for dim in symbol.dims)]
                check_names(entry, known, f"formula {formula.name}")

    def setting_of(self, claim: Claim) -> Setting:
        """What a claim is about: the derivation's setting, with the claim's own givens."""
        return Setting((*self.given, *claim.given), self.lets) if claim.given else self.setting

    @property
    def computed(self) -> NamedTensor | Symbol:
        """The output of a derivation that has kernels."""
        if self.output is None:
            raise NotationError(f"derivation {self.name} has claims only, and no output that kernels compute")
        return self.output
