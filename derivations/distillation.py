"""Knowledge distillation: the student's softened probabilities against the teacher's."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, exp, indices, log, partial, positive, scalar, summation, tensor

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j, k = indices("i j k", C)

z, t = tensor("z", B, C), tensor("t", B, C)
p, q = tensor("p", B, C), tensor("q", B, C)
T, L = scalar("T"), scalar("L")

derivation = Derivation(
    name="distillation",
    title="Knowledge distillation",
    about=(
        "The Kullback-Leibler divergence of the student's probabilities from the teacher's, both at temperature T, averaged "
        "over the batch. The factor T^2 keeps the gradient's size comparable at every temperature."
    ),
    source="Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network (2015), equations 1 and 2; torch.nn.functional.kl_div",
    given=(Given(z, "student's logits"), Given(t, "teacher's logits"), Given(T, "temperature", where=(positive(T),))),
    lets=(
        Let(p[b, i], exp(z[b, i] / T) / summation(exp(z[b, k] / T), k), "student's probabilities"),
        Let(q[b, i], exp(t[b, i] / T) / summation(exp(t[b, k] / T), k), "teacher's probabilities"),
        Let(L, T**2 * summation(q[b, i] * log(q[b, i] / p[b, i]), i, b) / B, "loss"),
    ),
    output=L,
    wrt=(z,),
    batch=B,
    claims=(
        Claim(
            "gradient",
            partial(L, z[b, i]),
            T * (p[b, i] - q[b, i]) / B,
            title="T times the difference of the probabilities",
            source="Hinton et al., equation 2, times T^2",
        ),
        Claim("hessian", partial(L, z[a, i], z[b, j]), delta(a, b) * p[b, i] * (delta(i, j) - p[b, j]) / B, title="T cancels"),
    ),
)
