"""Derive closed forms in index notation, for symbolic sizes; the making wing's first room."""

from closedform.derive.engine import ClosedForm, closed_form

__all__ = ["ClosedForm", "closed_form"]
