"""Properties of the committed kernels: every function, in both backends and dtypes, against three witnesses.

Hypothesis draws an input; its reference value, bound and witnesses are worked out once and both backends are
held to them. A failure shrinks to small sizes, round numbers and contiguous memory.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedform.check.backends import BACKENDS, library
from closedform.check.judge import Judge
from closedform.check.message import failure
from closedform.check.shifts import shift_findings, shifts
from closedform.check.strategies import kernel_cases
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation

CATALOGUE = ("softmax", "cross_entropy", "mse", "linear_cross_entropy", "linear_mse", "euclidean_distance", "cosine_distance")
DERIVATIONS = [importlib.import_module(f"closedform.derivations.{name}").derivation for name in CATALOGUE]
FUNCTIONS = [
    pytest.param(derivation, function, dtype, id=f"{derivation.name}.{function.name}-{dtype}")
    for derivation in DERIVATIONS
    for function in kernel_functions(derivation)
    for dtype in ("float64", "float32")
]


def judge_of(derivation: Derivation, function: KernelFunction, backend: str, dtype: str) -> Judge:
    module = importlib.import_module(f"closedform.numeric.{backend}.{derivation.name}")
    return Judge(getattr(module, function.name), derivation, function, library(backend), dtype, "cpu")


@pytest.mark.parametrize(("derivation", "function", "dtype"), FUNCTIONS)
@settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_kernels_agree_with_every_witness(data: Any, derivation: Derivation, function: KernelFunction, dtype: str) -> None:
    case = data.draw(kernel_cases(derivation, function, dtype))
    for backend in BACKENDS:
        judge = judge_of(derivation, function, backend, dtype)
        with judge.library.scope():
            for oracle, finding in judge.findings(case).items():
                assert not finding.failed, failure(judge, case, oracle, finding)


@pytest.mark.parametrize(("derivation", "function", "dtype"), FUNCTIONS)
def test_kernels_are_as_shift_invariant_as_their_definition(derivation: Derivation, function: KernelFunction, dtype: str) -> None:
    for backend in BACKENDS:
        judge = judge_of(derivation, function, backend, dtype)
        for shift in shifts(derivation):
            assert not [finding for finding in shift_findings(judge, shift) if finding.failed]


@pytest.mark.parametrize("scale", [1e4, -1e4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_overflow_and_no_nan_at_logits_of_ten_thousand(backend: str, dtype: str, scale: float) -> None:
    """Every result of softmax and cross-entropy is finite, and what must be 0 or 1 is."""
    arrays = library(backend)
    logits = np.array([[0.0, scale, -scale], [scale, scale, scale]])
    z, v = (arrays.array(a, dtype, "contiguous", "cpu") for a in (logits, np.ones_like(logits)))
    y = arrays.array(np.array([0, 2]), "int64", "contiguous", "cpu")
    for derivation in DERIVATIONS[:2]:
        module = importlib.import_module(f"closedform.numeric.{backend}.{derivation.name}")
        for function in kernel_functions(derivation):
            given = {"z": z, "y": y, "v": v, "g": v}
            arguments = [given[item.name] for item in (*derivation.given, *function.extra)]
            assert np.all(np.isfinite(arrays.numbers(getattr(module, function.name)(*arguments)))), function.name
