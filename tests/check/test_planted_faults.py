"""Every planted fault is caught, and the failure says what it is."""

from __future__ import annotations

import re
from typing import Any

import hand_kernels
import numpy as np
import pytest

from closedform.check.faults import FAULTS, Fault, Site, planted
from closedform.check.kernel import check_kernel
from closedform.derivations import cross_entropy, softmax
from closedform.functions import kernel_functions
from closedform.notation import Derivation
from closedform.results import FAILED

# One matrix, one with an upstream gradient, one with labels, one with a direction; each backend and dtype once.
SITES = [
    (softmax.derivation, "jacobian", hand_kernels.softmax, "numpy", "float64"),
    (softmax.derivation, "vjp", hand_kernels.softmax, "torch", "float64"),
    (cross_entropy.derivation, "gradient", hand_kernels.cross_entropy, "torch", "float32"),
    (cross_entropy.derivation, "hvp", hand_kernels.cross_entropy, "numpy", "float32"),
]


def site_of(derivation: Derivation, name: str) -> Site:
    return Site(derivation, next(function for function in kernel_functions(derivation) if function.name == name))


PLANTED = [
    (derivation, name, module, backend, dtype, fault)
    for derivation, name, module, backend, dtype in SITES
    for fault in FAULTS
    if fault.applies(site_of(derivation, name)) and not (fault.name == "float32 inside float64" and dtype != "float64")
]


@pytest.mark.parametrize(
    ("derivation", "name", "module", "backend", "dtype", "fault"), PLANTED, ids=[f"{d.name}.{n}: {f.name}" for d, n, _, _, _, f in PLANTED]
)
def test_a_planted_fault_is_caught_and_named(
    derivation: Derivation, name: str, module: Any, backend: str, dtype: str, fault: Fault
) -> None:
    site = site_of(derivation, name)
    records = check_kernel(derivation, site.function, planted(module, site, fault), backend=backend, dtype=dtype, examples=16)
    failures = [record for record in records if record.verdict == FAILED]
    assert failures
    assert any(re.search(fault.says, record.message) for record in failures), failures[0].message


def test_every_fault_is_planted_somewhere() -> None:
    assert {fault.name for fault in FAULTS} == {fault.name for *_, fault in PLANTED}


def test_the_array_behind_a_strided_view_is_not_what_it_shows() -> None:
    # The fault "assumes contiguous" must itself be wrong, or catching it would prove nothing.
    fault = next(fault for fault in FAULTS if fault.name == "assumes contiguous")
    site = site_of(softmax.derivation, "value")
    wrong = planted(hand_kernels.softmax, site, fault).value
    z = np.arange(8.0)[::2]
    assert not np.allclose(wrong(z), hand_kernels.softmax.value(z))
    assert np.array_equal(wrong(z.copy()), hand_kernels.softmax.value(z))
