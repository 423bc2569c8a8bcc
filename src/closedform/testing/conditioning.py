"""How accurate a result can be asked to be, whatever formula it comes from: as if each input were off by a rounding.

    |got_i - f_i|  <=  C u ( |f_i| + sum_j |df_i/dx_j x_j| )

over all inputs x_j that are floating-point numbers (class indices are exact). For 1 - p of a saturated row this is small
beside 1: the entry is the sum of the other probabilities, and each of them is known to a few ulp. C is what any sum of
``longest`` terms needs, from :mod:`closedform.check.bounds`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from sympy import Expr, Sum

from closedform.certify.evaluate import evaluate
from closedform.check.bounds import PRECISIONS, ErrorAnalysis, allowed
from closedform.check.cases import Case
from closedform.functions import KernelFunction
from closedform.notation import Derivation, Index, NamedTensor, Partial, partial
from closedform.testing.layers import fresh_indices

# The derivative of the result by an input is formed whole; where it is larger than this, the formula's bound stands.
MOST_ENTRIES = 2_000


def relatively(derivation: Derivation, function: KernelFunction, dtype: str, case: Case) -> Case:
    """The case with no entry allowed more than its condition explains."""
    if case.inputs.recipe.leading or case.view.pick is not None or not np.any(np.isfinite(case.bound)):
        return case
    sensitivity = _sensitivity(derivation, function, case)
    if sensitivity is None:
        return case
    longest = max(case.inputs.sizes.values(), default=1)
    with np.errstate(all="ignore"):
        tight = allowed(np.abs(case.truth.high) + sensitivity, np.zeros_like(case.bound), longest, PRECISIONS[dtype])
    return replace(case, bound=np.where(np.isfinite(tight), np.minimum(case.bound, tight), case.bound))


def _sensitivity(derivation: Derivation, function: KernelFunction, case: Case) -> np.ndarray | None:
    """sum_j |df_i/dx_j x_j|, from above; None where it would be too large to form."""
    total = np.zeros(np.shape(case.truth.high))
    for expression, axes, weight in _terms(derivation, function, case):
        sizes = [case.inputs.sizes[index.dim] for index in axes]
        if math.prod(sizes) > MOST_ENTRIES:
            return None
        total = total + _summed(_size(expression, axes, case) * weight, total.ndim)
    return total


def _terms(derivation: Derivation, function: KernelFunction, case: Case) -> Iterator[tuple[Expr, tuple[Index, ...], np.ndarray]]:
    """For each input: the derivative by it, its axes after the result's, and the input's size."""
    for item in derivation.given:
        if item.name in case.inputs.classes:
            continue
        at = fresh_indices(item.symbol, "x") if isinstance(item.symbol, NamedTensor) else ()
        entry = item.symbol[at] if at else item.symbol
        expression = _differentiated(function.target, entry)
        yield expression, (*function.axes, *at), np.abs(case.inputs.values[item.name])
    for _ in function.extra:
        # The result is linear in a direction or an upstream gradient, which already stands in it.
        if isinstance(function.target, Sum):
            inner = tuple(limit[0] for limit in function.target.limits)
            yield function.target.function, (*function.axes, *inner), np.ones(())


def _differentiated(target: Expr, entry: Expr) -> Expr:
    """The derivative of a value, or of a formula in one derivative, by an entry of an input."""
    nodes = target.atoms(Partial)
    if not nodes:
        return partial(target, entry)
    (node,) = nodes
    return target.xreplace({node: partial(node.target, *node.variables, entry)})


def _size(expression: Expr, axes: tuple[Index, ...], case: Case) -> np.ndarray:
    ring = ErrorAnalysis(PRECISIONS["float64"])
    exact = {name: ring.exact(array) for name, array in case.inputs.values.items()}
    with ring.scope():
        found = ring.settled(evaluate(expression, case.view.setting, case.inputs.sizes, exact, ring, axes)).full()
        return np.asarray(np.abs(found.value) + found.error)


def _summed(values: np.ndarray, kept: int) -> np.ndarray:
    return np.asarray(values.reshape(*values.shape[:kept], -1).sum(axis=-1))
