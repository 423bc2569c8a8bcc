"""Root mean square normalisation."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, positive, scalar, sqrt, summation, tensor

D = Dim("d")
i, j, k = indices("i j k", D)

x, w, n, o = tensor("x", D), tensor("w", D), tensor("n", D), tensor("o", D)
s, eps = scalar("s"), scalar("eps")

derivation = Derivation(
    name="rms_norm",
    title="Root mean square normalisation",
    about=(
        "The features of a sample over their root mean square, with a gain w for each feature: layer normalisation without "
        "the mean and the bias. The Jacobian projects out scalings of x (but for eps)."
    ),
    source="Zhang and Sennrich, Root Mean Square Layer Normalization (2019); torch.nn.functional.rms_norm",
    given=(Given(x, "features"), Given(w, "gains"), Given(eps, "added to the mean square", where=(positive(eps),))),
    lets=(
        Let(s, sqrt(summation(x[k] ** 2, k) / D + eps), "root mean square"),
        Let(n[i], x[i] / s, "normalised features"),
        Let(o[i], w[i] * n[i], "output"),
    ),
    output=o,
    wrt=(x, w),
    curved=True,
    claims=(
        Claim("mean_square", summation(n[i] ** 2, i) / D, 1 - eps / s**2, title="but for eps, the mean square is one"),
        Claim(
            "jacobian_x",
            partial(o[i], x[j]),
            w[i] * (delta(i, j) - n[i] * n[j] / D) / s,
            title="off the direction of x",
        ),
        Claim(
            "scaling",
            summation(partial(o[i], x[j]) * x[j], j),
            o[i] * eps / s**2,
            title="scaling x changes nothing but through eps",
        ),
        Claim("jacobian_w", partial(o[i], w[j]), delta(i, j) * n[i], title="gains scale"),
    ),
)
