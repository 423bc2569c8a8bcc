"""Logistic loss with a ridge penalty; a derivation that is not in the catalogue."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    delta,
    indices,
    partial,
    positive,
    scalar,
    sigmoid,
    softplus,
    summation,
    tensor,
)

N, D = Dim("N"), Dim("D")
n = indices("n", N)[0]
i, j, m = indices("i j m", D)

X = tensor("X", N, D)
w = tensor("w", D)
t = tensor("t", N)
s = tensor("s", N)
L, ridge = scalar("L"), scalar("ridge")

derivation = Derivation(
    name="ridge_logistic",
    title="Ridge-regularised logistic loss",
    given=(Given(w, "weights"), Given(X, "samples"), Given(t, "labels, 0 or 1"), Given(ridge, "penalty", where=(positive(ridge),))),
    lets=(
        Let(s[n], summation(X[n, m] * w[m], m), "scores"),
        Let(L, summation(softplus(s[n]) - t[n] * s[n], n) / N + ridge * summation(w[m] ** 2, m) / 2, "loss"),
    ),
    output=L,
    wrt=(w,),
    claims=(
        Claim("gradient", partial(L, w[i]), summation((sigmoid(s[n]) - t[n]) * X[n, i], n) / N + ridge * w[i]),
        Claim(
            "hessian",
            partial(L, w[i], w[j]),
            summation(sigmoid(s[n]) * (1 - sigmoid(s[n])) * X[n, i] * X[n, j], n) / N + ridge * delta(i, j),
        ),
    ),
)
