"""Helper functions of torch modules; a module contains those that it calls.

They are composites of operations that have batching, forward and backward rules. Arrays of their own are written over
where no transform could object (``_plain``), as fresh ones cost page faults and passes through memory.
"""

from __future__ import annotations

from closedform.emit.arguments_torch import ARGUMENTS

IMPORTS = "import torch"
ARRAY = "torch.Tensor"

# A method of operators; {array} is one of their arrays.
LINEAR_OPERATOR = '''
def linear_operator(self) -> object:
    """A ``scipy.sparse.linalg.LinearOperator`` on flattened directions, for ``eigsh``, ``cg`` and the like; needs SciPy."""
    from scipy.sparse.linalg import LinearOperator

    size, like = torch.Size(self.shape).numel(), self.{array}
    dtype = torch.empty(0, dtype=like.dtype).numpy().dtype

    def product(x):  # type: ignore[no-untyped-def]
        rows = x.T.reshape(-1, *self.shape).astype(dtype, order="C", casting="same_kind")
        product = self.hvp(torch.from_numpy(rows).to(like.device, self.dtype))
        return product.reshape(-1, size).T.reshape(x.shape).detach().to("cpu", like.dtype).numpy()

    return LinearOperator((size, size), product, rmatvec=product, matmat=product, rmatmat=product, dtype=dtype)
'''

# In the order in which they are printed; each may call those before it.
HELPERS: dict[str, str] = ARGUMENTS | {
    "_softplus": '''
def _softplus(x: torch.Tensor) -> torch.Tensor:
    """log(1 + exp(x)) without overflow."""
    return torch.logaddexp(x, torch.zeros_like(x))
''',
    "_log_cosh": '''
def _log_cosh(x: torch.Tensor) -> torch.Tensor:
    """log(cosh(x)) without overflow, accurate near 0: log1p(2 sinh(x/2)^2) there."""
    a = torch.abs(x)
    near = torch.log1p(2 * torch.sinh(a.clamp(max=1) / 2) ** 2)
    return torch.where(a < 1, near, a + torch.log1p(torch.exp(-2 * a)) - 0.6931471805599453)
''',
    "_top": '''
def _top(p: torch.Tensor) -> torch.Tensor:
    """Position of the largest entry along the last axis; long rows by blocks, as amax is fast and argmax is not."""
    n, width = p.shape[-1], 64
    if n < 8 * width:
        return p.argmax(-1, keepdim=True)
    even = n - n % width
    largest = p[..., :even].unflatten(-1, (-1, width)).amax(-1)
    if even < n:
        largest = torch.cat([largest, p[..., even:].amax(-1, keepdim=True)], -1)
    at = largest.argmax(-1, keepdim=True) * width + torch.arange(width, device=p.device)
    at = at.clamp(max=n - 1)
    return at.gather(-1, p.gather(-1, at).argmax(-1, keepdim=True))
''',
    "_shift": '''
def _shift(z: torch.Tensor) -> torch.Tensor:
    """A number s for each row that brings exp(z - s) into range.

    It is a whole number, 0 while exp(z) is in range, so z - s loses no digit of z where the maximum would.
    """
    room = (701 if z.dtype == torch.float64 else 80) - (9 if z.shape[-1] > 1024 else 0)
    m = z.amax(-1, keepdim=True)
    return (m - m.clamp(0, room)).floor()
''',
    "_exponentials": '''
def _exponentials(z: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """exp(z - s) for a number s of each row that brings it into range; where no entry is large there is nothing to shift."""
    bounds = _read(*torch.aminmax(z)) if z.numel() else None
    small = 350 if z.dtype == torch.float64 else 40
    if bounds and -small <= bounds[0] and bounds[1] <= small:
        return torch.exp(z, out=out)
    return torch.sub(z, _shift(z), out=out).exp_()
''',
    "_total": '''
def _total(e: torch.Tensor) -> torch.Tensor:
    """The sum along the last axis of numbers >= 0, to a few ulp: in a long row, an entry of more than half would round every addition."""
    total = e.sum(-1, keepdim=True)
    if e.shape[-1] < 256 or torch.compiler.is_compiling() or not _holds((2 * e.amax(-1, keepdim=True) > total).any()):
        return total
    if e.dtype == torch.float32 and e.device.type == "cpu":  # not every device has float64
        return e.sum(-1, keepdim=True, dtype=torch.float64).to(e.dtype)
    top = _top(e)
    return _others(e, top) + e.gather(-1, top)
''',
    "_softmax": '''
def _softmax(z: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """exp(z) / sum(exp(z)) along the last axis."""
    keeps_z = out is not None and out is not z  # so that the sums may be looked at first, which are fewer
    e = torch.exp(z, out=out) if keeps_z else _exponentials(z, out)
    total = _total(e)
    if keeps_z and not _holds(((total > 0.5) & (total < 2.0**100)).all()):
        e = _exponentials(z, out)  # some exp(z) left the range where it is accurate
        total = _total(e)
    return e.div_(total) if _plain(z) else e / total
''',
    "_apart": '''
def _apart(z: torch.Tensor, at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """exp(z), shifted into range, with 0 at one entry of each row; that entry; and the sum of the others."""
    e = _exponentials(z)
    own, e = e.gather(-1, at), e.scatter_(-1, at, 0) if _plain(z) else e.scatter(-1, at, 0)
    return e, own, e.sum(-1, keepdim=True)
''',
    "_softmax_apart": '''
def _softmax_apart(z: torch.Tensor) -> torch.Tensor:
    """exp(z) / sum(exp(z)) along the last axis, the largest term added last: nearly all rounding of the sum is gone."""
    top = _top(z)
    e, largest, others = _apart(z, top)
    if e.dtype == torch.float32 and e.device.type == "cpu":  # not every device has float64
        others = e.sum(-1, keepdim=True, dtype=torch.float64).to(e.dtype)
    total = largest + others
    put, over = (torch.Tensor.scatter_, torch.Tensor.div_) if _plain(z) else (torch.Tensor.scatter, torch.Tensor.div)
    return put(over(e, total), -1, top, largest / total)
''',
    "_log1p_others": '''
def _log1p_others(z: torch.Tensor, top: torch.Tensor) -> torch.Tensor:
    """log(sum(exp(z))) less the largest z, along the last axis: the others' share counts, however small it is."""
    _, largest, others = _apart(z, top)
    return torch.log1p(others / largest)
''',
    "_others": '''
def _others(x: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The sum along the last axis, but for the entry at ``at``."""
    return x.scatter(-1, at, 0).sum(-1, keepdim=True)
''',
    "_log_softmax": '''
def _log_softmax(z: torch.Tensor) -> torch.Tensor:
    """z - log(sum(exp(z))) along the last axis, with log1p of the smaller terms: no digit of a confident row is lost."""
    top = _top(z)
    return z - z.gather(-1, top) - _log1p_others(z, top)
''',
    "_log_likelihood": '''
def _log_likelihood(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """log_softmax(z) at class indices y, of which no other entry is computed; or its mean under probabilities y."""
    if y.is_floating_point():
        return (y * _log_softmax(z)).sum(-1)
    top = _top(z)
    own = z.gather(-1, y.long().unsqueeze(-1))
    return (own - z.gather(-1, top) - _log1p_others(z, top)).squeeze(-1)
''',
    "_logsumexp": '''
def _logsumexp(z: torch.Tensor) -> torch.Tensor:
    """log(sum(exp(z))) along the last axis, from the largest entry on."""
    top = _top(z)
    return (z.gather(-1, top) + _log1p_others(z, top)).squeeze(-1)
''',
    "_is_small": '''
def _is_small(x: torch.Tensor, passes: int = 1) -> bool:
    """Whether to look if some passes over the array are needed would cost as much as they do."""
    return x.numel() * passes < 2**17
''',
    "_leader": '''
def _leader(p: torch.Tensor) -> torch.Tensor:
    """Position of the largest entry of each row of p, if it is an eighth or more; of any other where none is."""
    if _is_small(p):
        return _top(p)
    largest = p.amax(-1, keepdim=True)
    return _top(p) if _holds((largest >= 0.125).any()) else torch.zeros_like(largest, dtype=torch.int64)
''',
    "_leads": '''
def _leads(p: torch.Tensor, leader: torch.Tensor) -> torch.Tensor:
    """1 where the entry at ``leader`` is an eighth of a row of p or more, so that x measured from there keeps the digits of its spread."""
    return (p.gather(-1, leader) >= 0.125).to(p.dtype)
''',
    "_complement": '''
def _complement(p: torch.Tensor) -> torch.Tensor:
    """1 - p for rows p that sum to one; of an entry with more than half it is the sum of the others, which does not cancel."""
    rest = torch.rsub(p, 1)
    if not _is_small(p, passes=4) and not _holds((p.amax(-1) > 0.5).any()):
        return rest
    top = _top(p)
    put = torch.Tensor.scatter_ if _plain(p) else torch.Tensor.scatter
    return put(rest, -1, top, _others(p, top))
''',
    "_times_complement": '''
def _times_complement(p: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """p*(1 - p) for rows p that sum to one, perhaps over p; of an entry with more than half, 1 - p is the sum of the others."""
    if not _is_small(p, passes=4) and not _holds((p.amax(-1) > 0.5).any()):
        return torch.addcmul(p, p, p, value=-1, out=out)
    top = _top(p)
    largest = p.gather(-1, top) * _others(p, top)
    put = torch.Tensor.scatter_ if out is not None or _plain(p) else torch.Tensor.scatter
    return put(torch.addcmul(p, p, p, value=-1, out=out), -1, top, largest)
''',
    "_nearest": '''
def _nearest(mean: torch.Tensor, own: torch.Tensor, leads: torch.Tensor) -> torch.Tensor:
    """Means of numbers under weights, or those of the leaders where they lead, or are the mean but for its rounding.

    What is the same for all that have weight is then measured as exactly zero.
    """
    same = torch.abs(own - mean) <= 8 * torch.finfo(mean.dtype).eps * torch.abs(mean)
    return torch.where((leads > 0) | same, own, mean)
''',
    "_near_mean": '''
def _near_mean(x: torch.Tensor, p: torch.Tensor, leader: torch.Tensor, leads: torch.Tensor) -> torch.Tensor:
    """A number near sum(p*x) for each row p, such that x measured from there keeps the digits of its spread."""
    if torch.compiler.is_compiling():  # reductions of rows fuse, entries picked by their place do not: any entry that leads will do
        own = torch.where(p >= 0.125, x, -torch.inf).amax(-1, keepdim=True)
        return torch.where(own > -torch.inf, own, (p * x).sum(-1, keepdim=True))
    own = x.gather(-1, leader if x.ndim == leader.ndim else leader.expand(*x.shape[:-1], 1))
    everywhere = _read(leads.all())
    if everywhere and everywhere[0]:
        return own
    mean = (p * x).sum(-1, keepdim=True)
    if not _is_small(x) and not _holds(leads.any()):
        return mean
    return _nearest(mean, own, leads)
''',
    "_centred": '''
def _centred(x: torch.Tensor, p: torch.Tensor, leader: torch.Tensor, leads: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """x - sum(p*x) for rows p that sum to one, x measured from near its mean."""
    rest = torch.sub(x, _near_mean(x, p, leader, leads), out=out)
    return torch.sub(rest, (p * rest).sum(-1, keepdim=True), out=out)
''',
    "_laid_out_like": '''
def _laid_out_like(p: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """p with its last two axes in memory as those of x, a stack of arrays like it: a pass over both follows the memory of both."""
    return p if p.ndim < 2 or x.stride(-1) <= x.stride(-2) else p.mT.contiguous().mT
''',
    "_softmax_jvp": '''
def _softmax_jvp(
    x: torch.Tensor, p: torch.Tensor, leader: torch.Tensor, leads: torch.Tensor, out: torch.Tensor | None = None
) -> torch.Tensor:
    """p*(x - sum(p*x)) for rows p that sum to one; it sums to zero, so what its sum leaves is the rounding of the mean."""
    if x.ndim > p.ndim or torch.compiler.is_compiling():  # there is no one operation for it
        p = _laid_out_like(p, x)
        product = torch.mul(torch.sub(x, _near_mean(x, p, leader, leads), out=out), p, out=out)
    else:
        if _is_small(x) or _holds(leads.any()):
            x = torch.sub(x, x.gather(-1, leader) * leads, out=out)
        product = torch._softmax_backward_data(x, p, -1, x.dtype, **({} if out is None else {"grad_input": out}))
    rounding = product.sum(-1, keepdim=True)
    if out is not None or (not _is_small(x) and _plain(x, p)):
        return product.addcmul_(p, rounding, value=-1)
    return torch.addcmul(product, p, rounding, value=-1)
''',
    "_centred_columns": '''
def _centred_columns(x: torch.Tensor, p: torch.Tensor, leader: torch.Tensor, leads: torch.Tensor) -> torch.Tensor:
    """The columns of x less their means under each row of p, rows that sum to one, measured from near the mean.

    That is the row of x at the leader, if there is one, so that what is left keeps the digits of its spread.
    """
    own = x.gather(-2, leader.expand(*leader.shape[:-1], x.shape[-1]))
    rest = x.unsqueeze(-3) - _nearest(p @ x, own, leads).unsqueeze(-2)
    mean = p.unsqueeze(-2) @ rest
    return rest.sub_(mean) if _plain(x, p) else rest - mean
''',
    "_squared": '''
def _squared(x: torch.Tensor) -> torch.Tensor:
    """x**2, written over x, which no one else holds, where that can be."""
    return x.mul_(x) if _plain(x) else x * x
''',
    "_variance": '''
def _variance(x: torch.Tensor, p: torch.Tensor, top: torch.Tensor) -> torch.Tensor:
    """sum(p*x**2) - sum(p*x)**2 down the columns of x for rows p that sum to one, measured from the row of x that leads, if one does.

    A column is measured from its mean where no number in it is larger then.
    """
    centre = x.mean(-2, keepdim=True)
    apart = x - centre
    x = torch.where(2 * apart.abs().amax(-2, keepdim=True) <= centre.abs(), apart, x)
    largest = p.gather(-1, top)
    leads = largest >= 0.125
    others = p.scatter(-1, top, torch.where(leads, 0, largest))
    own, mean = torch.where(leads, x.gather(-2, top.expand(*top.shape[:-1], x.shape[-1])), 0), others @ x
    shift = mean - others.sum(-1, keepdim=True) * own
    return others @ (x * x) - own * (mean + shift) - shift * shift
''',
    "_minus_labels": '''
def _minus_labels(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """p - y for rows p that sum to one; at a class index it is minus the sum of the others, which does not cancel."""
    if y.is_floating_point():
        return p - y
    at = y.long().unsqueeze(-1)
    return p.scatter(-1, at, -_others(p, at))
''',
    "_softmax_minus_labels": '''
def _softmax_minus_labels(z: torch.Tensor, y: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """softmax(z) - y; at a class index it is minus the sum of the other probabilities, which does not cancel."""
    if y.is_floating_point():
        p = _softmax(z, out)
        return p.sub_(y) if _plain(z, y) else p - y
    at = y.long().unsqueeze(-1)
    free = out is not None or _plain(z, y)
    put, over = (torch.Tensor.scatter_, torch.Tensor.div_) if free else (torch.Tensor.scatter, torch.Tensor.div)
    e = _exponentials(z, out)
    own = e.gather(-1, at)
    e = put(e, -1, at, 0)
    others = _total(e)
    return over(put(e, -1, at, -others), own + others)
''',
    "_subtract_labels": '''
def _subtract_labels(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x - y for probabilities y, or x minus one at class indices y."""
    if y.is_floating_point():
        return x - y
    at = y.long().unsqueeze(-1)
    return x.scatter(-1, at, x.gather(-1, at) - 1)
''',
    "_at_labels": '''
def _at_labels(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """sum(y*x) along the last axis for probabilities y, or x at class indices y."""
    if y.is_floating_point():
        return (y * x).sum(-1)
    at = y.long()
    if x.shape[:-1] != at.shape:
        rows = torch.broadcast_shapes(x.shape[:-1], at.shape)
        x, at = x.expand(*rows, x.shape[-1]), at.expand(rows)
    return x.gather(-1, at.unsqueeze(-1)).squeeze(-1)
''',
    "_probabilities": '''
def _probabilities(y: torch.Tensor, classes: int, like: torch.Tensor) -> torch.Tensor:
    """Labels as probabilities: class indices become rows with a single one."""
    if y.is_floating_point():
        return y
    return (y.unsqueeze(-1) == torch.arange(classes, device=y.device)).to(like.dtype)
''',
    "_gram": '''
def _gram(x: torch.Tensor, scale: float, out: torch.Tensor | None, symmetric: bool = False) -> torch.Tensor:
    """scale * sum_b(x[b,c,m]*x[b,k,n]), in ``out`` if that can be: the upper blocks as matrix products, the lower as their mirror image.

    ``symmetric``: so is each block, as of an outer product x[b,c,m] = u[b,c]*w[b,m].
    """
    if not _plain(x):
        return torch.tensordot(x, x, dims=([0], [0])) * scale
    _, m, n = x.shape
    if out is None or out.dtype != x.dtype or not out.is_contiguous():
        out = x.new_empty(m, n, m, n)
    rows, matrix, step = x.flatten(1), out.view(m * n, m * n), max(1, 320 // max(n, 1))
    for c in range(0, m, step):
        k = min(c + step, m)
        block = matrix[c * n : k * n, c * n :]
        torch.addmm(block, rows[:, c * n : k * n].T, rows[:, c * n :], beta=0, alpha=scale, out=block)
        right = out[c:k, :, k:]
        out[k:, :, c:k] = right.permute(2, 1, 0, 3) if symmetric else right.permute(2, 3, 0, 1)
    return out
''',
    "_stack_product": '''
def _stack_product(x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """x @ v.mT for a matrix v or several of them, in one product; of several, the rows of x are the last axis in memory."""
    return x @ v.T if v.ndim == 2 else (v @ x.T).mT
''',
    "_times_squares": '''
def _times_squares(w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """w.T @ x**2 by blocks of rows, so that the squares take no more room than w or the result."""
    if not _plain(w, x):
        return w.T @ x**2
    step = max(1, max(w.numel() // max(x.shape[-1], 1), w.shape[-1]))
    parts = max(1, -(-len(x) // step))
    result = x.new_zeros(w.shape[-1], x.shape[-1])
    for weights, rows in zip(w.T.chunk(parts, 1), x.chunk(parts), strict=True):
        result.addmm_(weights, rows * rows)
    return result
''',
    "_laplacian": '''
def _laplacian(x: torch.Tensor) -> torch.Tensor:
    """Write minus the sum of the other blocks x[...,c,:,k,:] over each block x[...,c,:,c,:], so that all sums over k are zero."""
    own = torch.diagonal(x, dim1=-4, dim2=-2)
    own.zero_()
    own[...] = x.sum(-2).movedim(-3, -1).neg()
    return x
''',
    "_with_diagonal": '''
def _with_diagonal(x: torch.Tensor, values: torch.Tensor, i: int = -2, j: int = -1) -> torch.Tensor:
    """Write ``values`` over the entries of x at which axes i and j agree; their common index is the last axis of ``values``."""
    torch.diagonal(x, dim1=i, dim2=j)[...] = values
    return x
''',
}
