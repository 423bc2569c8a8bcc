"""Every kernel of the catalogue whose docstring promises so many ulp of each entry, or of the sum of its terms' absolute values, keeps
that, on the inputs of `closedform verify`.

Left out are promises that exclude the rounding of an intermediate. The terms are those of the formula in the docstring, all its
definitions put in; where the docstring says so, the spread of what is centred stands in its place.
"""

from __future__ import annotations

import importlib
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sympy import Abs, Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Sum, Symbol

import closedform.derivations
from closedform.certify.evaluate import evaluate
from closedform.certify.rings.ball import Ball
from closedform.certify.rings.float64 import Float64
from closedform.check.backends import library
from closedform.check.inputs import Choices, Inputs, build, draw_recipe
from closedform.check.judge import Judge
from closedform.check.oracles.ball import balls
from closedform.derive.algebra import substitute
from closedform.derive.canonical import canonical
from closedform.derive.facts import softmax_of
from closedform.discover import discover
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation, Dim, Given, Index, Let, Setting, exp, head_name, indices, scalar, summation, tensor
from closedform.pipeline.making import form_of

BACKENDS = ("numpy", "torch")
DERIVATIONS = [item.derivation for item in discover(Path(closedform.derivations.__file__).parent) if item.derivation.output is not None]
PROMISE = re.compile(
    r"Accuracy: (\d+) ulp of (each entry's condition|each entry|the sum of the absolute values of each entry's terms)"
    r"(?: \(sum_k\(p\[k\]\*abs\(x\[i\] - x\[k\]\)\) in place of x\[i\] - sum_k\(p\[k\]\*x\[k\]\)\))?"
    r"(?:, and a roundoff for each number added over (\w+(?:, [A-Za-z]\b)*))?(?:; the terms of a logsumexp [^.]*)?\."
)


@dataclass(frozen=True)
class Promise:
    """So many ulp, of the entry or of its terms, and a roundoff for each number added over the dimensions."""

    ulp: int
    of_terms: bool
    added: tuple[str, ...]

    def allowed(self, inputs: Inputs) -> int:
        sizes = {dim.name: size for dim, size in inputs.sizes.items()}
        return self.ulp + math.prod(sizes[name] for name in self.added) if self.added else self.ulp


def module(derivation: Derivation, backend: str) -> object:
    return importlib.import_module(f"closedform.numeric.{backend}.{derivation.name}")


def promise(derivation: Derivation, function: KernelFunction) -> Promise | None:
    text = getattr(module(derivation, "numpy"), function.name).__doc__
    found = PROMISE.search(" ".join(text.split()))
    return found and Promise(int(found[1]), found[2] != "each entry", tuple((found[3] or "").split(", ")) if found[3] else ())


PROMISED = [
    (derivation, function, made)
    for derivation in DERIVATIONS
    for function in kernel_functions(derivation)
    if (made := promise(derivation, function))
]


def test_every_kernel_says_how_accurate_it_is() -> None:
    for derivation in DERIVATIONS:
        for function in kernel_functions(derivation):
            for backend in BACKENDS:
                assert "Accuracy:" in getattr(module(derivation, backend), function.name).__doc__, (derivation.name, function.name)


def test_many_promises_can_be_held_to_account() -> None:
    of_terms = [made.of_terms for *_, made in PROMISED]
    assert of_terms.count(False) > 50
    assert of_terms.count(True) > 40


@pytest.mark.parametrize(("derivation", "function", "made"), PROMISED, ids=[f"{d.name}.{f.name}" for d, f, _ in PROMISED])
def test_kernels_are_as_accurate_as_promised(derivation: Derivation, function: KernelFunction, made: Promise, device: str) -> None:
    setting = Setting((*derivation.given, *function.extra), derivation.lets)
    for number, dtype in enumerate(("float32", "float64")):
        recipe = draw_recipe(Choices(seed=(number, len(function.name))), derivation.given, function.extra, maps_over_leading=False)
        inputs = build(recipe, derivation.given, function.extra, dtype)
        exact = {name: balls(array) for name, array in inputs.values.items()}
        truth = evaluate(function.target, setting, inputs.sizes, exact, Ball(1500), function.axes)
        measure = truth
        if made.of_terms:
            formula, terms = terms_of(derivation, function)
            measure = evaluate(formula, terms, inputs.sizes, exact, Ball(1500), function.axes)
        for backend in BACKENDS:
            kernel = getattr(module(derivation, backend), function.name)
            outcome = Judge(kernel, derivation, function, library(backend), dtype, device if backend == "torch" else "cpu").outcome_of(
                inputs
            )
            assert not outcome.violation
            found = np.asarray(outcome.result)
            assert worst(found, np.asarray(truth, dtype=object), np.asarray(measure, dtype=object), dtype) <= made.allowed(inputs)


def terms_of(derivation: Derivation, function: KernelFunction) -> tuple[Expr, Setting]:
    """The sum of the absolute values of the terms of a closed form, and of the definitions in it; products of sums multiplied out."""
    lets = tuple(Let(in_absolute_value(let.head, derivation), in_absolute_value(let.body, derivation)) for let in derivation.lets)
    form = form_of(derivation, function)
    setting = Setting((*derivation.given, *function.extra), (*derivation.lets, *lets))
    return in_absolute_value(form.closed.expression, derivation), setting


def in_absolute_value(formula: Expr, derivation: Derivation) -> Expr:
    def inside(part: Expr) -> Expr:
        return in_absolute_value(part, derivation)

    spread = spread_of(formula, derivation) if isinstance(formula, Add) else None
    if spread is not None:
        return spread
    if isinstance(formula, Add | Mul):
        return formula.func(*map(inside, formula.args))
    if isinstance(formula, Sum):
        return Sum(inside(formula.function), *formula.limits)
    if isinstance(formula, Pow) and formula.exp.is_Integer and formula.exp > 0:
        return inside(formula.base) ** formula.exp
    if isinstance(formula, Indexed | Symbol) and derivation.setting.let(head_name(formula)) is not None:
        name = f"{head_name(formula)}_terms"
        indices = formula.indices if isinstance(formula, Indexed) else ()
        return tensor(name, *(index.dim for index in indices))[indices] if indices else scalar(name)
    return formula if isinstance(formula, KroneckerDelta) else Abs(formula)


def spread_of(formula: Add, derivation: Derivation) -> Expr | None:
    """sum_k(p[k]*abs(x[i] - x[k])) where the formula is x[i] - sum_k(p[k]*x[k]), or minus that, for a softmax p."""
    for mean in (term for term in formula.args if term.has(Sum)):
        number, total = mean.as_coeff_Mul()
        own = -number * (formula - mean)
        if not (isinstance(total, Sum) and abs(number) == 1):
            continue
        bound = [limit[0] for limit in total.limits]
        for p in (factor for factor in Mul.make_args(total.function) if isinstance(factor, Indexed) and is_softmax(factor, derivation)):
            k, values = p.indices[-1], summation(total.function / p, *(index for index in bound if index != p.indices[-1]))
            same = [i for i in own.free_symbols if isinstance(i, Index) and i.dim == k.dim and alike(substitute(values, {k: i}), own)]
            if k in bound and same:
                return summation(p * Abs(own - values), k)
    return None


def is_softmax(entry: Indexed, derivation: Derivation) -> bool:
    let = derivation.setting.let(head_name(entry))
    role = softmax_of(let) if let is not None else None
    return role is not None and role.index == role.let.indices[-1]


def alike(first: Expr, second: Expr) -> bool:
    return canonical(first) == canonical(second)


def test_the_spread_of_a_centred_direction() -> None:
    i, k = indices("i k", Dim("C"))
    p, z, v = (tensor(name, k.dim) for name in "pzv")
    derivation = Derivation("case", "case", (Given(z), Given(v)), (Let(p[i], exp(z[i]) / summation(exp(z[k]), k)),))
    spread = summation(p[k] * Abs(v[i] - v[k]), k)
    assert spread_of(v[i] - summation(p[k] * v[k], k), derivation) == spread_of(summation(p[k] * v[k], k) - v[i], derivation) == spread
    assert spread_of(v[i] + summation(p[k] * v[k], k), derivation) is None
    assert spread_of(z[i] - summation(p[k] * v[k], k), derivation) is None


def test_terms_are_added_by_their_absolute_values() -> None:
    (x,) = indices("i", Dim("n"))
    u, v, w = tensor("u", x.dim), tensor("v", x.dim), tensor("w", x.dim)
    derivation = Derivation("case", "case", (Given(u), Given(v)), (Let(w[x], u[x] - 2 * v[x]),))
    formula = in_absolute_value(summation(w[x] * (u[x] - 1), x), derivation)
    terms = Setting(derivation.given, (Let(in_absolute_value(w[x], derivation), in_absolute_value(u[x] - 2 * v[x], derivation)),))
    values = {"u": np.array([1.0, -3.0]), "v": np.array([0.5, 2.0])}
    assert evaluate(formula, terms, {x.dim: 2}, values, Float64(), ()) == 2 * 2 + 7 * 4


def worst(found: np.ndarray, truth: np.ndarray, measure: np.ndarray, dtype: str) -> float:
    """The largest error in ulp of a measure, above the subnormal range and where there is a value."""
    errors = [0.0]
    for got, ball, unit in zip(found.reshape(-1).tolist(), truth.reshape(-1).tolist(), measure.reshape(-1).tolist(), strict=True):
        size = abs(float(unit.mid()))
        if ball.is_finite() and np.finfo(dtype).tiny <= size <= np.finfo(dtype).max:
            errors.append(float(abs(ball - got).upper()) / float(np.spacing(np.dtype(dtype).type(size))))
    return max(errors)
