"""Test your own kernel: a custom autograd.Function, a Triton or CUDA kernel, a NumPy routine.

    from closedform.testing import kernel_test

    test_loss = kernel_test(my_loss, "cross_entropy", accuracy="absolute")

makes one pytest item for the value, the backward pass, its own derivative, and each of them between other layers, in
each dtype. What they are compared with is the definition, in ball arithmetic; the tolerances are derived.
"""

from __future__ import annotations

from closedform.testing.accuracy import NoWorseThan, no_worse_than
from closedform.testing.kernels import check_kernel, kernel_test
from closedform.testing.profiles import PROFILES, Profile
from closedform.testing.reports import Examined, KernelError, KernelReport

__all__ = [
    "PROFILES",
    "Examined",
    "KernelError",
    "KernelReport",
    "NoWorseThan",
    "Profile",
    "check_kernel",
    "kernel_test",
    "no_worse_than",
]
