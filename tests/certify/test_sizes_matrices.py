"""Theorem 3: inverses and determinants as unknowns. Oracles are NumPy's own, and hand-made counts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sympy import Expr

from closedform.certify import prove
from closedform.certify.evaluate import evaluate
from closedform.certify.judge import equal_at_all_sizes
from closedform.certify.matrix_jets import matrix_key
from closedform.certify.rings.float64 import Float64
from closedform.certify.sizes.derivative import Unfolding
from closedform.certify.sizes.laws import MatrixLaws
from closedform.certify.sizes.matrices import StrongerClaim, stronger_claim
from closedform.certify.sizes.plan import size_plan
from closedform.notation import Dim
from closedform.results import PROVED, REFUTED
from closedform.syntax.parse import ClaimBlock, parse_claims

Floats = NDArray[np.floating[Any]]
D, N = Dim("D"), Dim("N")
MORE = Path(__file__).parents[1] / "data" / "more.claims"
INVERTIBLE = "given A[D,D] where A invertible\n"
GRAM = "given X[N,D] where N >= D\nlet S[i,j] = sum_n(X[n,i]*X[n,j])\n"
NOT_COVERED = "does not cover"


def block_of(text: str) -> ClaimBlock:
    (block,) = parse_claims('claim x "x"\n' + text)
    return block


def stronger(block: ClaimBlock) -> StrongerClaim:
    found = stronger_claim(block.setting, block.claims[0], lambda claim: equal_at_all_sizes(block.setting, claim, (), 0) is not None)
    assert found is not None
    return found


# -- true claims ------------------------------------------------------------------------------------

TRUE_IN_FILE = {
    *("mvn-precision", "mvn-covariance", "inverse-derivative", "inverse-identity", "det-derivative", "logdet-hessian"),
    *("logdet-gram", "trace-inverse", "woodbury", "matrix-determinant-lemma", "newton-step"),
}


@pytest.mark.parametrize("block", [b for b in parse_claims(MORE.read_text()) if b.name in TRUE_IN_FILE], ids=lambda block: block.name)
def test_true_claims_hold_at_all_sizes(block: ClaimBlock) -> None:
    verdict = prove(block.setting, block.claims[0])
    assert verdict.verdict == PROVED
    assert not any(NOT_COVERED in note for note in verdict.notes)


@pytest.mark.parametrize(
    "text",
    [
        INVERTIBLE + "show sum_ij(A[i,j]*inv(A)[j,i]) = D",
        INVERTIBLE + "let f = det(A)\nshow d2f/dA[i,j]dA[k,l] = det(A)*(inv(A)[j,i]*inv(A)[l,k] - inv(A)[j,k]*inv(A)[l,i])",
        GRAM + "show inv(S)[i,j] = inv(S)[j,i]",
        "given X[N,D]\ngiven y[N]\ngiven r where r > 0\nlet S[i,j] = sum_n(X[n,i]*X[n,j]) + r*delta(i,j)\n"
        "let w[i] = sum_jn(inv(S)[i,j]*X[n,j]*y[n])\nshow dw[i]/dy[n] = sum_j(inv(S)[i,j]*X[n,j])",
        # A Gaussian process: the kernel matrix is symmetric, and its inverse is differentiated through it.
        "given x[N]\ngiven y[N]\ngiven s where s > 0\nlet K[n,m] = exp(-(x[n] - x[m])^2/s) + delta(n,m)\n"
        "let a[n] = sum_m(inv(K)[n,m]*y[m])\nlet f = logdet(K)/2 + sum_n(y[n]*a[n])/2\n"
        "show df/ds = sum_nm((inv(K)[n,m] - a[n]*a[m])*exp(-(x[n] - x[m])^2/s)*(x[n] - x[m])^2)/(2*s^2)",
    ],
)
def test_what_people_derive_with_inverses_holds_at_all_sizes(text: str) -> None:
    block = block_of(text)
    verdict = prove(block.setting, block.claims[0])
    assert verdict.verdict == PROVED
    assert not any(NOT_COVERED in note for note in verdict.notes)


# -- claims that hold at small sizes only -------------------------------------------------------------


def matrix(n: int, seed: int = 0) -> Floats:
    return np.random.default_rng([seed, n]).uniform(-1, 1, (n, n)) + 3 * np.eye(n)


def commutator(a: Floats, b: Floats) -> Floats:
    return a @ b - b @ a


def trace_identity(n: int) -> object:
    return np.trace(matrix(n)) ** 2 - np.trace(matrix(n) @ matrix(n)) - 2 * np.linalg.det(matrix(n))


def cayley_hamilton(n: int) -> object:
    a = matrix(n)
    return np.linalg.inv(a) * np.linalg.det(a) - np.trace(a) * np.eye(n) + a


def hall(n: int) -> object:
    """The square of a commutator of 2 x 2 matrices is a multiple of the identity."""
    square = commutator(matrix(n), matrix(n, 1)) @ commutator(matrix(n), matrix(n, 1))
    return commutator(square, np.linalg.inv(matrix(n, 2)))


def amitsur_levitzki(n: int) -> object:
    """The standard polynomial of degree 2, here with inverses: numbers commute."""
    return commutator(np.linalg.inv(matrix(n)), np.linalg.inv(matrix(n, 1)))


FALSE = [
    (INVERTIBLE + "show sum_i(A[i,i])^2 - sum_ij(A[i,j]*A[j,i]) = 2*det(A)", trace_identity, 2),
    (INVERTIBLE + "show inv(A)[i,j]*det(A) = sum_k(A[k,k])*delta(i,j) - A[i,j]", cayley_hamilton, 2),
    (
        INVERTIBLE + "given B[D,D]\ngiven C[D,D] where C invertible\nlet U[i,j] = sum_k(A[i,k]*B[k,j] - B[i,k]*A[k,j])\n"
        "let V[i,j] = sum_k(U[i,k]*U[k,j])\nshow sum_k(V[i,k]*inv(C)[k,j]) = sum_k(inv(C)[i,k]*V[k,j])",
        hall,
        2,
    ),
    (
        INVERTIBLE + "given B[D,D] where B invertible\nshow sum_k(inv(A)[i,k]*inv(B)[k,j]) = sum_k(inv(B)[i,k]*inv(A)[k,j])",
        amitsur_levitzki,
        1,
    ),
    (
        INVERTIBLE + "let B[i,j] = 2*A[i,j]\nshow det(B) = 4*det(A)",
        lambda n: np.linalg.det(2 * matrix(n)) - 4 * np.linalg.det(matrix(n)),
        2,
    ),
    (INVERTIBLE + "let B[i,j] = -A[i,j]\nshow det(B) = det(A)", lambda n: np.linalg.det(-matrix(n)) - np.linalg.det(matrix(n)), 2),
    (INVERTIBLE + "show sum_ij(A[i,j]*inv(A)[j,i]) = 2", lambda n: n - 2, 2),
    (INVERTIBLE + "show sum_k(A[k,i]*inv(A)[k,j]) = delta(i,j)", lambda n: matrix(n).T @ np.linalg.inv(matrix(n)) - np.eye(n), 1),
    (INVERTIBLE + "show inv(A)[i,j] = inv(A)[j,i]", lambda n: np.linalg.inv(matrix(n)) - np.linalg.inv(matrix(n)).T, 1),
    (INVERTIBLE + "let f = logdet(A)*(D - 2)*(D - 3)*(D - 4)\nshow df/dA[i,j] = 0", lambda n: (n - 2) * (n - 3) * (n - 4), 3),
    # An update of rank two, of which the law for rank one would say so at one column.
    (
        INVERTIBLE + "given u[D]\ngiven v[D]\nlet B[i,j] = A[i,j] + u[i]*v[j] + v[i]*u[j]\n"
        "show det(B) = det(A)*(1 + 2*sum_ij(v[i]*inv(A)[i,j]*u[j]))",
        lambda n: np.linalg.det(np.eye(n) + np.outer(range(n), np.ones(n)) + np.outer(np.ones(n), range(n))) - 1 - n * (n - 1),
        1,
    ),
]


@pytest.mark.parametrize(("text", "difference", "holds"), FALSE)
def test_what_holds_at_small_sizes_only_is_not_proved_at_all(text: str, difference: object, holds: int) -> None:
    assert callable(difference)
    assert np.abs(difference(holds)).max() < 1e-9, "the test's own formula: the claim should hold there"
    assert np.abs(difference(5)).max() > 1e-3
    block = block_of(text)
    found = stronger(block)
    assert equal_at_all_sizes(block.setting, found.claim, found.matrices, 0) is None
    assert equal_at_all_sizes(block.setting, block.claims[0], (), 0) is None


def test_they_are_refuted() -> None:
    block = block_of(FALSE[7][0])
    assert prove(block.setting, block.claims[0]).verdict == REFUTED


# -- what it rests on --------------------------------------------------------------------------------


def test_symmetry_at_one_size_is_none() -> None:
    """S = X'X + (D - 2) A is symmetric at D = 2, its inverse too; at other sizes neither is."""
    text = "given X[N,D]\ngiven A[D,D]\nlet S[i,j] = sum_n(X[n,i]*X[n,j]) + (D - 2)*A[i,j]\nshow inv(S)[i,j] = inv(S)[j,i]"
    assert [m.symmetric for m in stronger(block_of(text)).matrices] == [False]
    assert [m.symmetric for m in stronger(block_of(GRAM + "show inv(S)[i,j] = inv(S)[j,i]")).matrices] == [True]


def values_of(block: ClaimBlock, sizes: dict[Dim, int]) -> dict[str, Floats]:
    rng = np.random.default_rng(3)
    return {
        given.name: rng.uniform(0.5, 1.5, [sizes[d] for d in given.dims]) + (2 * np.eye(sizes[D]) if given.dims == (D, D) else 0)
        for given in block.setting.given
    }


def entries(block: ClaimBlock, side: Expr, sizes: dict[Dim, int], values: dict[str, Floats]) -> Floats:
    return np.asarray(evaluate(side, block.setting, sizes, values, Float64(), block.claims[0].free_indices), dtype=float)


def test_unknowns_have_the_derivatives_of_a_matrix() -> None:
    """With S = A^2 and any Y: d(Y)[a,b]/dA[k,l] = -(Y dS Y)[a,b], where dS = E A + A E for E = e_k e_l'."""
    block = block_of("given A[D,D]\nlet S[i,j] = sum_k(A[i,k]*A[k,j])\nlet X[i,j] = inv(S)[i,j]\nshow dX[a,b]/dA[k,l] = 0")
    sizes, n = {D: 3}, 3
    a, y = matrix(n), matrix(n, 1)
    found = entries(block, block.claims[0].lhs, sizes, {"A": a, matrix_key("inv", "S"): y})
    for k in range(n):
        for m in range(n):
            e = np.outer(np.eye(n)[k], np.eye(n)[m])
            assert np.allclose(found[:, :, k, m], -y @ (e @ a + a @ e) @ y)


@pytest.mark.parametrize(("function", "factor"), [("det", 0.7), ("logdet", 1.0)])
def test_unknown_determinants_have_the_derivatives_of_determinants(function: str, factor: float) -> None:
    """dw = w tr(Y dS) and dl = tr(Y dS), for any w = 0.7 and Y."""
    block = block_of(f"given A[D,D]\nlet f = {function}(A)\nshow df/dA[k,l] = 0")
    y = matrix(3, 1)
    found = entries(
        block, block.claims[0].lhs, {D: 3}, {"A": matrix(3), matrix_key("inv", "A"): y, matrix_key(function, "A"): np.array(0.7)}
    )
    assert np.allclose(found, factor * y.T)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (INVERTIBLE + "show sum_k(A[i,k]*inv(A)[k,j]) = delta(i,j)", False),
        (INVERTIBLE + "show sum_k(inv(A)[i,k]*A[k,j]) = delta(i,j)", False),
        (INVERTIBLE + "show sum_k(A[k,i]*inv(A)[k,j]) = delta(i,j)", True),  # the transpose: no law
        (INVERTIBLE + "given x[D]\nshow sum_k(A[i,k]*inv(A)[k,j]*x[k]) = x[i]", True),  # k is needed elsewhere
        (INVERTIBLE + "given x[D]\nlet v[k] = sum_j(inv(A)[k,j]*x[j])\nshow sum_k(A[i,k]*v[k])^2 + v[i] = x[i]^2 + v[i]", True),
        (INVERTIBLE + "given x[D]\nlet v[k] = x[k] - sum_j(inv(A)[k,j]*x[j])\nshow exp(sum_k(A[i,k]*v[k])) = 1", False),
        (INVERTIBLE + "given B[D,D] where B invertible\nshow sum_klm(A[i,k]*B[k,l]*inv(B)[l,m]*inv(A)[m,j]) = delta(i,j)", False),
        (INVERTIBLE + "show sum_ik(A[i,k]*inv(A)[k,i]) = D", False),
        (INVERTIBLE + "given u[D]\ngiven v[D]\nlet B[i,j] = A[i,j] - 3*u[i]*v[j]\nshow inv(B)[i,j] = inv(A)[i,j]", True),
        (INVERTIBLE + "given u[D]\ngiven v[D]\nlet B[i,j] = A[i,j] + u[i]*v[j]\nshow det(B)*inv(A)[i,j] = det(A)", True),
        (INVERTIBLE + "given u[D]\ngiven v[D]\nlet B[i,j] = A[j,i] + u[i]*v[j]\nshow det(B)*inv(A)[i,j] = det(A)", True),
        (INVERTIBLE + "given u[D]\nlet B[i,j] = A[i,j] + u[i]*u[j]^2 + u[j]\nshow inv(B)[i,j] = inv(A)[i,j]", True),
    ],
)
def test_the_laws_change_no_value(text: str, left: bool) -> None:
    block = block_of(text)
    claim = block.claims[0]
    applied = MatrixLaws(Unfolding(block.setting), frozenset()).applied(claim.lhs, claim.rhs)
    assert any("inv" in str(side) for side in applied) is left
    for n in (1, 2, 3):
        values = values_of(block, {D: n})
        for before, after in zip((claim.lhs, claim.rhs), applied, strict=True):
            assert np.allclose(entries(block, before, {D: n}, values), entries(block, after, {D: n}, values)), (n, after)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # No sum is left on either side; Y is an input, with the free indices i and j.
        (INVERTIBLE + "let f = logdet(A)\nshow df/dA[i,j] = inv(A)[j,i]", (2, 0, 0, 0)),
        # -Y[i,k] Y[l,j]: four free indices.
        (INVERTIBLE + "let X[i,j] = inv(A)[i,j]\nshow dX[i,j]/dA[k,l] = -inv(A)[i,k]*inv(A)[l,j]", (4, 0, 0, 0)),
        # tr(Y): d/dA[i,j] leaves the sum over the diagonal of Y[k,i] Y[j,k].
        (INVERTIBLE + "let f = sum_k(inv(A)[k,k])\nshow df/dA[i,j] = -sum_k(inv(A)[j,k]*inv(A)[k,i])", (2, 1, 0, 0)),
        # D det(A) against det(A): one factor of the size.
        (INVERTIBLE + "show D*det(A) = det(A)", (0, 0, 1, 0)),
    ],
)
def test_counts_with_inverses_as_inputs(text: str, expected: tuple[int, int, int, int]) -> None:
    block = block_of(text)
    found = stronger(block)
    bounds = size_plan(block.setting, found.claim, frozenset(m.tensor for m in found.matrices)).bounds[D]
    assert (bounds.free, bounds.sums, bounds.powers, bounds.parameters) == expected
    assert bounds.open_ends == ()
