"""Softmax and its Jacobian."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, exp, indices, log, partial, scalar, summation, tensor

C = Dim("C")
i, j, k = indices("i j k", C)

z, p, g, t = tensor("z", C), tensor("p", C), tensor("g", C), scalar("t")

ARTICLE = "理解二阶曲率一 (Understanding second-order curvature, part 1)"

derivation = Derivation(
    name="softmax",
    title="Softmax and its Jacobian",
    about="Softmax maps the logits of C classes to probabilities: positive numbers that sum to one.",
    source=f"{ARTICLE}, section 模型 (the model)",
    given=(Given(z, "logits"),),
    lets=(Let(p[i], exp(z[i]) / summation(exp(z[k]), k), "probabilities"),),
    output=p,
    wrt=(z,),
    cites=(9, 10),
    claims=(
        Claim("sums_to_one", summation(p[k], k), 1, title="the probabilities sum to one", cites=(8,)),
        Claim(
            "shift",
            exp(z[i] + t) / summation(exp(z[k] + t), k),
            p[i],
            title="a shift of all logits changes nothing",
            given=(Given(t, "shift"),),
        ),
        Claim("log_odds", log(p[i] / p[j]), z[i] - z[j], title="the odds of two classes depend on their own logits only"),
        Claim(
            "jacobian",
            partial(p[i], z[j]),
            p[i] * (delta(i, j) - p[j]),
            title="Jacobian of softmax, diag(p) - p p'",
            cites=(11,),
        ),
        Claim("row_sums", summation(partial(p[i], z[j]), j), 0, title="its rows sum to zero: the shift invariance, differentiated"),
        Claim(
            "vjp",
            summation(g[i] * partial(p[i], z[j]), i),
            p[j] * (g[j] - summation(p[k] * g[k], k)),
            title="the upstream gradient less its mean, times p: no matrix is needed",
            given=(Given(g, "upstream gradient"),),
        ),
        Claim(
            "second_derivatives",
            partial(p[i], z[j], z[k]),
            p[i] * ((delta(i, j) - p[j]) * (delta(i, k) - p[k]) - p[j] * (delta(j, k) - p[k])),
            title="symmetric in all three classes",
        ),
    ),
)
