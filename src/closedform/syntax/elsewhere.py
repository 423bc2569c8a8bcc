"""Words that people know from elsewhere, and how to write here what they mean."""

from __future__ import annotations

import re

# name -> the formula for it
FORMULAS = {
    # other names of functions
    "ln": "log", "sgn": "sign", "heaviside": "step", "maximum": "max", "minimum": "min", "logistic": "sigmoid", "expit": "sigmoid",
    "lse": "logsumexp", "inverse": "inv", "logabsdet": "logdet", "fabs": "abs",
    # activations
    "gelu": "x*(1 + erf(x/sqrt(2)))/2", "silu": "x*sigmoid(x)", "swish": "x*sigmoid(x)", "mish": "x*tanh(softplus(x))",
    "logsigmoid": "-softplus(-x)", "log_sigmoid": "-softplus(-x)", "leaky_relu": "max(x, a*x)", "relu6": "min(relu(x), 6)",
    "elu": "where(x > 0, x, a*(exp(x) - 1))", "hardtanh": "min(max(x, -1), 1)", "softsign": "x/(1 + abs(x))",
    "clip": "min(max(x, a), b)", "clamp": "min(max(x, a), b)",
    # elementary functions
    "tan": "sin(x)/cos(x)", "coth": "cosh(x)/sinh(x)", "sech": "1/cosh(x)", "log1p": "log(1 + x)", "expm1": "exp(x) - 1",
    "log2": "log(x)/log(2)", "log10": "log(x)/log(10)", "rsqrt": "1/sqrt(x)", "cbrt": "x^(1/3)", "square": "x^2", "pow": "x^a",
    "erfc": "1 - erf(x)",
    # tensors
    "trace": "sum_i(A[i,i])", "tr": "sum_i(A[i,i])", "dot": "sum_i(a[i]*b[i])", "norm": "sqrt(sum_i(x[i]^2))", "mean": "sum_i(x[i])/N",
    "matmul": "sum_k(A[i,k]*B[k,j])", "outer": "a[i]*b[j]", "transpose": "A[j,i]", "diag": "delta(i,j)*a[i]", "eye": "delta(i,j)",
    "prod": "exp(sum_n(log(x[n]))) for positive factors",
}  # fmt: skip
_HELD = "what is held constant is a given of its own, as derivatives take givens for independent: given s[N] where s[n] = x[n]"
_UNKNOWN = "where it does not matter which function it is, give an unknown one: given f of x"
_LARGEST = "max and min compare two or more formulas; the largest over an index is not in the notation"
# name -> advice, where there is no formula
ADVICE = {
    **dict.fromkeys(("stopgrad", "stop_gradient", "detach", "sg", "no_grad"), _HELD),
    **dict.fromkeys(("lgamma", "gamma", "digamma", "polygamma", "beta", "atan", "arctan", "atan2", "asin", "acos", "atanh"), _UNKNOWN),
    **dict.fromkeys(("asinh", "acosh", "arcsin", "arccos", "erfinv", "probit", "floor", "ceil", "round", "mod"), _UNKNOWN),
    **dict.fromkeys(("argmax", "argmin", "amax", "amin", "topk", "sort", "median"), _LARGEST),
}
# mean_n(...) and the like: over the index in the place of {i}
REDUCTIONS = {
    "mean": "write sum_{i}(...)/N, with the dimension of {i} for N",
    "prod": "write exp(sum_{i}(log(...))) for positive factors",
    **dict.fromkeys(("max", "min", "argmax", "argmin"), _LARGEST),
    "norm": "write sqrt(sum_{i}(...^2))",
    "logsumexp": "write log(sum_{i}(exp(...)))",
    "softmax": "write exp(...)/sum_{i}(exp(...))",
}

# word of a condition -> how to write it, of a tensor or scalar {x}
CONDITIONS = {
    **dict.fromkeys(("orthogonal", "orthonormal", "unitary"), "Write sum_k({x}[i,k]*{x}[j,k]) = delta(i,j)"),
    **dict.fromkeys(("unit", "normalised", "normalized", "unit norm", "a unit vector"), "Write sum_d({x}[d]^2) = 1"),
    **dict.fromkeys(("diagonal",), "A diagonal matrix is written delta(i,j)*a[i], with a given vector a"),
    **dict.fromkeys(("stochastic", "a distribution", "probability"), "Write {x}[c] > 0, sum_c({x}[c]) = 1"),
    **dict.fromkeys(("centred", "centered", "zero mean", "mean zero"), "Write sum_n({x}[n]) = 0"),
    **dict.fromkeys(("antisymmetric", "skew", "skew symmetric"), "Write {x}[i,j] = -{x}[j,i]"),
    **dict.fromkeys(("idempotent", "projection", "a projection"), "Write sum_k({x}[i,k]*{x}[k,j]) = {x}[i,j]"),
    **dict.fromkeys(
        ("positive semidefinite", "semidefinite", "psd"), "A semidefinite matrix is written sum_k(M[i,k]*M[j,k]), with a given M"
    ),
    **dict.fromkeys(("pd", "spd", "positive_definite"), "Write {x} positive definite"),
    **dict.fromkeys(("nonsingular", "regular", "full rank"), "Write {x} invertible"),
    **dict.fromkeys(("positive",), "Write {x} > 0, with its indices if it has any: x[n] > 0; of a matrix, {x} positive definite"),
    **dict.fromkeys(("nonnegative",), "Write {x} >= 0, with its indices if it has any: x[n] >= 0"),
    **dict.fromkeys(("negative",), "Write {x} < 0, with its indices if it has any: x[n] < 0"),
    **dict.fromkeys(("nonzero",), "Write {x} != 0, with its indices if it has any: x[n] != 0"),
    **dict.fromkeys(("binary", "boolean"), "Write {x} in {{0, 1}}, with its indices if it has any: x[n] in {{0, 1}}"),
    **dict.fromkeys(("integer", "natural"), "Numbers are real; finitely many values are written {x} in {{0, 1, 2}}"),
    **dict.fromkeys(("real", "constant", "fixed"), "All that is given is real and constant: leave it out"),
    **dict.fromkeys(("one_hot", "one hot", "categorical"), "Write {x} onehot"),
}


def instead(name: str) -> str:
    """What to write for a function that is called so elsewhere; nothing if that is not known.

    >>> instead("mean_n")
    'write sum_n(...)/N, with the dimension of n for N'
    """
    if name in FORMULAS:
        return f"write {FORMULAS[name]}"
    if name in ADVICE:
        return ADVICE[name]
    stem, _, index = name.rpartition("_")
    return REDUCTIONS[stem].format(i=index) if stem in REDUCTIONS and re.fullmatch(r"(?:[a-z][0-9]*)+", index) else ""


def condition_instead(tensor: str, words: str) -> str:
    """How to write a condition that has no word of its own."""
    advice = CONDITIONS.get(words.replace("-", " "))
    return f". {advice.format(x=tensor)}" if advice else ""
