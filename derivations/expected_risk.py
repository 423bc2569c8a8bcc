"""The empirical risk of an i.i.d. sample has the expected risk as its mean, and a variance of sigma^2/n."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, equation, indices, scalar, summation, tensor

K, M, N = Dim("K"), Dim("M"), Dim("n")
k, l = indices("k l", K)
(s,) = indices("s", M)
i, j = indices("i j", N)
q, ell, r, X = tensor("q", K), tensor("ell", K), tensor("r", M), tensor("X", M, N)
mu, var, t = scalar("mu"), scalar("var"), scalar("t")
m, A, mean, spread, cov = tensor("m", N), tensor("A", M), scalar("E"), scalar("V"), tensor("Sigma", N, N)

derivation = Derivation(
    name="expected_risk",
    title="The empirical risk is right in the mean, with variance sigma^2/n",
    about=(
        "A distribution on K examples (x, y) with probabilities q, at which a fixed model f has losses ell: its mean mu is the "
        "expected risk. Samples S of n examples form a probability space with M points s of probability r; X[s,i] is the loss "
        "of the i-th example and A[s] the empirical risk. Mean and variance of A follow from those of the single losses and "
        "their covariances, for every joint distribution; independence makes the covariances zero, being identically "
        "distributed makes means and variances equal."
    ),
    source="理解二阶曲率一 (Understanding second-order curvature, part 1), section 数据分布 与 损失函数 (data distribution and loss)",
    given=(
        Given(q, "probabilities of the examples", where=(equation(summation(q[k], k), 1),)),
        Given(ell, "loss at each example"),
        Given(r, "probabilities of the samples", where=(equation(summation(r[s], s), 1),)),
        Given(X, "losses of the examples of a sample"),
        Given(t, "a number"),
    ),
    lets=(
        Let(mu, summation(q[k] * ell[k], k), "expected risk"),
        Let(var, summation(q[k] * (ell[k] - mu) ** 2, k), "variance of the loss, sigma^2"),
        Let(A[s], summation(X[s, i], i) / N, "empirical risk of a sample"),
        Let(m[i], summation(r[s] * X[s, i], s), "mean loss of the i-th example"),
        Let(cov[i, j], summation(r[s] * (X[s, i] - m[i]) * (X[s, j] - m[j]), s), "covariance of two of them"),
        Let(mean, summation(r[s] * A[s], s), "mean of the empirical risk"),
        Let(spread, summation(r[s] * (A[s] - mean) ** 2, s), "its variance"),
    ),
    cites=(1, 2, 3),
    claims=(
        Claim("mean", mean, summation(m[i], i) / N, title="the mean of the empirical risk is the mean of the single means", cites=(4,)),
        Claim(
            "identical_means",
            summation(mu, i) / N,
            mu,
            title="which are all mu for identically distributed examples: it is the expected risk",
            cites=(4,),
        ),
        Claim(
            "variance",
            spread,
            summation(cov[i, j], j, i) / N**2,
            title="its variance is the mean of all covariances, for every joint distribution",
            cites=(4,),
        ),
        Claim(
            "independent",
            summation(q[k] * q[l] * (ell[k] - mu) * (ell[l] - mu), l, k),
            0,
            title="two independent examples have the probability q[k] q[l], and the covariance 0",
            cites=(2,),
        ),
        Claim(
            "identical_variances",
            summation(delta(i, j) * var, j, i) / N**2,
            var / N,
            title="so for i.i.d. examples the variance is sigma^2/n",
            cites=(4,),
        ),
        Claim(
            "marginal",
            summation(q[k] * q[l] * ell[k], l, k),
            mu,
            title="the other examples of the sample do not matter to the mean of one",
            cites=(4,),
        ),
        Claim(
            "best_constant",
            summation(q[k] * (ell[k] - t) ** 2, k),
            var + (mu - t) ** 2,
            title="the expected risk is the number that is nearest to the loss",
        ),
    ),
)
