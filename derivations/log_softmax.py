"""Log-softmax and its Jacobian."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, exp, indices, log, partial, scalar, summation, tensor

C = Dim("C")
i, j, k = indices("i j k", C)

z, p, ell = tensor("z", C), tensor("p", C), tensor("l", C)
g, t = tensor("g", C), scalar("t")

derivation = Derivation(
    name="log_softmax",
    title="Log-softmax",
    about=(
        "The logarithms of the softmax probabilities: the logits less their logsumexp. Its Jacobian is the identity less "
        "a matrix whose rows all are p; its second derivatives are minus those of logsumexp, the same for every output."
    ),
    source="Goodfellow, Bengio and Courville, Deep Learning (2016), chapter 6, softmax units; torch.nn.functional.log_softmax",
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
        Claim(
            "shift",
            z[i] + t - log(summation(exp(z[k] + t), k)),
            ell[i],
            title="a shift of all logits changes nothing",
            given=(Given(t, "shift"),),
        ),
        Claim("jacobian", partial(ell[i], z[j]), delta(i, j) - p[j], title="the Jacobian, I - 1 p'"),
        Claim(
            "vjp",
            summation(g[i] * partial(ell[i], z[j]), i),
            g[j] - p[j] * summation(g[k], k),
            title="the upstream gradient less its sum times p",
            given=(Given(g, "upstream gradient"),),
        ),
        Claim("score", summation(p[i] * partial(ell[i], z[j]), i), 0, title="the score has mean zero under p"),
        Claim(
            "fisher",
            summation(p[k] * partial(ell[k], z[i]) * partial(ell[k], z[j]), k),
            p[i] * (delta(i, j) - p[j]),
            title="and covariance diag(p) - p p', the Fisher information of the logits",
        ),
        Claim(
            "second_derivatives",
            partial(ell[k], z[i], z[j]),
            -p[i] * (delta(i, j) - p[j]),
            title="the second derivatives: minus the Fisher information, whatever the output k",
        ),
    ),
)
