"""The second order of the mean squared error through a linear head on an unknown extractor."""

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
L = scalar("L")
g, H = 2 * (z[c] - y[c]) / C, 2 * delta(c, k) / C  # gradient and Hessian by z
H_z = (2 / C) * Identity(C)
bent = partial(e[m], theta[s], theta[t])  # the extractor's own curvature
EVERY = ("numerator", "denominator", "mixed")

derivation = Derivation(
    name="curvature_mse",
    title="Hessians of the mean squared error through a head on any extractor",
    about=("The squared distance, divided by the number of outputs: all derivatives are those of the squared distance over C."),
    source="the second order of 理解二阶曲率一 (Understanding second-order curvature, part 1), first pipeline",
    given=(
        Given(theta, "parameters of the extractor"),
        Given(e, "features, an unknown function", of=(theta,)),
        Given(W, "weights of the head"),
        Given(y, "target"),
    ),
    lets=(
        Let(z[c], summation(W[c, m] * e[m], m), "outputs"),
        Let(L, summation((z[c] - y[c]) ** 2, c) / C, "loss"),
    ),
    claims=(
        Claim("gradient_z", partial(L, z[c]), g, title="twice the residual over C"),
        Claim("hessian_z", partial(L, z[c], z[k]), H, title="2/C times the identity"),
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
