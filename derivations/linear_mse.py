"""Mean squared error of a linear head."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, scalar, summation, tensor

B, C, D = Dim("B"), Dim("C"), Dim("d")
a, b = indices("a b", B)
c, k = indices("c k", C)
m, n = indices("m n", D)

W = tensor("W", C, D)
e = tensor("e", B, D)
y = tensor("y", B, C)
z = tensor("z", B, C)
L = scalar("L")

ARTICLE = "理解二阶曲率一 (Understanding second-order curvature, part 1)"

derivation = Derivation(
    name="linear_mse",
    title="Mean squared error of a linear head",
    about="Features e from any extractor, outputs z = W e, and the mean squared error with targets y.",
    source=f"{ARTICLE}, section 链式法则 (the chain rule), first pipeline: y_hat = W_c e",
    given=(Given(W, "weights"), Given(e, "features"), Given(y, "targets")),
    lets=(
        Let(z[b, c], summation(W[c, m] * e[b, m], m), "outputs"),
        Let(L, summation((z[b, c] - y[b, c]) ** 2, c, b) / (B * C), "loss"),
    ),
    output=L,
    wrt=(W, e),
    batch=B,
    claims=(
        Claim(
            "gradient_W",
            partial(L, W[c, m]),
            2 * summation((z[b, c] - y[b, c]) * e[b, m], b) / (B * C),
            title="twice the residual times the features",
            cites=(18, 27),
        ),
        Claim(
            "gradient_e",
            partial(L, e[b, m]),
            2 * summation((z[b, c] - y[b, c]) * W[c, m], c) / (B * C),
            title="twice the residual through the weights",
            cites=(18, 25),
        ),
        Claim(
            "hessian_W",
            partial(L, W[c, m], W[k, n]),
            2 * delta(c, k) * summation(e[b, m] * e[b, n], b) / (B * C),
            title="one second moment matrix e'e for each output",
        ),
        Claim(
            "hessian_e",
            partial(L, e[a, m], e[b, n]),
            2 * delta(a, b) * summation(W[c, m] * W[c, n], c) / (B * C),
            title="2 W'W for each sample",
        ),
    ),
)
