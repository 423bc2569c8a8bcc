"""Logsumexp, the smooth maximum."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, exp, indices, log, partial, scalar, summation, tensor

C = Dim("C")
i, j, k = indices("i j k", C)

z, p, s = tensor("z", C), tensor("p", C), scalar("s")

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
        Claim("gradient", partial(s, z[i]), p[i], title="the gradient is softmax"),
        Claim("hessian", partial(s, z[i], z[j]), p[i] * (delta(i, j) - p[j]), title="the Hessian is diag(p) - p p'"),
        Claim("hessian_trace", summation(partial(s, z[i], z[i]), i), 1 - summation(p[i] ** 2, i), title="its trace is the Gini impurity"),
    ),
)
