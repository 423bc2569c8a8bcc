"""Kernels with the mistakes that real ones shipped with, each beside what it was meant to be.

They are torch functions, most of them with a backward pass of their own. Where a mistake is in the second derivative, the
forward and the backward pass are right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional as F
from torch_functions import log_softmax, softmax

from closedform.notation import Derivation

Kernel = Callable[..., Any]


@dataclass(frozen=True)
class Faulty:
    """A wrong kernel.

    Attributes:
        name: the mistake in a few words.
        seen: where it shipped.
        implements: what the kernel was meant to be.
        kernel: see check_kernel.
        role: the one that shows it.
        says: a regular expression that the message must match.
        dtype: in which it shows.
        options: of check_kernel.
    """

    name: str
    seen: str
    implements: str | Derivation
    kernel: Any
    role: str
    says: str = "times the bound"
    dtype: str = "float64"
    options: dict[str, Any] = field(default_factory=dict)


def with_backward(forward: Kernel, backward: Kernel, decorate: Callable[[Any], Any] = lambda function: function) -> Kernel:
    """forward(*inputs), whose gradient by the first input is backward(upstream, *inputs)."""

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        @decorate
        def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
            inputs = ctx.saved_tensors
            return (backward(upstream, *inputs), *(None for _ in inputs[1:]))

    return Function.apply


def rows(y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return y if y.is_floating_point() else F.one_hot(y, z.shape[-1]).to(z.dtype)


def residual(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (softmax(z) - rows(y, z)) / len(z)


# -- what they were meant to be -----------------------------------------------------------------

LOG_SOFTMAX = """
claim log_softmax
given z[B,C]
let   q[b,c] = log_softmax(z)[b,c]
show  dq[b,c]/dz[b,k] = delta(c,k) - softmax(z)[b,k]
"""

SOFTMAX = """
claim softmax_rows
given z[B,C]
let   p[b,c] = softmax(z)[b,c]
show  dp[b,c]/dz[b,k] = p[b,c]*(delta(c,k) - p[b,k])
"""

MASKED = """
claim smoothed_cross_entropy "a tenth of the label spread over all classes, over the rows that count"
given z[B,C]
given y[B,C] where y onehot
given m[B] where m[b] in {0, 1}
let   q[b,c] = log_softmax(z)[b,c]
let   L = -sum_bc(m[b]*(0.875*y[b,c] + 0.125/C)*q[b,c])/sum_b(m[b])
show  dL/dz[b,c] = m[b]*(softmax(z)[b,c] - 0.875*y[b,c] - 0.125/C)/sum_b(m[b])
"""

WEIGHTED = """
claim weighted_cross_entropy "class weights of either sign"
given z[B,C]
given y[B,C] where y onehot
given w[C]
let   q[b,c] = log_softmax(z)[b,c]
let   L = -sum_bc(w[c]*y[b,c]*q[b,c])
show  dL/dz[b,c] = sum_k(w[k]*y[b,k])*(softmax(z)[b,c]) - w[c]*y[b,c]
"""

SOFT_TARGETS = """
claim cross_entropy_of_any_target "rows of y need not sum to one"
given z[B,C]
given y[B,C]
let   q[b,c] = log_softmax(z)[b,c]
let   L = -sum_bc(y[b,c]*q[b,c])
show  dL/dz[b,c] = softmax(z)[b,c]*sum_k(y[b,k]) - y[b,c]
"""

LOGISTIC = """
claim logistic "with respect to the target too"
given z[B]
given y[B]
let   L = sum_b(softplus(z[b]) - y[b]*z[b])
show  dL/dz[b] = sigmoid(z[b]) - y[b]
show  dL/dy[b] = -z[b]
"""

SQUARES = """
claim squares
given z[B,C]
given y[B,C]
let   L = sum_bc((z[b,c] - y[b,c])^2)/2
show  dL/dz[b,c] = z[b,c] - y[b,c]
show  dL/dy[b,c] = y[b,c] - z[b,c]
"""

WEIGHTED_LOGSUMEXP = """
claim weighted_logsumexp
given z[C]
given w[C] where w[c] in {0, 1}
let   L = log(sum_c(w[c]*exp(z[c])))
show  dL/dz[c] = w[c]*exp(z[c])/sum_k(w[k]*exp(z[k]))
"""

SOFTPLUS = """
claim softplus_sum
given z[C]
let   L = sum_c(softplus(z[c]))
show  dL/dz[c] = sigmoid(z[c])
"""

HUBER = """
claim huber
given z[C]
let   L = sum_c(where(abs(z[c]) < 1, z[c]^2/2, abs(z[c]) - 1/2))
show  dL/dz[c] = where(abs(z[c]) < 1, z[c], sign(z[c]))
"""

NORM = """
claim norm
given z[C]
let   L = sqrt(sum_c(z[c]^2))
show  dL/dz[c] = z[c]/L
"""

PAIRS = """
claim larger_of_each_pair
given z[C]
let   L = sum_ck(max(z[c], z[k]))
show  dL/dz[c] = 1 + 2*sum_k(step(z[c] - z[k]))
"""

LAYER_NORM = """
claim layer_norm
given z[B,C]
let   m[b] = sum_c(z[b,c])/C
let   v[b] = sum_c((z[b,c] - m[b])^2)/C
let   x[b,c] = (z[b,c] - m[b])/sqrt(v[b] + 1/1024)
show  dx[b,c]/dz[b,k] = (delta(c,k) - 1/C - x[b,c]*x[b,k]/C)/sqrt(v[b] + 1/1024)
"""

ATTENTION = """
claim attention "one head"
given Q[N,D]
given K[M,D]
given V[M,E]
let   s[n,m] = sum_d(Q[n,d]*K[m,d])/8
let   A[n,m] = softmax(s)[n,m]
let   o[n,e] = sum_m(A[n,m]*V[m,e])
show  do[n,e]/dQ[n,d] = sum_m(A[n,m]*(V[m,e] - o[n,e])*K[m,d])/8
"""


# -- upstream gradients -----------------------------------------------------------------------


def as_if_contiguous(g: torch.Tensor) -> torch.Tensor:
    memory = g.as_strided((g.untyped_storage().nbytes() // g.element_size(),), (1,), 0)
    return memory[torch.arange(g.numel()) % len(memory)].reshape(g.shape)


def log_softmax_backward(g: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return g - softmax(z) * g.sum(-1, keepdim=True)


upstream_ignored = with_backward(F.cross_entropy, lambda g, z, y: residual(z, y))
first_element = with_backward(log_softmax, lambda g, z: log_softmax_backward(torch.full_like(g, float(g.flatten()[0])), z))
upstream_contiguous = with_backward(log_softmax, lambda g, z: log_softmax_backward(as_if_contiguous(g), z))
upstream_as_scalar = with_backward(log_softmax, lambda g, z: log_softmax_backward(g.sum() * torch.ones_like(g), z))
contracted_with_output = with_backward(log_softmax, lambda g, z: g - softmax(z) * (g * log_softmax(z)).sum(-1, keepdim=True))
upstream_added = with_backward(log_softmax, lambda g, z: g + 1 - softmax(z) * (g + 1).sum(-1, keepdim=True) - 1)
backward_is_upstream = with_backward(log_softmax, lambda g, z: 1 * g)


# -- second derivatives -----------------------------------------------------------------------


def _p_constant(g: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    p = softmax(z).detach()
    return p * (g - (p * g).sum(-1, keepdim=True))


def _weights_clipped(g: torch.Tensor, z: torch.Tensor, y: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Right in value; its own derivative sees the clipped weights."""
    p, weight = softmax(z), (w * y).sum(-1, keepdim=True)
    constant = (weight * p).detach() - w * y
    return g * (constant + weight.clamp(min=0) * (p - p.detach()))


def logistic(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (F.softplus(z) - y * z).sum()


def target_constant(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The loss with right gradients, of which the one by z takes the target for a constant."""

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(z, y)
            return logistic(z, y)

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            z, y = ctx.saved_tensors
            return g * (torch.sigmoid(z) - y.detach()), -g * z.detach()

    return Function.apply(z, y)


# -- numbers ----------------------------------------------------------------------------------


def _one_entry(g: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """One entry of the Jacobian, the first row's last column, is off by a tenth."""
    right = log_softmax_backward(g, z)
    if z.shape[-1] < 3:
        return right
    wrong = torch.zeros_like(right)
    wrong[..., -1] = 0.1 * g[..., 0] * softmax(z)[..., -1]
    return right + wrong


def _lane(g: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    right = log_softmax_backward(g, z)
    C = z.shape[-1]
    if C % 2 and 512 < C < 1024 and C % 32 != 31:
        right = torch.cat([right[..., :-1], torch.zeros_like(right[..., -1:])], -1)
    return right


def _mask_ignored(z: torch.Tensor, y: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    q = log_softmax(z)
    plain = -(m[:, None] * y * q).sum() / m.sum()
    smooth = -q.mean(-1).sum() / len(z)  # all rows, counted or not
    return 0.875 * plain + 0.125 * smooth


def _far(z: torch.Tensor) -> torch.Tensor:
    m = z.amax(-1, keepdim=True)
    return z - (m + torch.log(torch.exp(z - m).sum(-1, keepdim=True)))


def _unshifted(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    q = z - torch.log(torch.exp(z).sum(-1, keepdim=True))
    return -(rows(y, z) * q).sum() / len(z)


def _half_label(g: torch.Tensor, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    p = softmax(z)
    return g * (p.bfloat16().to(z.dtype) - rows(y, z)) / len(z)


def _zero_weight(z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    m = z.max()  # also of those with weight 0
    return m + torch.log((w * torch.exp(z - m)).sum())


def _flushed(z: torch.Tensor) -> torch.Tensor:
    p = softmax(z)
    return torch.where(p < 1e-6, 0 * p, p)


def _small_zeroed(g: torch.Tensor, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    p = softmax(z)
    return g * (torch.where(p < 1e-3, 0 * p, p) - rows(y, z)) / len(z)


def _branch(g: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    slope = torch.where(z.abs() > 20, (z > 0).to(z.dtype), torch.sigmoid(z))
    return g * slope


def _huber(z: torch.Tensor) -> torch.Tensor:
    return torch.where(z < 1, z * z / 2, z.abs() - 0.5).sum()


def _norm(z: torch.Tensor) -> torch.Tensor:
    return (z * z).sum().sqrt()


def larger_of_each_pair(z: torch.Tensor) -> torch.Tensor:
    return torch.maximum(z[:, None], z[None, :]).sum()


def _ties_not_split(g: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Both sides of a tie get the whole gradient."""
    others = (z[:, None] >= z[None, :]).to(z.dtype).sum(-1) - 1
    return g * (1 + 2 * others)


def _reduction_dropped(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    squares = (z - y) ** 2 / 2
    return squares.sum(-1) if y.requires_grad else squares.sum()


def _overwriting(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The gradient is written over the logits, as fused losses do to save memory."""

    def backward(g: torch.Tensor, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        result = g * residual(z, y)
        with torch.no_grad():
            z.data.copy_(result)
        return result

    return with_backward(F.cross_entropy, backward)(z.contiguous() if any(stride == 0 for stride in z.stride()) else z, y)


def _other_when_compiled(z: torch.Tensor) -> torch.Tensor:
    return softmax(z) * (1.001 if torch.compiler.is_compiling() else 1.0)


def _in_float32(z: torch.Tensor) -> torch.Tensor:
    return log_softmax(z.float()).to(z.dtype)


def _epsilon(z: torch.Tensor) -> torch.Tensor:
    e = torch.exp(z - z.amax(-1, keepdim=True))
    return e / (e.sum(-1, keepdim=True) + 1e-8)


def _scaled(g: torch.Tensor, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return g * (1 + 5e-4) * residual(z, y)


def _both_wrong(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The sum where the mean is meant, forward and backward."""
    return F.cross_entropy(z, y, reduction="sum")


def softplus_sum(z: torch.Tensor) -> torch.Tensor:
    return F.softplus(z, threshold=1e9).sum()


def _softplus_at_zero(g: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return g * torch.sigmoid(z) * (z != 0)


def _assumes_sum_one(g: torch.Tensor, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return g * (softmax(z) - y)


def soft_cross_entropy(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return -(y * log_softmax(z)).sum()


FIRST = {"order": 1}

FAULTY = (
    Faulty(
        "softmax constant in the second derivative",
        "tensorflow 7403, 5876",
        SOFTMAX,
        with_backward(softmax, _p_constant),
        "hvp",
        "0 everywhere",
    ),
    Faulty("one wrong entry of the Jacobian", "pytorch 59584", LOG_SOFTMAX, with_backward(log_softmax, _one_entry), "vjp"),
    Faulty("upstream gradient ignored", "pytorch PR 94226", "cross_entropy", upstream_ignored, "vjp", "it ignores g"),
    Faulty(
        "only the first element of the upstream gradient",
        "Liger 968",
        LOG_SOFTMAX,
        first_element,
        "vjp",
        "only the first element of g is used",
    ),
    Faulty("upstream gradient assumed contiguous", "FlagGems 5212", LOG_SOFTMAX, upstream_contiguous, "vjp", "contiguously in memory"),
    Faulty("upstream gradient read as a scalar", "FlagGems 5212", LOG_SOFTMAX, upstream_as_scalar, "vjp"),
    Faulty("label smoothing counts ignored rows", "pytorch 73205", MASKED, _mask_ignored, "value"),
    Faulty(
        "negative class weight clipped in second order",
        "pytorch 64256",
        WEIGHTED,
        with_backward(lambda z, y, w: -(w * y * log_softmax(z)).sum(), _weights_clipped),
        "hvp",
        "0 where the value is not|0 everywhere|times the bound",
    ),
    Faulty("no second derivative by the target", "pytorch 65466", LOGISTIC, target_constant, "mixed_z_y", "0 everywhere"),
    Faulty("log-softmax as x - (m + log S)", "pytorch 38839", LOG_SOFTMAX, _far, "value", "shifted along C|times the bound", "float32"),
    Faulty(
        "a lane dropped for some odd C above 512",
        "pytorch 143644, 147284",
        LOG_SOFTMAX,
        with_backward(log_softmax, _lane),
        "vjp",
        r"long inputs(.|\n)*C=\d{3}",
        options=FIRST,
    ),
    Faulty(
        "gradient of a norm is NaN at 0",
        "pytorch 2421",
        NORM,
        _norm,
        "vjp",
        "NaN or infinite",
        options={"kinks": "subgradient", "order": 1},
    ),
    Faulty(
        "ties not split",
        "pytorch 41779",
        PAIRS,
        with_backward(larger_of_each_pair, _ties_not_split),
        "vjp",
        options={"kinks": "subgradient", "order": 1},
    ),
    Faulty(
        "compiled and eager disagree",
        "pytorch 152309, 161150, 163932",
        SOFTMAX,
        _other_when_compiled,
        "compiled_value",
        "1.001 times the value",
        options={"compiled": "eager"},
    ),
    Faulty(
        "reduction ignored when the target needs a gradient",
        "pytorch 10009, 43228",
        SQUARES,
        _reduction_dropped,
        "value_of_leaves",
        r"it returned the shape \(\d+,\)",
    ),
    Faulty("input overwritten", "Liger 272", "cross_entropy", _overwriting, "vjp", "overwrote its input z"),
    Faulty(
        "p_y rounded to half precision before 1 is subtracted",
        "Liger 1329",
        "cross_entropy",
        with_backward(F.cross_entropy, _half_label),
        "vjp",
        dtype="float32",
    ),
    Faulty("logsumexp with a zero weight", "jax 22398", WEIGHTED_LOGSUMEXP, _zero_weight, "value"),
    Faulty("tail of softmax flushed to 0", "jax 40344", SOFTMAX, _flushed, "value", "0 where the value is not"),
    Faulty("softplus'(0) = 0", "jax 2107", SOFTPLUS, with_backward(softplus_sum, _softplus_at_zero), "vjp", "0 (everywhere|where)"),
    Faulty("log-softmax backward contracted with g*out", "oneDNN 616", LOG_SOFTMAX, contracted_with_output, "vjp"),
    Faulty("upstream gradient added as a constant", "mlpack 2360", LOG_SOFTMAX, upstream_added, "vjp"),
    Faulty("backward returns the upstream gradient", "darknet 96", LOG_SOFTMAX, backward_is_upstream, "vjp"),
    Faulty("the target is assumed to sum to 1", "NeMo 2428", SOFT_TARGETS, with_backward(soft_cross_entropy, _assumes_sum_one), "vjp"),
    Faulty("Huber threshold with a sign", "attorch 13", HUBER, _huber, "value"),
    Faulty(
        "scale 1 + 5e-4", "missed by gradcheck", "cross_entropy", with_backward(F.cross_entropy, _scaled), "vjp", "1.0005 times the value"
    ),
    Faulty("epsilon in a denominator", "missed by gradcheck", SOFTMAX, _epsilon, "value"),
    Faulty("float32 inside float64", "missed by gradcheck", LOG_SOFTMAX, _in_float32, "value", "those of float32 arithmetic"),
    Faulty("p < 1e-3 zeroed", "missed by gradcheck", "cross_entropy", with_backward(F.cross_entropy, _small_zeroed), "vjp"),
    Faulty("a branch at abs(z) > 20", "missed by gradcheck", SOFTPLUS, with_backward(softplus_sum, _branch), "vjp"),
    Faulty(
        "unshifted exponentials", "missed by gradcheck", "cross_entropy", _unshifted, "value", "not shifted by the maximum|times the bound"
    ),
    Faulty("forward and backward wrong in the same way", "missed by every backward-only check", "cross_entropy", _both_wrong, "value"),
)
