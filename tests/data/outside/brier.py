"""The Brier score of softmax probabilities; a derivation that is not in the catalogue."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, exp, indices, partial, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
b = indices("b", B)[0]
i, k = indices("i k", C)

z = tensor("z", B, C)
y = tensor("y", B, C)
p = tensor("p", B, C)
L = scalar("L")

derivation = Derivation(
    name="brier",
    title="Brier score of softmax probabilities",
    given=(Given(z, "logits"), Given(y, "labels", classes=True)),
    lets=(
        Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k), "probabilities"),
        Let(L, summation((p[b, i] - y[b, i]) ** 2, i, b) / B, "score"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim(
            "gradient",
            partial(L, z[b, i]),
            2 * p[b, i] * (p[b, i] - y[b, i] - summation(p[b, k] * (p[b, k] - y[b, k]), k)) / B,
            title="the softmax Jacobian times twice the residual",
        ),
    ),
)
