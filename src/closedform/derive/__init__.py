"""Derive closed forms in index notation, for symbolic sizes; the making wing's first room.

Called, ``closedform.derive(definition, given=…, wrt=…)`` is :func:`closedform.pipeline.derive`, where its arguments are documented.
"""

from closedform.derive.engine import ClosedForm, closed_form

__all__ = ["ClosedForm", "closed_form"]
