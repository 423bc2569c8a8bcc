"""The second order of a linear head on an unknown extractor, under an arbitrary loss."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
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
c, k, j = indices("c k j", C)
m, n = indices("m n", D)
s, t = indices("s t", P)
theta, W, e, z, L = tensor("theta", P), tensor("W", C, D), tensor("e", D), tensor("z", C), scalar("L")
S, g, ee = tensor("S", P, P), partial(L, z[c]), whole(e) @ whole(e).T
EVERY = ("numerator", "denominator", "mixed")
H, J = derivative(L, z, z), derivative(z, theta)

derivation = Derivation(
    name="extractor_curvature",
    title="The Hessian of a linear head on any feature extractor, under any loss",
    about=(
        "Features e = f(theta) from an unknown extractor, outputs z = W e, an unknown loss L of z with gradient g and Hessian "
        "H. By the last layer's weights the Hessian is a Kronecker product. Through the extractor it splits into the "
        "Gauss-Newton matrix J' H J and the curvature of the network weighted by g; by the last layer's own weights the second "
        "part is zero, as z is linear in them."
    ),
    source="the second order of 理解二阶曲率一 (Understanding second-order curvature, part 1), first pipeline",
    given=(
        Given(theta, "parameters of the extractor"),
        Given(e, "features, an unknown function", of=(theta,)),
        Given(W, "weights of the head"),
        Given(L, "loss, an unknown function", of=(z,)),
    ),
    lets=(
        Let(z[c], summation(W[c, m] * e[m], m), "outputs"),
        Let(S[s, t], summation(g * partial(z[c], theta[s], theta[t]), c), "curvature of the network, weighted by the gradient"),
    ),
    claims=(
        Claim(
            "network_curvature",
            S[s, t],
            summation(g * W[c, m] * partial(e[m], theta[s], theta[t]), m, c),
            title="the extractor's curvature, weighted by W' g",
        ),
        Claim("last_layer_is_linear", partial(z[k], W[c, m], W[j, n]), 0, title="so the Gauss-Newton matrix by W is the Hessian"),
        Claim(
            "cross_W_e",
            partial(L, W[c, m], e[n]),
            summation(partial(L, z[c], z[k]) * W[k, n], k) * e[m] + g * delta(m, n),
            title="(H W) e' and the gradient, as z is bilinear in W and e",
        ),
        Claim(
            "cross_W_theta",
            partial(L, W[c, m], theta[s]),
            summation(partial(L, z[c], z[k]) * partial(z[k], theta[s]), k) * e[m] + g * partial(e[m], theta[s]),
            title="the same through the extractor",
        ),
    ),
    formulas=(
        MatrixFormula("hessian_e", derivative(L, e, e), whole(W).T @ H @ whole(W), EVERY, "W' H W"),
        MatrixFormula("hessian_W", derivative(L, vec(W), vec(W)), kronecker(H, ee), EVERY, "W stacked by rows, as memory holds it"),
        MatrixFormula(
            "hessian_W_columns", derivative(L, vec(W, "columns"), vec(W, "columns")), kronecker(ee, H), EVERY, "W stacked by columns"
        ),
        MatrixFormula(
            "last_layer_gauss_newton",
            derivative(L, vec(W), vec(W)),
            derivative(z, vec(W)).T @ H @ derivative(z, vec(W)),
            ("numerator", "mixed"),
            "Gauss-Newton is the whole Hessian",
        ),
        MatrixFormula(
            "hessian_theta", derivative(L, theta, theta), J.T @ H @ J + whole(S), ("numerator", "mixed"), "Gauss-Newton and the rest"
        ),
    ),
)
