"""Softmax and its Jacobian."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, exp, indices, partial, summation, tensor

C = Dim("C")
i, j, k = indices("i j k", C)

z = tensor("z", C)
p = tensor("p", C)

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
        Claim(
            "jacobian",
            partial(p[i], z[j]),
            p[i] * (delta(i, j) - p[j]),
            title="Jacobian of softmax, diag(p) - p p'",
            cites=(11,),
        ),
    ),
)
