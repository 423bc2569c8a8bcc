"""Cross-entropy with the z-loss."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, equation, exp, indices, log, partial, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j, k = indices("i j k", C)

z, y, p = tensor("z", B, C), tensor("y", B, C), tensor("p", B, C)
s, lam, L = tensor("s", B), scalar("lam"), scalar("L")

derivation = Derivation(
    name="z_loss",
    title="Cross-entropy with z-loss",
    about=(
        "Cross-entropy with a penalty on the square of each row's logsumexp, which keeps the softmax's denominator near one: "
        "cross-entropy alone does not change when all logits of a row are shifted, so they may drift."
    ),
    source="Chowdhery et al., PaLM (2022), section Training Setup, with lam = 1e-4; Zoph et al., ST-MoE (2022), the router z-loss",
    given=(
        Given(z, "logits"),
        Given(y, "labels", where=(equation(summation(y[b, k], k), 1),), classes=True),
        Given(lam, "weight of the penalty"),
    ),
    lets=(
        Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k), "probabilities"),
        Let(s[b], log(summation(exp(z[b, k]), k)), "logsumexp"),
        Let(L, (-summation(y[b, i] * log(p[b, i]), i, b) + lam * summation(s[b] ** 2, b)) / B, "loss"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim(
            "gradient",
            partial(L, z[b, i]),
            (p[b, i] - y[b, i] + 2 * lam * s[b] * p[b, i]) / B,
            title="the penalty pulls every logit by its probability",
        ),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            delta(a, b) * ((1 + 2 * lam * s[b]) * p[b, i] * (delta(i, j) - p[b, j]) + 2 * lam * p[b, i] * p[b, j]) / B,
            title="no longer singular along the ones direction",
        ),
        Claim(
            "drift",
            summation(partial(L, z[b, k]), k),
            2 * lam * s[b] / B,
            title="the gradient along a shift of the row's logits: without the penalty it is zero",
        ),
    ),
)
