"""Scaled dot-product attention."""

from closedform.notation import Claim, Derivation, Dim, Expr, Given, Index, Let, NamedTensor, exp, indices, partial, sqrt, summation, tensor

N, M, D, E = Dim("N"), Dim("M"), Dim("d"), Dim("e")
n, r, q = indices("n r q", N)
m, l, s = indices("m l s", M)
c, a, b = indices("c a b", D)
f, k = indices("f k", E)

Q, K, V = tensor("Q", N, D), tensor("K", M, D), tensor("V", M, E)
S, P, O = tensor("S", N, M), tensor("P", N, M), tensor("O", N, E)
g, v_q, v_k = tensor("g", N, E), tensor("v", N, D), tensor("v", M, D)


def upstream(m: Index) -> Expr:
    """The gradient with respect to the weight P[n,m]."""
    return summation(g[n, f] * V[m, f], f)


def moved(m: Index, along: NamedTensor) -> Expr:
    """How the score S[n,m] moves along a direction in Q or in K, but for the factor 1/sqrt(d)."""
    return summation(along[n, b] * K[m, b], b) if along == v_q else summation(Q[n, b] * along[m, b], b)


def curvature(along: NamedTensor) -> Expr:
    """How the scores' gradient P*(u - sum(P*u)), u being that of the weights, moves along a direction."""

    def product(m: Index) -> Expr:
        u = upstream(m) - summation(P[n, l] * upstream(l), l)
        w = moved(m, along) - summation(P[n, l] * moved(l, along), l)
        return u * w

    return P[n, m] * (product(m) - summation(P[n, s] * product(s), s))


derivation = Derivation(
    name="attention",
    title="Scaled dot-product attention",
    about=(
        "N queries look up M values of size e: each output is the mean of the values under a softmax of the query's "
        "similarities with M keys of size d. Further axes in front are batch and heads."
    ),
    source="Vaswani et al., Attention Is All You Need (2017); torch.nn.functional.scaled_dot_product_attention",
    given=(Given(Q, "queries"), Given(K, "keys"), Given(V, "values")),
    lets=(
        Let(S[n, m], summation(Q[n, c] * K[m, c], c) / sqrt(D), "scores"),
        Let(P[n, m], exp(S[n, m]) / summation(exp(S[n, l]), l), "attention weights"),
        Let(O[n, f], summation(P[n, m] * V[m, f], m), "output"),
    ),
    output=O,
    wrt=(Q, K, V),
    curved=True,
    claims=(
        Claim(
            "vjp_V",
            summation(g[n, f] * partial(O[n, f], V[m, k]), n, f),
            summation(P[n, m] * g[n, k], n),
            title="the transposed weights times the upstream gradient",
            given=(Given(g, "upstream gradient"),),
        ),
        Claim(
            "vjp_Q",
            summation(g[n, f] * partial(O[n, f], Q[r, c]), n, f),
            summation(P[r, m] * (summation(g[r, f] * V[m, f], f) - summation(g[r, f] * O[r, f], f)) * K[m, c], m) / sqrt(D),
            title="the row sums of P*(g V') are those of g*O, which need no N x M array",
            source="Dao et al., FlashAttention (2022), the backward pass in the appendix",
            given=(Given(g, "upstream gradient"),),
        ),
        Claim(
            "hvp_Q",
            summation(g[r, f] * partial(O[r, f], Q[n, c], Q[q, a]) * v_q[q, a], r, f, q, a),
            summation(curvature(v_q) * K[m, c], m) / D,
            title="softmax's second derivative between two matrix products",
            given=(Given(g, "upstream gradient"), Given(v_q, "direction")),
            computed=True,
        ),
        Claim(
            "hvp_K",
            summation(g[r, f] * partial(O[r, f], K[m, c], K[s, a]) * v_k[s, a], r, f, s, a),
            summation(curvature(v_k) * Q[n, c], n) / D,
            title="the same, as scores are linear in keys too",
            given=(Given(g, "upstream gradient"), Given(v_k, "direction")),
            computed=True,
        ),
    ),
)
