"""A linear head with softmax on an unknown feature extractor, under an arbitrary loss: the article's second pipeline."""

from closedform.notation import (
    Derivation,
    Dim,
    Given,
    Let,
    MatrixFormula,
    delta,
    derivative,
    exp,
    indices,
    scalar,
    summation,
    tensor,
    vec,
    whole,
)

C, D, N, P = Dim("C"), Dim("d"), Dim("n"), Dim("P")
i, k = indices("i k", C)
(m,) = indices("m", D)
x, y = tensor("x", N), tensor("y", C)
theta_f, W_c = tensor("theta_f", P), tensor("W_c", C, D)
e, z, p, L = tensor("e", D), tensor("z", C), tensor("p", C), scalar("L")
J_sm = tensor("J_sm", C, C)
g, W, J = derivative(L, p), whole(W_c), whole(J_sm)
chain = g @ derivative(p, z)

derivation = Derivation(
    name="extractor_softmax_head",
    title="The gradients through softmax of a linear head on any feature extractor, under any loss",
    about=(
        "Features e = f(x; theta_f) from an unknown extractor, logits z = W_c e, probabilities p = softmax(z), an unknown loss "
        "L(p, y). As in the first pipeline the article's chains of factors are the numerator layout and its results the mixed "
        "one; here that goes for dL/dtheta_f too. J_sm is symmetric, which is why it stands untransposed."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 链式法则 (the chain rule), second pipeline",
    given=(
        Given(x, "input"),
        Given(theta_f, "parameters of the extractor"),
        Given(e, "features, an unknown function", of=(x, theta_f)),
        Given(W_c, "weights of the head"),
        Given(y, "label"),
        Given(L, "loss, an unknown function", of=(p, y)),
    ),
    lets=(
        Let(z[i], summation(W_c[i, m] * e[m], m), "logits"),
        Let(p[i], exp(z[i]) / summation(exp(z[k]), k), "probabilities"),
        Let(J_sm[i, k], p[i] * (delta(i, k) - p[k]), "the Jacobian of softmax"),
    ),
    cites=(29, 30, 31),
    formulas=(
        MatrixFormula("chain_z", derivative(L, z), chain, ("numerator",), "the chain of factors", cites=(33,)),
        MatrixFormula("gradient_z", derivative(L, z), J @ g, ("denominator", "mixed"), "J_sm g", cites=(33,)),
        MatrixFormula("chain_e", derivative(L, e), chain @ derivative(z, e), ("numerator",), "the chain of factors", cites=(34,)),
        MatrixFormula("gradient_e", derivative(L, e), W.T @ J @ g, ("denominator", "mixed"), "W' J_sm g", cites=(34,)),
        MatrixFormula(
            "chain_x", derivative(L, x), chain @ derivative(z, e) @ derivative(e, x), ("numerator",), "the chain of factors", cites=(35,)
        ),
        MatrixFormula("gradient_x", derivative(L, x), derivative(e, x).T @ (W.T @ J @ g), title="back through the extractor", cites=(35,)),
        MatrixFormula(
            "chain_W",
            derivative(L, vec(W_c)),
            chain @ derivative(z, vec(W_c)),
            ("numerator",),
            "the chain of factors, with W_c stacked into a vector",
            cites=(36,),
        ),
        MatrixFormula("gradient_W", derivative(L, W_c), J @ g @ whole(e).T, ("denominator", "mixed"), "(J_sm g) e'", cites=(36,)),
        MatrixFormula(
            "chain_theta",
            derivative(L, theta_f),
            chain @ derivative(z, e) @ derivative(e, theta_f),
            ("numerator",),
            "the chain of factors",
            cites=(37,),
        ),
        MatrixFormula(
            "gradient_theta",
            derivative(L, theta_f),
            derivative(e, theta_f).T @ W.T @ J @ g,
            title="back through the extractor, as a column",
            cites=(37,),
        ),
    ),
)
