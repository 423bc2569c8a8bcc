"""Every kernel of the catalogue whose docstring promises so many ulp of each entry keeps that, on the inputs of `closedform verify`.

Left out are promises that exclude the rounding of an intermediate, or of terms that the data may cancel.
"""

from __future__ import annotations

import importlib
import math
import re
from pathlib import Path

import numpy as np
import pytest

import closedform.derivations
from closedform.certify.evaluate import evaluate
from closedform.certify.rings.ball import Ball
from closedform.check.backends import library
from closedform.check.inputs import Choices, build, draw_recipe
from closedform.check.judge import Judge
from closedform.check.oracles.ball import balls
from closedform.discover import discover
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation, Setting

BACKENDS = ("numpy", "torch")
DERIVATIONS = [item.derivation for item in discover(Path(closedform.derivations.__file__).parent) if item.derivation.output is not None]
PROMISE = re.compile(r"Accuracy: (\d+) ulp of each entry(?:, and a roundoff for each number added over (\w+(?:, [A-Za-z]\b)*))?\.")


def module(derivation: Derivation, backend: str) -> object:
    return importlib.import_module(f"closedform.numeric.{backend}.{derivation.name}")


def promise(derivation: Derivation, function: KernelFunction) -> re.Match[str] | None:
    text = getattr(module(derivation, "numpy"), function.name).__doc__
    return PROMISE.search(" ".join(text.split()))


PROMISED = [
    pytest.param(derivation, function, int(match[1]), match[2] or "", id=f"{derivation.name}.{function.name}")
    for derivation in DERIVATIONS
    for function in kernel_functions(derivation)
    if (match := promise(derivation, function))
]


def test_many_kernels_promise_something() -> None:
    assert len(PROMISED) > 20


@pytest.mark.parametrize(("derivation", "function", "level", "added"), PROMISED)
def test_each_entry_is_as_accurate_as_promised(derivation: Derivation, function: KernelFunction, level: int, added: str) -> None:
    setting = Setting((*derivation.given, *function.extra), derivation.lets)
    for number, dtype in enumerate(("float32", "float64")):
        recipe = draw_recipe(Choices(seed=(number, len(function.name))), derivation.given, function.extra, maps_over_leading=False)
        inputs = build(recipe, derivation.given, function.extra, dtype)
        exact = {name: balls(array) for name, array in inputs.values.items()}
        truth = evaluate(function.target, setting, inputs.sizes, exact, Ball(1500), function.axes)
        sizes = {dim.name: size for dim, size in inputs.sizes.items()}
        allowed = level + math.prod(sizes[name] for name in added.split(", ")) if added else level
        for backend in BACKENDS:
            kernel = getattr(module(derivation, backend), function.name)
            outcome = Judge(kernel, derivation, function, library(backend), dtype, "cpu").outcome_of(inputs)
            assert not outcome.violation
            assert worst(np.asarray(outcome.result), np.asarray(truth, dtype=object), dtype) <= allowed


def worst(found: np.ndarray, truth: np.ndarray, dtype: str) -> float:
    """The largest error in ulp, above the subnormal range and where there is a value."""
    errors = [0.0]
    for got, ball in zip(found.reshape(-1).tolist(), truth.reshape(-1).tolist(), strict=True):
        size = abs(float(ball.mid()))
        if ball.is_finite() and np.finfo(dtype).tiny <= size <= np.finfo(dtype).max:
            errors.append(float(abs(ball - got).upper()) / float(np.spacing(np.dtype(dtype).type(size))))
    return max(errors)
