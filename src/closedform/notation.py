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

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Abs, Expr, Indexed, IndexedBase, KroneckerDelta, Sum, Symbol, cos, cosh, erf, exp, log, pi, sign
from sympy import sin, sinh, sqrt, tanh
from sympy.core.function import Function

from closedform.errors import DimensionError, NotationError

__all__ = [
    "Abs", "Claim", "Constraint", "Derivation", "Dim", "Given", "Index", "InvertibleMatrix", "Let", "Membership",
    "OneHot", "Partial", "PositiveDefiniteMatrix", "Relation", "Setting", "SizeRelation", "SymmetricMatrix", "NamedTensor",
    "cos", "cosh", "delta", "det", "equation", "erf", "exp", "free_indices", "head_name", "indices", "inv", "less",
    "less_equal", "log", "logdet", "maximum", "minimum", "partial", "pi", "positive", "relu", "scalar", "sigmoid",
    "sign", "sin", "sinh", "softplus", "sqrt", "step", "summation", "tanh", "tensor", "where",
]  # fmt: skip

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def _checked_name(name: str, what: str) -> str:
    if not isinstance(name, str) or not NAME.match(name):
        raise NotationError(f"{what} must be a name such as 'z' or 'theta_1' (a letter, then letters, digits, _); got {name!r}")
    return name


# ---------------------------------------------------------------------------------------------
# Dimensions and indices
# ---------------------------------------------------------------------------------------------


class Dim(Symbol):
    """A symbolic size, such as the number of classes ``C``; in a formula it stands for that size."""

    __slots__ = ()

    def __new__(cls, name: str) -> Dim:
        return Symbol.__xnew__(cls, _checked_name(name, "a dimension"), integer=True, positive=True)

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.name,), {}


class Index(Symbol):
    """An index that runs over one dimension, ``Index("i", C)``."""

    __slots__ = ("dim",)
    dim: Dim

    def __new__(cls, name: str, dim: Dim) -> Index:
        if not isinstance(dim, Dim):
            raise NotationError(f"index {name!r} needs a Dim to run over; got {dim!r}")
        index = Symbol.__xnew__(cls, _checked_name(name, "an index"), integer=True)
        index.dim = dim
        return index

    def __getnewargs_ex__(self) -> tuple[tuple[str, Dim], dict[str, Any]]:
        return (self.name, self.dim), {}

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.dim)

    def _sympyrepr(self, printer: Any) -> str:
        return f"Index({self.name!r}, {self.dim.name})"

    def __repr__(self) -> str:
        return f"Index({self.name!r}, {self.dim.name})"


def indices(names: str, dim: Dim) -> tuple[Index, ...]:
    """Indices over one dimension, from a space separated list of names."""
    return tuple(Index(name, dim) for name in names.split())


# ---------------------------------------------------------------------------------------------
# Tensors
# ---------------------------------------------------------------------------------------------


class NamedTensor(IndexedBase):
    """A named real tensor with symbolic shape; ``z[b, c]`` is one of its entries."""

    def __new__(cls, name: str, dims: Sequence[Dim]) -> NamedTensor:
        if not dims or not all(isinstance(dim, Dim) for dim in dims):
            raise NotationError(f"tensor {name!r} needs one Dim per axis, got {dims!r}; a tensor without axes is scalar({name!r})")
        label = Symbol(_checked_name(name, "a tensor"), real=True)
        return IndexedBase.__new__(cls, label, shape=tuple(dims))

    # SymPy rebuilds nodes as func(*args); the arguments of an IndexedBase are (label, shape).
    @property
    def func(self) -> Any:
        return lambda label, shape: NamedTensor(str(label), tuple(shape))

    def __getnewargs_ex__(self) -> tuple[tuple[str, tuple[Dim, ...]], dict[str, Any]]:
        return (self.name, self.dims), {}

    @property
    def name(self) -> str:
        return str(self.label)

    @property
    def dims(self) -> tuple[Dim, ...]:
        return tuple(self.shape)

    def __getitem__(self, entry: Any, **_: Any) -> Indexed:
        at = entry if isinstance(entry, tuple) else (entry,)
        if len(at) != len(self.dims):
            raise DimensionError(f"{self.name} has {len(self.dims)} axes {_shape(self.dims)}; got {len(at)} indices {at}")
        for axis, (index, dim) in enumerate(zip(at, self.dims, strict=True)):
            if not isinstance(index, Index):
                raise NotationError(f"axis {axis} of {self.name} needs an Index over {dim.name}; got {index!r}")
            if index.dim != dim:
                raise DimensionError(
                    f"axis {axis} of {self.name} runs over {dim.name}, but index {index.name} runs over {index.dim.name}; "
                    f"use an index over {dim.name}"
                )
        return Indexed(self, *at)


def _shape(dims: Iterable[Dim]) -> str:
    return "[" + ",".join(dim.name for dim in dims) + "]"


def tensor(name: str, *dims: Dim) -> NamedTensor:
    """A named tensor, ``tensor("W", C, d)``."""
    return NamedTensor(name, dims)


def scalar(name: str) -> Symbol:
    """A named number, such as a temperature."""
    return Symbol(_checked_name(name, "a scalar"), real=True)


def head_name(head: Expr) -> str:
    """The name of a tensor entry, a tensor or a scalar."""
    return head.base.name if isinstance(head, Indexed) else head.name  # type: ignore[attr-defined]


# ---------------------------------------------------------------------------------------------
# Sums, deltas, derivatives
# ---------------------------------------------------------------------------------------------


def delta(i: Index, j: Index) -> Expr:
    """Kronecker delta: 1 where the indices agree, else 0."""
    if not (isinstance(i, Index) and isinstance(j, Index)):
        raise NotationError(f"delta needs two indices; got {i!r} and {j!r}")
    if i.dim != j.dim:
        raise DimensionError(f"delta({i.name},{j.name}) compares an index over {i.dim.name} with one over {j.dim.name}; both must run over one dimension")
    return KroneckerDelta(i, j)


def summation(body: Any, *over: Index) -> Expr:
    """Sum of ``body`` over each index; an index that the body lacks gives the factor of its size."""
    body = sympy.sympify(body)
    for index in over:
        if not isinstance(index, Index):
            raise NotationError(f"a sum runs over indices; got {index!r}")
        if index in body.free_symbols:
            body = Sum(body, (index, 1, index.dim))
        else:
            body = index.dim * body
    return body


class Partial(Function):
    """The derivative of a named entry by named entries: ``Partial(p[i], z[j])``; see :func:`partial`.

    The entries of every given tensor are independent variables; lets depend on them through
    their definitions.
    """

    is_real = True

    @classmethod
    def eval(cls, *args: Expr) -> None:
        return None

    @property
    def target(self) -> Expr:
        return self.args[0]  # type: ignore[return-value]

    @property
    def variables(self) -> tuple[Expr, ...]:
        return self.args[1:]  # type: ignore[return-value]


def partial(target: Expr, *variables: Expr) -> Expr:
    """The derivative of ``target`` by each of ``variables``, e.g. ``partial(L, W[c, i], W[k, j])``."""
    for entry in (target, *variables):
        if not isinstance(entry, Indexed) and not (isinstance(entry, Symbol) and not isinstance(entry, Dim | Index)):
            raise NotationError(f"a derivative is of a named entry by named entries, such as partial(p[i], z[j]); got {entry!r}")
    if not variables:
        raise NotationError("a derivative needs at least one variable to differentiate by")
    return Partial(target, *variables)


# ---------------------------------------------------------------------------------------------
# Functions that SymPy lacks or would rewrite: they stay as the person wrote them
# ---------------------------------------------------------------------------------------------


class _Plain(Function):
    """A real function that is never evaluated on construction."""

    is_real = True

    @classmethod
    def eval(cls, *args: Expr) -> None:
        return None


class sigmoid(_Plain):
    """1 / (1 + exp(-x))."""


class softplus(_Plain):
    """log(1 + exp(x))."""


class relu(_Plain):
    """x for x > 0, else 0."""


class step(_Plain):
    """1 for x > 0, else 0."""


class maximum(_Plain):
    """The larger of its arguments."""


class minimum(_Plain):
    """The smaller of its arguments."""


class less(_Plain):
    """1 where a < b, else 0; the condition of :class:`where`."""


class less_equal(_Plain):
    """1 where a <= b, else 0; the condition of :class:`where`."""


class where(_Plain):
    """where(condition, a, b): a where the condition holds, else b; the other branch is not evaluated."""


class inv(_Plain):
    """inv(A, i, j): entry (i, j) of the inverse of the square matrix A."""


class det(_Plain):
    """Determinant of a square matrix."""


class logdet(_Plain):
    """Logarithm of the absolute value of a determinant."""


def free_indices(expression: Any) -> frozenset[Index]:
    """The indices that occur free in an expression.

    >>> C = Dim("C"); i, k = indices("i k", C); z = tensor("z", C)
    >>> sorted(index.name for index in free_indices(z[i] * summation(z[k], k)))
    ['i']
    """
    return frozenset(symbol for symbol in sympy.sympify(expression).free_symbols if isinstance(symbol, Index))


# ---------------------------------------------------------------------------------------------
# Constraints: what is known of the givens
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Relation:
    """``lhs op rhs`` for every value of its free indices; op is one of ``= != < <= > >=``."""

    op: str
    lhs: Expr
    rhs: Expr

    def __post_init__(self) -> None:
        if self.op not in ("=", "!=", "<", "<=", ">", ">="):
            raise NotationError(f"a relation is one of = != < <= > >=; got {self.op!r}")
        object.__setattr__(self, "lhs", sympy.sympify(self.lhs))
        object.__setattr__(self, "rhs", sympy.sympify(self.rhs))


@dataclass(frozen=True)
class Membership:
    """Every entry is one of finitely many numbers, ``x[a] in {0, 1}``."""

    entry: Expr
    values: tuple[sympy.Rational, ...]


@dataclass(frozen=True)
class OneHot:
    """Along the last axis one entry is 1 and the others are 0."""

    tensor: NamedTensor


@dataclass(frozen=True)
class SymmetricMatrix:
    """A[i,j] = A[j,i]."""

    tensor: NamedTensor


@dataclass(frozen=True)
class InvertibleMatrix:
    """The determinant is not zero."""

    tensor: NamedTensor


@dataclass(frozen=True)
class PositiveDefiniteMatrix:
    """Symmetric, with positive eigenvalues."""

    tensor: NamedTensor


@dataclass(frozen=True)
class SizeRelation:
    """A condition on sizes, ``N >= D``; either side may be a number."""

    op: str
    lhs: Expr
    rhs: Expr


Constraint = Relation | Membership | OneHot | SymmetricMatrix | InvertibleMatrix | PositiveDefiniteMatrix | SizeRelation


def positive(entry: Expr) -> Relation:
    """The constraint ``entry > 0``."""
    return Relation(">", entry, sympy.S.Zero)


def equation(lhs: Any, rhs: Any) -> Relation:
    """The constraint ``lhs = rhs``, for every value of the free indices."""
    return Relation("=", lhs, rhs)


# ---------------------------------------------------------------------------------------------
# Givens, lets, claims, derivations
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """An input: a tensor or scalar, with what is known of it.

    Attributes:
        symbol: from :func:`tensor` or :func:`scalar`.
        doc: what it is, in a few words, for docstrings and reports.
        where: constraints; they restrict where a claim must hold, entries are still
            differentiated as independent.
        of: names the givens that this one is an *unknown* smooth function of, such as a
            feature extractor e = f(x; theta); its Jacobian and second derivatives are arbitrary.
        classes: kernels also take integer class indices, which stand for one-hot rows.
    """

    symbol: NamedTensor | Symbol
    doc: str = ""
    where: tuple[Constraint, ...] = ()
    of: tuple[NamedTensor | Symbol, ...] = ()
    classes: bool = False

    @property
    def name(self) -> str:
        return self.symbol.name

    @property
    def dims(self) -> tuple[Dim, ...]:
        return self.symbol.dims if isinstance(self.symbol, NamedTensor) else ()


@dataclass(frozen=True)
class Let:
    """A named intermediate, ``Let(p[i], exp(z[i]) / ...)``: defined for every value of its indices.

    ``spelling`` is how text writes it where that is not its name, such as ``softmax(z)`` for ``softmax_z``.
    """

    head: Expr
    body: Expr
    doc: str = ""
    spelling: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", sympy.sympify(self.body))
        if isinstance(self.head, Indexed):
            if len(set(self.indices)) != len(self.indices):
                raise NotationError(f"the definition of {self.name} repeats an index; use a different index for each axis")
        elif not isinstance(self.head, Symbol) or isinstance(self.head, Dim | Index):
            raise NotationError(f"a let defines a tensor entry or a scalar; got {self.head!r}")
        loose = free_indices(self.body) - set(self.indices)
        if loose:
            names = ", ".join(sorted(index.name for index in loose))
            raise NotationError(f"the definition of {self.name} has the free index {names} that its left side lacks; sum over it or add it on the left")

    @property
    def name(self) -> str:
        return head_name(self.head)

    @property
    def symbol(self) -> NamedTensor | Symbol:
        return self.head.base if isinstance(self.head, Indexed) else self.head  # type: ignore[return-value]

    @property
    def indices(self) -> tuple[Index, ...]:
        return tuple(self.head.indices) if isinstance(self.head, Indexed) else ()

    @property
    def dims(self) -> tuple[Dim, ...]:
        return tuple(index.dim for index in self.indices)


@dataclass(frozen=True)
class Setting:
    """What a claim is about: the givens, and the lets in the order in which they are defined."""

    given: tuple[Given, ...]
    lets: tuple[Let, ...] = ()

    def __post_init__(self) -> None:
        known: dict[str, Any] = {}
        for item in (*self.given, *self.lets):
            if item.name in known:
                raise NotationError(f"{item.name} is defined twice; give one of them another name")
            if isinstance(item, Let):
                check_names(item.body, known, f"the definition of {item.name}")
            else:
                for source in item.of:
                    if source.name not in known:
                        raise NotationError(f"{item.name} is a function of {source.name}, which is not given before it")
            known[item.name] = item.symbol
        for given in self.given:
            for constraint in given.where:
                if isinstance(constraint, Relation):
                    check_names(constraint.lhs, known, f"a constraint on {given.name}")
                    check_names(constraint.rhs, known, f"a constraint on {given.name}")

    @property
    def dims(self) -> tuple[Dim, ...]:
        """Every dimension of the givens and lets, in order of appearance."""
        return tuple(dict.fromkeys(dim for item in (*self.given, *self.lets) for dim in item.dims))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        return tuple(constraint for given in self.given for constraint in given.where)

    def symbols(self) -> dict[str, NamedTensor | Symbol]:
        """Every name with its symbol."""
        return {item.name: item.symbol for item in (*self.given, *self.lets)}

    def let(self, name: str) -> Let | None:
        """The let of that name, or None."""
        return next((item for item in self.lets if item.name == name), None)


def check_names(expression: Any, known: dict[str, Any], what: str) -> None:
    """Raise NotationError unless every tensor and scalar of the expression is ``known``."""
    expression = sympy.sympify(expression)
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
        raise NotationError(f"{what} is not a real number: it contains {expression}")
    bases = {base.name: base for base in expression.atoms(NamedTensor)}
    labels = {base.label for base in expression.atoms(NamedTensor)}
    scalars = {s.name: s for s in expression.atoms(Symbol) - labels if not isinstance(s, Dim | Index)}
    for name, symbol in sorted({**scalars, **bases}.items()):
        if name not in known:
            listed = ", ".join(sorted(known)) or "nothing yet"
            raise NotationError(f"{what} uses {name}, which is not defined before it; defined are: {listed}")
        if known[name] != symbol:
            raise DimensionError(f"{what} uses {name} as {_described(symbol)}, but it was defined as {_described(known[name])}")


def _described(symbol: NamedTensor | Symbol) -> str:
    return f"{symbol.name}{_shape(symbol.dims)}" if isinstance(symbol, NamedTensor) else f"the scalar {symbol.name}"


@dataclass(frozen=True)
class Claim:
    """``lhs = rhs`` for every value of the free indices; the left side usually is a :class:`Partial`."""

    name: str
    lhs: Expr
    rhs: Expr
    title: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lhs", sympy.sympify(self.lhs))
        object.__setattr__(self, "rhs", sympy.sympify(self.rhs))
        extra = free_indices(self.rhs) - free_indices(self.lhs)
        if extra:
            names = ", ".join(sorted(index.name for index in extra))
            raise NotationError(f"claim {self.name}: the right side has the free index {names} that the left side lacks; sum over it or add it on the left")

    @property
    def free_indices(self) -> tuple[Index, ...]:
        """The free indices of the left side, by dimension and name."""
        return tuple(sorted(free_indices(self.lhs), key=lambda index: (index.dim.name, index.name)))


@dataclass(frozen=True)
class Derivation:
    """One entry of a catalogue: a definition, its claims, and what kernels are made of it.

    Attributes:
        name: module-safe name, also that of the generated modules.
        title: one line.
        given, lets: see :class:`Setting`.
        output: the let that the kernels compute (a tensor or a scalar loss).
        wrt: the givens to differentiate by.
        batch: the dimension over which samples are independent: Hessians come as one block a sample.
        claims: what the source says, to be proved or refuted.
        source: where the formulas come from.
        about: a paragraph for the docstring and the report.
    """

    name: str
    title: str
    given: tuple[Given, ...]
    lets: tuple[Let, ...]
    output: NamedTensor | Symbol
    wrt: tuple[NamedTensor | Symbol, ...]
    claims: tuple[Claim, ...] = ()
    batch: Dim | None = None
    source: str = ""
    about: str = ""
    setting: Setting = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise NotationError(f"a derivation's name is lower case letters, digits and _, as it names a module; got {self.name!r}")
        setting = Setting(tuple(self.given), tuple(self.lets))
        object.__setattr__(self, "setting", setting)
        known = setting.symbols()
        if setting.let(self.output.name) is None:
            raise NotationError(f"derivation {self.name}: output {self.output.name} is not one of its lets")
        for symbol in self.wrt:
            if known.get(symbol.name) != symbol or setting.let(symbol.name) is not None:
                raise NotationError(f"derivation {self.name}: wrt {symbol.name} is not one of its givens")
        seen: set[str] = set()
        for claim in self.claims:
            if claim.name in seen:
                raise NotationError(f"derivation {self.name}: two claims are named {claim.name}")
            seen.add(claim.name)
            check_names(claim.lhs, known, f"claim {claim.name}")
            check_names(claim.rhs, known, f"claim {claim.name}")


