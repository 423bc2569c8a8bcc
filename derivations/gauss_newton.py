"""The Gauss-Newton split of the Hessian of any network under any loss, and Fisher's information for softmax."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, equation, exp, indices, log, partial, scalar, summation, tensor

B, C, P = Dim("B"), Dim("C"), Dim("P")
(b,) = indices("b", B)
c, k, j = indices("c k j", C)
s, t = indices("s t", P)
theta, y, z = tensor("theta", P), tensor("y", B, C), tensor("z", B, C)
p, q = tensor("p", B, C), tensor("q", B, C)
ell, L, X, F, G = tensor("ell", B), scalar("L"), scalar("X"), tensor("F", P, P), tensor("G", P, P)


# by the parameters: first derivatives of the outputs, their curvature, the score d log p
left, right, bent = partial(z[b, c], theta[s]), partial(z[b, k], theta[t]), partial(z[b, c], theta[s], theta[t])
score_s, score_t = partial(q[b, c], theta[s]), partial(q[b, c], theta[t])

derivation = Derivation(
    name="gauss_newton",
    title="Gauss-Newton and Fisher matrices of any network",
    about=(
        "Outputs z = f(x; theta) of an unknown network for a batch, which need not end in a linear layer. For an unknown loss "
        "the Hessian by theta is J' H J, the Gauss-Newton matrix, plus the network's curvature weighted by the loss's gradient. "
        "For cross-entropy the Gauss-Newton matrix does not depend on the labels and is Fisher's information, the expected "
        "outer product of the gradients of log p."
    ),
    source="the second order of 理解二阶曲率一 (Understanding second-order curvature, part 1)",
    given=(
        Given(theta, "all parameters"),
        Given(z, "outputs, an unknown function", of=(theta,)),
        Given(ell, "losses, an unknown function", of=(z,), each=(B,)),
        Given(y, "labels", where=(equation(summation(y[b, k], k), 1),)),
    ),
    lets=(
        Let(L, summation(ell[b], b) / B, "loss of the batch"),
        Let(p[b, c], exp(z[b, c]) / summation(exp(z[b, j]), j), "probabilities"),
        Let(q[b, c], log(p[b, c]), "their logarithms"),
        Let(X, -summation(y[b, c] * log(p[b, c]), c, b) / B, "cross-entropy"),
        Let(G[s, t], summation(left * p[b, c] * (delta(c, k) - p[b, k]) * right, k, c, b) / B, "Gauss-Newton matrix of the cross-entropy"),
        Let(
            F[s, t],
            summation(p[b, c] * score_s * score_t, c, b) / B,
            "Fisher's information: the mean, over labels drawn from p, of the products of d log p",
        ),
    ),
    claims=(
        Claim("gradient", partial(L, theta[s]), summation(partial(ell[b], z[b, c]) * left, c, b) / B, title="J' g"),
        Claim(
            "split",
            partial(L, theta[s], theta[t]),
            (summation(left * partial(ell[b], z[b, c], z[b, k]) * right, k, c, b) + summation(partial(ell[b], z[b, c]) * bent, c, b)) / B,
            title="Gauss-Newton and the network's own curvature, for every network and loss",
        ),
        Claim(
            "cross_entropy_split",
            partial(X, theta[s], theta[t]),
            G[s, t] + summation((p[b, c] - y[b, c]) * bent, c, b) / B,
            title="for cross-entropy: the labels are in the second part only",
        ),
        Claim("fisher", F[s, t], G[s, t], title="Fisher's information is the Gauss-Newton matrix"),
        Claim(
            "mean_score",
            summation(p[b, c] * score_s, c),
            0,
            title="the gradient of log p has mean zero under p",
        ),
    ),
)
