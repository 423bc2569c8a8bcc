"""Negative log-likelihood of a Gaussian."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, indices, log, partial, positive, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j = indices("i j", C)

mu, y, v, L = tensor("mu", B, C), tensor("y", B, C), tensor("v", B, C), scalar("L")

derivation = Derivation(
    name="gaussian_nll",
    title="Gaussian negative log-likelihood",
    about=(
        "A model that predicts a mean and a variance for every target; the negative log-likelihood under Gaussians, "
        "averaged over batch and components, without the constant log(2 pi)/2."
    ),
    source="Nix and Weigend, Estimating the mean and variance of the target probability distribution (1994), equation 2",
    given=(Given(mu, "means"), Given(y, "targets"), Given(v, "variances", where=(positive(v[b, i]),))),
    lets=(Let(L, summation(log(v[b, i]) + (mu[b, i] - y[b, i]) ** 2 / v[b, i], i, b) / (2 * B * C), "loss"),),
    output=L,
    wrt=(mu, v),
    batch=B,
    claims=(
        Claim("gradient_mu", partial(L, mu[b, i]), (mu[b, i] - y[b, i]) / (B * C * v[b, i]), title="residuals over variances"),
        Claim(
            "gradient_v",
            partial(L, v[b, i]),
            (v[b, i] - (mu[b, i] - y[b, i]) ** 2) / (2 * B * C * v[b, i] ** 2),
            title="zero where the variance is the squared residual",
        ),
    ),
)
