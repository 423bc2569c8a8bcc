"""Softmax cross-entropy of a linear classifier head."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, equation, exp, indices, log, partial, scalar, summation, tensor

B, C, D = Dim("B"), Dim("C"), Dim("d")
a, b = indices("a b", B)
c, k, j = indices("c k j", C)
m, n = indices("m n", D)

W = tensor("W", C, D)
e = tensor("e", B, D)
y = tensor("y", B, C)
z = tensor("z", B, C)
p = tensor("p", B, C)
L = scalar("L")

# Of the rows of W under p[b].
average = {index: summation(p[b, j] * W[j, index], j) for index in (m, n)}

ARTICLE = "理解二阶曲率一 (Understanding second-order curvature, part 1)"

derivation = Derivation(
    name="linear_cross_entropy",
    title="Softmax cross-entropy of a linear head",
    about=(
        "The last layer of a classifier: features e from any extractor, logits z = W e, softmax, and the mean "
        "cross-entropy with labels y. Labels are rows that sum to one; a class index stands for the one-hot row."
    ),
    source=f"{ARTICLE}, section 链式法则 (the chain rule), second pipeline: z = W_c e, p = softmax(z)",
    given=(
        Given(W, "weights"),
        Given(e, "features"),
        Given(y, "labels", where=(equation(summation(y[b, k], k), 1),), classes=True),
    ),
    lets=(
        Let(z[b, c], summation(W[c, m] * e[b, m], m), "logits"),
        Let(p[b, c], exp(z[b, c]) / summation(exp(z[b, j]), j), "probabilities"),
        Let(L, -summation(y[b, c] * log(p[b, c]), c, b) / B, "loss"),
    ),
    output=L,
    wrt=(W, e),
    batch=B,
    claims=(
        Claim(
            "gradient_W",
            partial(L, W[c, m]),
            summation((p[b, c] - y[b, c]) * e[b, m], b) / B,
            title="the logits' gradient times the features, (dL/dz)' e",
            cites=(18, 36),
        ),
        Claim(
            "gradient_e",
            partial(L, e[b, m]),
            summation((p[b, c] - y[b, c]) * W[c, m], c) / B,
            title="the logits' gradient through the weights, W' dL/dz",
            cites=(18, 34),
        ),
        Claim(
            "hessian_W",
            partial(L, W[c, m], W[k, n]),
            summation(p[b, c] * (delta(c, k) - p[b, k]) * e[b, m] * e[b, n], b) / B,
            title="the Kronecker form (diag(p) - p p') x e e', averaged",
        ),
        Claim(
            "hessian_e",
            partial(L, e[a, m], e[b, n]),
            delta(a, b) * summation(W[c, m] * p[b, c] * (delta(c, k) - p[b, k]) * W[k, n], c, k) / B,
            title="W' (diag(p) - p p') W for each sample",
        ),
        Claim(
            "hessian_e_block",
            partial(L, e[b, m], e[b, n]),
            summation(p[b, c] * (W[c, m] - average[m]) * (W[c, n] - average[n]), c) / B,
            title="for one sample the covariance of the rows of W under p, which rounding cannot make indefinite",
            computed=True,
        ),
    ),
)
