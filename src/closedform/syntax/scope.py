"""What names stand for: tensors and scalars of a block, and the indices of one formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sympy import Expr, Symbol

from closedform.notation import Dim, NamedTensor, scalar, tensor
from closedform.syntax.axes import Axis, Place
from closedform.syntax.source import Source, Spot, TextDimensionError, TextNotationError

# What to make of a piece of text, once the dimension of every index is known.
Deferred = Callable[[], Expr]


@dataclass(frozen=True, eq=False)
class Known:
    """A tensor or scalar that has been given or defined.

    Attributes:
        axes: one for each axis; none for a scalar.
        what: "given" or "let".
        source, spot: where it was declared.
    """

    name: str
    axes: tuple[Axis, ...]
    what: str
    source: Source
    spot: Spot
    spelling: str = ""

    @property
    def symbol(self) -> NamedTensor | Symbol:
        """The symbol, once the dimension of every axis is known."""
        if not self.axes:
            return scalar(self.name)
        places = [Place(f"axis {n} of {self.name}", axis, self.source, self.spot) for n, axis in enumerate(self.axes, 1)]
        return tensor(self.name, *(place.dim() for place in places))

    def shape(self) -> str:
        """Its shape as text, such as [C,d]; ? where not known yet."""
        return f"[{','.join(axis.root().dim or '?' for axis in self.axes)}]" if self.axes else ""

    def described(self) -> str:
        """Name and shape for messages."""
        return f"{self.name}{self.shape()}" if self.axes else f"the scalar {self.name}"


@dataclass(eq=False)
class Names:
    """The tensors, scalars and dimensions of a block."""

    known: dict[str, Known] = field(default_factory=dict)
    dims: dict[str, Dim] = field(default_factory=dict)

    def declare(self, item: Known) -> None:
        """Add a given or a let; an error if the name is taken."""
        before = self.known.get(item.name)
        if before is not None:
            place = f" in {before.source.place(before.spot)}" if before.spot.line else ""
            was = "given" if before.what == "given" else "defined"
            message = f"{item.name} is {was} already{place}; give one of them another name"
            raise item.source.error(TextNotationError, item.spot, message)
        self.known[item.name] = item

    def listed(self) -> str:
        """What is defined, for messages."""
        names = [f"{item.name}{item.shape()}" for item in self.known.values() if not item.spelling]
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        return f"defined are: {shown}" if shown else "nothing is defined yet"


@dataclass(eq=False)
class Scope:
    """The indices that a formula may use: those of its left side, and those of the sums around it.

    Attributes:
        grows: whether an index that is not known yet is welcome (on the left side of a claim).
        hint: what to do about an index that is not.
        sums: how many sums stand around it.
    """

    indices: dict[str, Place] = field(default_factory=dict)
    outer: Scope | None = None
    grows: bool = False
    hint: str = ""
    sums: int = 0

    def find(self, name: str, source: Source, spot: Spot) -> Place:
        """The index of that name."""
        scope = self
        while name not in scope.indices and scope.outer is not None:
            scope = scope.outer
        if name not in scope.indices:
            if not scope.grows:
                raise source.error(TextNotationError, spot, f"the index {name} {scope.hint}")
            scope.indices[name] = Place(name, Axis(), source, spot)
        return scope.indices[name]

    def has(self, name: str) -> bool:
        """Whether an index of that name is in use."""
        return name in self.indices or (self.outer is not None and self.outer.has(name))

    def inside(self, places: Iterable[Place]) -> Scope:
        """The scope below a sum over ``places``."""
        return Scope({place.name: place for place in places}, outer=self, sums=self.sums + 1)


def stand(place: Place, axis: Axis, what: str, at: str, source: Source, spot: Spot) -> None:
    """Let an index stand along an axis of a tensor, as axis ``what`` in the entry ``at``."""
    here = f"in {at} ({source.place(spot)})"
    # the index remembers its own first place, which says more than where the tensor was declared
    own = place.axis.why
    place.axis.why = own or here
    clash = place.axis.join(axis, here)
    if clash is not None:
        mine, theirs = clash
        runs = f"the index {place.name} runs over {mine.dim} {own or mine.why}"
        message = f"{runs}, but {what} runs over {theirs.dim}; use another index here"
        raise source.error(TextDimensionError, spot, message)
