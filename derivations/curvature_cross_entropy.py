"""The second order of cross-entropy through a linear head on an unknown extractor."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    MatrixFormula,
    delta,
    derivative,
    diag,
    equation,
    exp,
    indices,
    kronecker,
    log,
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
p, L = tensor("p", C), scalar("L")
g, H = p[c] - y[c], p[c] * (delta(c, k) - p[k])  # gradient and Hessian by z
H_z = diag(p) - whole(p) @ whole(p).T
bent = partial(e[m], theta[s], theta[t])  # the extractor's own curvature
EVERY = ("numerator", "denominator", "mixed")

derivation = Derivation(
    name="curvature_cross_entropy",
    title="Hessians of softmax cross-entropy through a head on any extractor",
    about=(
        "One sample with features e = f(theta) from an unknown extractor, logits z = W e and labels y that sum to one. By W the "
        "Hessian is (diag(p) - p p') x e e'; the labels enter through the gradient only, that is in what is bilinear or curved."
    ),
    source="the second order of 理解二阶曲率一 (Understanding second-order curvature, part 1), second pipeline",
    given=(
        Given(theta, "parameters of the extractor"),
        Given(e, "features, an unknown function", of=(theta,)),
        Given(W, "weights of the head"),
        Given(y, "labels", where=(equation(summation(y[k], k), 1),)),
    ),
    lets=(
        Let(z[c], summation(W[c, m] * e[m], m), "outputs"),
        Let(p[c], exp(z[c]) / summation(exp(z[k]), k), "probabilities"),
        Let(L, -summation(y[c] * log(p[c]), c), "loss"),
    ),
    claims=(
        Claim("gradient_z", partial(L, z[c]), g, title="probabilities minus labels"),
        Claim("hessian_z", partial(L, z[c], z[k]), H, title="diag(p) - p p'"),
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
