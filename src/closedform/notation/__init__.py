"""Index notation: a thin face on SymPy's ``Indexed``, ``Sum`` and ``KroneckerDelta``.

A formula is an ordinary SymPy expression over named tensors with symbolic sizes::

    >>> C = Dim("C")
    >>> i, j, k = indices("i j k", C)
    >>> z, p = tensor("z", C), tensor("p", C)
    >>> softmax = Let(p[i], exp(z[i]) / summation(exp(z[k]), k), "probabilities")
    >>> setting = Setting((Given(z, "logits"),), (softmax,))
    >>> claim = Claim("jacobian", partial(p[i], z[j]), p[i] * (delta(i, j) - p[j]))
    >>> claim.free_indices
    (Index('i', C), Index('j', C))

What SymPy does not have is added here and nowhere else: dimensions and indices that know
their dimension, derivatives of named tensors (:class:`Partial`), piecewise functions that are
left alone (:class:`where`), and the matrix functions ``inv``, ``det``, ``logdet``.

Every symbol is real. Both wings of the engine stand on this module; it imports neither.
"""

from sympy import Abs, Expr, cos, cosh, erf, exp, log, pi, sign, sin, sinh, sqrt, tanh

from closedform.notation.claims import Claim, Derivation
from closedform.notation.constraints import (
    Constraint,
    InvertibleMatrix,
    Membership,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    SizeRelation,
    SymmetricMatrix,
    equation,
    positive,
)
from closedform.notation.expressions import (
    Partial,
    delta,
    det,
    free_indices,
    inv,
    less,
    less_equal,
    logdet,
    maximum,
    minimum,
    partial,
    relu,
    sigmoid,
    softplus,
    step,
    summation,
    where,
)
from closedform.notation.matrices import Identity, MatrixFormula, Ones, derivative, diag, kronecker, vec, whole
from closedform.notation.settings import Given, Let, Setting, check_names
from closedform.notation.tensors import Dim, Index, NamedTensor, head_name, indices, scalar, tensor

__all__ = [
    "Abs",
    "Claim",
    "Constraint",
    "Derivation",
    "Dim",
    "Expr",
    "Given",
    "Identity",
    "Index",
    "InvertibleMatrix",
    "Let",
    "MatrixFormula",
    "Membership",
    "NamedTensor",
    "OneHot",
    "Ones",
    "Partial",
    "PositiveDefiniteMatrix",
    "Relation",
    "Setting",
    "SizeRelation",
    "SymmetricMatrix",
    "check_names",
    "cos",
    "cosh",
    "delta",
    "derivative",
    "det",
    "diag",
    "equation",
    "erf",
    "exp",
    "free_indices",
    "head_name",
    "indices",
    "inv",
    "kronecker",
    "less",
    "less_equal",
    "log",
    "logdet",
    "maximum",
    "minimum",
    "partial",
    "pi",
    "positive",
    "relu",
    "scalar",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "step",
    "summation",
    "tanh",
    "tensor",
    "vec",
    "where",
    "whole",
]  # fmt: skip
