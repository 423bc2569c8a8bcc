"""What the grammar finds in a statement, before names mean anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from closedform.syntax.source import Spot


@dataclass(frozen=True)
class Word:
    """A name or a number as written."""

    text: str
    spot: Spot


@dataclass(frozen=True)
class Number:
    """An unsigned number as written."""

    word: Word
    depth: int = 1

    @property
    def spot(self) -> Spot:
        return self.word.spot


@dataclass(frozen=True)
class Entry:
    """``z``, ``z[b,c]``, ``exp(x)`` or ``inv(A)[i,j]``."""

    word: Word
    arguments: tuple[Node, ...] | None
    at: tuple[Word, ...] | None
    depth: int = 1

    @property
    def name(self) -> str:
        return self.word.text

    @property
    def spot(self) -> Spot:
        return self.word.spot


@dataclass(frozen=True)
class SideBySide:
    """Entries without an operator between them, as below the bar of a derivative: ``dW[c,d]dW[k,e]``."""

    entries: tuple[Entry, ...]
    depth: int

    @property
    def spot(self) -> Spot:
        return self.entries[0].spot


@dataclass(frozen=True)
class Signed:
    """``-x`` or ``+x``."""

    sign: str
    operand: Node
    spot: Spot
    depth: int


@dataclass(frozen=True)
class Power:
    """``base^exponent``; ``spot`` is that of the operator."""

    base: Node
    exponent: Node
    spot: Spot
    depth: int


@dataclass(frozen=True)
class Product:
    """Factors with the operator before each, ``*`` for the first; ``spots`` are those of the operators."""

    factors: tuple[tuple[str, Node], ...]
    spot: Spot
    depth: int


@dataclass(frozen=True)
class Terms:
    """Terms with the sign before each, ``+`` for the first."""

    terms: tuple[tuple[str, Node], ...]
    spot: Spot
    depth: int


@dataclass(frozen=True)
class Group:
    """An expression in round brackets."""

    inner: Node
    spot: Spot
    depth: int


@dataclass(frozen=True)
class Summation:
    """``sum_kl(body)`` or ``sum_{i2,k}(body)``."""

    over: tuple[Word, ...]
    body: Node
    spot: Spot
    depth: int


@dataclass(frozen=True)
class Comparison:
    """``a < b <= c``: sides and the relations between them."""

    sides: tuple[Node, ...]
    relations: tuple[Word, ...]
    depth: int

    @property
    def spot(self) -> Spot:
        return self.relations[0].spot


Node = Number | Entry | SideBySide | Signed | Power | Product | Terms | Group | Summation | Comparison


@dataclass(frozen=True)
class Member:
    """``x[a] in {0, 1}``."""

    entry: Node
    values: tuple[Node, ...]

    @property
    def spot(self) -> Spot:
        return self.entry.spot


@dataclass(frozen=True)
class Property:
    """``y onehot``, ``A positive definite``."""

    entry: Entry
    quality: str

    @property
    def spot(self) -> Spot:
        return self.entry.spot


Condition = Comparison | Member | Property


@dataclass(frozen=True)
class ClaimLine:
    """``claim NAME "title"``."""

    name: Word
    title: str


@dataclass(frozen=True)
class GivenLine:
    """``given X[C,d], y of theta where ...``."""

    shapes: tuple[Entry, ...]
    of: tuple[Entry, ...]
    where: tuple[Condition, ...]


@dataclass(frozen=True)
class LetLine:
    """``let p[i] = ...``; head is None where a definition names nothing."""

    head: Entry | None
    body: Node


@dataclass(frozen=True)
class ShowLine:
    """``show lhs = rhs``."""

    lhs: Node
    rhs: Node


Line = ClaimLine | GivenLine | LetLine | ShowLine


def names(node: Node | Condition | tuple[Node, ...] | None) -> Iterator[str]:
    """The names that occur in an expression or a condition."""
    match node:
        case Entry():
            yield node.name
            yield from names(node.arguments)
        case Signed(operand=inner) | Group(inner=inner) | Summation(body=inner) | Member(entry=inner) | Property(entry=inner):
            yield from names(inner)
        case Power(base=base, exponent=exponent):
            yield from names((base, exponent))
        case Product(factors=parts) | Terms(terms=parts):
            yield from names(tuple(part for _, part in parts))
        case Comparison(sides=parts) | SideBySide(entries=parts):
            yield from names(parts)
        case tuple():
            for part in node:
                yield from names(part)


def pairs(condition: Condition) -> tuple[Condition, ...]:
    """A chain such as ``0 < a < b`` as conditions of two sides each."""
    if not isinstance(condition, Comparison):
        return (condition,)
    sides = zip(condition.sides[:-1], condition.sides[1:], condition.relations, strict=True)
    return tuple(Comparison((left, right), (relation,), condition.depth) for left, right, relation in sides)
