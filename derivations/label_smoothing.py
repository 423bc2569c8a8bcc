"""Cross-entropy with smoothed labels."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    Relation,
    delta,
    equation,
    exp,
    indices,
    log,
    partial,
    scalar,
    summation,
    tensor,
)

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j, k = indices("i j k", C)

z, y, p, s = tensor("z", B, C), tensor("y", B, C), tensor("p", B, C), tensor("s", B, C)
eps, L = scalar("eps"), scalar("L")

SZEGEDY = (
    "Szegedy et al., Rethinking the Inception Architecture for Computer Vision (2016), section Model Regularization via Label Smoothing"
)

derivation = Derivation(
    name="label_smoothing",
    title="Cross-entropy with label smoothing",
    about=(
        "Cross-entropy with labels moved towards the uniform distribution: a fraction eps of each label's mass is spread "
        "evenly over all classes, so that no logit is asked to grow without end."
    ),
    source=f"{SZEGEDY}; torch.nn.functional.cross_entropy(label_smoothing=eps)",
    given=(
        Given(z, "logits"),
        Given(y, "labels", where=(equation(summation(y[b, k], k), 1),), classes=True),
        Given(eps, "smoothing", where=(Relation(">=", eps, 0), Relation("<=", eps, 1))),
    ),
    lets=(
        Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k), "probabilities"),
        Let(s[b, i], (1 - eps) * y[b, i] + eps / C, "smoothed labels"),
        Let(L, -((1 - eps) * summation(y[b, i] * log(p[b, i]), i, b) + eps / C * summation(log(p[b, i]), i, b)) / B, "loss"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim(
            "smoothed_labels",
            L,
            -summation(s[b, i] * log(p[b, i]), i, b) / B,
            title="cross-entropy with the smoothed labels",
            source=SZEGEDY,
        ),
        Claim(
            "gradient",
            partial(L, z[b, i]),
            (p[b, i] - s[b, i]) / B,
            title="probabilities minus smoothed labels",
            source=SZEGEDY,
        ),
        Claim("hessian", partial(L, z[a, i], z[b, j]), delta(a, b) * p[b, i] * (delta(i, j) - p[b, j]) / B, title="smoothing drops out"),
    ),
)
