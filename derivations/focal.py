"""Focal loss."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Expr,
    Given,
    Index,
    Let,
    Membership,
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

z, y, p, v = tensor("z", B, C), tensor("y", B, C), tensor("p", B, C), tensor("v", B, C)
gamma, L = scalar("gamma"), scalar("L")
LIN = "Lin et al., Focal Loss for Dense Object Detection (2017)"


def curvature(b: Index, i: Index) -> Expr:
    """The second derivative of the loss of one answer; it is negative where the answer is nearly right or quite wrong."""
    bracket = (1 + 2 * gamma) * (1 - p[b, i]) + gamma * (1 - (1 + gamma) * p[b, i]) * log(p[b, i])
    return p[b, i] * (1 - p[b, i]) ** gamma * bracket / (B * C)


derivation = Derivation(
    name="focal",
    title="Focal loss",
    about=(
        "Binary cross-entropy with labels -1 and 1 in which answers that are right already count less: p is the probability "
        "of the label, and its loss is multiplied by (1 - p)^gamma; averaged over batch and labels."
    ),
    source=f"{LIN}, section Focal Loss",
    given=(
        Given(z, "logits"),
        Given(y, "labels, -1 or 1", where=(Membership(y[b, i], (-1, 1)),)),
        Given(gamma, "focusing parameter", where=(positive(gamma),)),
    ),
    lets=(
        Let(p[b, i], sigmoid(y[b, i] * z[b, i]), "probability of the label"),
        Let(L, -summation((1 - p[b, i]) ** gamma * log(p[b, i]), i, b) / (B * C), "loss"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim(
            "gradient",
            partial(L, z[b, i]),
            y[b, i] * (1 - p[b, i]) ** gamma * (gamma * p[b, i] * log(p[b, i]) + p[b, i] - 1) / (B * C),
            title="that of cross-entropy, p - 1, for gamma = 0",
            source=f"{LIN}, the derivatives in the appendix",
        ),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            delta(a, b) * delta(i, j) * curvature(a, i),
            title="diagonal, and the labels drop out but through p",
            computed=True,
        ),
        Claim("hessian_diagonal", partial(L, z[b, i], z[b, i]), curvature(b, i), title="its entries", computed=True),
        Claim(
            "hessian_trace",
            summation(partial(L, z[b, i], z[b, i]), i, b),
            summation(curvature(b, i), i, b),
            title="their sum",
            computed=True,
        ),
        Claim(
            "hvp",
            summation(partial(L, z[b, i], z[a, j]) * v[a, j], j, a),
            curvature(b, i) * v[b, i],
            title="products with the Hessian are entrywise",
            given=(Given(v, "direction"),),
            computed=True,
        ),
    ),
)
