"""Softmax with a temperature."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Expr,
    Given,
    Index,
    Let,
    delta,
    exp,
    indices,
    log,
    partial,
    positive,
    scalar,
    summation,
    tensor,
)

C = Dim("C")
i, j, k, r, s, t = indices("i j k r s t", C)

z, p = tensor("z", C), tensor("p", C)
g, v = tensor("g", C), tensor("v", C)
T, m, V, H = scalar("T"), scalar("m"), scalar("V"), scalar("H")


def joint(a: Index) -> Expr:
    """The upstream gradient and the direction, each less its mean, multiplied."""
    return (g[a] - summation(p[k] * g[k], k)) * (v[a] - summation(p[k] * v[k], k))


derivation = Derivation(
    name="temperature",
    title="Softmax with a temperature",
    about=(
        "Softmax of logits divided by a temperature T: above 1 it flattens the probabilities, below 1 it sharpens them. "
        "How the probabilities move with T is what calibration by temperature scaling needs."
    ),
    source="Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network (2015), equation 1",
    given=(Given(z, "logits"), Given(T, "temperature", where=(positive(T),))),
    lets=(
        Let(p[i], exp(z[i] / T) / summation(exp(z[k] / T), k), "probabilities"),
        Let(m, summation(p[k] * z[k], k), "mean logit"),
        Let(V, summation(p[k] * (z[k] - m) ** 2, k), "variance of the logits"),
        Let(H, -summation(p[k] * log(p[k]), k), "entropy"),
    ),
    output=p,
    wrt=(z,),
    curved=True,
    claims=(
        Claim("log_odds", log(p[i] / p[j]), (z[i] - z[j]) / T, title="log-odds shrink by T; the order of the classes stays"),
        Claim("jacobian_z", partial(p[i], z[j]), p[i] * (delta(i, j) - p[j]) / T, title="softmax's Jacobian over T"),
        Claim(
            "hvp",
            summation(g[r] * partial(p[r], z[i], z[t]) * v[t], r, t),
            p[i] * (joint(i) - summation(p[s] * joint(s), s)) / T**2,
            title="no offset of the upstream gradient or of the direction counts",
            given=(Given(g, "upstream gradient"), Given(v, "direction")),
            computed=True,
        ),
        Claim(
            "jacobian_T",
            partial(p[i], T),
            -p[i] * (z[i] - m) / T**2,
            title="logits above the mean logit lose probability as T grows",
        ),
        Claim(
            "euler",
            summation(z[j] * partial(p[i], z[j]), j) + T * partial(p[i], T),
            0,
            title="scaling logits and temperature alike changes nothing",
        ),
        Claim("mean_falls", partial(m, T), -V / T**2, title="the mean logit falls as T grows, by the variance"),
        Claim("entropy_grows", partial(H, T), V / T**3, title="the entropy grows, unless all logits are equal"),
    ),
)
