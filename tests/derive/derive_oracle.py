"""The numbers behind a formula, by torch: sums are sums, derivatives are torch's automatic differentiation.

Shares no code with the package's derivations nor with its provers: a formula is walked with one tensor axis for each
index in scope, and ``Partial`` nodes go to ``torch.func.jacrev``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
import torch
from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Sum, Symbol
from torch import Tensor

from closedform.notation import (
    Dim,
    Index,
    Membership,
    OneHot,
    Partial,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SymmetricMatrix,
    det,
    free_indices,
    head_name,
    inv,
    less,
    less_equal,
    logdet,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    step,
    where,
)

torch.set_num_threads(1)

FUNCTIONS: dict[type, Callable[..., Tensor]] = {
    sympy.exp: torch.exp, sympy.log: torch.log, sympy.sin: torch.sin, sympy.cos: torch.cos, sympy.tanh: torch.tanh,
    sympy.sinh: torch.sinh, sympy.cosh: torch.cosh, sympy.erf: torch.erf, sympy.Abs: torch.abs, sympy.sign: torch.sign,
    sigmoid: torch.sigmoid, relu: torch.relu, softplus: lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    step: lambda x: (x > 0).to(x.dtype), maximum: torch.maximum, minimum: torch.minimum,
    less: lambda a, b: (a < b).to(a.dtype), less_equal: lambda a, b: (a <= b).to(a.dtype),
}  # fmt: skip


class Point:
    """Sizes and values at which formulas are evaluated.

    ``unknown`` holds a torch function for each given that is an unknown function of other givens.
    """

    def __init__(
        self, setting: Setting, sizes: Mapping[Dim, int], values: Mapping[str, Tensor], unknown: Mapping[str, Callable[..., Tensor]]
    ) -> None:
        self.setting = setting
        self.sizes = dict(sizes)
        self.values = dict(values)
        self.unknown = dict(unknown)

    def moved(self, values: Mapping[str, Tensor]) -> Point:
        """The same point with some values replaced."""
        return Point(self.setting, self.sizes, {**self.values, **values}, self.unknown)

    def named(self, name: str) -> Tensor:
        """The whole array of a given or a let."""
        if name in self.values:
            return self.values[name]
        given = next((given for given in self.setting.given if given.name == name), None)
        if given is not None:
            return self.unknown[name](*[self.named(source.name) for source in given.of])
        let = self.setting.let(name)
        assert let is not None, name
        return self.array(let.body, let.indices)

    def array(self, expression: Expr, axes: tuple[Index, ...]) -> Tensor:
        """The entries of an expression, one axis for each index."""
        value = self._walk(expression, {index: axis for axis, index in enumerate(axes)}, len(axes))
        return value.broadcast_to(tuple(self.sizes[index.dim] for index in axes))

    def _at(self, index: Index, scope: Mapping[Index, int], rank: int) -> Tensor:
        shape = [1] * rank
        shape[scope[index]] = -1
        return torch.arange(self.sizes[index.dim]).reshape(shape)

    def _walk(self, node: Any, scope: Mapping[Index, int], rank: int) -> Tensor:
        if isinstance(node, Indexed):
            return self.named(node.base.name)[tuple(self._at(index, scope, rank) for index in node.indices)]
        if isinstance(node, Dim):
            return torch.tensor(float(self.sizes[node]), dtype=torch.float64)
        if isinstance(node, Symbol):
            return self.named(node.name)
        if isinstance(node, KroneckerDelta):
            return (self._at(node.args[0], scope, rank) == self._at(node.args[1], scope, rank)).double()
        if isinstance(node, Sum):
            return self._sum(node, scope, rank)
        if isinstance(node, Partial):
            return self._derivative(node, scope, rank)
        if isinstance(node, inv | det | logdet):
            return self._matrix(node, scope, rank)
        if not node.args:
            return torch.tensor(float(node), dtype=torch.float64)
        arguments = [self._walk(argument, scope, rank) for argument in node.args]
        if isinstance(node, Add):
            return sum(arguments[1:], arguments[0])
        if isinstance(node, Mul):
            product = arguments[0]
            for factor in arguments[1:]:
                product = product * factor
            return product
        if isinstance(node, Pow):
            return arguments[0] ** int(node.exp) if node.exp.is_Integer else arguments[0] ** arguments[1]
        if isinstance(node, where):
            return torch.where(arguments[0] > 0, arguments[1], arguments[2])
        return FUNCTIONS[type(node)](*torch.broadcast_tensors(*arguments))

    def _sum(self, node: Sum, scope: Mapping[Index, int], rank: int) -> Tensor:
        bound = [limit[0] for limit in node.limits]
        inner = {**scope, **{index: rank + n for n, index in enumerate(bound)}}
        body = self._walk(node.function, inner, rank + len(bound))
        shape = [1] * rank + [self.sizes[index.dim] for index in bound]
        full = body.broadcast_to(torch.broadcast_shapes(body.shape, tuple(shape)))
        return full.sum(dim=tuple(range(rank, rank + len(bound))))

    def _derivative(self, node: Partial, scope: Mapping[Index, int], rank: int) -> Tensor:
        names = [head_name(variable) for variable in node.variables]

        # One argument for each distinct name: a repeated one is differentiated twice.
        distinct = list(dict.fromkeys(names))

        def function(*arguments: Tensor) -> Tensor:
            chosen = dict(zip(distinct, arguments, strict=True))
            return self.moved(chosen).named(head_name(node.target))

        rate: Callable[..., Any] = function
        for name in names:
            rate = torch.func.jacrev(rate, argnums=distinct.index(name))
        jacobian = rate(*[self.named(name) for name in distinct])
        entries = [node.target, *node.variables]
        at = [index for entry in entries if isinstance(entry, Indexed) for index in entry.indices]
        return jacobian[tuple(self._at(index, scope, rank) for index in at)] if at else jacobian

    def _matrix(self, node: Any, scope: Mapping[Index, int], rank: int) -> Tensor:
        matrix = self.named(node.args[0].name)
        if isinstance(node, logdet):
            return torch.linalg.slogdet(matrix)[1]
        if isinstance(node, det):
            return torch.linalg.det(matrix)
        return torch.linalg.inv(matrix)[tuple(self._at(index, scope, rank) for index in node.args[1:])]


def drawn(setting: Setting, sizes: Mapping[Dim, int], seed: int, unknown: Mapping[str, Callable[..., Tensor]] | None = None) -> Point:
    """A point at which the constraints hold: labels sum to one, positive numbers are positive."""
    generator = torch.Generator().manual_seed(seed)
    values: dict[str, Tensor] = {}
    for given in setting.given:
        if given.of:
            continue
        shape = tuple(sizes[dim] for dim in given.dims)
        value = torch.randn(shape, generator=generator, dtype=torch.float64)
        for constraint in given.where:
            value = _constrained(value, constraint, generator)
        values[given.name] = value
    return Point(setting, sizes, values, unknown or {})


def _constrained(value: Tensor, constraint: object, generator: torch.Generator) -> Tensor:
    if isinstance(constraint, OneHot):
        return torch.nn.functional.one_hot(value.argmax(-1), value.shape[-1]).double()
    if isinstance(constraint, Membership):
        choices = torch.tensor([float(number) for number in constraint.values], dtype=torch.float64)
        return choices[torch.randint(len(choices), value.shape, generator=generator)]
    if isinstance(constraint, PositiveDefiniteMatrix):
        return value @ value.T + torch.eye(len(value), dtype=torch.float64)
    if isinstance(constraint, SymmetricMatrix):
        return value + value.T
    if isinstance(constraint, Relation) and constraint.op in ("<", ">"):
        return value.sigmoid() * 0.8 + 0.1
    if isinstance(constraint, Relation) and isinstance(constraint.lhs, Sum):
        return value.softmax(-1)
    return value


def agree(point: Point, target: Expr, closed: Expr, setting: Setting, extra: Mapping[str, Tensor] | None = None) -> bool:
    """Whether a target and its closed form have the same entries.

    Both are sums of fewer than 10^4 terms of moderate size in double precision: 10^-9 of the largest entry is far
    above rounding (10^4 * 10^-16 * amplification of less than 10^3) and far below any wrong term.
    """
    axes = tuple(sorted(free_indices(target), key=lambda index: index.name))
    here = point.moved(extra or {})
    expected = here.array(target, axes)
    actual = Point(setting, here.sizes, here.values, here.unknown).array(closed, axes)
    scale = max(1.0, float(expected.abs().max()))
    return bool(torch.isfinite(expected).all()) and float((expected - actual).abs().max()) <= 1e-9 * scale
