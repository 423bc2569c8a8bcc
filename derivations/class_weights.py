"""Cross-entropy with class weights."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    OneHot,
    delta,
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

z, y, p = tensor("z", B, C), tensor("y", B, C), tensor("p", B, C)
w, m = tensor("w", C), tensor("m", B)
W, L = scalar("W"), scalar("L")

derivation = Derivation(
    name="class_weights",
    title="Cross-entropy with class weights",
    about=(
        "Cross-entropy in which every class has a weight, divided by the sum of the weights of the labels that occur: a "
        "weighted mean over the batch. A class of weight zero is left out, and a negative weight pushes away from its class; "
        "where the weights of the labels add up to zero, the loss is not defined: without any weight it and its derivatives "
        "are NaN, as torch's are."
    ),
    source="torch.nn.functional.cross_entropy(weight=w), class indices as targets, reduction 'mean'",
    given=(
        Given(z, "logits"),
        Given(y, "labels", where=(OneHot(y),), classes=True),
        Given(w, "class weights"),
    ),
    lets=(
        Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k), "probabilities"),
        Let(m[b], summation(w[k] * y[b, k], k), "weight of the sample's label"),
        Let(W, summation(m[b], b), "sum of the weights"),
        Let(L, -summation(m[b] * y[b, i] * log(p[b, i]), i, b) / W, "loss"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim(
            "weights_in_the_sum",
            L,
            -summation(w[i] * y[b, i] * log(p[b, i]), i, b) / W,
            title="a weight can stand at the class or at the sample, as labels are one-hot",
            source="torch's documentation, CrossEntropyLoss",
        ),
        Claim("gradient", partial(L, z[b, i]), m[b] * (p[b, i] - y[b, i]) / W, title="each sample by the weight of its label"),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            delta(a, b) * m[b] * p[b, i] * (delta(i, j) - p[b, j]) / W,
            title="the labels come in through the weights alone",
        ),
        Claim(
            "hessian_trace",
            summation(partial(L, z[b, i], z[b, i]), i, b),
            summation(m[b] * p[b, i] * (1 - p[b, i]), i, b) / W,
            title="the weighted mean of the Gini impurity",
            computed=True,
        ),
    ),
)
