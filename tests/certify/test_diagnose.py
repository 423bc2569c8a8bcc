"""Every kind of diagnosis, planted in at least two different claims, and silence where nothing simple is wrong."""

from __future__ import annotations

import pytest

from closedform.certify import prove
from closedform.certify.diagnose.diagnosis import Diagnosis, Kind, diagnose, diagnoses
from closedform.certify.refute.search import find_counterexample
from closedform.notation import Claim, Dim, Given, Let, Setting, indices, partial, scalar, summation, tensor
from closedform.syntax.parse import parse_claims

SOFTMAX = """
claim planted "softmax"
given z[C]
let   p[i] = exp(z[i])/sum_k(exp(z[k]))
"""
CROSS_ENTROPY = """
claim planted "softmax cross-entropy"
given z[C]
given y[C] where y[c] > 0, sum_c(y[c]) = 1
let   p[c] = exp(z[c])/sum_k(exp(z[k]))
let   L = -sum_c(y[c]*log(p[c]))
"""
SQUARES = """
claim planted "least squares"
given X[N,D]
given w[D]
given y[N]
let   r[n] = sum_i(X[n,i]*w[i]) - y[n]
let   L = (1/N)*sum_n(r[n]^2)
"""
LINEAR_HEAD = """
claim planted "linear head"
given W[C,D]
given e[B,D]
given y[B,C] where sum_c(y[b,c]) = 1
let   z[b,c] = sum_d(W[c,d]*e[b,d])
let   p[b,c] = exp(z[b,c])/sum_k(exp(z[b,k]))
let   L = -(1/B)*sum_bc(y[b,c]*log(p[b,c]))
"""
TEMPERATURE = """
claim planted "temperature"
given z[C]
given y[C] where y onehot
given T where T > 0
let   p[c] = exp(z[c]/T)/sum_k(exp(z[k]/T))
let   L = -sum_c(y[c]*log(p[c]))
"""
QUADRATIC = """
claim planted "quadratic form"
given A[D,D]
given x[D]
let   f = sum_ij(x[i]*A[i,j]*x[j])
"""
MATRIX = """
claim planted "linear map"
given A[D,D]
given x[D]
given g[D]
let   v[i] = sum_j(A[i,j]*x[j])
let   f = sum_i(g[i]*v[i])
"""
LAYER_NORM = """
claim planted "layer norm"
given x[D]
given g[D]
given eps where eps > 0
let   mu = sum_k(x[k])/D
let   s = sqrt(sum_k((x[k] - mu)^2)/D + eps)
let   h[i] = (x[i] - mu)/s
let   L = sum_i(g[i]*h[i])
"""
SIGMOID = """
claim planted "logistic"
given z[N]
given y[N] where y[n] in {0, 1}
let   p[n] = sigmoid(z[n])
let   L = -sum_n(y[n]*log(p[n]) + (1 - y[n])*log(1 - p[n]))
"""
TANH = """
claim planted "tanh regression"
given X[N,D]
given w[D]
given y[N]
let   t[n] = tanh(sum_i(X[n,i]*w[i]))
let   L = (1/2)*sum_n((t[n] - y[n])^2)
"""
POISSON = """
claim planted "exponential regression"
given X[N,D]
given w[D]
given y[N]
let   m[n] = exp(sum_i(X[n,i]*w[i]))
let   L = sum_n((m[n] - y[n])^2)
"""
COSINE = """
claim planted "cosine"
given u[D]
given v[D]
let   a = sqrt(sum_k(u[k]^2))
let   b = sqrt(sum_k(v[k]^2))
let   f = sum_k(u[k]*v[k])/(a*b)
"""
NORM = """
claim planted "norm"
given x[D]
let   f = sqrt(sum_k(x[k]^2))
"""
ROTATION = """
claim planted "rotation"
given R[D,D]
given x[D]
let   v[i] = sum_j(R[i,j]*x[j])
let   f = sum_i(v[i]^2)
"""
ENTROPY = """
claim planted "entropy"
given z[C]
let   p[c] = exp(z[c])/sum_k(exp(z[k]))
let   f = -sum_c(p[c]*log(p[c]))
"""
BRIER = """
claim planted "Brier"
given z[C]
given y[C] where y onehot
let   p[c] = exp(z[c])/sum_k(exp(z[k]))
let   L = sum_c((p[c] - y[c])^2)
"""
PSEUDO_HUBER = """
claim planted "pseudo-Huber"
given h[N]
given y[N]
let   r[n] = h[n] - y[n]
let   L = sum_n(sqrt(1 + r[n]^2))
"""
LOG_COSH = """
claim planted "log-cosh"
given h[N]
given y[N]
let   r[n] = h[n] - y[n]
let   L = sum_n(log(cosh(r[n])))
"""
GAUSS = """
claim planted "Gaussian"
given x[D]
given s[D] where s[i] > 0
let   L = (1/2)*sum_i(log(s[i]) + x[i]^2/s[i])
"""
KL = """
claim planted "KL"
given s[D]
let   f = -(1/2)*sum_i(1 + s[i] - exp(s[i]))
"""
ATTENTION = """
claim planted "softmax average"
given z[C]
let   p[c] = exp(z[c])/sum_k(exp(z[k]))
let   f = sum_k(p[k]*z[k])
"""
SMOOTHED = """
claim planted "smoothed"
given z[C]
given y[C] where y onehot
given eps where 0 < eps < 1
let   p[c] = exp(z[c])/sum_k(exp(z[k]))
let   L = -sum_c(((1 - eps)*y[c] + 1/C)*log(p[c]))
"""
HUBER_SCALE = """
claim planted "pseudo-Huber of a scale"
given r
given a where a > 0
let   L = a^2*(sqrt(1 + (r/a)^2) - 1)
"""
CUBE = """
claim planted "reciprocal of a cube"
given x
let   f = 1/(1 + exp(x) + x^2)^3
"""
MISH = """
claim planted "Mish"
given x
let   f = x*tanh(log(1 + exp(x)))
"""
KL_GAUSSIANS = """
claim planted "KL of Gaussians"
given m[D]
given a[D]
given s[D] where s[d] > 0
given t[D] where t[d] > 0
let   f = sum_d(log(t[d]/s[d]) + (s[d]^2 + (m[d] - a[d])^2)/(2*t[d]^2) - 1/2)
"""
TWO_FORMS = """
claim planted "product of two linear forms"
given x[D]
given g[D]
given h[D]
let   f = sum_i(g[i]*x[i])*sum_i(h[i]*x[i])
"""
VARIANCE = """
claim planted "variance"
given x[N]
let   mu = sum_m(x[m])/N
let   f = sum_m((x[m] - mu)^2)/N
"""

PLANTED = [
    (CROSS_ENTROPY, "dL/dz[j] = y[j] - p[j]", Kind.SIGN, "the sign is wrong"),
    (NORM, "df/dx[i] = -x[i]/f", Kind.SIGN, "the sign is wrong"),
    (CROSS_ENTROPY, "dL/dz[j] = p[j] + y[j]", Kind.SIGN, "the term y[j] has the wrong sign"),
    (SQUARES, "dL/dw[j] = (1/N)*sum_n(X[n,j]*r[n])", Kind.CONSTANT_FACTOR, "the claimed side is 1/2 times the true one"),
    (ROTATION, "df/dx[j] = 6*sum_i(v[i]*R[i,j])", Kind.CONSTANT_FACTOR, "the claimed side is 3 times the true one"),
    (NORM, "df/dx[i] = (1 + 1/1000000)*x[i]/f", Kind.CONSTANT_FACTOR, "multiply it by 1000000/1000001"),
    (SQUARES, "dL/dw[j] = 2*sum_n(X[n,j]*r[n])", Kind.SIZE_FACTOR, "multiplied by 1/N"),
    (VARIANCE, "df/dx[n] = 2*(x[n] - mu)/(N - 1)", Kind.SIZE_FACTOR, "1 - 1/N"),
    (TEMPERATURE, "dL/dz[j] = p[j] - y[j]", Kind.FACTOR, "multiplied by 1/T"),
    (TEMPERATURE, "d2L/dz[i]dz[j] = p[i]*(delta(i,j) - p[j])/T", Kind.FACTOR, "multiplied by 1/T"),
    (QUADRATIC, "df/dA[i,j] = x[i]*x[j]*A[i,j]", Kind.FACTOR, "multiplied by 1/A[i,j]"),
    (MATRIX, "dv[i]/dx[j] = A[j,i]", Kind.TRANSPOSED_INDICES, "with i and j exchanged"),
    (MATRIX, "df/dA[i,j] = g[j]*x[i]", Kind.TRANSPOSED_INDICES, "with i and j exchanged"),
    (QUADRATIC, "d2f/dx[i]dx[j] = 2*A[i,j]", Kind.SYMMETRIC_PART, "symmetric in i and j"),
    (TWO_FORMS, "d2f/dx[i]dx[j] = 2*g[i]*h[j]", Kind.SYMMETRIC_PART, "with i and j exchanged"),
    (MATRIX, "df/dx[j] = sum_i(g[i]*A[j,i])", Kind.TRANSPOSED_MATRIX, "A has to be transposed"),
    (ROTATION, "df/dx[j] = 2*sum_ik(R[i,j]*R[k,i]*x[k])", Kind.TRANSPOSED_MATRIX, "R[k,i] should be R[i,k]"),
    (SOFTMAX, "dp[i]/dz[j] = p[i]*(delta(i,j) - p[i])", Kind.WRONG_INDEX, "p[i] should be p[j] in delta(i,j) - p[i]"),
    (MATRIX, "df/dA[i,j] = g[j]*x[j]", Kind.WRONG_INDEX, "g[j] should be g[i]"),
    (SOFTMAX, "dp[i]/dz[j] = -p[i]*p[j]", Kind.MISSING_TERM, "the term delta(i,j)*p[i] is missing"),
    (QUADRATIC, "d2f/dx[i]dx[j] = A[i,j]", Kind.MISSING_TERM, "the term A[j,i] is missing"),
    (ENTROPY, "df/dz[j] = -p[j]*log(p[j])", Kind.MISSING_TERM, "f*p[j] is missing"),
    (LINEAR_HEAD, "d2L/dW[c,d]dW[k,e] = (1/B)*sum_b(p[b,c]*delta(c,k)*e[b,d]*e[b,e])", Kind.MISSING_TERM, "is missing"),
    (CROSS_ENTROPY, "dL/dz[j] = p[j] - y[j] + y[j]*p[j]", Kind.EXTRA_TERM, "the term p[j]*y[j] is too much"),
    (SQUARES, "dL/dw[j] = (2/N)*sum_n(X[n,j]*r[n]) + w[j]", Kind.EXTRA_TERM, "the term w[j] is too much"),
    (LAYER_NORM, "dL/dx[i] = (g[i] - 2*sum_k(g[k])/D - h[i]*sum_k(g[k]*h[k])/D)/s", Kind.WRONG_TERM, "multiplied by 1/2"),
    (LAYER_NORM, "dh[i]/dx[j] = (delta(i,j) - 1/D - h[i]*h[j])/s", Kind.WRONG_TERM, "multiplied by 1/D"),
    (SMOOTHED, "dL/dz[j] = p[j] - ((1 - eps)*y[j] + 1/C)", Kind.ASSUMED_SUM, "taken to sum to 1 over j; the sum is 2 - eps"),
    (SMOOTHED.replace("((1 - eps)*y[c] + 1/C)", "eps*y[c]"), "dL/dz[j] = p[j] - eps*y[j]", Kind.ASSUMED_SUM, "is taken to sum to 1"),
    (MISH, "f = x*(exp(2*x) + 2*exp(x))/(exp(2*x) + 2*exp(x) + 1)", Kind.WRONG_PART, "1 + 2*exp(x) + exp(2*x) should be 2 + 2*exp(x)"),
    (MISH, "x*(exp(2*x) - 2*exp(x))/(exp(2*x) + 2*exp(x) + 2) = f", Kind.WRONG_PART, "on the left side"),
    (HUBER_SCALE, "d2L/dr^2 = 1/sqrt(1 + (r/a)^2)", Kind.WRONG_EXPONENT, "should be 1/(1 + r^2/a^2)^(3/2)"),
    (CUBE, "df/dx = -3*(exp(x) + 2*x)/(1 + exp(x) + x^2)^3", Kind.WRONG_EXPONENT, "should be 1/(1 + x^2 + exp(x))^4"),
    (KL_GAUSSIANS, "df/dm[i] = (m[i] - a[i])/s[i]^2", Kind.WRONG_NAME, "s[i] should be t[i]"),
    (KL_GAUSSIANS, "df/ds[i] = s[i]/t[i]^2 - 1/t[i]", Kind.WRONG_NAME, "t[i] should be s[i]"),
    (COSINE, "df/du[i] = v[i]/(a*b) - u[i]*v[i]/(a*b)*u[i]/a^2", Kind.SUM, "u[i]*v[i] should be sum_k(u[k]*v[k])"),
    (LAYER_NORM, "dL/dx[i] = (g[i] - sum_k(g[k])/D - h[i]*h[i]*g[i]/D)/s", Kind.SUM, "g[i]*h[i] should be sum_k("),
    (SOFTMAX, "dp[i]/dz[j] = delta(i,j)*p[i]*(1 - p[i])", Kind.DIAGONAL_ONLY, "only the diagonal"),
    (QUADRATIC, "d2f/dx[i]dx[j] = 2*delta(i,j)*A[i,j]", Kind.DIAGONAL_ONLY, "right where i = j"),
    (SOFTMAX, "dp[i]/dz[j] = (2*delta(i,j) - 1)*p[i]*(1 - p[i])", Kind.PATTERN, "right where i = j, wrong where i != j"),
    (SOFTMAX, "dp[i]/dz[j] = delta(i,j)*tanh(p[i]) - p[i]*p[j]", Kind.PATTERN, "right where i != j, wrong where i = j"),
    (CROSS_ENTROPY.replace(", sum_c(y[c]) = 1", ""), "dL/dz[j] = p[j] - y[j]", Kind.CONSTRAINT, "y sums to 1"),
    (TEMPERATURE, "dL/dz[j] = p[j] - y[j]", Kind.CONSTRAINT, "T = 1"),
    (QUADRATIC, "d2f/dx[i]dx[j] = 2*A[i,j]", Kind.CONSTRAINT, "A is symmetric"),
    (NORM, "df/dx[i] = x[i]", Kind.CONSTRAINT, "x has unit norm"),
    (ROTATION, "df/dx[j] = 2*x[j]", Kind.CONSTRAINT, "R is orthogonal"),
    (VARIANCE, "df/dx[n] = 2*x[n]/N", Kind.CONSTRAINT, "x sums to 0 (mean zero)"),
    (BRIER.replace("let   L = sum_c((p[c] - y[c])^2)", "let   L = -sum_c(y[c]^2*log(p[c]))").replace(" where y onehot", ""),
     "dL/dz[j] = p[j] - y[j]", Kind.CONSTRAINT, "y is one-hot"),
    (NORM, "df/dx[i] = abs(x[i])/f", Kind.CONSTRAINT, "x are positive"),
    (SOFTMAX, "dp[i]/dz[j] = (2*delta(i,j) - 1)*p[i]*(1 - p[i])", Kind.SIZES, "true only for C = 2"),
    (NORM, "df/dx[i] = x[i]/f + (D - 2)*(D - 3)*(D - 4)*(D - 5)", Kind.SIZES, "D = 2 and D = 3 and D = 4 and D = 5"),
    (LAYER_NORM, "dh[i]/dx[j] = (delta(i,j) - 1/D - h[i]*h[j])/s", Kind.SIZES, "D = 1"),
    (TANH, "d2L/dw[i]dw[j] = sum_n((1 - t[n]^2)^2*X[n,i]*X[n,j])", Kind.GAUSS_NEWTON, "Gauss-Newton"),
    (POISSON, "d2L/dw[i]dw[j] = 2*sum_n(m[n]^2*X[n,i]*X[n,j])", Kind.GAUSS_NEWTON, "second derivative of m"),
    (LAYER_NORM, "dL/dx[i] = (g[i] - sum_k(g[k])/D)/s", Kind.STOPPED, "treats s as a constant"),
    (ATTENTION, "df/dz[j] = p[j]", Kind.STOPPED, "treats p[c] as a constant"),
    (SIGMOID, "dL/dz[n] = (p[n] - y[n])/(p[n]*(1 - p[n]))", Kind.OTHER_VARIABLE, "derivative by p, not by z"),
    (BRIER, "dL/dz[j] = 2*(p[j] - y[j])", Kind.OTHER_VARIABLE, "derivative by p, not by z"),
    (CROSS_ENTROPY, "d2L/dz[i]dz[j] = delta(i,j)", Kind.CHAIN_RULE, "multiply it by dp/dz"),
    (ENTROPY, "d2f/dz[i]dz[j] = -delta(i,j)*(log(p[i]) + f) - p[i]*(delta(i,j)/p[j] - log(p[j]) - 1)", Kind.CHAIN_RULE, "stops at p"),
    (ENTROPY, "df/dz[j] = -p[j]*(1 - p[j])*(log(p[j]) + 1)", Kind.JACOBIAN_DIAGONAL, "only the diagonal of the Jacobian dp/dz"),
    (BRIER, "dL/dz[j] = 2*(p[j] - y[j])*p[j]*(1 - p[j])", Kind.JACOBIAN_DIAGONAL, "only the diagonal of the Jacobian dp/dz"),
    (LOG_COSH, "d2L/dh[n]dh[m] = delta(n,m)*tanh(r[n])/r[n]", Kind.REWEIGHTED, "divided by r[n]"),
    (PSEUDO_HUBER, "d2L/dh[n]dh[m] = delta(n,m)/sqrt(1 + r[n]^2)", Kind.REWEIGHTED, "divided by r[n]"),
    (KL, "df/ds[i] = exp(2*s[i]) - 1", Kind.PARAMETRISATION, "replaced by 2*s"),
    (GAUSS, "dL/ds[i] = 1/2 - (1/2)*x[i]^2*exp(-s[i])", Kind.PARAMETRISATION, "replaced by exp(s)"),
]  # fmt: skip


def judged(text: str, show: str) -> tuple[Diagnosis, ...]:
    (block,) = parse_claims(text + "show  " + show + "\n")
    (claim,) = block.claims
    counterexample = find_counterexample(block.setting, claim)
    assert counterexample is not None
    return diagnoses(block.setting, claim, counterexample)


@pytest.mark.parametrize(("text", "show", "kind", "fragment"), PLANTED)
def test_a_planted_mistake_is_named(text: str, show: str, kind: Kind, fragment: str) -> None:
    found = judged(text, show)
    assert any(diagnosis.kind is kind and fragment in diagnosis.sentence for diagnosis in found), found


def test_every_kind_is_planted_in_two_different_claims() -> None:
    planted = {kind: {(text, show) for text, show, other, _ in PLANTED if other is kind} for kind in Kind}
    assert {kind: len(claims) for kind, claims in planted.items() if len(claims) < 2} == {}


def test_the_pattern_goes_with_the_missing_term() -> None:
    found = judged(SOFTMAX, "dp[i]/dz[j] = -p[i]*p[j]")
    assert [diagnosis.kind for diagnosis in found] == [Kind.MISSING_TERM, Kind.PATTERN]
    assert found[1].sentence == "right where i != j, wrong where i = j"


def test_gauss_newton_through_an_unknown_function() -> None:
    P, D = Dim("P"), Dim("D")
    a, b = indices("a b", P)
    (i,) = indices("i", D)
    theta, e, y, L = tensor("theta", P), tensor("e", D), tensor("y", D), scalar("L")
    setting = Setting((Given(theta), Given(e, of=(theta,)), Given(y)), (Let(L, summation((e[i] - y[i]) ** 4, i)),))
    split = summation(12 * (e[i] - y[i]) ** 2 * partial(e[i], theta[a]) * partial(e[i], theta[b]), i)
    claim = Claim("ggn", partial(L, theta[a], theta[b]), split)
    counterexample = find_counterexample(setting, claim)
    assert counterexample is not None
    assert counterexample.sizes == {"P": 1, "D": 1}
    found = diagnoses(setting, claim, counterexample)
    assert [diagnosis.kind for diagnosis in found] == [Kind.GAUSS_NEWTON]
    assert "second derivative of e" in found[0].sentence
    missing = summation(4 * (e[i] - y[i]) ** 3 * partial(e[i], theta[a], theta[b]), i)
    assert find_counterexample(setting, Claim("whole", claim.lhs, split + missing)) is None


SILENT = [
    (CROSS_ENTROPY, "dL/dz[j] = sin(p[j]) + 3*y[j]^3*z[j] - exp(z[j]/5)"),
    (SQUARES, "dL/dw[j] = cos(w[j]) + sum_n(X[n,j]^3*tanh(r[n]) + 1/7)"),
    (QUADRATIC, "d2f/dx[i]dx[j] = exp(A[i,j])*sin(x[i]) + cos(x[j]) + 2"),
    (TANH, "dL/dw[j] = sum_n(sin(t[n])*X[n,j]) + exp(w[j]/3)"),
    (NORM, "df/dx[i] = cos(3*x[i])/(2 + sin(f)) + 1/11"),
]


def test_parts_are_left_alone_where_branches_are_not_all_met_by_the_points() -> None:
    clipped = 'claim planted "clip"\ngiven a, o, A\ngiven eps where eps > 0\nlet r = exp(a - o)\n'
    objective = "let J = min(r*A, max(1 - eps, min(1 + eps, r))*A)\n"
    (block,) = parse_claims(clipped + objective + "show dJ/da = where(r < 1 + eps, r*A, 0)\n")  # true for positive A only
    verdict = prove(block.setting, block.claims[0])
    assert verdict.counterexample is not None
    assert not any("should be" in sentence for sentence in verdict.diagnosis), verdict.diagnosis


@pytest.mark.parametrize(("text", "show"), SILENT)
def test_nothing_is_said_of_a_formula_that_is_wrong_in_no_simple_way(text: str, show: str) -> None:
    assert judged(text, show) == ()


def test_a_size_is_not_reported_where_the_claim_fails() -> None:
    found = judged(NORM, "df/dx[i] = x[i]/f + (D - 1)*(D - 3)")
    assert any("true only for D = 1 and D = 3 (" in diagnosis.sentence for diagnosis in found)


def test_a_constraint_is_tried_only_at_sizes_at_which_the_claim_fails() -> None:
    # At D = 2..5 the claim holds whatever x is, so no constraint on x may be credited.
    found = judged(NORM, "df/dx[i] = x[i]/f + (D - 2)*(D - 3)*(D - 4)*(D - 5)")
    assert Kind.CONSTRAINT not in {diagnosis.kind for diagnosis in found}


def test_two_constraints_together() -> None:
    text = CROSS_ENTROPY.replace(" where y[c] > 0, sum_c(y[c]) = 1", "\ngiven T where T > 0").replace("exp(z[c])", "exp(z[c]/T)")
    found = judged(text.replace("exp(z[k])", "exp(z[k]/T)"), "dL/dz[j] = p[j] - y[j]")
    assert "true if y sums to 1 and T = 1, which are not given" in [diagnosis.sentence for diagnosis in found]


def test_a_given_constraint_is_not_suggested_again() -> None:
    found = judged(TEMPERATURE, "dL/dz[j] = p[j] - y[j]")
    assert not any("y " in diagnosis.sentence or "T > 0" in diagnosis.sentence for diagnosis in found if diagnosis.kind is Kind.CONSTRAINT)


def test_sentences_are_those_of_the_diagnoses_and_the_same_for_other_seeds() -> None:
    (block,) = parse_claims(CROSS_ENTROPY + "show  dL/dz[j] = y[j] - p[j]\n")
    claim = block.claims[0]
    counterexample = find_counterexample(block.setting, claim)
    assert counterexample is not None
    sentences = diagnose(block.setting, claim, counterexample)
    assert sentences == tuple(d.sentence for d in diagnoses(block.setting, claim, counterexample))
    assert all(diagnose(block.setting, claim, counterexample, seed=seed) == sentences for seed in (1, 2))
    assert sentences[0] == "the sign is wrong: the true value is minus the claimed one"


def test_at_most_three_sentences() -> None:
    assert max(len(judged(text, show)) for text, show, kind, _ in PLANTED if kind in (Kind.FACTOR, Kind.TRANSPOSED_MATRIX)) <= 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("given x\ngiven t\nshow sign(x)*max(0, abs(x) - t) = relu(x - t) - relu(-x - t)", "true if t > 0, which is not given"),
        ("given x\ngiven a where a > 0\nlet f = max(x, a*x)\nshow df/dx = where(x > 0, 1, a)", "true if a < 1, which is not given"),
        (
            "given x[D]\ngiven z[D]\nshow sum_d((x[d] - z[d])^2) = 2 - 2*sum_d(x[d]*z[d])",
            "true if x has unit norm and z has unit norm, which are not given",
        ),
    ],
)
def test_conditions_hold_at_many_points_where_there_are_branches(text: str, sentence: str) -> None:
    (block,) = parse_claims(f"claim a\n{text}\n")
    assert sentence in prove(block.setting, block.claims[0]).diagnosis


def test_a_value_of_the_variable_is_no_condition() -> None:
    (block,) = parse_claims("claim a\ngiven x\nlet f = x^2 + x\nshow df/dx = 1 - 3*x\n")
    assert not any("x = 0" in sentence for sentence in prove(block.setting, block.claims[0]).diagnosis)
