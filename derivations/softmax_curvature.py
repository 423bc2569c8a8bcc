"""The Hessian of cross-entropy by the logits: positive semidefinite, bounded, of rank C - 1."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, equation, exp, indices, log, partial, scalar, summation, tensor

C = Dim("C")
i, j, k = indices("i j k", C)
z, y, v = tensor("z", C), tensor("y", C), tensor("v", C)
p, H, P = tensor("p", C), tensor("H", C, C), tensor("P", C, C)
L, mean, curvature = scalar("L"), scalar("mu"), scalar("kappa")

derivation = Derivation(
    name="softmax_curvature",
    title="What the Hessian of cross-entropy is like: a variance",
    about=(
        "H = diag(p) - p p', with kappa = v' H v for a direction v. Since p is positive, each claim is a proof: kappa is the "
        "variance of v under p, so H is positive semidefinite; as a sum over pairs it is zero only where all entries of v are "
        "equal, so the kernel is the line of ones and the rank is C - 1; and |v|^2/2 - kappa is a sum of terms that are not "
        "negative, so no eigenvalue exceeds 1/2, which p = (1/2, 1/2) attains."
    ),
    source="the second order of 理解二阶曲率一 (Understanding second-order curvature, part 1)",
    given=(
        Given(z, "logits"),
        Given(y, "labels", where=(equation(summation(y[k], k), 1),)),
        Given(v, "a direction"),
    ),
    lets=(
        Let(p[i], exp(z[i]) / summation(exp(z[k]), k), "probabilities"),
        Let(L, -summation(y[i] * log(p[i]), i), "loss"),
        Let(H[i, j], p[i] * (delta(i, j) - p[j]), "the Hessian, as claimed"),
        Let(mean, summation(p[k] * v[k], k), "mean of v under p"),
        Let(curvature, summation(v[i] * H[i, j] * v[j], j, i), "curvature along v"),
        Let(P[i, j], delta(i, j) - p[i], "H with its columns divided by p"),
    ),
    claims=(
        Claim("hessian", partial(L, z[i], z[j]), H[i, j], title="diag(p) - p p', whatever the labels"),
        Claim("variance", curvature, summation(p[i] * (v[i] - mean) ** 2, i), title="a variance: positive semidefinite"),
        Claim(
            "pairs",
            curvature,
            summation(p[i] * p[j] * (v[i] - v[j]) ** 2, j, i) / 2,
            title="zero only if all entries of v are equal: the rank is at least C - 1",
        ),
        Claim("ones", summation(H[i, j], j), 0, title="the direction of ones is in the kernel: the rank is at most C - 1"),
        Claim(
            "upper_bound",
            summation(v[i] ** 2, i) / 2 - curvature,
            summation((2 * p[i] - 1) ** 2 * v[i] ** 2, i) / 2 + summation((1 - delta(i, j)) * p[i] * p[j] * (v[i] + v[j]) ** 2, j, i) / 2,
            title="terms that are not negative: H is at most I/2",
        ),
        Claim("trace", summation(H[i, i], i), 1 - summation(p[i] ** 2, i), title="the sum of the eigenvalues: at most 1 - 1/C"),
        Claim(
            "trace_bound",
            1 - 1 / C - summation(H[i, i], i),
            summation((p[i] - 1 / C) ** 2, i),
            title="with equality for uniform probabilities",
        ),
        Claim("divided", H[i, j], P[i, j] * p[j], title="H is P times an invertible diagonal matrix"),
        Claim("projector", summation(P[i, k] * P[k, j], k), P[i, j], title="P is a projector, so its rank is its trace"),
        Claim("rank", summation(P[i, i], i), C - 1, title="the rank of P, and so of H, once more"),
    ),
)
