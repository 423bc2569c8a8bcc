"""Squared Euclidean distance between outputs and targets."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j = indices("i j", C)
z, y, L = tensor("z", B, C), tensor("y", B, C), scalar("L")
c, m = tensor("c", C), tensor("m", C)

derivation = Derivation(
    name="squared_euclidean",
    title="Squared Euclidean distance",
    about=(
        "The squared length of outputs minus targets, averaged over the batch (not over the components, which is what sets it "
        "apart from the mean squared error)."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 模型 (the model)",
    given=(Given(z, "outputs"), Given(y, "targets")),
    lets=(
        Let(L, summation((z[b, i] - y[b, i]) ** 2, i, b) / B, "loss"),
        Let(m[i], summation(y[b, i], b) / B, "mean target"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    cites=(15,),
    claims=(
        Claim("gradient", partial(L, z[b, i]), 2 * (z[b, i] - y[b, i]) / B, title="twice the residual"),
        Claim("hessian", partial(L, z[a, i], z[b, j]), 2 * delta(a, b) * delta(i, j) / B, title="twice the identity for each sample"),
        Claim("hessian_trace", summation(partial(L, z[b, i], z[b, i]), i, b), 2 * C, title="two for each component"),
        Claim(
            "squared_gradient",
            summation(partial(L, z[b, i]) ** 2, i, b),
            4 * L / B,
            title="the loss is the gradient's squared length, times B/4",
        ),
        Claim(
            "mean_squared_error",
            L / C,
            summation((z[b, i] - y[b, i]) ** 2, i, b) / (B * C),
            title="C times the mean squared error",
        ),
        Claim(
            "inner_products",
            L,
            summation(summation(z[b, i] ** 2, i) - 2 * summation(z[b, i] * y[b, i], i) + summation(y[b, i] ** 2, i), b) / B,
            title="by lengths and inner products, as for all pairs at once; exact, but in floating point it cancels",
        ),
        Claim(
            "best_constant",
            summation((c[i] - y[b, i]) ** 2, i, b) / B,
            summation((c[i] - m[i]) ** 2, i) + summation((m[i] - y[b, i]) ** 2, i, b) / B,
            title="of all constant outputs c the mean target is best, and leaves the variance (Huygens)",
            given=(Given(c, "constant output"),),
        ),
    ),
)
