"""What can go wrong, one class per kind of mistake.

Every message says what was expected, what came, and what to do. All classes derive from
:class:`ClosedformError`, so a caller can catch the package's own errors and nothing else.
"""

from __future__ import annotations


class ClosedformError(Exception):
    """Base of every error that closedform raises on purpose."""


class NotationError(ClosedformError):
    """A formula or a derivation is not well formed (unknown name, free index, rank)."""


class DimensionError(NotationError):
    """An index or a tensor is used along a dimension that is not its own."""


class LayoutError(NotationError):
    """A matrix formula cannot be read in a layout: a product does not fit, or its sides differ in shape."""


class ParseError(ClosedformError):
    """Text in closedform notation could not be read.

    Carries ``file``, ``line`` and ``column`` (1-based; ``line`` 0 when unknown).
    """

    def __init__(self, message: str, *, file: str = "<text>", line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.column = column


class UnknownDerivationError(ClosedformError):
    """No derivation of that name was discovered."""


class DiscoveryError(ClosedformError):
    """A derivation file could not be imported or defines no derivation."""


class DerivationError(ClosedformError):
    """No closed form could be derived by the rules that closedform has."""


class LoweringError(ClosedformError):
    """A closed form contains a node that no array program is known for."""


class UsageError(ClosedformError):
    """The command line or an API call was used wrongly."""
