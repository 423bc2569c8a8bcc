"""Layer normalisation."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, positive, scalar, sqrt, summation, tensor

D = Dim("d")
i, j, k, l, m = indices("i j k l m", D)

x, w, b, n, o = tensor("x", D), tensor("w", D), tensor("b", D), tensor("n", D), tensor("o", D)
g, v = tensor("g", D), tensor("v", D)
mu, s, eps = scalar("mu"), scalar("s"), scalar("eps")

# Upstream gradient of the normalised features and direction, both less their means, and the products that n has with them.
g_j = g[j] * w[j] - summation(g[k] * w[k], k) / D
v_j = v[j] - summation(v[k], k) / D
g_v = summation((g[l] * w[l] - summation(g[k] * w[k], k) / D) * (v[l] - summation(v[k], k) / D), l)
g_n, n_v = summation(g[k] * w[k] * n[k], k), summation(n[m] * v[m], m)

derivation = Derivation(
    name="layer_norm",
    title="Layer normalisation",
    about=(
        "The features of a sample less their mean, over their standard deviation, with a gain w and a bias b for each "
        "feature. The Jacobian projects out what the normalisation ignores: shifts, and scalings of x (but for eps)."
    ),
    source="Ba, Kiros and Hinton, Layer Normalization (2016); torch.nn.functional.layer_norm",
    given=(Given(x, "features"), Given(w, "gains"), Given(b, "biases"), Given(eps, "added to the variance", where=(positive(eps),))),
    lets=(
        Let(mu, summation(x[k], k) / D, "mean"),
        Let(s, sqrt(summation((x[k] - mu) ** 2, k) / D + eps), "standard deviation"),
        Let(n[i], (x[i] - mu) / s, "normalised features"),
        Let(o[i], w[i] * n[i] + b[i], "output"),
    ),
    output=o,
    wrt=(x, w, b),
    curved=True,
    claims=(
        Claim("mean", summation(n[i], i), 0, title="the normalised features have mean zero"),
        Claim("variance", summation(n[i] ** 2, i) / D, 1 - eps / s**2, title="and, but for eps, variance one"),
        Claim(
            "jacobian_x",
            partial(o[i], x[j]),
            w[i] * (delta(i, j) - (1 + n[i] * n[j]) / D) / s,
            title="off the ones direction and off n",
        ),
        Claim("shift", summation(partial(o[i], x[j]), j), 0, title="a shift of all features changes nothing"),
        Claim("jacobian_w", partial(o[i], w[j]), delta(i, j) * n[i], title="gains scale"),
        Claim("jacobian_b", partial(o[i], b[j]), delta(i, j), title="biases shift"),
        Claim(
            "hvp_x",
            summation(g[i] * partial(o[i], x[j], x[k]) * v[k], i, k),
            -(g_j * n_v + v_j * g_n + n[j] * (g_v - 3 * g_n * n_v / D)) / (D * s**2),
            title="symmetric in upstream gradient and direction",
            given=(Given(g, "upstream gradient"), Given(v, "direction")),
            computed=True,
        ),
    ),
)
