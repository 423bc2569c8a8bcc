"""Both of the article's pipelines over a batch: the gradient of the mean loss is the mean of the gradients."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, exp, indices, partial, scalar, summation, tensor

B, C, D, N, P = Dim("B"), Dim("C"), Dim("d"), Dim("n"), Dim("P")
(b,) = indices("b", B)
i, k = indices("i k", C)
(m,), (u,), (s,) = indices("m", D), indices("u", N), indices("s", P)
x, y = tensor("x", B, N), tensor("y", B, C)
theta_f, W_c = tensor("theta_f", P), tensor("W_c", C, D)
e, z, p = tensor("e", B, D), tensor("z", B, C), tensor("p", B, C)
ell, ell_sm, L, L_sm = tensor("ell", B), tensor("ell_sm", B), scalar("L"), scalar("L_sm")
g = partial(ell[b], z[b, i])
h = p[b, i] * summation((delta(i, k) - p[b, k]) * partial(ell_sm[b], p[b, k]), k)

derivation = Derivation(
    name="batch_head",
    title="The gradients of a head on any extractor, averaged over a batch",
    about=(
        "Each sample has its own features e = f(x; theta_f), outputs z = W_c e and loss: ell, an unknown function of z (first "
        "pipeline), and ell_sm, one of p = softmax(z) (second pipeline). The batch's loss is the mean. Gradients by what "
        "samples share are means over the batch; gradients by what is one sample's own carry its 1/B."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 链式法则 (the chain rule), loss of a batch",
    given=(
        Given(x, "inputs"),
        Given(theta_f, "parameters of the extractor"),
        Given(e, "features, an unknown function", of=(x, theta_f), each=(B,)),
        Given(W_c, "weights of the head"),
        Given(y, "targets"),
        Given(ell, "losses of the first pipeline, an unknown function", of=(z, y), each=(B,)),
        Given(ell_sm, "losses of the second pipeline, an unknown function", of=(p, y), each=(B,)),
    ),
    lets=(
        Let(z[b, i], summation(W_c[i, m] * e[b, m], m), "outputs"),
        Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k), "probabilities"),
        Let(L, summation(ell[b], b) / B, "loss of the batch"),
        Let(L_sm, summation(ell_sm[b], b) / B, "loss of the batch, through softmax"),
    ),
    cites=(17, 18),
    claims=(
        Claim("gradient_e", partial(L, e[b, m]), summation(W_c[i, m] * g, i) / B, title="a sample's own gradient, over B", cites=(18, 25)),
        Claim("gradient_x", partial(L, x[b, u]), summation(partial(e[b, m], x[b, u]) * W_c[i, m] * g, m, i) / B, cites=(18, 26)),
        Claim("gradient_W", partial(L, W_c[i, m]), summation(g * e[b, m], b) / B, title="the mean of the outer products", cites=(18, 27)),
        Claim(
            "gradient_theta",
            partial(L, theta_f[s]),
            summation(partial(e[b, m], theta_f[s]) * W_c[i, m] * g, b, m, i) / B,
            title="the mean of the samples' gradients",
            cites=(18, 19, 28),
        ),
        Claim("softmax_gradient_z", partial(L_sm, z[b, i]), h / B, title="J_sm times the gradient by p", cites=(18, 33)),
        Claim("softmax_gradient_e", partial(L_sm, e[b, m]), summation(W_c[i, m] * h, i) / B, cites=(18, 34)),
        Claim("softmax_gradient_x", partial(L_sm, x[b, u]), summation(partial(e[b, m], x[b, u]) * W_c[i, m] * h, m, i) / B, cites=(18, 35)),
        Claim("softmax_gradient_W", partial(L_sm, W_c[i, m]), summation(h * e[b, m], b) / B, cites=(18, 36)),
        Claim(
            "softmax_gradient_theta",
            partial(L_sm, theta_f[s]),
            summation(partial(e[b, m], theta_f[s]) * W_c[i, m] * h, b, m, i) / B,
            title="the mean of the samples' gradients",
            cites=(18, 19, 37),
        ),
    ),
)
