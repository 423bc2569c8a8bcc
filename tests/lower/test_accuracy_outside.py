"""The accuracy rules are the planner's, not those of one loss: losses of no catalogue keep their digits where autograd has none.

weighted   L = -sum_bc a[b] y[b,c] log p[b,c] / B    gradient a (p - y)/B and diagonal a p (1 - p)/B, entry by entry
expected   L = sum_bc p[b,c] k[b,c] / B              gradient p (k - sum p k)/B, relative to its spread p_i sum_j p_j |k_i - k_j|
doubt      L = sum_bc y[b,c] (1 - p[b,c]) / B        gradient p (p_y - y)/B, entry by entry
answers    L = sum_bc softplus(z[b,c]) - z y / B     gradient (sigmoid(z) - y)/B, entry by entry where answers are 0 or 1
impurity   L = sum_bc p[b,c] (1 - p[b,c]) / B        products with the Hessian, and its diagonal
brier      L = sum_bc (p[b,c] - y[b,c])^2 / B        products with the Hessian

The Hessian of the last two is a polynomial in probabilities, and its products are relative to what a direction v is spread by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType

import numpy as np
import pytest
import torch
from flint import arb, ctx

from closedform.files import import_file
from closedform.notation import Derivation, Dim, Given, Let, Relation, exp, indices, log, scalar, softplus, summation, tensor
from closedform.pipeline.making import closed_forms, modules

B, C = Dim("B"), Dim("C")
(b,) = indices("b", B)
i, j = indices("i j", C)
z, y, k, a, p, L = tensor("z", B, C), tensor("y", B, C), tensor("k", B, C), tensor("a", B), tensor("p", B, C), scalar("L")
soft = Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, j]), j))
WEIGHTED = Derivation(
    "weighted_nll",
    "weighted likelihood",
    (Given(z), Given(a), Given(y, where=(Relation("=", summation(y[b, i], i), 1),), classes=True)),
    (soft, Let(L, -summation(a[b] * y[b, i] * log(p[b, i]), b, i) / B)),
    L,
    (z,),
    batch=B,
)
EXPECTED = Derivation(
    "expected_cost", "expected cost", (Given(z), Given(k)), (soft, Let(L, summation(p[b, i] * k[b, i], b, i) / B)), L, (z,), batch=B
)
DOUBT = Derivation(
    "doubt",
    "probability of being wrong",
    (Given(z), Given(y, where=(Relation("=", summation(y[b, i], i), 1),), classes=True)),
    (soft, Let(L, summation(y[b, i] * (1 - p[b, i]), b, i) / B)),
    L,
    (z,),
    batch=B,
)
ANSWERS = Derivation(
    "answers", "answers", (Given(z), Given(y)), (Let(L, summation(softplus(z[b, i]) - z[b, i] * y[b, i], b, i) / B),), L, (z,), batch=B
)
IMPURITY = Derivation(
    "impurity", "Gini impurity", (Given(z),), (soft, Let(L, summation(p[b, i] * (1 - p[b, i]), b, i) / B)), L, (z,), batch=B
)
BRIER = Derivation(
    "brier",
    "Brier score",
    (Given(z), Given(y, where=(Relation("=", summation(y[b, i], i), 1),), classes=True)),
    (soft, Let(L, summation((p[b, i] - y[b, i]) ** 2, b, i) / B)),
    L,
    (z,),
    batch=B,
)

SCALES = (1.0, 16.0, 300.0, 1e4)
MARGINS = (9.0, 16.5, 36.5, 90.0)


@pytest.fixture(scope="module", params=("numpy", "torch"))
def kernels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModuleType]:
    made = {}
    for derivation in (WEIGHTED, EXPECTED, DOUBT, ANSWERS, IMPURITY, BRIER):
        path = tmp_path_factory.mktemp("kernels") / f"{derivation.name}.py"
        path.write_text(modules(derivation, closed_forms(derivation))[request.param])
        made[derivation.name] = import_file(path, f"outside.{request.param}.{derivation.name}")
    return made


def logits(dtype: str) -> Iterator[np.ndarray]:
    """Rows at several scales, and rows in which one class leads by a margin."""
    generator = np.random.default_rng(5)
    for scale in SCALES:
        yield (scale * generator.standard_normal((3, 7))).astype(dtype)
    for margin in MARGINS:
        rows = generator.uniform(-1, 1, (3, 7))
        rows[:, 2] = rows.max(-1) + margin
        yield rows.astype(dtype)


def softmax(row: np.ndarray) -> list[arb]:
    powers = [arb(float(x)).exp() for x in row]
    total = sum(powers, arb(0))
    return [power / total for power in powers]


def called(kernel: ModuleType, name: str, *arrays: np.ndarray) -> np.ndarray:
    if "torch" in kernel.__name__:
        return np.asarray(getattr(kernel, name)(*map(torch.tensor, arrays)))
    return np.asarray(getattr(kernel, name)(*arrays))


def ulps(got: float, true: arb, relative_to: arb, dtype: str) -> float:
    size = abs(float(relative_to.mid()))
    if size < np.finfo(dtype).tiny / np.finfo(dtype).eps:
        return 0.0  # subnormal on the way
    return float(abs(true - got).upper()) / (size * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_entries_of_a_weighted_likelihood(kernels: dict[str, ModuleType], dtype: str) -> None:
    kernel = kernels["weighted_nll"]
    worst = 0.0
    for number, logit in enumerate(logits(dtype)):
        weights = np.asarray([0.5, 3.0, 1.25], dtype)
        classes = np.full(3, (2, int(logit[0].argmin()))[number % 2])
        gradient, diagonal = (called(kernel, name, logit, weights, classes) for name in ("gradient", "hessian_diagonal"))
        with ctx.workprec(60_000):
            for row in range(3):
                probabilities, label = softmax(logit[row]), classes[row]
                for c, q in enumerate(probabilities):
                    factor = arb(float(weights[row])) / 3
                    slope, curve = factor * (q - (1 if c == label else 0)), factor * q * (1 - q)
                    worst = max(worst, ulps(gradient[row, c], slope, slope, dtype), ulps(diagonal[row, c], curve, curve, dtype))
    assert worst <= 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_entries_of_a_probability_of_being_wrong(kernels: dict[str, ModuleType], dtype: str) -> None:
    worst = 0.0
    for number, logit in enumerate(logits(dtype)):
        classes = np.full(3, (2, int(logit[0].argmin()))[number % 2])
        gradient = called(kernels["doubt"], "gradient", logit, classes)
        with ctx.workprec(60_000):
            for row in range(3):
                probabilities, label = softmax(logit[row]), classes[row]
                for c, q in enumerate(probabilities):
                    slope = q * (probabilities[label] - (1 if c == label else 0)) / 3
                    worst = max(worst, ulps(gradient[row, c], slope, slope, dtype))
    assert worst <= 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_of_answers_that_are_yes_or_no(kernels: dict[str, ModuleType], dtype: str) -> None:
    generator = np.random.default_rng(8)
    worst = 0.0
    for logit in logits(dtype):
        labels = generator.integers(0, 2, logit.shape).astype(dtype)
        gradient = called(kernels["answers"], "gradient", logit, labels)
        with ctx.workprec(60_000):
            for got, x, answer in zip(gradient.ravel(), logit.ravel(), labels.ravel(), strict=True):
                slope = (1 / (1 + arb(-float(x)).exp()) - arb(float(answer))) / 3
                worst = max(worst, ulps(got, slope, slope, dtype))
    assert worst <= 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradient_of_an_expected_cost(kernels: dict[str, ModuleType], dtype: str) -> None:
    generator = np.random.default_rng(6)
    worst = 0.0
    for logit in logits(dtype):
        costs = (100 + generator.standard_normal((3, 7))).astype(dtype)
        gradient = called(kernels["expected_cost"], "gradient", logit, costs)
        with ctx.workprec(60_000):
            for row in range(3):
                probabilities, exact = softmax(logit[row]), [arb(float(x)) for x in costs[row]]
                mean = sum((q * x for q, x in zip(probabilities, exact, strict=True)), arb(0))
                for q, x, got in zip(probabilities, exact, gradient[row], strict=True):
                    spread = q * sum((r * abs(x - other) for r, other in zip(probabilities, exact, strict=True)), arb(0)) / 3
                    worst = max(worst, ulps(got, q * (x - mean) / 3, spread, dtype))
    assert worst <= 16


def less_mean(p: list[arb], x: list[arb]) -> tuple[list[arb], list[arb]]:
    """x - sum p x, and its spread sum_j p_j |x_i - x_j|."""
    mean = total(q * entry for q, entry in zip(p, x, strict=True))
    spreads = [total(q * abs(entry - other) for q, other in zip(p, x, strict=True)) for entry in x]
    return [entry - mean for entry in x], spreads


def total(terms: Iterable[arb]) -> arb:
    return sum(terms, arb(0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_curvature_of_an_impurity(kernels: dict[str, ModuleType], dtype: str) -> None:
    """2 p_i (c_i (s - p_i) + 2 sum_k p_k^2 c_k - p_i c_i)/B along v with c = v - sum p v and s = sum p^2; on the diagonal c_i = 1 - p_i."""
    generator = np.random.default_rng(9)
    along, diagonal = 0.0, 0.0
    for logit in logits(dtype):
        direction = (100 + generator.standard_normal((3, 7))).astype(dtype)
        product = called(kernels["impurity"], "hvp", logit, direction)
        curves = called(kernels["impurity"], "hessian_diagonal", logit)
        with ctx.workprec(60_000):
            for row in range(3):
                p = softmax(logit[row])
                c, spreads = less_mean(p, [arb(float(x)) for x in direction[row]])
                r, others = less_mean(p, p)
                mean, size = (total(q * q * x for q, x in zip(p, by, strict=True)) for by in (c, spreads))
                for n, q in enumerate(p):
                    truth = 2 * q * (2 * mean - (r[n] + q) * c[n]) / 3
                    along = max(along, ulps(product[row, n], truth, 2 * q * (2 * size + (others[n] + q) * spreads[n]) / 3, dtype))
                    truth = 2 * q * ((2 * q - (1 - q)) * r[n] - q * (1 - q)) / 3
                    size_of_terms = 2 * q * ((2 * q + (1 - q)) * others[n] + q * (1 - q)) / 3
                    diagonal = max(diagonal, ulps(curves[row, n], truth, size_of_terms, dtype))
    assert along <= 32
    assert diagonal <= 16


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_curvature_of_squared_errors_of_probabilities(kernels: dict[str, ModuleType], dtype: str) -> None:
    """2 p_i (c_i (r_i - sum p r) + d_i - sum_k d_k r_k)/B with r = p - y, c = v - sum p v and d = p c - sum p^2 c."""
    generator = np.random.default_rng(10)
    worst = 0.0
    for number, logit in enumerate(logits(dtype)):
        classes = np.full(3, (2, int(logit[0].argmin()))[number % 2])
        direction = (100 + generator.standard_normal((3, 7))).astype(dtype)
        product = called(kernels["brier"], "hvp", logit, classes, direction)
        with ctx.workprec(60_000):
            for row in range(3):
                p = softmax(logit[row])
                residual = [q - (1 if n == classes[row] else 0) for n, q in enumerate(p)]
                c, spreads = less_mean(p, [arb(float(x)) for x in direction[row]])
                r, others = less_mean(p, residual)
                d, sides = less_mean(p, [q * x for q, x in zip(p, c, strict=True)])
                mean = total(q * x * y for q, x, y in zip(p, c, residual, strict=True))
                size = total(q * x * abs(y) for q, x, y in zip(p, spreads, residual, strict=True))
                for n, q in enumerate(p):
                    truth = 2 * q * (c[n] * r[n] + d[n] - mean) / 3
                    worst = max(worst, ulps(product[row, n], truth, 2 * q * (spreads[n] * others[n] + sides[n] + size) / 3, dtype))
    assert worst <= 32


def test_autograd_loses_these_digits() -> None:
    """The check can fail: torch's own gradient of the weighted likelihood is off by more than all its digits."""
    rows = torch.zeros(1, 7)
    rows[0, 2] = 20.0
    leaf = rows.requires_grad_()
    torch.nn.functional.cross_entropy(leaf, torch.tensor([2])).backward()
    assert leaf.grad is not None
    with ctx.workprec(200):
        probability = softmax(rows.detach().numpy()[0])[2]
        assert ulps(float(leaf.grad[0, 2]), probability - 1, probability - 1, "float32") > 1e6


def test_autograd_loses_the_curvature_of_an_impurity() -> None:
    """The check can fail: of a product with the Hessian torch keeps no digit at a margin of 16.5, in float32."""
    rows = torch.zeros(1, 7)
    rows[0, 2] = 16.5

    def impurity(logit: torch.Tensor) -> torch.Tensor:
        p = torch.softmax(logit, -1)
        return (p * (1 - p)).sum()

    direction = torch.linspace(100, 101, 7)[None]
    product = torch.func.jvp(torch.func.grad(impurity), (rows,), (direction,))[1]
    with ctx.workprec(200):
        p = softmax(rows.numpy()[0])
        c, _ = less_mean(p, [arb(float(x)) for x in direction[0]])
        r, _ = less_mean(p, p)
        truth = 2 * p[2] * (2 * total(q * q * x for q, x in zip(p, c, strict=True)) - (r[2] + p[2]) * c[2])
        assert ulps(float(product[0, 2]), truth, truth, "float32") > 1e4
