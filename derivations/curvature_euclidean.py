"""The second order of the Euclidean distance through a linear head on an unknown extractor."""

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
h, L = tensor("h", C), scalar("L")
g, H = h[c] / L, (delta(c, k) - h[c] * h[k] / L**2) / L  # gradient and Hessian by z
H_z = (1 / L) * (Identity(C) - L**-2 * (whole(h) @ whole(h).T))
bent = partial(e[m], theta[s], theta[t])  # the extractor's own curvature
EVERY = ("numerator", "denominator", "mixed")

derivation = Derivation(
    name="curvature_euclidean",
    title="Hessians of the Euclidean distance through a head on any extractor",
    about=(
        "One sample with features e = f(theta) from an unknown extractor and outputs z = W e, at a distance L that is not zero "
        "(there it has a kink). The gradient is the unit vector u = h/L of the residual, and the Hessian (I - u u')/L projects "
        "on what is orthogonal to it."
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
        Let(h[c], z[c] - y[c], "residual"),
        Let(L, sqrt(summation(h[k] ** 2, k)), "loss, and the distance"),
    ),
    claims=(
        Claim("gradient_z", partial(L, z[c]), g, title="a unit vector"),
        Claim("hessian_z", partial(L, z[c], z[k]), H, title="(I - u u')/L"),
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
