"""The counts behind a plan, against counts made by hand."""

import pytest

from closedform.certify.sizes.plan import Bounds, SizePlan, size_plan
from closedform.notation import Claim, Derivation, Dim
from closedform.syntax.parse import parse_claims

SOFTMAX = "let p[c] = exp(z[c])/sum_k(exp(z[k]))\n"
CROSS_ENTROPY = SOFTMAX + "let L = -sum_c(y[c]*log(p[c]))\n"


def plan_of(text: str) -> SizePlan:
    (block,) = parse_claims('claim x "x"\n' + text)
    (claim,) = block.claims
    return size_plan(block.setting, claim)


def counts(text: str, dim: str) -> tuple[int, int, int, int]:
    bounds = plan_of(text).bounds[Dim(dim)]
    return bounds.free, bounds.sums, bounds.powers, bounds.parameters


@pytest.mark.parametrize(
    ("text", "dim", "expected"),
    [
        # d/dx[j] sum_k x[k]^2 = 2 x[j]: the delta ends the sum.
        ("given x[N]\nlet f = sum_k(x[k]^2)\nshow df/dx[j] = 2*x[j]", "N", (1, 0, 0, 0)),
        # (1/N) on both sides is a common factor.
        ("given x[N]\nlet f = sum_k(x[k]^2)/N\nshow df/dx[j] = 2*x[j]/N", "N", (1, 0, 0, 0)),
        # Forgotten on one side it is a factor N on the other, once cleared.
        ("given x[N]\nlet f = sum_k(x[k]^2)/N\nshow df/dx[j] = 2*x[j]", "N", (1, 0, 1, 0)),
        # (x'x)^2: derivative 4 (x'x) x[j], one sum.
        ("given x[N]\nlet f = sum_k(x[k]^2)^2\nshow df/dx[j] = 4*sum_k(x[k]^2)*x[j]", "N", (1, 1, 0, 0)),
        # The residual keeps its sum over D; over N only the outer sum is left.
        ("given X[N,D]\ngiven w[D]\nlet f = sum_n(sum_i(X[n,i]*w[i])^2)\nshow df/dw[j] = 2*sum_ni(X[n,j]*X[n,i]*w[i])", "N", (0, 1, 0, 0)),
        ("given X[N,D]\ngiven w[D]\nlet f = sum_n(sum_i(X[n,i]*w[i])^2)\nshow df/dw[j] = 2*sum_ni(X[n,j]*X[n,i]*w[i])", "D", (1, 1, 0, 0)),
        # p'/p cancels a denominator: over S, the sums are e[j] sum_c y[c] and y[j] S, one each.
        ("given z[C]\ngiven y[C]\n" + CROSS_ENTROPY + "show dL/dz[j] = p[j]*sum_c(y[c]) - y[j]", "C", (1, 1, 0, 0)),
        # One-hot labels are a delta with one more free index.
        ("given z[C]\ngiven y[C] where y onehot\n" + CROSS_ENTROPY + "show dL/dz[j] = p[j] - y[j]", "C", (2, 1, 0, 0)),
        # log of the denominator: a parameter.
        ("given z[C]\n" + SOFTMAX + "let s = log(sum_k(exp(z[k])))\nlet f = s^2\nshow df/dz[j] = 2*s*p[j]", "C", (1, 0, 0, 1)),
        # Powers of the size, n^2 against a constant.
        ("given x[N]\nlet f = N^2*sum_k(x[k])\nshow df/dx[j] = 1", "N", (1, 0, 2, 0)),
        # sqrt(N): P + Q sqrt(N) has the norm P^2 - N Q^2, twice the degree and more.
        ("given x[N]\nlet f = sqrt(N)*sum_k(x[k])\nshow df/dx[j] = 1", "N", (1, 0, 3, 0)),
    ],
)  # fmt: skip
def test_counts_are_those_made_by_hand(text: str, dim: str, expected: tuple[int, int, int, int]) -> None:
    assert counts(text, dim) == expected


@pytest.mark.parametrize("sums", ["sum_nd(X[n,d])", "sum_dn(X[n,d])", "sum_n(sum_d(X[n,d]))", "sum_d(sum_n(X[n,d])^2)"])
def test_a_sum_over_two_dimensions_is_a_parameter_in_each(sums: str) -> None:
    plan = plan_of(f"given X[N,D]\nshow exp({sums}) = 1")
    squares = "^2" in sums  # then one sum over N for each value of d
    assert plan.bounds[Dim("N")].parameters == (plan.sizes[Dim("D")][-1] if squares else 1)
    assert plan.bounds[Dim("D")].parameters == 1


def test_roots_of_higher_order_take_more_sizes() -> None:
    """N^(1/5), ..., N together are a polynomial of degree 5 in N^(1/5), with up to five zeros: six sizes at least."""
    powers = "+".join(f"{k}*N^({k}/5)" for k in range(1, 6))
    assert len(plan_of(f"given x[N]\nshow x[i]*({powers}) = x[i]").sizes[Dim("N")]) >= 6


def test_softmax_jacobian_has_its_denominator_as_parameter() -> None:
    assert counts("given z[C]\n" + SOFTMAX + "show dp[i]/dz[j] = p[i]*(delta(i,j) - p[j])", "C") == (2, 0, 0, 1)


def test_exponentials_of_a_matrix_product_are_one_parameter_for_each_value_of_the_outer_indices() -> None:
    plan = plan_of(
        "given W[C,D]\ngiven x[D]\nlet z[c] = sum_d(W[c,d]*x[d])\n" + SOFTMAX + "show dp[i]/dx[d] = p[i]*(W[i,d] - sum_k(p[k]*W[k,d]))"
    )
    assert plan.bounds[Dim("D")].parameters == plan.sizes[Dim("C")][-1]
    assert plan.bounds[Dim("D")].bath == 1  # each logit has a row of W of its own


def test_labels_that_sum_to_one_are_solved_for_one_entry_or_are_a_parameter() -> None:
    text = "given z[C]\ngiven y[C] where sum_c(y[c]) = 1\n" + CROSS_ENTROPY + "show dL/dz[j] = p[j] - y[j]"
    free, sums, _, parameters = counts(text, "C")
    assert parameters == 1 or (free, sums) == (2, 2)


@pytest.mark.parametrize(
    ("bounds", "sizes"),
    [
        (Bounds(2, 1, 0), (2, 3)),
        (Bounds(0, 1, 0), (1, 2)),
        (Bounds(1, 0, 0), (2,)),  # size 1 alone would do for the theorem
        (Bounds(2, 1, 1, 2, 2), (7, 8, 9)),  # f + s(m + 1) + m = 2 + 3 + 2
        (Bounds(2, 0, 0, 3, 1), (3,)),
    ],
)
def test_sizes_are_consecutive_from_the_start_that_the_theorem_names(bounds: Bounds, sizes: tuple[int, ...]) -> None:
    assert bounds.sizes == sizes


@pytest.mark.parametrize("name", ["softmax", "cross_entropy", "mse", "linear_cross_entropy", "linear_mse"])
def test_the_catalogue_is_covered_and_stays_small(name: str) -> None:
    module = __import__(f"closedform.derivations.{name}", fromlist=["derivation"])
    derivation: Derivation = module.derivation
    claim: Claim
    for claim in derivation.claims:
        plan = size_plan(derivation.setting, claim)
        assert plan.open_ends == ()
        points = 1
        for dim, sizes in plan.sizes.items():
            bounds = plan.bounds[dim]
            assert len(sizes) >= bounds.sums + bounds.powers + 1
            assert max(sizes) <= 12
            points *= len(sizes)
        assert points <= 16, (claim.name, plan.sizes)


def test_size_conditions_move_the_plan_to_where_they_hold() -> None:
    plan = plan_of(
        "given X[N,D] where N >= D + 1\ngiven w[D]\nlet f = sum_n(sum_i(X[n,i]*w[i])^2)\nshow df/dw[j] = 2*sum_ni(X[n,j]*X[n,i]*w[i])"
    )
    assert min(plan.sizes[Dim("N")]) >= max(plan.sizes[Dim("D")]) + 1
    assert len(plan.sizes[Dim("N")]) == 2


@pytest.mark.parametrize("condition", ["N = D", "N + D = 5", "N*D <= 6"])
def test_conditions_that_forbid_planned_sizes_are_an_open_end(condition: str) -> None:
    plan = plan_of(f"given X[N,D] where {condition}\nshow (N-1)*(N-2)*(N-3)*(D-2)*X[n,d] = 0")
    assert any("size conditions" in end for end in plan.open_ends)


def test_a_forbidden_size_is_not_among_those_planned() -> None:
    plan = plan_of("given x[N] where N != 3\nshow (N-1)*(N-2)*(N-4)*x[i] = 0")
    assert plan.sizes[Dim("N")] == (4, 5, 6, 7)
    assert plan.open_ends == ()


def test_a_bounded_dimension_is_exhausted() -> None:
    plan = plan_of("given x[N] where N <= 3\nlet f = N^5*sum_k(x[k])\nshow df/dx[j] = N^5")
    assert plan.sizes[Dim("N")] == (1, 2, 3)
    assert plan.exhausted == {Dim("N")}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("given X[D,D] where X invertible\nlet f = logdet(X)\nshow df/dX[i,j] = inv(X)[j,i]", "inverse or determinant"),
        ("given A[D,D]\ngiven x[D]\nlet f = exp(sum_ij(x[i]*A[i,j]*x[j]))\nshow df/dx[k] = 0", "sum over several indices"),
        ("given A[D,D] where sum_k(A[i,k]*A[j,k]) = delta(i,j)\nshow sum_ij(A[i,j]^2) = D", "one for every index over D"),
        ("given x[N]\nlet f = exp(sum_k(cosh(x[k])^2 - sinh(x[k])^2))\nshow df/dx[j] = 0", "may hide the size N"),
        ("given x[N]\nlet t = sum_k(x[k])\nshow exp(t/N) = exp(t/2)", "the size N inside a function"),
        ("given x[N]\nlet f = sin(N)*sum_k(x[k])\nshow df/dx[j] = sin(N)", "inside a function"),
        ("given W[D,D]\ngiven x[D]\nlet f = sum_i(tanh(sum_j(W[i,j]*x[j])))\nshow df/dx[j] = 0", "itself summed"),
        (
            "given X[N,K]\ngiven Y[M,K]\nlet P[n,m] = exp(sum_k(X[n,k]*Y[m,k]))\n"
            "let f = sum_nm(P[n,m]/(sum_j(P[n,j])*sum_l(P[l,m])))\nshow df/dX[n,k] = 0",
            "depend on one another",
        ),
    ],
)  # fmt: skip
def test_what_the_theorem_does_not_cover_is_named(text: str, reason: str) -> None:
    plan = plan_of(text)
    assert any(reason in end for end in plan.open_ends), plan.open_ends
    assert all(len(sizes) >= 1 for sizes in plan.sizes.values())


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        ("given x[N]\ngiven y[N]\nlet f = sum_k(x[k]^2*y[k])\nshow f = 0", 3),
        # 1/x[1] + 1/x[2] over its common denominator at N = 2: degree 1 over degree 2, so f - 1 has degree 2.
        ("given x[N]\nlet f = sum_k(1/x[k])\nshow f = 1", 2),
        # x[j] (x'x) - x[j]: 3; and the random direction along which a derivative may be taken.
        ("given x[N]\nlet f = sum_k(x[k]^2)^2/4\nshow df/dx[j] = x[j]", 4),
        # exp and erf are further variables: e (e + x) has degree 2.
        ("given x\nshow exp(x)*(erf(x) + x) = 0", 2),
        # inv(A) = adj(A)/det(A) at D = 2 .. 4: degree 4 with det(A) cleared, times an entry of A on the other side.
        ("given A[D,D] where A invertible\nshow inv(A)[i,j] = A[i,j]", 5),
        # det(A/t) = det(A)/t^3 for three rows, against 1 over t^3.
        ("given A[D,D] where D <= 3\ngiven t\nlet S[i,j] = A[i,j]/t\nshow det(S) = 1", 3),
    ],
)  # fmt: skip
def test_the_degree_is_that_of_the_cleared_difference_at_the_largest_sizes(text: str, degree: int) -> None:
    plan = plan_of(text)
    assert plan.degree == degree, (plan.sizes, plan.degree)


def test_a_false_claim_passes_no_more_often_than_its_degree_allows() -> None:
    """sum over k of 1/x[k] vanishes modulo p for about 1/p of all points, less than degree/p: counted for small p."""
    plan = plan_of("given x[N]\nlet f = sum_k(1/x[k])\nshow f = 0")
    p = 101
    (n,) = {plan.sizes[Dim("N")][-1]}
    assert n == 2
    zeros = sum((pow(a, -1, p) + pow(b, -1, p)) % p == 0 for a in range(1, p) for b in range(1, p))
    assert zeros / (p - 1) ** 2 <= plan.degree / p


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("given x[N]\nshow sum_k(x[k])/(N - 1) = sum_k(x[k])/(N - 1)*(1 + (N-2)*(N-3))", 2),
        ("given x[N]\nshow sum_k(x[k])/(N - 2) = sum_k(x[k])/(N - 2)*(N - 1)", 3),  # 1 and 2 are not two sizes
        ("given x[N]\nlet m = sum_k(x[k])/N\nlet v = sum_k((x[k] - m)^2)\nshow sum_k(x[k]/v) = m*N/v", 2),
        # Zero on the diagonal only, at N = 2 and 3.
        ("given x[N]\nshow delta(i,j)*x[i]/((N-2)*(N-3) + 1 - delta(i,j)) = delta(i,j)*2*x[i]/((N-2)*(N-3) + 1 - delta(i,j))", 4),
    ],
)
def test_a_plan_begins_after_the_sizes_at_which_a_denominator_is_zero(text: str, first: int) -> None:
    plan = plan_of(text)
    bounds = plan.bounds[Dim("N")]
    assert plan.sizes[Dim("N")][0] >= first
    assert len(plan.sizes[Dim("N")]) == bounds.sums + bounds.powers + 1


def test_rows_are_at_least_as_many_as_columns_where_their_gram_matrix_is_inverted() -> None:
    plan = plan_of("given X[N,D]\nlet A[i,j] = sum_n(X[n,i]*X[n,j])\nshow inv(A)[i,j] = inv(A)[j,i]")
    assert plan.sizes[Dim("N")][0] >= plan.sizes[Dim("D")][-1]


@pytest.mark.parametrize(
    ("body", "covered"),
    [
        ("exp(sum_k(x[k])/N)", True),  # a mean
        ("sqrt(sum_k((x[k] - sum_l(x[l])/N)^2)/N + 1)", True),  # a variance: both sums scale as n
        ("exp(sum_k(x[k])/N)*exp(sum_k(x[k]))", False),
        ("exp(sum_k(x[k]) + N)", False),
        ("exp(sum_k(x[k])/sqrt(N))", True),  # as attention scales its scores
    ],
)
def test_the_size_inside_a_function_may_only_scale_the_sums_there(body: str, covered: bool) -> None:
    plan = plan_of(f"given x[N]\nlet f = {body}\nshow log(f) = 0")
    assert (plan.open_ends == ()) is covered, plan.open_ends
