"""False claims that hold at small sizes: every plan must contain a size at which they fail.

The difference of the two sides is written a second time in NumPy, by hand; nothing of the kernel is used.
"""

from collections.abc import Callable
from math import exp, log, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from closedform.certify.sizes.plan import size_plan
from closedform.notation import Dim
from closedform.syntax.parse import parse_claims

Floats = NDArray[np.float64]


def point(n: int, seed: int = 7) -> Floats:
    return np.random.default_rng(seed + n).uniform(0.3, 1.7, n)


def softmax(z: Floats) -> Floats:
    return np.exp(z) / np.exp(z).sum()


def elementary(x: Floats, degree: int) -> float:
    """Elementary symmetric polynomial, by the recursion e_k(x, t) = e_k(x) + t e_{k-1}(x)."""
    e = np.zeros(degree + 1)
    e[0] = 1
    for t in x:
        e[1:] = e[1:] + t * e[:-1]
    return e[degree]


def size_factor(n: int) -> float:
    return (n - 2) * (n - 3) * (n - 4) * (n - 5)


def two_class_jacobian(n: int) -> float:
    p = softmax(point(n))
    return float(np.abs((2 * np.eye(n) - 1) * (p * (1 - p))[:, None] - (np.diag(p) - np.outer(p, p))).max())


def diagonal_cosine(n: int) -> float:
    u, v = point(n), point(n, 1)
    a, b = np.linalg.norm(u), np.linalg.norm(v)
    return float(np.abs(v / (a * b) - (u @ v) * u / (a**3 * b) - (v / (a * b) - u * v / (a * b) * u / a**2)).max())


def layer_norm_without_mean(n: int) -> float:
    x = point(n)
    s = sqrt(x.var() + 0.5)
    y = (x - x.mean()) / s
    return float(np.abs(np.outer(y, y) * (1 - 1 / n) / s).max())


def third_moment(n: int) -> float:
    return ((point(n) - point(n).mean()) ** 3).sum()


def odd_about_the_middle(n: int) -> float:
    x = point(n)
    return exp(x.sum()) * np.tanh(x - x.sum() / 2).sum()


def distinct_three(n: int) -> float:
    x = point(n)
    return sum(x[0] * x[j] * x[k] for j in range(n) for k in range(n) if len({0, j, k}) == 3)


def other_two_labels(n: int) -> float:
    y = point(n) / point(n).sum()
    return max((abs(y[i] * (1 - y[i] - y[j])) for i in range(n) for j in range(n) if i != j), default=0.0)


def distinct_from_the_label(n: int) -> float:
    """delta-free: three distinct positions are needed, the label being one."""
    y = np.eye(n)[0]
    return max((abs((1 - y[i]) * (1 - y[j])) for i in range(n) for j in range(n) if i != j), default=0.0)


def e3_of_softmax(n: int) -> float:
    return elementary(softmax(point(n)), 3)


def log_size(n: int) -> float:
    return log(n) * (n - 2)


def root_size(n: int) -> float:
    return n - 3 * sqrt(n) + 2


E3 = "(sum_k(x[k])^3 - 3*sum_k(x[k])*sum_k(x[k]^2) + 2*sum_k(x[k]^3))/6"
E4 = "(sum_k(x[k])^4 - 6*sum_k(x[k])^2*sum_k(x[k]^2) + 3*sum_k(x[k]^2)^2 + 8*sum_k(x[k])*sum_k(x[k]^3) - 6*sum_k(x[k]^4))/24"

CASES = [
    ("given x[N]\nlet f = sum_k(x[k])\nshow df/dx[j] = 1 + (N-2)*(N-3)*(N-4)*(N-5)*x[j]", size_factor, {2, 3, 4, 5}),
    ("given x[N]\nlet f = (N-2)*(N-3)*sum_k(x[k])*(N-4)*(N-5)\nshow f = 0", size_factor, {2, 3, 4, 5}),
    ("given x[N]\nlet f = sum_k(x[k])*log(N)*(N - 2)\nshow f = 0", log_size, {1, 2}),
    ("given x[N]\nlet f = sum_k(x[k])*(N - 3*sqrt(N) + 2)\nshow f = 0", root_size, {1, 4}),
    (
        "given z[N]\nlet p[i] = exp(z[i])/sum_k(exp(z[k]))\nshow dp[i]/dz[j] = (2*delta(i,j) - 1)*p[i]*(1 - p[i])",
        two_class_jacobian,
        {1, 2},
    ),
    (
        "given u[N]\ngiven v[N]\nlet a = sqrt(sum_k(u[k]^2))\nlet b = sqrt(sum_k(v[k]^2))\nlet f = sum_k(u[k]*v[k])/(a*b)\n"
        "show df/du[i] = v[i]/(a*b) - u[i]*v[i]/(a*b)*u[i]/a^2",
        diagonal_cosine,
        {1},
    ),
    (
        "given x[N]\nlet mu = sum_k(x[k])/N\nlet s = sqrt(sum_k((x[k] - mu)^2)/N + 1/2)\nlet y[i] = (x[i] - mu)/s\n"
        "show dy[i]/dx[j] = (delta(i,j) - 1/N - y[i]*y[j])/s",
        layer_norm_without_mean,
        {1},
    ),
    (f"given x[N]\nlet f = {E3}\nshow f = 0", lambda n: elementary(point(n), 3), {1, 2}),
    (f"given x[N]\nlet f = {E4}\nshow f = 0", lambda n: elementary(point(n), 4), {1, 2, 3}),
    ("given x[N]\nlet m = sum_k(x[k])/N\nlet f = sum_k((x[k] - m)^3)\nshow f = 0", third_moment, {1, 2}),
    ("given x[N]\nlet t = sum_k(x[k])\nlet f = exp(t)*sum_k(tanh(x[k] - t/2))\nshow f = 0", odd_about_the_middle, {2}),
    (
        "given x[N]\nlet f[i] = sum_jk((1 - delta(i,j))*(1 - delta(j,k))*(1 - delta(i,k))*x[i]*x[j]*x[k])\nshow f[i] = 0",
        distinct_three,
        {1, 2},
    ),
    ("given y[N] where sum_c(y[c]) = 1\nshow y[i]*(1 - y[i] - y[j])*(1 - delta(i,j)) = 0", other_two_labels, {1, 2}),
    ("given y[N] where y onehot\nshow (1 - y[i])*(1 - y[j])*(1 - delta(i,j)) = 0", distinct_from_the_label, {1, 2}),
    (
        f"given z[N]\nlet x[i] = exp(z[i])/sum_k(exp(z[k]))\nlet f = {E3}\nshow f = 0",
        e3_of_softmax,
        {1, 2},
    ),
]


@pytest.mark.parametrize(("text", "difference", "holds"), CASES)
def test_the_plan_has_a_size_at_which_the_claim_fails(text: str, difference: Callable[[int], float], holds: set[int]) -> None:
    (block,) = parse_claims('claim x "x"\n' + text)
    plan = size_plan(block.setting, block.claims[0])
    assert plan.open_ends == ()
    for n in sorted(holds):
        assert abs(difference(n)) < 1e-12, f"the test's own formula: the claim should hold at size {n}"
    assert any(abs(difference(n)) > 1e-9 for n in plan.sizes[Dim("N")]), plan


def test_sizes_of_two_dimensions_are_tested_on_their_grid() -> None:
    (block,) = parse_claims('claim x "x"\ngiven x[N,M]\nlet f = (N-2)*(M-3)*sum_nm(x[n,m])\nshow df/dx[n,m] = 0')
    sizes = size_plan(block.setting, block.claims[0]).sizes
    assert any(n != 2 and m != 3 for n in sizes[Dim("N")] for m in sizes[Dim("M")])


def open_ends(text: str) -> tuple[str, ...]:
    (block,) = parse_claims('claim x "x"\n' + text)
    return size_plan(block.setting, block.claims[0]).open_ends


@pytest.mark.parametrize(
    "text",
    [
        # The Gram determinant of three vectors is zero with two entries each, a Vandermonde determinant for two numbers.
        "given x[N]\ngiven y[N]\ngiven z[N]\nlet d[i,j,k] = x[i]*(y[j]*z[k] - y[k]*z[j]) - x[j]*(y[i]*z[k] - y[k]*z[i])"
        " + x[k]*(y[i]*z[j] - y[j]*z[i])\nshow tanh(sum_ijk(d[i,j,k]^2)) = 0",
        "given x[N]\nlet d[i,j,k] = (x[i]-x[j])*(x[i]-x[k])*(x[j]-x[k])\nshow cosh(sum_ijk(d[i,j,k]^2)) = 1",
        # The determinant of a diagonal matrix over another dimension, whose entries vanish at N = 2, 3, 4.
        "given x[D]\ngiven y[N]\nlet S[i,j] = (N-2)*(N-3)*(N-4)/N*delta(i,j)*x[i]\nshow det(S)*y[n] = 0",
    ],
)
def test_sums_over_several_indices_are_an_open_end(text: str) -> None:
    assert open_ends(text)


@pytest.mark.parametrize(
    "text",
    [
        "given x[N] where x[n] in {0, 1}\nshow tanh(sum_n(x[n])*(sum_n(x[n])-1)*(sum_n(x[n])-2)) = 0",
        "given y[B,C] where y onehot\nshow tanh(sum_b(y[b,c])*(sum_b(y[b,c])-1)*(sum_b(y[b,c])-2)) = 0",
        "given y[C] where y onehot\ngiven x[C]\nshow y[i]*tanh(sum_c(y[c]*x[c] + 1) - x[i] - 3) = 0",
        "given x[N]\nlet t = sum_n(step(x[n] - 1))\nshow tanh(t*(t-1)*(t-2)) = 0",
        "given x[N]\nlet t = sum_n(where(x[n] < 1, 0, 1))\nshow tanh(t*(t-1)*(t-2)) = 0",
        "given x[N] where x[n]^2 = 1\nshow tanh(sum_n(x[n])*(sum_n(x[n])-2)*(sum_n(x[n])+2)) = 0",
        "given x[N] where x[n] in {0, 1}, sum_n(x[n]) = 2\nshow (x[i]-1)*(1-x[j])*(1-delta(i,j)) = 0",
    ],
)
def test_discrete_inputs_that_do_not_move_a_sum_are_an_open_end(text: str) -> None:
    assert open_ends(text)


@pytest.mark.parametrize(
    "text",
    [
        "given z[C]\ngiven m[C] where m[c] in {0, 1}\nlet p[c] = m[c]*exp(z[c])/sum_k(m[k]*exp(z[k]))\n"
        "show dp[i]/dz[j] = p[i]*(delta(i,j) - p[j])",
        "given x[N]\nlet f = exp(sum_n(relu(x[n] - 1)))\nshow df/dx[n] = f*step(x[n] - 1)",
        "given z[B,C]\ngiven y[B,C] where y onehot\nlet t = sum_bc(y[b,c]*z[b,c])\nlet f = exp(t)\nshow df/dz[b,c] = f*y[b,c]",
    ],
)
def test_masks_and_labels_beside_inputs_that_move_are_covered(text: str) -> None:
    assert open_ends(text) == ()
