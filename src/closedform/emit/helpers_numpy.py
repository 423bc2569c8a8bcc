"""Helper functions of NumPy modules; a module contains those that it calls."""

from __future__ import annotations

from closedform.emit.arguments_numpy import ARGUMENTS

IMPORTS = "import numpy as np"
ARRAY = "np.ndarray"

# A method of operators; {array} is one of their arrays.
LINEAR_OPERATOR = '''
def linear_operator(self) -> object:
    """A ``scipy.sparse.linalg.LinearOperator`` on flattened directions, for ``eigsh``, ``cg`` and the like; needs SciPy."""
    from scipy.sparse.linalg import LinearOperator

    size = int(np.prod(self.shape))

    def product(x):  # type: ignore[no-untyped-def]
        directions = x.T.reshape(-1, *self.shape).astype(self.dtype, casting="same_kind")
        return self.hvp(directions).reshape(-1, size).T.reshape(x.shape)

    return LinearOperator((size, size), product, rmatvec=product, matmat=product, rmatmat=product, dtype=self.dtype)
'''

# In the order in which they are printed; each may call those before it.
HELPERS: dict[str, str] = ARGUMENTS | {
    "_erf": '''
def _erf(x: np.ndarray) -> np.ndarray:
    """The error function: a series where x is small, a continued fraction where it is large."""
    a = np.abs(x).astype(np.float64)
    s = np.minimum(a, 2.5) ** 2
    term = total = np.minimum(a, 2.5) * 1.1283791670955126
    for n in range(1, 60):  # 2/sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (2n+1)!!
        term = term * (2 * s / (2 * n + 1))
        total = total + term
    b = np.maximum(a, 2.5)
    fraction = b
    for n in range(60, 0, -1):  # erfc(x) = exp(-x^2) / (sqrt(pi) (x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))))
        fraction = b + n / 2 / fraction
    large = 1 - np.exp(-b * b) / (1.772453850905516 * fraction)
    return (np.sign(x) * np.where(a < 2.5, total * np.exp(-s), large)).astype(np.asarray(x).dtype)[()]
''',
    "_sigmoid": '''
def _sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), exponentials of negative numbers only."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, np.ones_like(small), small) / (1 + small)
''',
    "_log_cosh": '''
def _log_cosh(x: np.ndarray) -> np.ndarray:
    """log(cosh(x)) without overflow, accurate near 0: log1p(2 sinh(x/2)^2) there."""
    a = np.abs(x)
    near = np.log1p(2 * np.sinh(np.minimum(a, 1) / 2) ** 2)
    return np.where(a < 1, near, a + np.log1p(np.exp(-2 * a)) - 0.6931471805599453)
''',
    "_total": '''
def _total(e: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Row sums of numbers from 0 to ``bound``: float32 is added up in float64, float64 as high parts, exactly, and the rest."""
    if e.dtype == np.float32:
        return e.sum(-1, keepdims=True, dtype=np.float64).astype(np.float32)
    _, exponent = np.frexp(bound * e.shape[-1])
    grid = np.ldexp(1.0, exponent)
    high = e + grid
    high -= grid
    total = high.sum(-1, keepdims=True)
    return total + np.subtract(e, high, out=high).sum(-1, keepdims=True)
''',
    "_exponentials": '''
def _exponentials(z: np.ndarray, out: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """exp(z - s) for a number s of each row, and the largest of each row.

    s is a whole number, 0 while exp(z) is in range, so z - s loses no digit of z where the maximum would.
    """
    room = (701 if z.dtype == np.float64 else 80) - (9 if z.shape[-1] > 1024 else 0)
    m = z.max(-1, keepdims=True)
    s = np.floor(m - np.clip(m, 0, room))
    if not s.any():
        return np.exp(z, out=out), np.exp(m)
    e = np.subtract(z, s, out=out)
    return np.exp(e, out=e), np.exp(m - s)
''',
    "_softmax": '''
def _softmax(z: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """exp(z) / sum(exp(z)) along the last axis."""
    e, largest = _exponentials(z, out)
    e /= _total(e, largest)
    return e
''',
    "_softmax_apart": '''
def _softmax_apart(z: np.ndarray) -> np.ndarray:
    """softmax(z), of float32 in float64: where two entries are multiplied their errors add up, and exp alone is off by two ulp."""
    return _softmax(z.astype(np.float64)).astype(np.float32) if z.dtype == np.float32 else _softmax(z)
''',
    "_log1p_others": '''
def _log1p_others(z: np.ndarray, top: np.ndarray) -> np.ndarray:
    """log(sum(exp(z))) less the largest z, along the last axis: the others' share counts, however small it is."""
    e, largest = _exponentials(z)
    np.put_along_axis(e, top, 0, -1)
    return np.log1p(_total(e, largest) / largest)
''',
    "_log_softmax": '''
def _log_softmax(z: np.ndarray) -> np.ndarray:
    """z - log(sum(exp(z))) along the last axis, with log1p of the smaller terms: no digit of a confident row is lost."""
    top = z.argmax(-1)[..., None]
    return z - np.take_along_axis(z, top, -1) - _log1p_others(z, top)
''',
    "_log_likelihood": '''
def _log_likelihood(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """log_softmax(z) at class indices y, of which no other entry is computed; or its mean under probabilities y."""
    if y.ndim == z.ndim:
        return (y * _log_softmax(z)).sum(-1)
    top = z.argmax(-1)[..., None]
    own = np.take_along_axis(z, y[..., None], -1)
    return (own - np.take_along_axis(z, top, -1) - _log1p_others(z, top))[..., 0]
''',
    "_logsumexp": '''
def _logsumexp(z: np.ndarray) -> np.ndarray:
    """log(sum(exp(z))) along the last axis, from the largest entry on."""
    top = z.argmax(-1)[..., None]
    return (np.take_along_axis(z, top, -1) + _log1p_others(z, top))[..., 0]
''',
    "_leader": '''
def _leader(p: np.ndarray) -> np.ndarray:
    """Position of the largest entry of each row of p."""
    return p.argmax(-1)[..., None]
''',
    "_leads": '''
def _leads(p: np.ndarray, leader: np.ndarray) -> np.ndarray:
    """Whether the entry at ``leader`` is an eighth of a row of p or more, so that x measured from there keeps the digits of its spread."""
    return np.take_along_axis(p, leader, -1) >= 0.125
''',
    "_complement": '''
def _complement(p: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """1 - p for rows p that sum to one; of an entry with more than half it is the sum of the others, which does not cancel."""
    if not (p.max(-1, initial=0) > 0.5).any():
        return np.subtract(1, p, out=out)
    rest, top = np.positive(p, out=out), p.argmax(-1)[..., None]
    np.put_along_axis(rest, top, 0, -1)
    others = rest.sum(-1, keepdims=True)
    np.subtract(1, p, out=rest)
    np.put_along_axis(rest, top, others, -1)
    return rest
''',
    "_times_complement": '''
def _times_complement(p: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """p*(1 - p) for rows p that sum to one, perhaps over p."""
    rest = _complement(p, None if out is p else out)
    return np.multiply(rest, p, out=rest if out is None else out)
''',
    "_nearest": '''
def _nearest(mean: np.ndarray, own: np.ndarray, leads: np.ndarray) -> np.ndarray:
    """Means of numbers under weights, or those of the leaders where they lead, or are the mean but for its rounding.

    What is the same for all that have weight is then measured as exactly zero.
    """
    same = np.abs(own - mean) <= 8 * np.finfo(mean.dtype).eps * np.abs(mean)
    return np.where(leads | same, own, mean)
''',
    "_near_mean": '''
def _near_mean(x: np.ndarray, p: np.ndarray, leader: np.ndarray, leads: np.ndarray) -> np.ndarray:
    """A number near sum(p*x) for each row p, such that x measured from there keeps the digits of its spread."""
    own = np.take_along_axis(x, leader if x.ndim == leader.ndim else leader[None], -1)
    return own if leads.all() else _nearest(np.einsum("...i,...i->...", x, p)[..., None], own, leads)
''',
    "_laid_out_like": '''
def _laid_out_like(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """p with its last two axes in memory as those of x, a stack of arrays like it: a pass over both follows the memory of both."""
    return p if p.ndim < 2 or x.strides[-1] <= x.strides[-2] else np.ascontiguousarray(p.mT).mT
''',
    "_centred": '''
def _centred(x: np.ndarray, p: np.ndarray, leader: np.ndarray, leads: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """x - sum(p*x) for rows p that sum to one, x measured from near its mean."""
    x = np.subtract(x, _near_mean(x, p, leader, leads), out=out)
    x -= np.einsum("...i,...i->...", x, p)[..., None]
    return x
''',
    "_softmax_jvp": '''
def _softmax_jvp(x: np.ndarray, p: np.ndarray, leader: np.ndarray, leads: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """p*(x - sum(p*x)) for rows p that sum to one, x measured from near its mean."""
    p = _laid_out_like(p, x)
    product = _centred(x, p, leader, leads, out)
    product *= p
    return product
''',
    "_divided": '''
def _divided(x: np.ndarray, by: float) -> np.ndarray:
    """x / by, written over x, which no one else holds."""
    x /= by
    return x
''',
    "_centred_columns": '''
def _centred_columns(x: np.ndarray, p: np.ndarray, leader: np.ndarray, leads: np.ndarray) -> np.ndarray:
    """The columns of x less their means under each row of p, rows that sum to one, measured from near the mean.

    That is the row of x at the leader, if there is one, so that what is left keeps the digits of its spread.
    """
    near = _nearest(p @ x, np.take_along_axis(x, leader, -2), leads)
    rest = x[..., None, :, :] - near[..., None, :]
    rest -= p[..., None, :] @ rest
    return rest
''',
    "_squared": '''
def _squared(x: np.ndarray) -> np.ndarray:
    """x**2, written over x, which no one else holds."""
    x *= x
    return x
''',
    "_variance": '''
def _variance(x: np.ndarray, p: np.ndarray, top: np.ndarray) -> np.ndarray:
    """sum(p*x**2) - sum(p*x)**2 down the columns of x for rows p that sum to one, measured from the row of x that leads, if one does.

    A column is measured from its mean where no number in it is larger then.
    """
    centre = x.mean(-2, keepdims=True)
    apart = x - centre
    x = np.where(2 * np.abs(apart).max(-2, keepdims=True, initial=0) <= np.abs(centre), apart, x)
    largest = np.take_along_axis(p, top, -1)
    leads = largest >= 0.125
    others = p.copy()
    np.put_along_axis(others, top, np.where(leads, 0, largest), -1)
    own, mean = np.where(leads, np.take_along_axis(x, top, -2), 0), others @ x
    shift = mean - others.sum(-1, keepdims=True) * own
    return others @ (x * x) - own * (mean + shift) - shift * shift
''',
    "_minus_labels": '''
def _minus_labels(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """p - y for rows p that sum to one; at a class index it is minus the sum of the others, which does not cancel."""
    if y.ndim == p.ndim:
        return p - y
    rest, at = p.copy(), y[..., None]
    np.put_along_axis(rest, at, 0, -1)
    np.put_along_axis(rest, at, -rest.sum(-1, keepdims=True), -1)
    return rest
''',
    "_softmax_minus_labels": '''
def _softmax_minus_labels(z: np.ndarray, y: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """softmax(z) - y; at a class index it is minus the sum of the other probabilities, which does not cancel."""
    if y.ndim == z.ndim:
        p = _softmax(z, out)
        p -= y
        return p
    e, largest = _exponentials(z, out)
    at = y[..., None]
    own = np.take_along_axis(e, at, -1)
    np.put_along_axis(e, at, 0, -1)
    others = _total(e, largest)
    e /= own + others
    np.put_along_axis(e, at, -others / (own + others), -1)
    return e
''',
    "_subtract_labels": '''
def _subtract_labels(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x - y for probabilities y, or x minus one at class indices y."""
    if y.ndim == x.ndim:
        return x - y
    rest, at = x.copy(), y[..., None]
    np.put_along_axis(rest, at, np.take_along_axis(x, at, -1) - 1, -1)
    return rest
''',
    "_at_labels": '''
def _at_labels(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """sum(y*x) along the last axis for probabilities y, or x at class indices y."""
    if not np.issubdtype(y.dtype, np.integer):
        return (y * x).sum(-1)
    rows = np.broadcast_shapes(x.shape[:-1], y.shape)
    return np.take_along_axis(np.broadcast_to(x, (*rows, x.shape[-1])), np.broadcast_to(y, rows)[..., None], -1)[..., 0]
''',
    "_probabilities": '''
def _probabilities(y: np.ndarray, classes: int, like: np.ndarray) -> np.ndarray:
    """Labels as probabilities: class indices become rows with a single one."""
    if not np.issubdtype(y.dtype, np.integer):
        return y
    return (y[..., None] == np.arange(classes)).astype(like.dtype)
''',
    "_gram": '''
def _gram(x: np.ndarray, scale: float, out: np.ndarray | None, symmetric: bool = False) -> np.ndarray:
    """scale * sum_b(x[b,c,m]*x[b,k,n]), in ``out`` if that can be: the upper blocks as matrix products, the lower as their mirror image.

    ``symmetric``: so is each block, as of an outer product x[b,c,m] = u[b,c]*w[b,m].
    """
    b, m, n = x.shape
    if out is None or not out.flags.c_contiguous:
        out = np.empty((m, n, m, n), x.dtype)
    rows, matrix, step = x.reshape(b, m * n), out.reshape(m * n, m * n), max(1, 320 // max(n, 1))
    for c in range(0, m, step):
        k = min(c + step, m)
        left = rows[:, c * n : k * n] * rows.dtype.type(scale)  # fewer numbers than the block
        np.matmul(left.T, rows[:, c * n :], out=matrix[c * n : k * n, c * n :])
        right = out[c:k, :, k:]
        out[k:, :, c:k] = right.transpose(2, 1, 0, 3) if symmetric else right.transpose(2, 3, 0, 1)
    return out
''',
    "_stack_product": '''
def _stack_product(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """x @ v.mT for a matrix v or several of them, in one product; of several, the rows of x are the last axis in memory."""
    if v.ndim == 2:
        return x @ v.T
    return (v.reshape(v.shape[0] * v.shape[1], v.shape[2]) @ x.T).reshape(*v.shape[:-1], len(x)).mT
''',
    "_stack_times": '''
def _stack_times(v: np.ndarray, x: np.ndarray) -> np.ndarray:
    """v @ x for a matrix v or several of them, in one product."""
    if v.ndim == 2:
        return v @ x
    return (v.reshape(v.shape[0] * v.shape[1], v.shape[2]) @ x).reshape(*v.shape[:-1], x.shape[-1])
''',
    "_times_squares": '''
def _times_squares(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """w.T @ x**2 by blocks of rows, so that the squares take no more room than w or the result."""
    step = max(1, max(w.size // max(x.shape[-1], 1), w.shape[-1]))
    result = w[:step].T @ x[:step] ** 2
    for at in range(step, len(x), step):
        result += w[at : at + step].T @ x[at : at + step] ** 2
    return result
''',
    "_laplacian": '''
def _laplacian(x: np.ndarray) -> np.ndarray:
    """Write minus the sum of the other blocks x[...,c,:,k,:] over each block x[...,c,:,c,:], so that all sums over k are zero."""
    own = np.einsum("...imin->...imn", x)
    own[...] = 0
    np.negative(np.einsum("...imkn->...imn", x), out=own)
    return x
''',
    "_with_diagonal": '''
def _with_diagonal(x: np.ndarray, values: np.ndarray, i: int = -2, j: int = -1) -> np.ndarray:
    """Write ``values`` over the entries of x at which axes i and j agree; their common index is the last axis of ``values``."""
    np.einsum("...ii->...i", np.moveaxis(x, (i, j), (-2, -1)))[...] = values
    return x
''',
    "_diagonal": '''
def _diagonal(values: np.ndarray, i: int = -2, j: int = -1) -> np.ndarray:
    """Zeros, but ``values`` where axes i and j agree; their common index is the last axis of ``values``."""
    *shape, n = values.shape
    for axis in sorted((i % (values.ndim + 1), j % (values.ndim + 1))):
        shape.insert(axis, n)
    return _with_diagonal(np.zeros(shape, values.dtype), values, i, j)
''',
}
