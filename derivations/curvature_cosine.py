"""The second order of the cosine distance through a linear head on an unknown extractor."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Identity,
    Let,
    MatrixFormula,
    delta,
    derivative,
    indices,
    kronecker,
    partial,
    scalar,
    sqrt,
    summation,
    tensor,
    vec,
    whole,
)

C, D, P = Dim("C"), Dim("d"), Dim("P")
c, k = indices("c k", C)
m, n = indices("m n", D)
s, t = indices("s t", P)
theta, W, e, y, z = tensor("theta", P), tensor("W", C, D), tensor("e", D), tensor("y", C), tensor("z", C)
r, q, a, L = scalar("r"), scalar("q"), scalar("a"), scalar("L")
u, w = tensor("u", C), tensor("w", C)
g, H = (a * u[c] - w[c]) / r, (a * delta(c, k) + u[c] * w[k] + w[c] * u[k] - 3 * a * u[c] * u[k]) / r**2  # gradient and Hessian by z
H_z = r**-2 * (a * Identity(C) + whole(u) @ whole(w).T + whole(w) @ whole(u).T - 3 * a * (whole(u) @ whole(u).T))
bent = partial(e[m], theta[s], theta[t])  # the extractor's own curvature
EVERY = ("numerator", "denominator", "mixed")

derivation = Derivation(
    name="curvature_cosine",
    title="Hessians of the cosine distance through a head on any extractor",
    about=(
        "One sample with features e = f(theta) from an unknown extractor and outputs z = W e, neither z nor y being zero. With "
        "the unit vectors u = z/r and w = y/q, the loss is 1 - a with the cosine a = u'w; its Hessian by z is indefinite."
    ),
    source="the second order of 理解二阶曲率一 (Understanding second-order curvature, part 1), first pipeline",
    given=(
        Given(theta, "parameters of the extractor"),
        Given(e, "features, an unknown function", of=(theta,)),
        Given(W, "weights of the head"),
        Given(y, "target"),
    ),
    lets=(
        Let(z[c], summation(W[c, m] * e[m], m), "outputs"),
        Let(r, sqrt(summation(z[k] ** 2, k)), "length of the outputs"),
        Let(q, sqrt(summation(y[k] ** 2, k)), "length of the targets"),
        Let(u[c], z[c] / r, "direction of the outputs"),
        Let(w[c], y[c] / q, "direction of the targets"),
        Let(a, summation(u[k] * w[k], k), "cosine"),
        Let(L, 1 - a, "loss"),
    ),
    claims=(
        Claim("gradient_z", partial(L, z[c]), g, title="(a u - w)/r"),
        Claim("hessian_z", partial(L, z[c], z[k]), H, title="(a I + u w' + w u' - 3 a u u')/r^2"),
        Claim(
            "cross_W_e",
            partial(L, W[c, m], e[n]),
            summation(H * W[k, n], k) * e[m] + g * delta(m, n),
            title="(H W) e' and the gradient, as z is bilinear in W and e",
        ),
        Claim(
            "hessian_theta",
            partial(L, theta[s], theta[t]),
            summation(partial(z[c], theta[s]) * H * partial(z[k], theta[t]), k, c) + summation(g * W[c, m] * bent, m, c),
            title="Gauss-Newton and the extractor's curvature, weighted by W' g",
        ),
    ),
    formulas=(
        MatrixFormula("hessian_W", derivative(L, vec(W), vec(W)), kronecker(H_z, whole(e) @ whole(e).T), EVERY, "W stacked by rows"),
        MatrixFormula("hessian_e", derivative(L, e, e), whole(W).T @ H_z @ whole(W), EVERY, "W' H W"),
    ),
)
