"""Binary cross-entropy with logits."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    Relation,
    delta,
    indices,
    log,
    partial,
    positive,
    scalar,
    sigmoid,
    summation,
    tensor,
)

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j = indices("i j", C)

z, y, p = tensor("z", B, C), tensor("y", B, C), tensor("p", B, C)
w, L = tensor("w", C), scalar("L")

derivation = Derivation(
    name="bce_with_logits",
    title="Binary cross-entropy with logits",
    about=(
        "Independent yes-or-no answers: sigmoid probabilities p of logits z, labels y between 0 and 1, and the cross-entropy "
        "averaged over batch and labels. A positive answer of label i counts w[i] times, which balances rare labels."
    ),
    source="torch.nn.functional.binary_cross_entropy_with_logits(pos_weight=w), reduction 'mean'",
    given=(
        Given(z, "logits"),
        Given(y, "labels", where=(Relation(">=", y[b, i], 0), Relation("<=", y[b, i], 1))),
        Given(w, "weights of positive answers", where=(positive(w[i]),)),
    ),
    lets=(
        Let(p[b, i], sigmoid(z[b, i]), "probabilities"),
        Let(L, -summation(w[i] * y[b, i] * log(p[b, i]) + (1 - y[b, i]) * log(1 - p[b, i]), i, b) / (B * C), "loss"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim(
            "gradient",
            partial(L, z[b, i]),
            ((1 - y[b, i]) * p[b, i] - w[i] * y[b, i] * (1 - p[b, i])) / (B * C),
            title="p - y where w is 1",
            computed=True,
        ),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            delta(a, b) * delta(i, j) * (1 - y[b, i] + w[i] * y[b, i]) * p[b, i] * (1 - p[b, i]) / (B * C),
            title="diagonal: the variance of each answer",
        ),
    ),
)
