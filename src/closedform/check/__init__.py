"""Numerical checks of kernels against the definition: oracles, bounds, invariants, input strategies, planted faults.

Called, ``closedform.check(*files)`` is :func:`closedform.pipeline.check`, where its arguments are documented.
"""

from __future__ import annotations

from closedform.check.kernel import check_kernel

__all__ = ["check_kernel"]
