"""Mean squared error of a batch of outputs."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j = indices("i j", C)

z = tensor("z", B, C)
y = tensor("y", B, C)
L = scalar("L")

ARTICLE = "理解二阶曲率一 (Understanding second-order curvature, part 1)"

derivation = Derivation(
    name="mse",
    title="Mean squared error",
    about="The squared Euclidean distance between outputs z and targets y, averaged over batch and components.",
    source=f"{ARTICLE}, section 模型 (the model): the distance ||y - y_hat|| of the first pipeline, squared",
    given=(Given(z, "outputs"), Given(y, "targets")),
    lets=(Let(L, summation((z[b, i] - y[b, i]) ** 2, i, b) / (B * C), "loss"),),
    output=L,
    wrt=(z,),
    batch=B,
    cites=(15,),
    claims=(
        Claim("gradient", partial(L, z[b, i]), 2 * (z[b, i] - y[b, i]) / (B * C), title="twice the residual"),
        Claim(
            "hessian",
            partial(L, z[a, i], z[b, j]),
            2 * delta(a, b) * delta(i, j) / (B * C),
            title="a constant multiple of the identity",
        ),
    ),
)
