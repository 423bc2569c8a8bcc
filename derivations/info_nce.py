"""InfoNCE, the contrastive loss."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, exp, indices, log, partial, positive, scalar, summation, tensor

N, D = Dim("N"), Dim("d")
a, n, m = indices("a n m", N)
c, e = indices("c e", D)

q, k = tensor("q", N, D), tensor("k", N, D)
s, p = tensor("s", N, N), tensor("p", N, N)
T, L = scalar("T"), scalar("L")

derivation = Derivation(
    name="info_nce",
    title="InfoNCE",
    about=(
        "The contrastive loss: query n has to find its own key n among all N keys, by a softmax over the similarities at "
        "temperature T; the mean over the queries of the cross-entropy with the diagonal as labels."
    ),
    source="van den Oord, Li and Vinyals, Representation Learning with Contrastive Predictive Coding (2018), the InfoNCE loss",
    given=(Given(q, "queries"), Given(k, "keys"), Given(T, "temperature", where=(positive(T),))),
    lets=(
        Let(s[n, m], summation(q[n, c] * k[m, c], c) / T, "similarities"),
        Let(p[n, m], exp(s[n, m]) / summation(exp(s[n, a]), a), "probabilities"),
        Let(L, -summation(log(p[n, n]), n) / N, "loss"),
    ),
    output=L,
    wrt=(q, k),
    claims=(
        Claim(
            "gradient_q",
            partial(L, q[n, c]),
            summation((p[n, m] - delta(n, m)) * k[m, c], m) / (N * T),
            title="the expected key less the query's own",
        ),
        Claim(
            "gradient_k",
            partial(L, k[m, c]),
            summation((p[n, m] - delta(n, m)) * q[n, c], n) / (N * T),
            title="the queries that take the key for theirs, less its own",
        ),
        Claim(
            "hessian_q",
            partial(L, q[n, c], q[m, e]),
            delta(n, m)
            * (summation(p[n, a] * k[a, c] * k[a, e], a) - summation(p[n, a] * k[a, c], a) * summation(p[n, a] * k[a, e], a))
            / (N * T**2),
            title="for each query the covariance of the keys under its probabilities",
        ),
    ),
)
