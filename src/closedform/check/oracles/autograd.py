"""A second witness: torch evaluates the definition in float64 and differentiates it itself, by torch.func.

The interpreter walks the definition over a ring of torch tensors, so the formula is the user's own and the
derivative is torch's: no jets and no closed form take part. The definition is evaluated as it stands, so
where it overflows (unshifted exponentials) this witness has nothing to say.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Indexed, Rational

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.base import Ring, fraction
from closedform.check.views import View
from closedform.errors import UsageError
from closedform.notation import Derivation, Dim, Index, NamedTensor, Partial, free_indices, head_name


class Torch(Ring):
    """Float64 torch tensors, differentiable."""

    name = "torch"

    def __init__(self) -> None:
        import torch

        self.torch = torch
        self._functions: dict[str, Callable[[Any], Any]] = {
            "exp": torch.exp, "log": torch.log, "sin": torch.sin, "cos": torch.cos, "sinh": torch.sinh, "cosh": torch.cosh,
            "tanh": torch.tanh, "sigmoid": torch.sigmoid, "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
            "erf": torch.erf, "Abs": torch.abs, "sign": torch.sign, "relu": torch.relu, "step": lambda x: (x > 0).to(x.dtype),
        }  # fmt: skip

    def number(self, value: Rational) -> Any:
        """The nearest double."""
        return self.torch.tensor(float(fraction(value)), dtype=self.torch.float64)

    def pi(self) -> Any:
        """The nearest double."""
        return self.torch.tensor(math.pi, dtype=self.torch.float64)

    def eye(self, n: int) -> Any:
        """Identity matrix."""
        return self.torch.eye(n, dtype=self.torch.float64)

    def add(self, a: Any, b: Any) -> Any:
        """Entrywise sum."""
        return a + b

    def multiply(self, a: Any, b: Any) -> Any:
        """Entrywise product."""
        return a * b

    def power(self, a: Any, exponent: Rational) -> Any:
        """torch's power."""
        if exponent == -1:
            return 1.0 / a
        return self.torch.sqrt(a) if exponent == Rational(1, 2) else a ** float(fraction(exponent))

    def general_power(self, a: Any, exponent: Any) -> Any:
        """torch's power."""
        return a**exponent

    def apply(self, function: str, a: Any) -> Any:
        """An elementary function."""
        return self._functions[function](a)

    def less(self, a: Any, b: Any, or_equal: bool) -> Any:
        """1.0 or 0.0."""
        return (a <= b if or_equal else a < b).to(self.torch.float64)

    def select(self, condition: Any, a: Any, b: Any) -> Any:
        """torch's where."""
        return self.torch.where(condition > 0.5, a, b)

    def arrange(self, a: Any, order: Sequence[int | None]) -> Any:
        """Permute, then insert axes of length 1."""
        moved = a.permute([axis for axis in order if axis is not None])
        for k, axis in enumerate(order):
            moved = moved.unsqueeze(k) if axis is None else moved
        return moved

    def broadcast(self, a: Any, shape: Sequence[int]) -> Any:
        """Expand."""
        return a.expand(tuple(shape))

    def diagonal(self, a: Any, first: int, second: int) -> Any:
        """torch's diagonal puts the common axis last."""
        return a.diagonal(dim1=first, dim2=second)

    def total(self, a: Any, axis: int) -> Any:
        """Sum along an axis."""
        return a.sum(dim=axis)

    def inverse(self, a: Any) -> Any:
        """torch's inverse; NaN where the matrix is exactly singular."""
        inverse, position = self.torch.linalg.inv_ex(a)
        return self.torch.where((position > 0)[..., None, None], self.torch.nan, inverse)

    def det(self, a: Any) -> Any:
        """torch's determinant."""
        return self.torch.linalg.det(a)

    def logdet(self, a: Any) -> Any:
        """log |det|."""
        return self.torch.linalg.slogdet(a)[1]


def by_autograd(derivation: Derivation, view: View, sizes: Mapping[Dim, int], values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The part of the result that ``view`` shows, as torch.func differentiates the definition; float64."""
    import torch

    ring = Torch()
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
    output = derivation.computed
    axes = tuple(Index(f"axis_{k}", dim) for k, dim in enumerate(output.dims)) if isinstance(output, NamedTensor) else ()
    entry = output[axes] if isinstance(output, NamedTensor) else output

    extra = [tensors[item.name] for item in view.function.extra]

    def definition(x: Any) -> Any:
        given = tensors if view.function.wrt is None else {**tensors, view.function.wrt.name: x}
        result = evaluate(entry, derivation.setting, sizes, given, ring, axes)
        return (result * extra[0]).sum() if len(extra) > 1 else result  # curved along the upstream gradient

    if view.function.kind == "mixed":
        return _mixed(torch.func, lambda given: evaluate(entry, derivation.setting, sizes, {**tensors, **given}, ring, axes), tensors, view)
    at = None if view.function.wrt is None else tensors[view.function.wrt.name]
    along = extra[-1] if extra else None
    if view.column is not None:
        along = torch.tensor(view.column, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's own forward mode uses its deprecated torch.jit
        return np.asarray(_differentiated(torch.func, definition, at, along, view).detach().numpy())


def _differentiated(func: Any, f: Callable[[Any], Any], x: Any, along: Any, view: View) -> Any:
    kind = view.function.kind
    if view.column is not None:
        kind = {"jacobian": "jvp", "hessian": "hvp"}[kind]
    match kind:
        case "value":
            return f(x)
        case "gradient":
            return func.grad(f)(x)
        case "jacobian":
            return func.jacrev(f)(x)
        case "jvp":
            return func.jvp(f, (x,), (along,))[1]
        case "vjp":
            return func.vjp(f, x)[1](along)[0]
        case "hvp":
            return func.jvp(func.grad(f), (x,), (along,))[1]
        case "hessian" | "hessian_diagonal" | "hessian_trace":
            return _entries_of(func.hessian(f)(x), view)
    raise UsageError(
        f"autograd has no rule for functions of the kind {kind!r}; known are value, gradient, jacobian, jvp, vjp, hessian, hvp"
    )


def _mixed(func: Any, f: Callable[[dict[str, Any]], Any], tensors: Mapping[str, Any], view: View) -> np.ndarray:
    """sum_x d2f/dw dx v, by forward over reverse: the gradient by w, along v in x."""
    (node,) = view.target.atoms(Partial)
    rows, columns = (head_name(entry) for entry in node.variables)
    along = tensors[view.function.extra[0].name]

    def gradient(x: Any) -> Any:
        return func.grad(lambda w: f({rows: w, columns: x}))(tensors[rows])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.asarray(func.jvp(gradient, (tensors[columns],), (along,))[1].detach().numpy())


def _entries_of(full: Any, view: View) -> Any:
    """Blocks, diagonal or trace of a Hessian d2L/dx[r]dx[c], by the indices that the target repeats."""
    import torch

    node = next(iter(view.target.atoms(Partial)))
    letters: dict[Index, str] = {}
    for variable in node.variables:
        for index in variable.indices if isinstance(variable, Indexed) else ():
            letters.setdefault(index, chr(ord("a") + len(letters)))
    inputs = "".join(letters[index] for variable in node.variables for index in getattr(variable, "indices", ()))
    outputs = "".join(letters[index] for index in view.axes if index in free_indices(view.target))
    return torch.einsum(f"{inputs}->{outputs}", full) if inputs else full
