"""Squared Euclidean distance between outputs and targets."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j = indices("i j", C)
z, y, L = tensor("z", B, C), tensor("y", B, C), scalar("L")

derivation = Derivation(
    name="squared_euclidean",
    title="Squared Euclidean distance",
    about=(
        "The squared length of outputs minus targets, averaged over the batch (not over the components, which is what sets it "
        "apart from the mean squared error)."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 模型 (the model)",
    given=(Given(z, "outputs"), Given(y, "targets")),
    lets=(Let(L, summation((z[b, i] - y[b, i]) ** 2, i, b) / B, "loss"),),
    output=L,
    wrt=(z,),
    batch=B,
    cites=(15,),
    claims=(
        Claim("gradient", partial(L, z[b, i]), 2 * (z[b, i] - y[b, i]) / B, title="twice the residual"),
        Claim("hessian", partial(L, z[a, i], z[b, j]), 2 * delta(a, b) * delta(i, j) / B, title="twice the identity for each sample"),
    ),
)
