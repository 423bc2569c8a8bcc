"""A linear head on an unknown feature extractor, under an arbitrary loss: the article's first pipeline."""

from closedform.notation import Derivation, Dim, Given, Let, MatrixFormula, derivative, indices, scalar, summation, tensor, vec, whole

C, D, N, P = Dim("C"), Dim("d"), Dim("n"), Dim("P")
(i,), (m,) = indices("i", C), indices("m", D)
x, y = tensor("x", N), tensor("y", C)
theta_f, W_c = tensor("theta_f", P), tensor("W_c", C, D)
e, y_hat, L = tensor("e", D), tensor("y_hat", C), scalar("L")
g, W = derivative(L, y_hat), whole(W_c)

derivation = Derivation(
    name="extractor_head",
    title="The gradients of a linear head on any feature extractor, under any loss",
    about=(
        "Features e = f(x; theta_f) from an unknown extractor, outputs y_hat = W_c e, an unknown loss L(y_hat, y): what is "
        "proved here holds for every network and every loss. The article's chains of factors are the numerator layout "
        "(gradients are rows), its results the mixed layout (gradients have the shape of their variable, Jacobians a row for "
        "each output). Its dL/dtheta_f is a row where its other gradients are columns; the formula that goes with them is "
        "gradient_theta."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 链式法则 (the chain rule), first pipeline",
    given=(
        Given(x, "input"),
        Given(theta_f, "parameters of the extractor"),
        Given(e, "features, an unknown function", of=(x, theta_f)),
        Given(W_c, "weights of the head"),
        Given(y, "target"),
        Given(L, "loss, an unknown function", of=(y_hat, y)),
    ),
    lets=(Let(y_hat[i], summation(W_c[i, m] * e[m], m), "outputs"),),
    cites=(19, 20, 21, 22, 23, 24),
    formulas=(
        MatrixFormula("chain_e", derivative(L, e), g @ derivative(y_hat, e), ("numerator",), "the chain of factors", cites=(25,)),
        MatrixFormula("gradient_e", derivative(L, e), W.T @ g, ("denominator", "mixed"), "W' g", cites=(25,)),
        MatrixFormula(
            "chain_x", derivative(L, x), derivative(L, e) @ derivative(e, x), ("numerator",), "the chain of factors", cites=(26,)
        ),
        MatrixFormula("gradient_x", derivative(L, x), derivative(e, x).T @ (W.T @ g), title="back through the extractor", cites=(26,)),
        MatrixFormula("gradient_W", derivative(L, W_c), g @ whole(e).T, ("denominator", "mixed"), "the outer product g e'", cites=(27,)),
        MatrixFormula(
            "chain_W",
            derivative(L, vec(W_c)),
            g @ derivative(y_hat, vec(W_c)),
            ("numerator",),
            "the chain of factors, with W_c stacked: d y_hat/dW_c has three axes and is no matrix",
            cites=(27,),
        ),
        MatrixFormula(
            "chain_theta",
            derivative(L, theta_f),
            derivative(L, e) @ derivative(e, theta_f),
            ("numerator",),
            "the chain of factors",
            cites=(28,),
        ),
        MatrixFormula(
            "gradient_theta_as_printed",
            derivative(L, theta_f),
            (g @ W) @ derivative(e, theta_f),
            ("numerator",),
            "as the article prints it: a row, unlike its other gradients",
            cites=(28,),
        ),
        MatrixFormula(
            "gradient_theta",
            derivative(L, theta_f),
            derivative(e, theta_f).T @ W.T @ g,
            title="in the layout of the article's other gradients, and of its second pipeline",
            cites=(28,),
        ),
    ),
)
