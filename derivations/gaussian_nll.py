"""Negative log-likelihood of a Gaussian."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, log, partial, positive, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j = indices("i j", C)

mu, y, v, L = tensor("mu", B, C), tensor("y", B, C), tensor("v", B, C), scalar("L")
square = (mu[b, i] - y[b, i]) ** 2  # the squared residual, the best variance for one target

derivation = Derivation(
    name="gaussian_nll",
    title="Gaussian negative log-likelihood",
    about=(
        "A model that predicts a mean and a variance for every target; the negative log-likelihood under Gaussians, "
        "averaged over batch and components, without the constant log(2 pi)/2. It is convex in the means, and in 1/v, but not in "
        "the variances: above twice the squared residual it is concave in v."
    ),
    source="Nix and Weigend, Estimating the mean and variance of the target probability distribution (1994); torch's gaussian_nll_loss",
    given=(Given(mu, "means"), Given(y, "targets"), Given(v, "variances", where=(positive(v[b, i]),))),
    lets=(Let(L, summation(log(v[b, i]) + square / v[b, i], i, b) / (2 * B * C), "loss"),),
    output=L,
    wrt=(mu, v),
    batch=B,
    claims=(
        Claim("gradient_mu", partial(L, mu[b, i]), (mu[b, i] - y[b, i]) / (B * C * v[b, i]), title="residuals over variances"),
        Claim(
            "gradient_v",
            partial(L, v[b, i]),
            (v[b, i] - square) / (2 * B * C * v[b, i] ** 2),
            title="zero where the variance is the squared residual",
        ),
        Claim(
            "above_the_minimum",
            L - summation(log(square) + 1, i, b) / (2 * B * C),
            summation(square / v[b, i] - 1 - log(square / v[b, i]), i, b) / (2 * B * C),
            title="and least there: q - 1 - log q is positive, but for q = 1, and q is the squared residual over v",
        ),
        Claim(
            "hessian_mu",
            partial(L, mu[a, i], mu[b, j]),
            delta(a, b) * delta(i, j) / (B * C * v[b, i]),
            title="the precisions: convex in the means",
        ),
        Claim(
            "hessian_v",
            partial(L, v[a, i], v[b, j]),
            delta(a, b) * delta(i, j) * (2 * square - v[b, i]) / (2 * B * C * v[b, i] ** 3),
            title="negative where the variance is more than twice the squared residual",
        ),
        Claim(
            "mixed",
            partial(L, mu[a, i], v[b, j]),
            -delta(a, b) * delta(i, j) * (mu[b, i] - y[b, i]) / (B * C * v[b, i] ** 2),
            title="mean and variance are coupled, but where the residual is zero",
        ),
        Claim(
            "determinant",
            partial(L, mu[b, i], mu[b, i]) * partial(L, v[b, i], v[b, i]) - partial(L, mu[b, i], v[b, i]) ** 2,
            -1 / (2 * B**2 * C**2 * v[b, i] ** 3),
            title="of the block of one mean and its variance: negative, so it is nowhere convex in both",
        ),
    ),
)
