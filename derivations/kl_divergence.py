"""Kullback-Leibler divergence of softmax from labels, and how it differs from cross-entropy."""

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Let,
    OneHot,
    Relation,
    delta,
    equation,
    exp,
    indices,
    less,
    less_equal,
    log,
    partial,
    scalar,
    summation,
    tensor,
    where,
)

B, C = Dim("B"), Dim("C")
a, b = indices("a b", B)
i, j, k = indices("i j k", C)
z, p = tensor("z", B, C), tensor("p", B, C)
y, h = tensor("y", B, C), tensor("h", B, C)
K, X, H = scalar("K"), scalar("X"), scalar("H")

derivation = Derivation(
    name="kl_divergence",
    title="Kullback-Leibler divergence of softmax from labels",
    about=(
        "KL(y || p), the mean over the batch. It is the cross-entropy minus the entropy of the labels, which does not depend on "
        "the logits: both have the same gradient and the same Hessian. A label may be 0, as 0 log 0 = 0; for one-hot labels the "
        "divergence is the cross-entropy."
    ),
    source=(
        "理解二阶曲率一 (Understanding second-order curvature, part 1), section 模型 (the model); "
        "torch.nn.functional.kl_div of log_softmax(z), reduction 'batchmean'"
    ),
    given=(
        Given(z, "logits"),
        Given(y, "label probabilities", where=(Relation(">=", y[b, k], 0), equation(summation(y[b, k], k), 1))),
    ),
    lets=(
        Let(p[b, i], exp(z[b, i]) / summation(exp(z[b, k]), k), "probabilities"),
        Let(K, summation(where(less_equal(y[b, i], 0), 0, y[b, i] * log(y[b, i] / p[b, i])), i, b) / B, "divergence"),
        Let(X, -summation(y[b, i] * log(p[b, i]), i, b) / B, "cross-entropy"),
        Let(H, -summation(where(less_equal(y[b, i], 0), 0, y[b, i] * log(y[b, i])), i, b) / B, "entropy of the labels"),
    ),
    output=K,
    wrt=(z,),
    batch=B,
    cites=(14,),
    claims=(
        Claim("constant_in_z", K, X - H, title="the cross-entropy minus a constant in z", cites=(14,)),
        Claim("gradient", partial(K, z[b, i]), (p[b, i] - y[b, i]) / B, title="probabilities minus labels"),
        Claim("same_gradient", partial(K, z[b, i]), partial(X, z[b, i]), title="the cross-entropy's gradient"),
        Claim(
            "hessian",
            partial(K, z[a, i], z[b, j]),
            delta(a, b) * p[b, i] * (delta(i, j) - p[b, j]) / B,
            title="one block diag(p) - p p' a sample; the labels drop out",
        ),
        Claim(
            "one_hot",
            summation(where(less(1, 2 * h[b, i]), h[b, i] * log(h[b, i] / p[b, i]), 0), i, b) / B,
            -summation(h[b, i] * log(p[b, i]), i, b) / B,
            title="one-hot labels: equal to the cross-entropy",
            cites=(14,),
            given=(Given(h, "one-hot labels", where=(OneHot(h),)),),
        ),
    ),
)
