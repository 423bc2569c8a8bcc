"""The Jacobian of softmax as a matrix, and what makes its output a probability."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    MatrixFormula,
    Ones,
    delta,
    derivative,
    diag,
    exp,
    indices,
    log,
    partial,
    scalar,
    summation,
    tensor,
    whole,
)

C = Dim("C")
i, j, k = indices("i j k", C)
z, t, s = tensor("z", C), scalar("t"), scalar("s")
p, q, J = tensor("p", C), tensor("q", C), tensor("J", C, C)
EVERY = ("numerator", "denominator", "mixed")

derivation = Derivation(
    name="softmax_matrix",
    title="Softmax as a probability, and its Jacobian as a matrix",
    about=(
        "Softmax maps logits to positive numbers that sum to one and do not change when all logits are shifted. Its Jacobian is "
        "symmetric, so the layout of derivatives does not matter, and its rows sum to zero."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 模型 (the model)",
    given=(Given(z, "logits"), Given(t, "a shift of all logits")),
    lets=(
        Let(p[i], exp(z[i]) / summation(exp(z[k]), k), "probabilities"),
        Let(s, log(summation(exp(z[k]), k)), "their logarithmic normaliser"),
        Let(q[i], exp(z[i] + t) / summation(exp(z[k] + t), k), "probabilities of shifted logits"),
        Let(J[i, j], p[i] * (delta(i, j) - p[j]), "the matrix that the Jacobian is claimed to be"),
    ),
    cites=(9,),
    claims=(
        Claim("sums_to_one", summation(p[i], i), 1, title="the outputs sum to one", cites=(8,)),
        Claim("positive", p[i], exp(z[i] - s), title="an exponential, hence positive", cites=(8,)),
        Claim("shift", q[i], p[i], title="a shift of all logits changes nothing"),
        Claim("diagonal_entries", partial(p[i], z[i]), p[i] * (1 - p[i]), title="the diagonal of the written-out matrix", cites=(13,)),
        Claim(
            "other_entries",
            (1 - delta(i, j)) * partial(p[i], z[j]),
            -(1 - delta(i, j)) * p[i] * p[j],
            title="its entries off the diagonal",
            cites=(13,),
        ),
        Claim("row_sums", summation(partial(p[i], z[j]), j), 0, title="each row sums to zero: the derivative of the shift invariance"),
    ),
    formulas=(
        MatrixFormula("jacobian", derivative(p, z), whole(J), EVERY, title="symmetric, so it is the same in every layout", cites=(12, 32)),
        MatrixFormula("diag_minus_outer", derivative(p, z), diag(p) - whole(p) @ whole(p).T, EVERY, title="diag(p) - p p'", cites=(12, 32)),
        MatrixFormula(
            "columns", derivative(p, z).T @ Ones(C), 0 * Ones(C), EVERY, title="each column sums to zero, as the outputs sum to one"
        ),
    ),
)
