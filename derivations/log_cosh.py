"""Log-cosh loss."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, cosh, delta, indices, log, partial, scalar, summation, tanh, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j = indices("i j", C)

z, y, L = tensor("z", B, C), tensor("y", B, C), scalar("L")

derivation = Derivation(
    name="log_cosh",
    title="Log-cosh loss",
    about=(
        "The logarithm of the hyperbolic cosine of the residual, averaged over batch and components: near zero half the "
        "squared error, far out the absolute error less log 2, and smooth everywhere."
    ),
    source="Green, Bayesian reconstructions from emission tomography data using a modified EM algorithm (1990)",
    given=(Given(z, "outputs"), Given(y, "targets")),
    lets=(Let(L, summation(log(cosh(z[b, i] - y[b, i])), i, b) / (B * C), "loss"),),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim("gradient", partial(L, z[b, i]), tanh(z[b, i] - y[b, i]) / (B * C), title="a smooth sign of the residual"),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            delta(a, b) * delta(i, j) * (1 - tanh(z[b, i] - y[b, i]) ** 2) / (B * C),
            title="diagonal, between 0 and 1",
        ),
        Claim(
            "hessian_trace",
            summation(partial(L, z[b, i], z[b, i]), i, b),
            summation(1 - tanh(z[b, i] - y[b, i]) ** 2, i, b) / (B * C),
            title="no more than one",
            computed=True,
        ),
    ),
)
