"""What text means: names, dimensions inferred, derivatives, constraints, row functions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sympy
from sympy import Rational

from closedform.errors import DimensionError, NotationError
from closedform.notation import (
    Claim,
    Dim,
    Given,
    InvertibleMatrix,
    Let,
    Membership,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SizeRelation,
    SymmetricMatrix,
    delta,
    exp,
    indices,
    inv,
    less,
    less_equal,
    log,
    partial,
    pi,
    scalar,
    summation,
    tensor,
    where,
)
from closedform.syntax.parse import ClaimBlock, parse_claims, parse_file

DATA = Path(__file__).parents[1] / "data"
B, C, D = Dim("B"), Dim("C"), Dim("D")
i, j, k = indices("i j k", C)
z = tensor("z", C)
x = scalar("x")
HEAD = "claim a\ngiven x\ngiven z[C]\ngiven W[C,D]\ngiven A[C,C]\n"


def block(text: str) -> ClaimBlock:
    (only,) = parse_claims(text)
    return only


def shown(formula: str, more: str = "") -> sympy.Expr:
    """The right side of a claim whose left side is x."""
    return block(f"{HEAD}{more}show x = {formula}\n").claims[0].rhs


@pytest.mark.parametrize("name", ["dev", "more"])
def test_every_collected_claim_parses(name: str) -> None:
    blocks = parse_file(DATA / f"{name}.claims")
    assert [part.name for part in blocks] == list(json.loads((DATA / f"{name}.expected.json").read_text()))
    assert all(len(part.claims) == 1 for part in blocks)


def test_a_block_is_what_python_would_write() -> None:
    p = tensor("p", C)
    text = 'claim jac "Softmax"\ngiven z[C]\nlet p[i] = exp(z[i])/sum_k(exp(z[k]))\nshow dp[i]/dz[j] = p[i]*(delta(i,j) - p[j])\n'
    assert block(text) == ClaimBlock(
        name="jac",
        title="Softmax",
        setting=Setting((Given(z),), (Let(p[i], exp(z[i]) / summation(exp(z[k]), k)),)),
        claims=(Claim("jac", partial(p[i], z[j]), p[i] * (delta(i, j) - p[j]), title="Softmax"),),
        line=1,
    )


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("-x^2", -(x**2)),
        ("2^-x", 2 ** (-x)),
        ("2^x^2", 2 ** (x**2)),
        ("x**2", x**2),
        ("1 - -x", 1 + x),
        ("x/2*3", Rational(3, 2) * x),
        ("1/(2*x)", 1 / (2 * x)),
        ("0.1 + 1e-1", Rational(1, 5)),
        ("sqrt(8)", 2 * sympy.sqrt(2)),
        ("log(exp(x))", x),
        ("abs(x)", sympy.Abs(x)),
        ("C*pi", C * pi),
        ("max(x, 1, 2) - min(0, x)", sympy.Function("f")(x) * 0 + shown("max(x,1,2)") - shown("min(0,x)")),
        ("where(x < 1, x, 2)", where(less(x, 1), x, 2)),
        ("where(x >= 1, x, 2)", where(less_equal(1, x), x, 2)),
        ("where(0 < x <= 1, x, 2)", where(less(0, x) * less_equal(x, 1), x, 2)),
        ("where((x > 0)*(x < 1), x, 2)", where(less(0, x) * less(x, 1), x, 2)),
        ("sum_k(z[k])", summation(z[k], k)),
        ("sum_ij(z[i]*z[j])", summation(z[i] * z[j], j, i)),
        ("sum_{i,j}(z[i]*z[j])", summation(z[i] * z[j], j, i)),
        ("sum_i(inv(A)[i,i])", summation(inv(tensor("A", C, C), i, i), i)),
        ("sum_ij(A[i,j]*delta(i,j))", summation(tensor("A", C, C)[i, j] * delta(i, j), j, i)),
        ("sum_k(z[k]*sum_k(z[k]))", summation(z[k] * summation(z[k], k), k)),
    ],
)
def test_formulas(formula: str, expected: sympy.Expr) -> None:
    assert shown(formula) == expected


def test_indices_and_scalars_may_share_a_name() -> None:
    given = block("claim a\ngiven d\ngiven v[D]\nshow d*sum_d(v[d]) = sum_d(d*v[d])\n").claims[0]
    d = scalar("d")
    v, (at,) = tensor("v", D), indices("d", D)
    assert given.lhs == d * summation(v[at], at)
    assert given.rhs == summation(d * v[at], at)


def test_a_capital_is_the_scalar_of_that_name_if_there_is_one() -> None:
    assert block("claim a\ngiven z[T]\ngiven T\nshow T = T\n").claims[0].lhs == scalar("T")
    assert block("claim a\ngiven z[T]\nshow T = T\n").claims[0].lhs == Dim("T")


def test_pi_is_the_number_unless_given() -> None:
    assert block("claim a\nshow pi = pi\n").claims[0].lhs == pi
    assert block("claim a\ngiven pi[C]\nshow pi[i] = pi[i]\n").claims[0].lhs == tensor("pi", C)[i]


def test_a_dimension_may_be_lower_case() -> None:
    rhs = block("claim a\ngiven W[C,d]\ngiven x\nshow x = sum_cd(W[c,d])/d\n").claims[0].rhs
    c, d = indices("c", C)[0], indices("d", Dim("d"))[0]
    assert rhs == summation(tensor("W", C, Dim("d"))[c, d], d, c) / Dim("d")


# -- dimensions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "dims"),
    [
        ("let q[i] = 1\nshow sum_i(q[i]*z[i]) = x\n", (C,)),
        ("let q[i,j] = delta(i,j)\nshow sum_j(q[i,j]*z[j]) = z[i]\n", (C, C)),
        ("let q[m] = x\nlet r[m] = q[m]\nshow sum_m(r[m]*W[c,m]) = x*sum_m(W[c,m])\n", (D,)),
        ("let q[i,m] = sum_k(A[i,k]*W[k,m])\nshow q[i,m] = q[i,m]\n", (C, D)),
        ("let q[a,b] = x\nlet v = det(q)\nshow sum_a(q[a,b]*z[a]) = x*sum_a(z[a] + 0*q[b,a])\n", (C, C)),
    ],
)
def test_dimensions_of_lets_are_inferred(lines: str, dims: tuple[Dim, ...]) -> None:
    assert block(HEAD + lines).setting.lets[0].dims == dims


def test_an_index_in_two_dimensions_names_both_places() -> None:
    with pytest.raises(DimensionError, match=r"c runs over C in W\[c,d\] \(line 6, column 19\), but axis 2 of W\[C,D\] runs over D"):
        block(HEAD + "show x = sum_cd(W[c,d]*W[c,c])\n")


def test_delta_compares_one_dimension() -> None:
    with pytest.raises(DimensionError, match=r"delta\(c,d\) compares indices of different dimensions: c runs over C in W\[c,d\]"):
        block(HEAD + "show x = sum_cd(W[c,d]*delta(c,d))\n")


# -- derivatives ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("dL/dx", "dL/dx"),
        ("-dL/dx*x", "-x*dL/dx"),
        ("d2L/dxdx", "d2L/dx dx"),
        ("d2L/dx dx", "d2L/dx dx"),
        ("d2L/dx^2", "d2L/dx dx"),
        ("d3L/dxdz[c]^2", "d3L/dx dz[c]dz[c]"),
        ("d2L/dz[c]dW[c,d]", "d2L/dz[c]dW[c,d]"),
        ("2*dL/dz[c]*z[d2]/x", "2*dL/dz[c]*z[d2]/x"),
        ("x/(dL/dx*x)", "x/(x*(dL/dx))"),
        ("(dL/dx)^2", "(dL/dx)^2"),
    ],
)
def test_derivatives(formula: str, expected: str) -> None:
    text = f"{HEAD}let L = x^2*sum_cd(W[c,d]*z[c]^3)\nshow {{}} = {{}}\n"
    assert block(text.format(formula, formula)).claims[0].lhs == block(text.format(expected, expected)).claims[0].lhs


def test_defined_names_beat_derivatives() -> None:
    lines = "given dO[C]\ngiven O[C]\nlet dP[c] = dO[c]\nlet dS[c] = x\nlet P[c] = z[c]\nlet S[c] = z[c]\n"
    quotient = block(HEAD + lines + "show dP[c]/dS[c] = dO[c]/x\n").claims[0]
    assert quotient.lhs == tensor("dP", C)[indices("c", C)[0]] / tensor("dS", C)[indices("c", C)[0]]


def test_derivatives_are_by_givens() -> None:
    with pytest.raises(NotationError, match="p is defined by a let"):
        block(HEAD + "let p[c] = z[c]\nlet L = sum_c(p[c])\nshow dL/dp[c] = 1\n")


# -- givens --------------------------------------------------------------------------------------


def test_constraints_in_every_form() -> None:
    text = (
        "claim a\ngiven y[N,C] where y onehot, y[n,c] in {0, 1}, sum_c(y[n,c]) = 1, N >= C, 2 <= C < 9\n"
        "given A[D,D] where A symmetric, A invertible, A positive definite\n"
        "given eps where 0 < eps < 1/2, eps != 1/3, eps == 0.25\nshow eps = eps\n"
    )
    y, a, eps, n_dim = tensor("y", Dim("N"), C), tensor("A", D, D), scalar("eps"), Dim("N")
    (n,), (c,) = indices("n", n_dim), indices("c", C)
    constraints = block(text).setting.constraints
    assert constraints == (
        OneHot(y),
        Membership(y[n, c], (sympy.S.Zero, sympy.S.One)),
        Relation("=", summation(y[n, c], c), 1),
        SizeRelation(">=", n_dim, C),
        SizeRelation("<=", sympy.Integer(2), C),
        SizeRelation("<", C, sympy.Integer(9)),
        SymmetricMatrix(a),
        InvertibleMatrix(a),
        PositiveDefiniteMatrix(a),
        Relation("<", 0, eps),
        Relation("<", eps, Rational(1, 2)),
        Relation("!=", eps, Rational(1, 3)),
        Relation("=", eps, Rational(1, 4)),
    )


def test_a_condition_belongs_to_the_last_given_that_it_names() -> None:
    text = """claim one
given y[C], A[D,D], u[D], v[D], z[C] where y onehot, A symmetric, sum_d(u[d]^2) = 1, sum_d(u[d]*v[d]) = 0, D >= 2
given a, b, c where 0 < a < b, z[i] > a
show z[i] = z[i]"""
    (block,) = parse_claims(text)
    kinds = {given.name: [type(c) for c in given.where] for given in block.setting.given}
    assert kinds == {
        "y": [OneHot],
        "A": [SymmetricMatrix],
        "u": [Relation],
        "v": [Relation],
        "z": [SizeRelation],
        "a": [Relation, Relation],
        "b": [Relation],
        "c": [],
    }


def test_unknown_functions() -> None:
    given = block("claim a\ngiven x[D], theta\ngiven e[C] of x, theta where e[c] > 0\nshow de[c]/dtheta = de[c]/dtheta\n").setting.given
    assert [part.name for part in given] == ["x", "theta", "e"]
    assert given[2].of == (tensor("x", D), scalar("theta"))
    assert len(given[2].where) == 1


# -- softmax and its like ------------------------------------------------------------------------


def test_row_functions_define_themselves() -> None:
    lets = block(HEAD + "show x = sum_c(softmax(z)[c]*log_softmax(z/x)[c]) + logsumexp(z) + sum_c(softmax(z)[c])\n").setting.lets
    (c,), (bound,) = indices("c", C), indices("k", C)
    assert [let.spelling for let in lets] == ["softmax(z)", "log_softmax(z/x)", "logsumexp(z)"]
    assert lets[0] == Let(tensor("softmax_z", C)[c], exp(z[c]) / summation(exp(z[bound]), bound), spelling="softmax(z)")
    assert lets[1].body == z[c] / x - log(summation(exp(z[bound] / x), bound))
    assert lets[2].body == log(summation(exp(z[bound]), bound))


def test_row_functions_act_along_the_last_axis() -> None:
    (let,) = block(HEAD + "show x = sum_c(logsumexp(W)[c])\n").setting.lets
    assert let.dims == (C,)
    d = indices("k", D)[0]
    assert let.body == log(summation(exp(tensor("W", C, D)[indices("c", C)[0], d]), d))


def test_derivative_of_a_row_function() -> None:
    text = "claim a\ngiven z[C]\nshow dsoftmax(z)[i]/dz[j] = softmax(z)[i]*(delta(i,j) - softmax(z)[j])\n"
    p = tensor("softmax_z", C)
    assert block(text).claims[0].lhs == partial(p[i], z[j])


# -- blocks --------------------------------------------------------------------------------------


def test_several_claims_in_one_block() -> None:
    claims = block("claim both\ngiven x\nlet L = x^2\nshow dL/dx = 2*x\nshow d2L/dx^2 = 2\n").claims
    assert [claim.name for claim in claims] == ["both#1", "both#2"]


def test_formulas_go_on_in_indented_lines() -> None:
    text = "claim a  # a comment\n# another\ngiven x\n\nshow x =\n   x\n   # in between\n\t+ 0\n\n"
    assert block(text).claims[0].rhs == x


def test_the_notations_own_complaints_have_a_place() -> None:
    with pytest.raises(NotationError, match=r"<text>:6:6: claim a: the right side has the free index i"):
        block(HEAD + "show z[i] - z[i] = z[i]\n")
