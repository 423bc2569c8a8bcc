"""Random sums of products with deltas: the lowered program, run by NumPy, against a loop over every index."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Sum

from closedform.emit import emit
from closedform.functions import KernelFunction
from closedform.lower import lower
from closedform.notation import Derivation, Dim, Given, Index, Let, delta, indices, scalar, summation, tensor

B, C, D = Dim("B"), Dim("C"), Dim("D")
SIZES = {B: 2, C: 3, D: 4}
I, J = indices("i j", C)
(A,) = indices("a", B)
BOUND = (*indices("k l", C), *indices("b", B), *indices("m n", D))
EVERY = (I, J, A, *BOUND)
TENSORS = (tensor("x", C), tensor("W", C, D), tensor("e", B, D), tensor("P", B, C), tensor("S", C, C))
ARRAYS = {t.name: np.random.default_rng(n).normal(size=[SIZES[d] for d in t.dims]) for n, t in enumerate(TENSORS)}


def by_loops(expression: Expr, at: dict[Index, int]) -> float:
    """The value at one position of the free indices, straight from the definition."""
    if isinstance(expression, Indexed):
        return float(ARRAYS[expression.base.name][tuple(at[index] for index in expression.indices)])
    if isinstance(expression, KroneckerDelta):
        return float(at[expression.args[0]] == at[expression.args[1]])
    if isinstance(expression, Sum):
        bound = [limit[0] for limit in expression.limits]
        positions = itertools.product(*(range(SIZES[index.dim]) for index in bound))
        return sum(by_loops(expression.function, {**at, **dict(zip(bound, position, strict=True))}) for position in positions)
    if isinstance(expression, Add):
        return sum(by_loops(term, at) for term in expression.args)
    if isinstance(expression, Mul):
        return float(np.prod([by_loops(factor, at) for factor in expression.args]))
    if isinstance(expression, Pow):
        return by_loops(expression.base, at) ** float(expression.exp)
    return float(SIZES.get(expression, expression))


@st.composite
def entries(draw: st.DrawFn) -> Expr:
    chosen = draw(st.sampled_from(TENSORS))
    return chosen[tuple(draw(st.sampled_from([index for index in EVERY if index.dim == dim])) for dim in chosen.dims)]


@st.composite
def deltas(draw: st.DrawFn) -> Expr:
    first = draw(st.sampled_from(EVERY))
    return delta(first, draw(st.sampled_from([index for index in EVERY if index.dim == first.dim])))


@st.composite
def sums(draw: st.DrawFn) -> Expr:
    """Entries, deltas and differences of both, multiplied and summed over what should not stay free."""
    leaf = st.one_of(entries(), entries(), deltas())
    factor = st.one_of(leaf, leaf, st.tuples(leaf, leaf).map(lambda pair: pair[0] - pair[1]), entries().map(lambda entry: entry**2))
    terms = draw(st.lists(st.lists(factor, min_size=1, max_size=4).map(lambda factors: Mul(*factors)), min_size=1, max_size=2))
    inner = [index for index in BOUND if draw(st.booleans())]
    return summation(summation(Add(*terms), *inner), *(index for index in BOUND if index not in inner)) * draw(
        st.sampled_from([1, -2, 1 / B])
    )


def run(expression: Expr, axes: tuple[Index, ...], folder: Path) -> np.ndarray:
    L = scalar("L")
    derivation = Derivation("case", "case", tuple(Given(t) for t in TENSORS), (Let(L, 0),), L, (TENSORS[0],), batch=B)
    function = KernelFunction("compute", "gradient", L, axes)
    source = emit(lower(derivation, [(function, SimpleNamespace(setting=derivation.setting, expression=expression))]), "numpy")
    path = folder / "case.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("case", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return np.asarray(module.compute(*ARRAYS.values()))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sums())
def test_programs_compute_what_the_formula_says(tmp_path: Path, expression: Expr) -> None:
    axes = (A, I, J)
    found = run(expression, axes, tmp_path)
    assert found.shape == (2, 3, 3)
    want = np.array([[[by_loops(expression, {A: a, I: i, J: j}) for j in range(3)] for i in range(3)] for a in range(2)])
    np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-9 * max(1, np.abs(want).max()))
