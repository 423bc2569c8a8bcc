"""Cross-entropy of logits, averaged over the batch."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, equation, exp, indices, log, partial, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j, k = indices("i j k", C)

z = tensor("z", B, C)
y = tensor("y", B, C)
p = tensor("p", B, C)
L = scalar("L")

ARTICLE = "理解二阶曲率一 (Understanding second-order curvature, part 1)"

derivation = Derivation(
    name="cross_entropy",
    title="Softmax cross-entropy",
    about=(
        "The loss of a classifier with logits z: the mean over the batch of the cross-entropy between the labels y and "
        "the softmax probabilities p. Labels are rows that sum to one; a class index stands for the one-hot row."
    ),
    source=f"{ARTICLE}, section 链式法则 (the chain rule), second pipeline",
    given=(
        Given(z, "logits"),
        Given(y, "labels", where=(equation(summation(y[b, k], k), 1),), classes=True),
    ),
    lets=(
        Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k), "probabilities"),
        Let(L, -summation(y[b, i] * log(p[b, i]), i, b) / B, "loss"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    cites=(14,),
    claims=(
        Claim(
            "gradient",
            partial(L, z[b, i]),
            (p[b, i] - y[b, i]) / B,
            title="probabilities minus labels",
            source="J_sm(z) dL/dp with dL/dp = -y/p",
            cites=(33,),
        ),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            delta(a, b) * p[b, i] * (delta(i, j) - p[b, j]) / B,
            title="one block diag(p) - p p' a sample; the labels drop out",
        ),
    ),
)
