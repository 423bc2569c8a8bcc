"""Numerical checks of kernels against the definition: oracles, bounds, invariants, input strategies, planted faults."""

from __future__ import annotations

from closedform.check.kernel import check_kernel

__all__ = ["check_kernel"]
