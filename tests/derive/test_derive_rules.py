"""Each rewrite rule by itself, on the traps that SymPy falls into."""

from __future__ import annotations

import pytest
from sympy import Expr, KroneckerDelta, Sum, gamma

from closedform.derive import closed_form
from closedform.derive.algebra import substitute
from closedform.derive.canonical import canonical
from closedform.derive.facts import Facts, collect_facts, softmax_of
from closedform.derive.naming import Letters, with_letters
from closedform.derive.rules.branches import simplify_branches
from closedform.derive.rules.collect import collect_rule
from closedform.derive.rules.contract import contract
from closedform.derive.rules.distribute import free_deltas, multiply_out, split_sums
from closedform.derive.rules.fold_softmax import fold_softmax
from closedform.derive.rules.known_entries import use_known_entries
from closedform.derive.rules.known_sums import use_known_sums
from closedform.derive.rules.matrix import cancel_inverses
from closedform.derive.rules.mirror import join_mirrored
from closedform.derive.rules.nest import nested
from closedform.derive.rules.piecewise import simplify_pieces
from closedform.derive.rules.pull import pull
from closedform.derive.rules.quotients import cancel
from closedform.errors import DerivationError
from closedform.notation import (
    Abs,
    Dim,
    Given,
    Let,
    Membership,
    OneHot,
    Partial,
    Relation,
    Setting,
    SymmetricMatrix,
    delta,
    equation,
    exp,
    indices,
    inv,
    less,
    less_equal,
    positive,
    relu,
    scalar,
    sigmoid,
    sign,
    step,
    summation,
    tanh,
    tensor,
    where,
)
from closedform.syntax.text import to_text

C = Dim("C")
i, j, k, m = indices("i j k m", C)
x, y, z, p = (tensor(name, C) for name in "xyzp")
A, X = tensor("A", C, C), tensor("X", C, C)
t = scalar("t")
GIVENS = (
    Given(x, where=(Membership(x[i], (-1, 1)),)),
    Given(y, where=(OneHot(y),)),
    Given(z),
    Given(t),
    Given(A, where=(SymmetricMatrix(A),)),
    Given(X, where=(equation(summation(X[i, k], k), 1),)),
)
SOFTMAX = Let(p[i], exp(z[i]) / summation(exp(z[k]), k))
SETTING = Setting(GIVENS, (SOFTMAX,))
FACTS = collect_facts(SETTING, frozenset(), SETTING.lets)
NONE = Facts(SETTING)


def total(body: Expr, *over: object) -> Expr:
    return summation(body, *over)  # type: ignore[arg-type]


def same(left: Expr, right: Expr) -> bool:
    return bool(canonical(left) == canonical(right))


def test_substitution_does_not_capture_bound_indices() -> None:
    assert same(substitute(Sum(x[i] * y[k], (k, 1, C)), {i: k}), total(x[k] * y[m], m))
    assert same(substitute(total(x[i] * y[k], k), {i: k, k: i}), total(x[k] * y[m], m))


def test_alpha_equivalent_sums_are_equal() -> None:
    assert total(x[k] * y[m], k, m) != total(x[m] * y[k], k, m)
    assert same(total(x[k] * y[m], k, m), total(x[m] * y[k], k, m))
    assert same(total(A[k, m] * x[k], k, m), total(A[i, j] * x[i], i, j))
    assert not same(total(A[k, m] * x[k], k, m), total(A[k, m] * x[m], k, m))


def test_canonical_names_do_not_capture_under_an_outer_sum() -> None:
    inner = canonical(total(X[i, k], k))
    outer = total(X[i, j] * substitute(inner, {i: j}), j)
    assert same(outer, total(X[i, k] * total(X[k, m], m), k))
    free_dummy = next(limit[0] for limit in inner.limits)
    assert same(total(X[free_dummy, k], k), total(X[free_dummy, m], m))
    assert free_dummy in canonical(total(X[free_dummy, k], k)).free_symbols


def test_contraction() -> None:
    assert contract(total(delta(i, k) * x[k], k), NONE) == x[i]
    assert contract(total(delta(k, m) * x[k] * y[m], k, m), NONE).has(KroneckerDelta) is False
    assert contract(delta(i, j) * x[j], NONE) == delta(i, j) * x[i]
    assert contract(total(delta(i, k), k), NONE) == 1


def test_pulling_out() -> None:
    assert same(pull(total(t * x[k], k), NONE), t * total(x[k], k))
    assert same(pull(total(x[k] * y[m], k, m), NONE), total(x[k], k) * total(y[k], k))
    assert same(pull(total(x[k] * total(X[k, m], m), k), NONE), total(x[k] * X[k, m], k, m))


def test_distribution() -> None:
    body = x[k] * (delta(i, k) - p[i])
    assert same(free_deltas(total(body, k), NONE), total(x[k] * delta(i, k), k) + total(-p[i] * x[k], k))
    assert free_deltas(total(x[k] * (y[k] - p[i]), k), NONE) == total(x[k] * (y[k] - p[i]), k)
    assert same(split_sums(total(x[k] * (y[k] - p[i]), k), NONE), total(x[k] * y[k], k) + total(-x[k] * p[i], k))
    assert multiply_out((x[i] + 1) ** 2, NONE) == x[i] ** 2 + 2 * x[i] + 1


def test_softmax_is_recognised_and_folded() -> None:
    assert softmax_of(SOFTMAX) is not None
    assert softmax_of(Let(p[i], exp(z[i]) / summation(exp(2 * z[k]), k))) is None
    partition = total(exp(z[m]), m)
    assert fold_softmax(exp(z[j]) / partition, FACTS) == p[j]
    assert same(fold_softmax(total(x[k] * exp(z[k]), k) / partition, FACTS), total(x[k] * p[k], k))
    assert fold_softmax(exp(z[i] + z[j]) / partition**2, FACTS) == p[i] * p[j]
    assert fold_softmax(exp(x[j]) / partition, FACTS) == exp(x[j]) / partition


def test_known_sums_also_inside_larger_sums() -> None:
    assert use_known_sums(canonical(total(p[k], k)), FACTS) == 1
    assert use_known_sums(canonical(total(y[k], k)), FACTS) == 1
    assert use_known_sums(canonical(total(X[j, k], k)), FACTS) == 1
    assert same(use_known_sums(total(x[k] * X[k, m], k, m), FACTS), total(x[k], k))
    assert same(use_known_sums(total(X[k, j], k), FACTS), total(X[k, j], k))


def test_constraints_are_not_used_while_their_tensor_varies() -> None:
    varied = collect_facts(SETTING, frozenset({"X"}), SETTING.lets)
    assert same(use_known_sums(total(X[j, k], k), varied), total(X[j, k], k))
    assert use_known_sums(canonical(total(y[k], k)), varied) == 1


def test_known_entries() -> None:
    assert use_known_entries(y[i] ** 3, FACTS) == y[i]
    assert use_known_entries(x[i] ** 2, FACTS) == 1
    assert use_known_entries(x[i] ** 3, FACTS) == x[i]
    assert use_known_entries(y[i] * y[j], FACTS) == y[i] * delta(i, j)
    assert use_known_entries(A[j, i] + A[i, j], FACTS) == 2 * A[i, j]
    assert use_known_entries(z[i] ** 2, FACTS) == z[i] ** 2


def test_a_condition_that_says_no_more_than_the_factor_beside_it() -> None:
    """y*where(0 < y, 1, 0) = y for y >= 0 only, and only beside that entry."""
    given = (Given(y, where=(Relation(">=", y[i], 0),)), Given(z, where=(Relation(">=", z[i], -1),)), Given(A, where=(positive(A[i, i]),)))
    facts = collect_facts(Setting(given, ()), frozenset(), ())
    counted = where(less(0, y[i]), 1, 0)
    assert facts.nonnegative == {"y"}
    assert same(use_known_entries(total(y[i] * z[j] * counted, i), facts), total(y[i] * z[j], i))
    assert use_known_entries(y[i] * where(less_equal(y[i], 0), 0, 1), facts) == y[i]
    assert use_known_entries(y[j] * counted, facts) == y[j] * counted
    assert use_known_entries(z[i] * where(less(0, z[i]), 1, 0), facts) == z[i] * where(less(0, z[i]), 1, 0)


def test_a_sum_with_a_symmetric_matrix_has_one_form() -> None:
    """Exchanging the dummies of A exchanges those of x and z: both ways to write the sum end in the same one, and stay."""
    one, other = (canonical(total(A[k, m] * x[a] * z[b], k, m)) for a, b in ((k, m), (m, k)))
    assert one != other
    settled = use_known_entries(one, FACTS)
    assert settled in (one, other)
    assert use_known_entries(other, FACTS) == use_known_entries(settled, FACTS) == settled


def test_of_two_mirrored_sigmoids_one_is_left() -> None:
    assert join_mirrored(t * sigmoid(-x[i]) - sigmoid(x[i]), FACTS) == t * (1 - sigmoid(x[i])) - sigmoid(x[i])
    assert join_mirrored(sigmoid(-x[i]) * sigmoid(x[j]), FACTS) == sigmoid(-x[i]) * sigmoid(x[j])


def test_a_symmetric_matrix_meets_its_inverse_at_either_index() -> None:
    assert cancel_inverses(total(A[j, k] * inv(A, i, k), k), FACTS) == delta(i, j)
    X_inverse = total(X[j, k] * inv(X, i, k), k)
    assert cancel_inverses(X_inverse, FACTS) == X_inverse


def test_pieces_and_branches() -> None:
    assert simplify_pieces(step(t) ** 2, NONE) == step(t)
    assert simplify_pieces(step(t) * relu(t), NONE) == relu(t)
    assert simplify_pieces(sign(t) ** 2, NONE) == 1
    assert simplify_pieces(x[i] * sign(x[i]), NONE) == Abs(x[i])
    assert simplify_pieces(where(less(t, 1), 2, 0) * where(less(t, 1), 3, 0), NONE) == where(less(t, 1), 6, 0)
    condition = less(z[i], 0)
    assert simplify_branches(where(condition, delta(i, j) * x[i], delta(i, j)), NONE) == delta(i, j) * where(condition, x[i], 1)
    assert simplify_branches(where(condition, delta(i, j) - y[j], 0), NONE) == delta(i, j) * where(condition, 1, 0) + y[j] * -where(
        condition, 1, 0
    )
    assert simplify_branches(where(condition, x[i], 0) + where(condition, 0, y[i]), NONE) == where(condition, x[i], y[i])


def test_a_matrix_times_its_inverse() -> None:
    assert cancel_inverses(total(A[i, k] * inv(A, k, j), k), NONE) == delta(i, j)
    assert cancel_inverses(total(inv(A, i, k) * A[k, j] * x[m], k, m), NONE) == total(delta(i, j) * x[m], m)
    assert cancel_inverses(total(inv(A, k, i) * A[k, j], k), NONE) == total(inv(A, k, i) * A[k, j], k)


def test_cancelling_is_scalar_algebra_on_atoms() -> None:
    assert cancel((x[i] ** 2 - y[i] ** 2) / (x[i] - y[i])) == x[i] + y[i]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (p[i] * delta(i, j) - p[i] * p[j], "p[i]*(delta(i,j) - p[j])"),
        (total(x[k] * y[k], k) - total(z[m] * y[m], m), "sum_i(y[i]*(x[i] - z[i]))"),
        (x[i] ** 2 - 2 * x[i] * y[i] + y[i] ** 2, "(x[i] - y[i])^2"),
        (x[i] * y[i] / t - y[i] / t, "-y[i]*(1 - x[i])/t"),
        ((1 + x[i]) * (1 - x[i]), "1 - x[i]^2"),
    ],
)
def test_collecting(before: Expr, after: str) -> None:
    result = collect_rule(before, NONE)
    assert to_text(with_letters(result, Letters(SETTING, before))) == after


def test_nesting_makes_squares() -> None:
    flat = total(x[k] * X[i, k] * X[i, m] * x[m] * A[i, i], i, k, m)
    square = total(A[i, i] * total(x[k] * X[i, k], k) ** 2, i)
    assert same(nested(flat), square)


def test_names_do_not_bring_in_a_division() -> None:
    f = scalar("f")
    silu = Setting((Given(t),), (Let(f, t * sigmoid(t)),))
    assert to_text(closed_form(silu, Partial(f, t)).expression) == "sigmoid(t)*(1 + t*(1 - sigmoid(t)))"
    capped = Setting((Given(t), Given(scalar("a"))), (Let(f, scalar("a") * tanh(t / scalar("a"))),))
    assert to_text(closed_form(capped, Partial(f, t)).expression) == "1 - f^2/a^2"


def test_raw_exponentials_get_a_name_that_is_free() -> None:
    given = (Given(z), Given(p))
    raw = exp(z[i]) / summation(exp(z[k]), k)
    form = closed_form(Setting(given), raw, avoid=["softmax"])
    assert to_text(form.expression) == "p1[i]"
    assert [let.doc for let in form.setting.lets] == ["softmax probabilities"]


def test_an_unknown_function_keeps_its_derivatives() -> None:
    u, f = tensor("u", C), scalar("f")
    setting = Setting((Given(z), Given(u, of=(z,))), (Let(f, summation(u[k] ** 2, k)),))
    form = closed_form(setting, Partial(f, z[i], z[j]))
    assert to_text(form.expression) == "2*(sum_k(d2u[k]/dz[i]dz[j]*u[k]) + sum_k(du[k]/dz[i]*du[k]/dz[j]))"


def test_a_function_without_a_known_derivative() -> None:
    f = scalar("f")
    setting = Setting((Given(t),), (Let(f, gamma(t)),))
    with pytest.raises(DerivationError, match="no derivative is known for gamma; known are Abs, cos"):
        closed_form(setting, Partial(f, t))
