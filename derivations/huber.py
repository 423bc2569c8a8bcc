"""Huber loss."""

from closedform.notation import (
    Abs,
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    delta,
    indices,
    less,
    less_equal,
    partial,
    positive,
    scalar,
    sign,
    summation,
    tensor,
    where,
)

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j = indices("i j", C)

z, y, r = tensor("z", B, C), tensor("y", B, C), tensor("r", B, C)
d, L = scalar("d"), scalar("L")

derivation = Derivation(
    name="huber",
    title="Huber loss",
    about=(
        "Squared for residuals up to a threshold d and linear beyond, averaged over batch and components: as smooth as the "
        "mean squared error near zero, as robust as the absolute error far out. At |r| = d the second derivative jumps."
    ),
    source="Huber, Robust Estimation of a Location Parameter (1964); torch.nn.functional.huber_loss(delta=d)",
    given=(Given(z, "outputs"), Given(y, "targets"), Given(d, "threshold", where=(positive(d),))),
    lets=(
        Let(r[b, i], z[b, i] - y[b, i], "residuals"),
        Let(
            L,
            summation(where(less_equal(Abs(r[b, i]), d), r[b, i] ** 2 / 2, d * (Abs(r[b, i]) - d / 2)), i, b) / (B * C),
            "loss",
        ),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim(
            "gradient",
            partial(L, z[b, i]),
            where(less_equal(Abs(r[b, i]), d), r[b, i], d * sign(r[b, i])) / (B * C),
            title="the residual, clipped at the threshold",
        ),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            delta(a, b) * delta(i, j) * less(Abs(r[b, i]), d) / (B * C),
            title="diagonal: one within the threshold, zero beyond",
        ),
    ),
)
