"""The interpreter: values worked by hand, and derivatives against autograd and finite differences."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb
from sympy import Expr, Integer

from closedform.certify.evaluate import derivative_key, evaluate
from closedform.certify.rings.ball import Ball
from closedform.certify.rings.base import fraction
from closedform.certify.rings.float64 import Float64
from closedform.certify.rings.rational import IrrationalError, Rationals
from closedform.errors import NotationError
from closedform.notation import (
    Dim,
    Given,
    Index,
    Let,
    NamedTensor,
    Setting,
    delta,
    det,
    erf,
    exp,
    indices,
    inv,
    less,
    log,
    logdet,
    maximum,
    minimum,
    partial,
    pi,
    relu,
    scalar,
    sigmoid,
    softplus,
    sqrt,
    step,
    summation,
    tanh,
    tensor,
    where,
)

B, C, D = Dim("B"), Dim("C"), Dim("D")
a, b = indices("a b", B)
i, j, k = indices("i j k", C)
m, n = indices("m n", D)
x, y = tensor("x", C), tensor("y", C)
A = tensor("A", C, C)
s, t = scalar("s"), scalar("t")


def real(expression: Expr, axes: tuple[Index, ...] = (), lets: tuple[Let, ...] = (), **values: object) -> np.ndarray:
    arrays = {name: np.asarray(value, dtype=float) for name, value in values.items()}
    known = {"x": x, "y": y, "A": A, "s": s, "t": t}
    setting = Setting(tuple(Given(known[name]) for name in arrays), lets)
    size = next((array.shape[0] for array in arrays.values() if array.ndim), 2)
    return np.asarray(evaluate(expression, setting, {C: size}, arrays, Float64(), axes))


@pytest.mark.parametrize(
    ("expression", "axes", "expected"),
    [
        (summation(x[i] * y[i], i), (), 11.0),
        (summation(x[i], i) ** 2, (), 9.0),
        (summation(x[i] * summation(y[i], i), i), (), 21.0),  # an inner sum over the same letter is its own
        (x[i] * y[j], (i, j), [[3.0, 4.0], [6.0, 8.0]]),
        (x[i] * y[j], (j, i), [[3.0, 6.0], [4.0, 8.0]]),
        (x[i], (i, j), [[1.0, 1.0], [2.0, 2.0]]),
        (delta(i, j) * x[j], (i, j), [[1.0, 0.0], [0.0, 2.0]]),
        (summation(delta(i, k) * x[k], k), (i,), [1.0, 2.0]),
        (summation(delta(i, j) * x[k], i, j, k), (), 6.0),
        (summation(x[i], i, j), (), 6.0),  # an index that the body lacks counts
        (C * x[i], (i,), [2.0, 4.0]),
    ],
)
def test_sums_deltas_and_axes_by_hand(expression: Expr, axes: tuple[Index, ...], expected: Any) -> None:
    np.testing.assert_allclose(real(expression, axes, x=[1, 2], y=[3, 4]), expected)


def test_repeated_indices_take_the_diagonal() -> None:
    assert real(summation(A[i, i], i), A=[[1, 2], [3, 4]]) == 5
    np.testing.assert_allclose(real(partial(A[i, i], A[j, k]), (i, j, k), A=np.eye(2)), np.einsum("ij,ik->ijk", np.eye(2), np.eye(2)))


def test_the_branch_not_taken_does_not_matter() -> None:
    value = real(where(less(0, x[i]), log(x[i]), x[i]), (i,), x=[-1.0, math.e])
    np.testing.assert_allclose(value, [-1.0, 1.0])
    slope = real(partial(y[i], x[j]), (i, j), (Let(y[i], where(less(0, x[i]), log(x[i]), x[i])),), x=[-1.0, 2.0])
    np.testing.assert_allclose(slope, [[1.0, 0.0], [0.0, 0.5]])


def test_a_let_that_contains_a_derivative_is_differentiated_again() -> None:
    f, g = scalar("f"), tensor("g", C)
    lets = (Let(f, summation(x[i] ** 3, i)), Let(g[i], partial(f, x[i])))
    np.testing.assert_allclose(real(partial(g[i], x[j]), (i, j), lets, x=[1.0, 2.0]), [[6.0, 0.0], [0.0, 12.0]])


def test_the_index_of_a_derivative_may_be_a_bound_index_of_the_definition() -> None:
    f = scalar("f")
    np.testing.assert_allclose(real(partial(f, x[k]), (k,), (Let(f, summation(x[k] ** 2, k)),), x=[1.0, 2.0]), [2.0, 4.0])


def test_repeated_entries_of_a_derivative_give_its_diagonal() -> None:
    f = scalar("f")
    lets = (Let(f, summation(x[i] * x[j] * A[i, j], i, j)),)
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    full = real(partial(f, x[i], x[j]), (i, j), lets, x=[1, 2], A=matrix)
    np.testing.assert_allclose(full, matrix + matrix.T)
    np.testing.assert_allclose(real(partial(f, x[i], x[i]), (i,), lets, x=[1, 2], A=matrix), np.diag(full))
    np.testing.assert_allclose(real(summation(partial(f, x[i], x[i]), i), (), lets, x=[1, 2], A=matrix), np.trace(full))


def test_a_sum_against_a_derivative_is_a_directional_derivative() -> None:
    f = scalar("f")
    lets = (Let(f, summation(exp(x[i] * A[i, j] * x[j]), i, j)),)
    values = {"x": [0.3, -0.7], "y": [0.5, 2.0], "A": [[1.0, 0.2], [-0.4, 0.6]]}
    full = real(partial(f, x[i], x[j]), (i, j), lets, **values)
    np.testing.assert_allclose(real(summation(partial(f, x[i], x[j]) * y[j], j), (i,), lets, **values), full @ values["y"])
    np.testing.assert_allclose(
        real(summation(y[i] * partial(f, x[i], x[j]) * y[j], i, j), (), lets, **values), values["y"] @ full @ values["y"]
    )


def test_a_derivative_by_an_intermediate_holds_its_own_definition_fixed() -> None:
    u, f = tensor("u", C), scalar("f")
    lets = (Let(u[i], x[i] ** 2), Let(f, summation(u[i] * x[i], i)))
    np.testing.assert_allclose(real(partial(f, u[i]), (i,), lets, x=[2.0, 3.0]), [2.0, 3.0])


ELEMENTARY = [
    (exp(s), torch.exp),
    (log(s), torch.log),
    (tanh(s), torch.tanh),
    (sigmoid(s), torch.sigmoid),
    (softplus(s), torch.nn.functional.softplus),
    (erf(s), torch.erf),
    (sqrt(s), torch.sqrt),
    (s ** Integer(-3), lambda v: v**-3),
    (s**s, lambda v: v**v),
    (relu(s - 1) ** 3, lambda v: torch.relu(v - 1) ** 3),
    (maximum(s, 1 / s), lambda v: torch.maximum(v, 1 / v)),
    (minimum(s, 1 / s), lambda v: torch.minimum(v, 1 / v)),
    (abs(s - 2) ** 3, lambda v: torch.abs(v - 2) ** 3),
    (step(s) * s**2, lambda v: v**2),
    (exp(-(s**2) / 2) / sqrt(2 * pi), lambda v: torch.exp(-(v**2) / 2) / math.sqrt(2 * math.pi)),
]


@pytest.mark.parametrize(("expression", "function"), ELEMENTARY, ids=[str(e) for e, _ in ELEMENTARY])
@pytest.mark.parametrize("at", [0.4, 1.7])
def test_three_derivatives_of_elementary_functions_against_autograd(expression: Expr, function: object, at: float) -> None:
    f = scalar("f")
    setting = Setting((Given(s),), (Let(f, expression),))
    oracle = function
    for order in range(4):
        target = partial(f, *[s] * order) if order else f
        expected = oracle(torch.tensor(at, dtype=torch.float64)).item()  # type: ignore[operator]
        assert float(evaluate(target, setting, {}, {"s": np.asarray(at)}, Float64(), ())) == pytest.approx(expected, rel=1e-10, abs=1e-12)
        ball = evaluate(target, setting, {}, {"s": np.asarray(arb(at), dtype=object)}, Ball(256), ())
        assert float(ball[()].mid()) == pytest.approx(expected, rel=1e-10, abs=1e-12)
        oracle = torch.func.grad(oracle)  # type: ignore[arg-type]


def test_layer_of_attention_against_autograd() -> None:
    N, M, E = Dim("N"), Dim("M"), Dim("E")
    q, r, e = Index("q", N), Index("r", M), Index("e", E)
    Q, K, V = tensor("Q", N, D), tensor("K", M, D), tensor("V", M, E)
    S, P, O, L = tensor("S", N, M), tensor("P", N, M), tensor("O", N, E), scalar("L")
    l = Index("l", M)
    lets = (
        Let(S[q, r], summation(Q[q, m] * K[r, m], m) / sqrt(D)),
        Let(P[q, r], exp(S[q, r]) / summation(exp(S[q, l]), l)),
        Let(O[q, e], summation(P[q, r] * V[r, e], r)),
        Let(L, summation(O[q, e] ** 3, q, e)),
    )
    setting = Setting((Given(Q), Given(K), Given(V)), lets)
    sizes = {N: 3, M: 4, D: 2, E: 2}
    rng = np.random.default_rng(0)
    values = {given.name: rng.normal(size=[sizes[dim] for dim in given.dims]) for given in setting.given}

    def loss(query: torch.Tensor) -> torch.Tensor:
        scores = query @ torch.tensor(values["K"]).T / math.sqrt(2)
        return ((torch.softmax(scores, 1) @ torch.tensor(values["V"])) ** 3).sum()

    q2 = Index("q2", N)
    hessian = evaluate(partial(L, Q[q, m], Q[q2, n]), setting, sizes, values, Float64(), (q, m, q2, n))
    np.testing.assert_allclose(hessian, torch.func.hessian(loss)(torch.tensor(values["Q"])).numpy(), rtol=1e-9, atol=1e-12)


def test_matrix_functions_against_finite_differences() -> None:
    f = scalar("f")
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(3, 3)) + 3 * np.eye(3)
    for body in (logdet(A), det(A), summation(inv(A, i, j), i, j)):
        slope = real(partial(f, A[i, j]), (i, j), (Let(f, body),), A=matrix)
        for at in np.ndindex(3, 3):
            step_ = np.zeros((3, 3))
            step_[at] = 1e-5
            difference = real(body, A=matrix + step_) - real(body, A=matrix - step_)
            assert slope[at] == pytest.approx(float(difference) / 2e-5, rel=1e-7)


def test_unknown_functions_follow_the_chain_rule_to_second_order() -> None:
    # e = f(x) with f(x) = (x0 x1, x0^2), known to the interpreter by its value and derivatives alone
    e, L = tensor("e", B), scalar("L")
    setting = Setting((Given(x), Given(e, of=(x,))), (Let(L, summation(e[a] ** 3, a)),))
    at = np.array([0.7, -1.3])
    values = {
        "x": at,
        "e": np.array([at[0] * at[1], at[0] ** 2]),
        derivative_key("e", ["x"]): np.array([[at[1], at[0]], [2 * at[0], 0.0]]),
        derivative_key("e", ["x", "x"]): np.array([[[0.0, 1.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, 0.0]]]),
    }

    def loss(v: torch.Tensor) -> torch.Tensor:
        return (v[0] * v[1]) ** 3 + v[0] ** 6

    hessian = evaluate(partial(L, x[i], x[j]), setting, {B: 2, C: 2}, values, Float64(), (i, j))
    np.testing.assert_allclose(hessian, torch.func.hessian(loss)(torch.tensor(at)).numpy(), rtol=1e-12)


def test_balls_contain_what_doubles_approximate() -> None:
    z, p = tensor("z", C), tensor("p", C)
    setting = Setting((Given(z),), (Let(p[i], exp(z[i]) / summation(exp(z[k]), k)),))
    at = np.array([0.5, -2.0, 3.0])
    axes = (i, j)
    near = evaluate(partial(p[i], z[j]), setting, {C: 3}, {"z": at}, Float64(), axes)
    balls = evaluate(partial(p[i], z[j]), setting, {C: 3}, {"z": np.array([arb(v) for v in at], dtype=object)}, Ball(300), axes)
    assert all(
        abs(float(ball.mid()) - value) < 1e-15 and float(ball.rad()) < 1e-80 for ball, value in zip(balls.flat, near.flat, strict=True)
    )


def test_a_ball_over_a_kink_is_no_number() -> None:
    setting = Setting((Given(s),))
    over_zero = np.asarray(arb(0, 1e-3), dtype=object)
    assert evaluate(step(s), setting, {}, {"s": over_zero}, Ball(), ())[()].is_nan()
    assert evaluate(where(less(s, 0), log(s), 1), setting, {}, {"s": over_zero}, Ball(), ())[()].is_nan()
    either = evaluate(where(less(s, 0), 2, 3), setting, {}, {"s": over_zero}, Ball(), ())[()]
    assert either.contains(2)
    assert either.contains(3)


def test_rationals_are_exact_or_refuse() -> None:
    setting = Setting((Given(A), Given(s)))
    matrix = np.array([[fraction(Integer(v)) for v in row] for row in ([2, 1], [1, 3])], dtype=object)
    values = {"A": matrix, "s": np.asarray(fraction(Integer(9)), dtype=object)}
    assert evaluate(inv(A, i, j), setting, {C: 2}, values, Rationals(), (i, j))[0, 0] * 5 == 3
    assert evaluate(sqrt(s) + det(A), setting, {C: 2}, values, Rationals(), ())[()] == 8
    with pytest.raises(IrrationalError, match=r"exp\(9\) is not rational"):
        evaluate(exp(s), setting, {C: 2}, values, Rationals(), ())


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        (x[i], {"x": [1, 2]}, "free index i, which is not among the axes"),
        (summation(x[i], i), {}, "no value is given for x"),
        (summation(y[i], i), {"x": [1, 2]}, "y is neither given nor defined"),
    ],
)
def test_mistakes_are_named(expression: Expr, values: dict[str, object], message: str) -> None:
    arrays = {name: np.asarray(value, dtype=float) for name, value in values.items()}
    with pytest.raises(NotationError, match=message):
        evaluate(expression, Setting((Given(x),)), {C: 2}, arrays, Float64(), ())


def test_a_missing_size_is_named() -> None:
    with pytest.raises(NotationError, match="no size is given for the dimension C"):
        evaluate(C * s, Setting((Given(s),)), {}, {"s": np.asarray(1.0)}, Float64(), ())


def test_inverse_needs_a_named_square_matrix() -> None:
    rectangle: NamedTensor = tensor("R", B, C)
    with pytest.raises(NotationError, match="det needs a named square matrix"):
        evaluate(det(rectangle), Setting((Given(rectangle),)), {B: 2, C: 2}, {"R": np.eye(2)}, Float64(), ())


def test_softmax_of_a_batch_is_evaluated_where_it_depends() -> None:
    z = tensor("z", B, C)
    setting = Setting((Given(z),))
    value = evaluate(log(summation(exp(z[b, i]), i)), setting, {B: 2, C: 3}, {"z": np.zeros((2, 3))}, Float64(), (a, b))
    np.testing.assert_allclose(value, np.full((2, 2), math.log(3)))


def test_powers_of_a_ball_around_zero_have_a_value() -> None:
    third = arb(1) / 3
    (squared,) = Ball(64).power(np.array([third - third], dtype=object), Integer(2)).flat
    assert squared.contains(0)
    assert squared.is_finite()
    (cubed, inverse) = Ball(64).power(np.array([arb(2), arb(4)], dtype=object), Integer(-3)).flat
    assert (cubed, inverse) == (arb(1) / 8, arb(1) / 64)
