"""What the accurate forms rest on: each is an identity of real functions, stated here as a claim that the trusted kernel proves.

Nothing here is computed with: :mod:`closedform.lower.rules` and the helper functions of the backends use these equations, and
``closedform.prove(*IDENTITIES)`` says that they hold, for every size. t stands for any one-hot row: the array programs take
the class of the largest probability, or the label, and then no digit is lost where p is nearly one.

    >>> [identity.name for identity in IDENTITIES]
    ['probabilities', 'exponentials', 'logistic']
"""

from __future__ import annotations

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    OneHot,
    cosh,
    delta,
    equation,
    exp,
    indices,
    log,
    scalar,
    sigmoid,
    softplus,
    summation,
    tanh,
    tensor,
)

C = Dim("C")
i, j, k = indices("i j k", C)
p, q, t, u, v, z, e = (tensor(name, C) for name in "pqtuvze")
a, c, f, g, m, r, s, x, y = (scalar(name) for name in "acfgmrsxy")

_PROBABILITIES = Derivation(
    name="probabilities",
    title="Rows that sum to one, seen from one class",
    given=(
        Given(p, "probabilities", where=(equation(summation(p[k], k), 1),)),
        Given(t, "one class", where=(OneHot(t),)),
        Given(u, "numbers"),
        Given(v, "numbers"),
        Given(a, "any number"),
    ),
    lets=(
        Let(q[i], (1 - t[i]) * p[i], "probabilities of the other classes"),
        Let(c, summation(q[k], k), "their sum"),
        Let(f, summation(t[k] * u[k], k), "u at the class"),
        Let(g, summation(t[k] * v[k], k), "v at the class"),
    ),
    claims=(
        Claim("complement", 1 - summation(t[k] * p[k], k), c, title="1 - p of a class is the sum of the others"),
        Claim(
            "outside",
            a - a * p[i] * (1 + u[i]),
            a * (1 - p[i]) - a * p[i] * u[i],
            title="1 - p is taken out of a bracket, where it would cancel",
        ),
        Claim("residual", summation(t[k] * (p[k] - t[k]), k), -c, title="p - y at the label is minus the sum of the others"),
        Claim(
            "rows",
            summation(p[i] * (delta(i, k) - p[k]), k),
            0,
            title="p of a class times 1 - p is the sum of its products with the others",
        ),
        Claim(
            "centred",
            u[i] - summation(p[k] * u[k], k),
            (u[i] - a) - summation(p[k] * (u[k] - a), k),
            title="a mean may be measured from any number",
        ),
        Claim(
            "remainder",
            p[i] * (u[i] - summation(p[k] * u[k], k)),
            p[i] * (u[i] - a) - p[i] * summation(p[k] * (u[k] - a), k),
            title="such as a rounded mean: what the products then sum to is taken off",
        ),
        Claim(
            "mean",
            summation(p[k] * u[k], k),
            f + summation(p[k] * (u[k] - f), k),
            title="such as the entry of one class",
        ),
        Claim(
            "covariance",
            summation(p[k] * u[k] * v[k], k) - summation(p[k] * u[k], k) * summation(p[k] * v[k], k),
            summation(q[k] * u[k] * v[k], k)
            - f * summation(q[k] * v[k], k)
            - g * (summation(q[k] * u[k], k) - f * c)
            - (summation(q[k] * u[k], k) - f * c) * (summation(q[k] * v[k], k) - g * c),
            title="second moments about the mean, from the other classes alone",
        ),
        Claim(
            "offset",
            summation(p[k] * u[k] * v[k], k) - summation(p[k] * u[k], k) * summation(p[k] * v[k], k),
            summation(p[k] * (u[k] - a) * v[k], k) - summation(p[k] * (u[k] - a), k) * summation(p[k] * v[k], k),
            title="which no offset changes",
        ),
        Claim(
            "squares",
            1 - summation(p[k] ** 2, k),
            summation(p[k] * (1 - p[k]), k),
            title="1 - sum(p^2) is a sum of positive terms",
        ),
    ),
)

_EXPONENTIALS = Derivation(
    name="exponentials",
    title="Softmax and its logarithm, with a shift and with one class apart",
    given=(Given(z, "logits"), Given(t, "one class", where=(OneHot(t),)), Given(s, "any number")),
    lets=(
        Let(e[i], exp(z[i] - s), "shifted exponentials"),
        Let(m, summation(t[k] * z[k], k), "the logit of the class"),
        Let(r, summation((1 - t[k]) * e[k], k) / summation(t[k] * e[k], k), "the others' share, over that of the class"),
    ),
    claims=(
        Claim("shift", exp(z[i]) / summation(exp(z[k]), k), e[i] / summation(e[k], k), title="softmax does not see a shift"),
        Claim(
            "apart",
            summation(e[k], k),
            summation((1 - t[k]) * e[k], k) + summation(t[k] * e[k], k),
            title="a sum with one term apart",
        ),
        Claim(
            "log_softmax",
            log(exp(z[i]) / summation(exp(z[k]), k)),
            z[i] - m - log(1 + r),
            title="log-softmax with log1p of the others",
        ),
        Claim("logsumexp", log(summation(exp(z[k]), k)), m + log(1 + r), title="logsumexp with log1p of the others"),
    ),
)

_LOGISTIC = Derivation(
    name="logistic",
    title="Functions of one number that do not cancel",
    given=(Given(x, "a number"), Given(y, "another")),
    lets=(),
    claims=(
        Claim("complement", 1 - sigmoid(x), sigmoid(-x)),
        Claim("quotient", 1 / (1 + exp(x)), sigmoid(-x)),
        Claim("answer", sigmoid(x) - y, (1 - y) * sigmoid(x) - y * sigmoid(-x)),
        Claim("product", exp(x) * sigmoid(-x), sigmoid(x)),
        Claim("logarithm", log(sigmoid(x)), -softplus(-x)),
        Claim("softplus", log(1 + exp(x)), softplus(x)),
        Claim("tanh", 1 - tanh(x) ** 2, 4 * sigmoid(2 * x) * sigmoid(-2 * x)),
        Claim("log_cosh", log(cosh(x)), x + log(1 + exp(-2 * x)) - log(2)),
    ),
)

IDENTITIES = (_PROBABILITIES, _EXPONENTIALS, _LOGISTIC)
