"""Givens, lets, and the setting that a claim is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, Indexed, Symbol

from closedform.errors import DimensionError, NotationError
from closedform.notation.constraints import Constraint, Membership, Relation, SizeRelation
from closedform.notation.expressions import det, free_indices, inv, logdet
from closedform.notation.tensors import Dim, Index, NamedTensor, head_name, shape_text


@dataclass(frozen=True)
class Given:
    """An input: a tensor or scalar, with what is known of it.

    Attributes:
        symbol: from :func:`tensor` or :func:`scalar`.
        doc: what it is, in a few words, for docstrings and reports.
        where: constraints that name it, and others given before it; they restrict where a claim must hold, entries are
            still differentiated as independent.
        of: names what this one is an *unknown* smooth function of, such as a feature extractor e = f(x; theta),
            or a loss of a let; its Jacobian and second derivatives are arbitrary.
        each: the dimensions that the function maps over, such as the batch: entry b of its value depends on entry b
            of each source that has the dimension.
        classes: kernels also take integer class indices, which stand for one-hot rows.
    """

    symbol: NamedTensor | Symbol
    doc: str = ""
    where: tuple[Constraint, ...] = ()
    of: tuple[NamedTensor | Symbol, ...] = ()
    classes: bool = False
    each: tuple[Dim, ...] = ()

    def __post_init__(self) -> None:
        for dim in self.each:
            if self.dims.count(dim) != 1 or any(getattr(source, "dims", ()).count(dim) > 1 for source in self.of):
                raise NotationError(
                    f"{self.name} cannot be a function for each {dim.name}: it must have that dimension once, and a source at most once"
                )
        for constraint in self.where:
            names = _restricted(constraint)
            if names and self.name not in names:
                listed = ", ".join(sorted(names))
                raise NotationError(f"a constraint on {listed} stands with {self.name}; state it where {listed} is given")

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
            raise NotationError(
                f"the definition of {self.name} has the free index {names} that its left side lacks; sum over it or add it on the left"
            )

    @property
    def name(self) -> str:
        return head_name(self.head)

    @property
    def symbol(self) -> NamedTensor | Symbol:
        return self.head.base if isinstance(self.head, Indexed) else self.head

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
        for item in self.items():
            if item.name in known:
                raise NotationError(f"{item.name} is defined twice; give one of them another name")
            if isinstance(item, Let):
                check_names(item.body, known, f"the definition of {item.name}")
            known[item.name] = item.symbol
        self._check_sources(known)
        for given in self.given:
            for constraint in given.where:
                if isinstance(constraint, Relation):
                    check_names(constraint.lhs, known, f"a constraint on {given.name}")
                    check_names(constraint.rhs, known, f"a constraint on {given.name}")

    def _check_sources(self, known: dict[str, Any]) -> None:
        """Unknown functions are of names that exist, and nothing is a function of itself."""
        before = {let.name: set(_symbols(let.body)) for let in self.lets}
        for given in self.given:
            for source in given.of:
                if source.name not in before:
                    raise NotationError(f"{given.name} is a function of {source.name}, which is not given before it and is no let")
                if known[source.name] != source:
                    was = _described(known[source.name])
                    raise DimensionError(f"{given.name} is a function of {_described(source)}, but it was defined as {was}")
            before[given.name] = {source.name for source in given.of}
        for given in (item for item in self.given if item.of):
            reached, todo = set[str](), [given.name]
            while todo:
                new = before[todo.pop()] - reached
                reached |= new
                todo += sorted(new)
            if given.name in reached:
                raise NotationError(f"{given.name} is a function of itself, through {', '.join(sorted(before[given.name]))}")

    @property
    def dims(self) -> tuple[Dim, ...]:
        """Every dimension of the givens and lets, in order of appearance, and of conditions on sizes."""
        own = (dim for item in self.items() for dim in item.dims)
        relations = (c for c in self.constraints if isinstance(c, SizeRelation))
        compared = (dim for c in relations for dim in sorted(c.lhs.free_symbols | c.rhs.free_symbols, key=str) if isinstance(dim, Dim))
        return tuple(dict.fromkeys((*own, *compared)))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        return tuple(constraint for given in self.given for constraint in given.where)

    def items(self) -> tuple[Given | Let, ...]:
        """The givens, then the lets."""
        return (*self.given, *self.lets)

    def about(self, *expressions: Expr) -> Setting:
        """The part of the setting that expressions are about: what they name, what that is made of, and what it is tied to.

        A given that is not named is kept if one of its constraints mentions a name that is, or compares sizes: it may restrict
        what is named.
        """
        reached: set[str] = set()
        todo = {name for expression in expressions for name in _symbols(sympy.sympify(expression))}
        while todo:
            reached |= todo
            todo = {name for item in self.items() for name in _tied(item, reached)} - reached
        return Setting(
            tuple(given for given in self.given if given.name in reached),
            tuple(let for let in self.lets if let.name in reached),
        )

    def symbols(self) -> dict[str, NamedTensor | Symbol]:
        """Every name with its symbol."""
        return {item.name: item.symbol for item in self.items()}

    def let(self, name: str) -> Let | None:
        """The let of that name, or None."""
        return next((item for item in self.lets if item.name == name), None)


def check_names(expression: Any, known: dict[str, Any], what: str) -> None:
    """Raise NotationError unless every tensor and scalar of the expression is ``known``."""
    expression = sympy.sympify(expression)
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
        raise NotationError(f"{what} is not a real number: it contains {expression}")
    for tensor in _without_indices(expression):
        raise NotationError(f"{what} uses {tensor.name} without indices; it is {_described(tensor)}: give it one index for each axis")
    for name, symbol in sorted(_symbols(expression).items()):
        if name not in known:
            listed = ", ".join(sorted(known)) or "nothing yet"
            raise NotationError(f"{what} uses {name}, which is not defined before it; defined are: {listed}")
        if known[name] != symbol:
            raise DimensionError(f"{what} uses {name} as {_described(symbol)}, but it was defined as {_described(known[name])}")


def _restricted(constraint: Constraint) -> set[str]:
    """The names that a constraint restricts; none if it is about sizes."""
    match constraint:
        case SizeRelation():
            return set()
        case Relation(lhs=lhs, rhs=rhs):
            return {*_symbols(lhs), *_symbols(rhs)}
        case Membership(entry=entry):
            return set(_symbols(entry))
        case _:
            return {constraint.tensor.name}


def _tied(item: Given | Let, reached: set[str]) -> set[str]:
    """The names that come with those ``reached``, as far as this item says."""
    if isinstance(item, Let):
        return set(_symbols(item.body)) if item.name in reached else set()
    mentioned = {name for constraint in item.where for name in _restricted(constraint)}
    compares = any(isinstance(constraint, SizeRelation) for constraint in item.where)
    if item.name in reached or mentioned & reached or compares:
        return {item.name, *mentioned, *(source.name for source in item.of)}
    return set()


@lru_cache(maxsize=4096)
def _symbols(expression: Expr) -> Mapping[str, NamedTensor | Symbol]:
    """The tensors and scalars of an expression by name; remembered, since every setting made from another asks again."""
    bases = {base.name: base for base in expression.atoms(NamedTensor)}
    labels = {base.label for base in expression.atoms(NamedTensor)}
    scalars = {s.name: s for s in expression.atoms(Symbol) - labels if not isinstance(s, Dim | Index)}
    return {**scalars, **bases}


def _without_indices(expression: Expr) -> Iterator[NamedTensor]:
    """Tensors that stand for all of their entries; only functions of whole matrices take them."""
    if isinstance(expression, NamedTensor):
        yield expression
    elif not isinstance(expression, Indexed):
        for argument in expression.args[isinstance(expression, inv | det | logdet) :]:
            yield from _without_indices(argument)


def _described(symbol: NamedTensor | Symbol) -> str:
    return f"{symbol.name}{shape_text(symbol.dims)}" if isinstance(symbol, NamedTensor) else f"the scalar {symbol.name}"
