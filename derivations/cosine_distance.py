"""Cosine distance between outputs and targets: it measures directions and ignores lengths."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, scalar, sqrt, summation, tensor

C = Dim("C")
i, j, k = indices("i j k", C)
z, y, L = tensor("z", C), tensor("y", C), scalar("L")
r, s, c = scalar("r"), scalar("s"), scalar("c")
u, w = tensor("u", C), tensor("w", C)

derivation = Derivation(
    name="cosine_distance",
    title="Cosine distance",
    about=(
        "One minus the cosine c of the angle between outputs z and targets y, with unit vectors u = z/r and w = y/s. Neither "
        "may be zero. The gradient is orthogonal to z, as the length of z does not matter; the Hessian may have eigenvalues of "
        "either sign."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 模型 (the model)",
    given=(Given(z, "outputs"), Given(y, "targets")),
    lets=(
        Let(r, sqrt(summation(z[k] ** 2, k)), "length of the outputs"),
        Let(s, sqrt(summation(y[k] ** 2, k)), "length of the targets"),
        Let(u[i], z[i] / r, "direction of the outputs"),
        Let(w[i], y[i] / s, "direction of the targets"),
        Let(c, summation(u[k] * w[k], k), "cosine of the angle"),
        Let(L, 1 - c, "loss"),
    ),
    output=L,
    wrt=(z,),
    cites=(16,),
    claims=(
        Claim("gradient", partial(L, z[i]), (c * u[i] - w[i]) / r, title="the target's direction without its part along z"),
        Claim(
            "hessian",
            partial(L, z[i], z[j]),
            (c * delta(i, j) + u[i] * w[j] + w[i] * u[j] - 3 * c * u[i] * u[j]) / r**2,
            title="(c I + u w' + w u' - 3 c u u')/r^2",
        ),
        Claim("orthogonal", summation(partial(L, z[i]) * z[i], i), 0, title="no change along z itself (Euler, degree 0)"),
        Claim(
            "curvature_along_z",
            summation(partial(L, z[i], z[j]) * z[j], j),
            -partial(L, z[i]),
            title="the gradient has degree -1, so H z = -g",
        ),
        Claim("trace", summation(partial(L, z[i], z[i]), i), (C - 1) * c / r**2, title="positive below 90 degrees, negative above"),
    ),
)
