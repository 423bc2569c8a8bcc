"""Properties of the committed kernels: every function, in both backends and dtypes, against three witnesses.

Hypothesis draws an input; its reference value, bound and witnesses are worked out once and both backends are
held to them; `closedform verify` tries many more. A failure shrinks to small sizes, round numbers and contiguous memory.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import closedform.derivations
from closedform.check.backends import BACKENDS, kernel_of, library
from closedform.check.judge import Judge
from closedform.check.message import failure
from closedform.check.shifts import shift_findings, shifts
from closedform.check.strategies import kernel_cases
from closedform.derivations import cross_entropy, softmax
from closedform.discover import discover
from closedform.functions import KernelFunction, kernel_functions, ways_to_call
from closedform.notation import Derivation

DERIVATIONS = [item.derivation for item in discover(Path(closedform.derivations.__file__).parent) if item.derivation.output is not None]
FUNCTIONS = [
    pytest.param(derivation, function, id=f"{derivation.name}.{function.name}")
    for derivation in DERIVATIONS
    for function in kernel_functions(derivation)
]


def judges_of(derivation: Derivation, function: KernelFunction, backend: str, dtype: str, device: str) -> list[Judge]:
    """One for each way to call the function: by its name, and as a method of an operator."""
    module = importlib.import_module(f"closedform.numeric.{backend}.{derivation.name}")
    names = list(ways_to_call(derivation, function))
    names = [name for name in names if hasattr(module, name.partition(".")[0])]  # no operator where there is nothing to keep
    calls = [(replace(function, name=name), kernel_of(module, name, derivation)) for name in names]
    return [Judge(kernel, derivation, called, library(backend), dtype, device if backend == "torch" else "cpu") for called, kernel in calls]


@pytest.mark.parametrize(("derivation", "function"), FUNCTIONS)
@settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_kernels_agree_with_every_witness(data: Any, derivation: Derivation, function: KernelFunction, device: str) -> None:
    dtype = data.draw(st.sampled_from(("float64", "float32")))
    case = data.draw(kernel_cases(derivation, function, dtype))
    for backend in BACKENDS:
        for judge in judges_of(derivation, function, backend, dtype, device):
            with judge.library.scope():
                for oracle, finding in judge.findings(case).items():
                    assert not finding.failed, failure(judge, case, oracle, finding)


@pytest.mark.parametrize(("derivation", "function"), FUNCTIONS)
def test_kernels_are_as_shift_invariant_as_their_definition(derivation: Derivation, function: KernelFunction, device: str) -> None:
    for backend in BACKENDS:
        judge = judges_of(derivation, function, backend, "float32", device)[0]
        for shift in shifts(derivation):
            assert not [finding for finding in shift_findings(judge, shift) if finding.failed]


@pytest.mark.parametrize("scale", [1e4, -1e4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_overflow_and_no_nan_at_logits_of_ten_thousand(backend: str, dtype: str, scale: float, device: str) -> None:
    """Every result of softmax and cross-entropy is finite, and what must be 0 or 1 is."""
    arrays = library(backend)
    logits = np.array([[0.0, scale, -scale], [scale, scale, scale]])
    z, v = (arrays.array(a, dtype, "contiguous", device) for a in (logits, np.ones_like(logits)))
    y = arrays.array(np.array([0, 2]), "int64", "contiguous", device)
    for derivation in (softmax.derivation, cross_entropy.derivation):
        module = importlib.import_module(f"closedform.numeric.{backend}.{derivation.name}")
        for function in kernel_functions(derivation):
            given = {"z": z, "y": y, "v": v, "g": v}
            arguments = [given[item.name] for item in (*derivation.given, *function.extra)]
            assert np.all(np.isfinite(arrays.numbers(getattr(module, function.name)(*arguments)))), function.name


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_hessian_of_features_keeps_its_digits_where_one_class_leads(backend: str, device: str) -> None:
    """Two classes with weights 1 and 0 and the feature 20: p (1 - p), by hand, though p is 1 in float32."""
    W, e = (library(backend).array(a, "float32", "contiguous", device) for a in (np.array([[1.0], [0.0]]), np.array([[20.0]])))
    y = library(backend).array(np.array([[1.0, 0.0]]), "float32", "contiguous", device)
    found = importlib.import_module(f"closedform.numeric.{backend}.linear_cross_entropy").hessian_e(W, e, y)
    assert float(found[0, 0, 0]) == pytest.approx(math.exp(-20) / (1 + math.exp(-20)) ** 2, rel=1e-6)
