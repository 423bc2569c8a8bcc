"""Cross-entropy over the rows that have a label."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    Membership,
    delta,
    equation,
    exp,
    indices,
    log,
    maximum,
    partial,
    scalar,
    summation,
    tensor,
)

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j, k = indices("i j k", C)

z, y, p, v = tensor("z", B, C), tensor("y", B, C), tensor("p", B, C), tensor("v", B, C)
m, n, L = tensor("m", B), scalar("n"), scalar("L")

derivation = Derivation(
    name="ignored_labels",
    title="Cross-entropy with ignored labels",
    about=(
        "Cross-entropy over some of the rows: a mask m is 1 where a row counts and 0 where its label is to be ignored, such "
        "as padding; the mean is over the rows that count. An ignored row may have any label, so targets with an ignore_index "
        "are passed as y = where(m, target, 0). Where no row counts, the loss is 0/0, which kernels return as NaN, and its "
        "derivatives are computed as 0: both as torch does."
    ),
    source="torch.nn.functional.cross_entropy(ignore_index=...), m = (target != ignore_index), reduction 'mean'",
    given=(
        Given(z, "logits"),
        Given(y, "labels", where=(equation(summation(y[b, k], k), 1),), classes=True),
        Given(m, "mask", where=(Membership(m[b], (0, 1)),)),
    ),
    lets=(
        Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k), "probabilities"),
        Let(n, summation(m[b], b), "number of rows that count"),
        Let(L, -summation(m[b] * y[b, i] * log(p[b, i]), i, b) / n, "loss"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim(
            "gradient",
            partial(L, z[b, i]),
            m[b] * (p[b, i] - y[b, i]) / maximum(n, 1),
            title="zero where the label is ignored; there is no loss without a label, so n is 1 at least",
            computed=True,
        ),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            delta(a, b) * m[b] * p[b, i] * (delta(i, j) - p[b, j]) / maximum(n, 1),
            title="one block diag(p) - p p' for each row that counts",
            computed=True,
        ),
        Claim(
            "hvp",
            summation(partial(L, z[b, i], z[a, j]) * v[a, j], j, a),
            m[b] * p[b, i] * (v[b, i] - summation(p[b, k] * v[b, k], k)) / maximum(n, 1),
            title="the direction less its mean in each row",
            given=(Given(v, "direction"),),
            computed=True,
        ),
        Claim(
            "hessian_diagonal",
            partial(L, z[b, i], z[b, i]),
            m[b] * p[b, i] * (1 - p[b, i]) / maximum(n, 1),
            title="the variances of the predicted classes",
            computed=True,
        ),
        Claim(
            "hessian_trace",
            summation(partial(L, z[b, i], z[b, i]), i, b),
            summation(m[b] * p[b, i] * (1 - p[b, i]), i, b) / maximum(n, 1),
            title="the mean Gini impurity of the rows that count",
            computed=True,
        ),
    ),
)
