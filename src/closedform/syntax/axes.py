"""Which dimension an index runs over, found by unification: indices that stand at one place share it."""

from __future__ import annotations

from dataclasses import dataclass, field

from closedform.notation import Dim, Index
from closedform.syntax.source import Source, Spot, TextDimensionError


@dataclass(eq=False)
class Axis:
    """A dimension that may still be unknown; axes that turn out to be one are joined.

    Attributes:
        dim: name of the dimension, once known.
        why: where that was seen, for messages, such as "in z[k] (line 3, column 7)".
    """

    dim: str | None = None
    why: str = ""
    _joined: Axis | None = field(default=None, repr=False)

    def root(self) -> Axis:
        """The axis that stands for all joined ones."""
        axis = self
        while axis._joined is not None:
            if axis._joined._joined is not None:
                axis._joined = axis._joined._joined
            axis = axis._joined
        return axis

    def join(self, other: Axis, why: str) -> tuple[Axis, Axis] | None:
        """Make both one; returns the two where their dimensions differ."""
        mine, theirs = self.root(), other.root()
        if mine is theirs:
            return None
        if mine.dim is not None and theirs.dim is not None:
            if mine.dim != theirs.dim:
                return mine, theirs
            mine._joined = theirs
        elif mine.dim is None:
            mine._joined = theirs
            theirs.why = theirs.why or why
        else:
            theirs._joined = mine
        return None


@dataclass(frozen=True, eq=False)
class Place:
    """An index as it stands in a text."""

    name: str
    axis: Axis
    source: Source
    spot: Spot

    def dim(self) -> Dim:
        """The dimension that the index runs over, once it is known."""
        dim = self.axis.root().dim
        if dim is None:
            message = (
                f"cannot tell which dimension {self.name} runs over; "
                "use it on a tensor that is given, or write the size itself where you count"
            )
            raise self.source.error(TextDimensionError, self.spot, message)
        return Dim(dim)

    def index(self) -> Index:
        """The index, once its dimension is known."""
        return Index(self.name, self.dim())
