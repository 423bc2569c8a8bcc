"""Why a complexity penalty bounds the expected risk: Hoeffding's lemma, as identities."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, equation, exp, indices, log, partial, scalar, summation, tensor

K, M = Dim("K"), Dim("M")
k, l = indices("k l", K)
(s,) = indices("s", M)
q, ell, r, A = tensor("q", K), tensor("ell", K), tensor("r", M), tensor("A", M)
t, eps, mu, psi, m = scalar("t"), scalar("eps"), scalar("mu"), scalar("psi"), scalar("m")
w, both = tensor("w", K), scalar("phi")
H, n, dlt = scalar("N_H"), scalar("n"), scalar("dlt")

derivation = Derivation(
    name="complexity_penalty",
    title="The complexity penalty of a finite class of models",
    about=(
        "For losses in [0, 1] and N_H models, with probability at least 1 - delta every model has L_D <= L_S + "
        "sqrt(log(N_H/delta)/(2 n)). What is an equation in the proof is claimed here. With psi(t) = log E exp(t (ell - mu)): "
        "psi is 0 with its first derivative at t = 0, psi'' is a variance under the tilted weights w, which is at most 1/4, so "
        "psi(t) <= t^2/8 (Taylor). Independent draws add their psi. Markov's inequality, P(mu - A >= eps) <= exp(n (psi(-t) - t "
        "eps)) with t = 4 eps, gives exp(-2 n eps^2) for one model, the union bound N_H times that. The inequality itself is "
        "checked in exact arithmetic, by enumeration of all samples of small distributions (tests/catalogue/test_risk.py)."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 数据分布 与 损失函数 (data distribution and loss)",
    given=(
        Given(q, "probabilities of the examples", where=(equation(summation(q[k], k), 1),)),
        Given(ell, "loss of one model at each example"),
        Given(t, "how much the weights are tilted"),
        Given(r, "probabilities of the other examples of the sample", where=(equation(summation(r[s], s), 1),)),
        Given(A, "sum of the losses of the others"),
        Given(n, "size of the sample"),
        Given(H, "number of models"),
        Given(dlt, "probability of failure"),
        Given(eps, "excess"),
    ),
    lets=(
        Let(mu, summation(q[k] * ell[k], k), "expected risk"),
        Let(psi, log(summation(q[k] * exp(t * (ell[k] - mu)), k)), "cumulants of the loss"),
        Let(w[k], q[k] * exp(t * ell[k]) / summation(q[l] * exp(t * ell[l]), l), "tilted weights"),
        Let(m, summation(w[k] * ell[k], k), "mean under the tilted weights"),
        Let(both, log(summation(q[k] * r[s] * exp(t * (ell[k] - mu + A[s])), s, k)), "cumulants of one more draw and the others"),
    ),
    cites=(5, 7),
    claims=(
        Claim("tilted_mean", partial(psi, t), m - mu, title="the first derivative; zero at t = 0, where w = q", cites=(6,)),
        Claim(
            "tilted_variance",
            partial(psi, t, t),
            summation(w[k] * (ell[k] - m) ** 2, k),
            title="the second derivative is a variance, as for softmax",
            cites=(6,),
        ),
        Claim(
            "variance_at_most_a_quarter",
            summation(w[k] * (ell[k] - m) ** 2, k),
            (1 - (2 * m - 1) ** 2) / 4 - summation(w[k] * ell[k] * (1 - ell[k]), k),
            title="1/4 less two terms that are not negative for losses in [0, 1]",
            cites=(6,),
        ),
        Claim(
            "independent_draws_add",
            both,
            psi + log(summation(r[s] * exp(t * A[s]), s)),
            title="so a sample of n has n psi, by induction",
            cites=(6,),
        ),
        Claim(
            "best_tilt",
            n * ((4 * eps) ** 2 / 8 - 4 * eps * eps),
            -2 * n * eps**2,
            title="the exponent at t = 4 eps, in which Hoeffding's bound ends",
            cites=(6,),
        ),
        Claim(
            "union_bound",
            log(H) - 2 * n * (log(H / dlt) / (2 * n)),
            log(dlt),
            title="with eps^2 = log(N_H/delta)/(2 n) all models together fail with probability at most delta",
            cites=(6,),
        ),
    ),
)
