"""Logsumexp, the smooth maximum."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    delta,
    equation,
    exp,
    indices,
    log,
    partial,
    positive,
    scalar,
    summation,
    tensor,
)

C = Dim("C")
i, j, k = indices("i j k", C)

z, p, q, v = tensor("z", C), tensor("p", C), tensor("q", C), tensor("v", C)
s, t = scalar("s"), scalar("t")

derivation = Derivation(
    name="logsumexp",
    title="Logsumexp",
    about=(
        "The logarithm of the sum of exponentials, a smooth maximum: between the largest logit and that plus log C. Its "
        "gradient is softmax and its Hessian softmax's Jacobian, the covariance matrix of a one-hot draw from p; so it is convex."
    ),
    source="Boyd and Vandenberghe, Convex Optimization (2004), section 3.1.5; torch.logsumexp",
    given=(Given(z, "logits"),),
    lets=(
        Let(p[i], exp(z[i]) / summation(exp(z[k]), k), "probabilities"),
        Let(s, log(summation(exp(z[k]), k)), "logsumexp"),
    ),
    output=s,
    wrt=(z,),
    claims=(
        Claim("shift", log(summation(exp(z[k] + t), k)), s + t, title="a shift of all logits is added", given=(Given(t, "shift"),)),
        Claim(
            "gibbs",
            s - summation(q[i] * z[i], i) + summation(q[i] * log(q[i]), i),
            summation(q[i] * log(q[i] / p[i]), i),
            title="mean logit plus entropy of any probabilities q falls short of it by KL(q || p), so softmax attains the largest",
            given=(Given(q, "probabilities", where=(positive(q[i]), equation(summation(q[k], k), 1))),),
        ),
        Claim("gradient", partial(s, z[i]), p[i], title="the gradient is softmax"),
        Claim("gradient_sum", summation(partial(s, z[i]), i), 1, title="it sums to one: the shift, differentiated"),
        Claim("hessian", partial(s, z[i], z[j]), p[i] * (delta(i, j) - p[j]), title="the Hessian is diag(p) - p p'"),
        Claim("row_sums", summation(partial(s, z[i], z[j]), j), 0, title="linear along the direction of ones"),
        Claim(
            "curvature",
            summation(v[i] * partial(s, z[i], z[j]) * v[j], j, i),
            summation(p[i] * (v[i] - summation(p[k] * v[k], k)) ** 2, i),
            title="along v it curves by the variance of v under p: it is convex",
            given=(Given(v, "direction"),),
        ),
        Claim("hessian_trace", summation(partial(s, z[i], z[i]), i), 1 - summation(p[i] ** 2, i), title="its trace is the Gini impurity"),
    ),
)
