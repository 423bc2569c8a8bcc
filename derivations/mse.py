"""Mean squared error of a batch of outputs."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j = indices("i j", C)

z, y, v = tensor("z", B, C), tensor("y", B, C), tensor("v", B, C)
L, m = scalar("L"), scalar("m")

ARTICLE = "理解二阶曲率一 (Understanding second-order curvature, part 1)"

derivation = Derivation(
    name="mse",
    title="Mean squared error",
    about="The squared Euclidean distance between outputs z and targets y, averaged over batch and components.",
    source=f"{ARTICLE}, section 模型 (the model): the distance ||y - y_hat|| of the first pipeline, squared",
    given=(Given(z, "outputs"), Given(y, "targets")),
    lets=(
        Let(L, summation((z[b, i] - y[b, i]) ** 2, i, b) / (B * C), "loss"),
        Let(m, summation(z[b, i] - y[b, i], i, b) / (B * C), "mean residual"),
    ),
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
        Claim(
            "expansion",
            summation((z[b, i] + v[b, i] - y[b, i]) ** 2, i, b) / (B * C),
            L + summation(partial(L, z[b, i]) * v[b, i], i, b) + summation(v[b, i] ** 2, i, b) / (B * C),
            title="quadratic: to second order the expansion is exact, and curves alike along every direction",
            given=(Given(v, "step"),),
        ),
        Claim("newton", z[b, i] - B * C * partial(L, z[b, i]) / 2, y[b, i], title="so one step of Newton's method reaches the targets"),
        Claim(
            "squared_gradient",
            summation(partial(L, z[b, i]) ** 2, i, b),
            4 * L / (B * C),
            title="the loss is the gradient's squared length, times B C/4",
        ),
        Claim("targets", partial(L, y[b, i]), -partial(L, z[b, i]), title="outputs and targets pull in opposite directions"),
        Claim(
            "bias_and_variance",
            L,
            m**2 + summation((z[b, i] - y[b, i] - m) ** 2, i, b) / (B * C),
            title="the squared mean residual plus the variance of the residuals",
        ),
    ),
)
