"""Array programs to source: one module per derivation and backend, readable as if written by hand."""

from closedform.emit.backends import BACKENDS
from closedform.emit.module import emit

__all__ = ["BACKENDS", "emit"]
