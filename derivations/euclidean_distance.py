"""Euclidean distance between outputs and targets, away from its kink."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, scalar, sqrt, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j, k = indices("i j k", C)
z, y, r, L = tensor("z", B, C), tensor("y", B, C), tensor("r", B), scalar("L")

derivation = Derivation(
    name="euclidean_distance",
    title="Euclidean distance",
    about=(
        "The length r of outputs minus targets, averaged over the batch. Where an output equals its target the distance has a "
        "kink: there is no gradient, the claims say nothing, and kernels return NaN (torch's backward pass has 0). Elsewhere the "
        "gradient is the unit vector u = (z - y)/r, and the Hessian (I - u u')/r projects on what is orthogonal to it: the "
        "distance is flat along the ray."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 模型 (the model)",
    given=(Given(z, "outputs"), Given(y, "targets")),
    lets=(
        Let(r[b], sqrt(summation((z[b, k] - y[b, k]) ** 2, k)), "distances"),
        Let(L, summation(r[b], b) / B, "loss"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    cites=(15,),
    claims=(
        Claim("gradient", partial(L, z[b, i]), (z[b, i] - y[b, i]) / (B * r[b]), title="a unit vector for each sample"),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            delta(a, b) * (delta(i, j) / r[b] - (z[b, i] - y[b, i]) * (z[b, j] - y[b, j]) / r[b] ** 3) / B,
            title="(I - u u')/r for each sample",
        ),
        Claim(
            "flat_direction",
            summation(partial(L, z[b, i], z[b, j]) * (z[b, j] - y[b, j]), j),
            0,
            title="no curvature along the residual itself",
        ),
        Claim("trace", summation(partial(L, z[b, i], z[b, i]), i), (C - 1) / (B * r[b]), title="C - 1 equal eigenvalues 1/r"),
    ),
)
