"""Log-softmax and its Jacobian."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, exp, indices, log, partial, summation, tensor

C = Dim("C")
i, j, k = indices("i j k", C)

z, p, ell = tensor("z", C), tensor("p", C), tensor("l", C)

derivation = Derivation(
    name="log_softmax",
    title="Log-softmax",
    about=(
        "The logarithms of the softmax probabilities: the logits less their logsumexp. Its Jacobian is the identity less "
        "a matrix whose rows all are p; its second derivatives are minus those of logsumexp, the same for every output."
    ),
    source="Goodfellow, Bengio and Courville, Deep Learning (2016), equation 6.30; torch.nn.functional.log_softmax",
    given=(Given(z, "logits"),),
    lets=(
        Let(p[i], exp(z[i]) / summation(exp(z[k]), k), "probabilities"),
        Let(ell[i], z[i] - log(summation(exp(z[k]), k)), "log-probabilities"),
    ),
    output=ell,
    wrt=(z,),
    curved=True,
    claims=(
        Claim("logarithm_of_softmax", ell[i], log(p[i]), title="it is the logarithm of softmax"),
        Claim("probabilities", exp(ell[i]), p[i], title="and softmax is its exponential"),
        Claim("normalised", summation(exp(ell[k]), k), 1, title="the probabilities sum to one"),
        Claim("jacobian", partial(ell[i], z[j]), delta(i, j) - p[j], title="the Jacobian, I - 1 p'"),
        Claim(
            "second_derivatives",
            partial(ell[k], z[i], z[j]),
            -p[i] * (delta(i, j) - p[j]),
            title="the second derivatives do not depend on the output k",
        ),
    ),
)
