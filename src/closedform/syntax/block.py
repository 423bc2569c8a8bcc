"""One claim's statements, put together: givens, lets and what is shown become notation objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from sympy import Expr, S

from closedform.errors import NotationError, ParseError
from closedform.notation import Claim, Constraint, Dim, Given, Let, NamedTensor, Setting
from closedform.syntax import limits
from closedform.syntax import tree as t
from closedform.syntax.axes import Axis, Place
from closedform.syntax.conditions import condition
from closedform.syntax.resolve import Resolver
from closedform.syntax.rows import Definition, define_row_function, spelled
from closedform.syntax.scope import Deferred, Known, Names, Scope
from closedform.syntax.source import LimitError, Source, Spot, TextNotationError
from closedform.syntax.vocabulary import RESERVED

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class _Input:
    item: Known
    of: tuple[Known, ...]
    where: list[tuple[Source, t.Condition]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Shown:
    lhs: Deferred
    rhs: Deferred
    source: Source
    spot: Spot

    def claim(self, name: str, title: str) -> Claim:
        return Claim(name, _real(self.lhs()), _real(self.rhs()), title)


@dataclass(eq=False)
class Block:
    """Collects the statements of a claim; :meth:`setting` and :meth:`claims` make the result."""

    names: Names = field(default_factory=Names)
    _inputs: list[_Input] = field(default_factory=list)
    _lets: list[Definition] = field(default_factory=list)
    _shown: list[_Shown] = field(default_factory=list)
    _rows: dict[str, Known] = field(default_factory=dict)

    # -- statements -----------------------------------------------------------------------------

    def add(self, line: t.GivenLine | t.LetLine | t.ShowLine, source: Source) -> None:
        """Take in one statement."""
        match line:
            case t.GivenLine():
                self.given(line, source)
            case t.LetLine():
                self.let(line, source)
            case t.ShowLine():
                self.show(line, source)

    def given(self, line: t.GivenLine, source: Source) -> None:
        """``given X[C,d], y of x where ...``; a condition belongs to the last given that it names, else to the last of the statement."""
        if line.of and len(line.shapes) > 1:
            raise source.error(
                TextNotationError, line.of[0].spot, "give an unknown function a statement of its own: given e[D] of x, theta"
            )
        of = tuple(self._input_of(entry, source) for entry in line.of)
        for shape in line.shapes:
            item = Known(self._free_name(shape, source), self._shape(shape, source), "given", source, shape.spot)
            self.names.declare(item)
            self._inputs.append(_Input(item, of))
        for node in (part for whole in line.where for part in t.pairs(whole)):
            named = set(t.names(node))
            owner = next((part for part in reversed(self._inputs) if part.item.name in named), self._inputs[-1])
            owner.where.append((source, node))

    def let(self, line: t.LetLine, source: Source) -> Known:
        """``let p[i] = ...``: defined for every value of the indices on its left side."""
        assert line.head is not None
        head = line.head
        name = self._free_name(head, source)
        resolver = self.resolver(source)
        at = head.at or ()
        if head.at is not None and not at:
            raise source.error(TextNotationError, head.spot, f"write {name} without brackets, or its indices between them")
        _check_axes(at, head, source)
        places = tuple(Place(resolver.index_name(word), Axis(), source, word.spot) for word in at)
        own = {place.name: place for place in places}
        if len(own) < len(places):
            message = f"the left side of the definition of {name} repeats an index; use another index for each axis"
            raise source.error(TextNotationError, head.spot, message)
        hint = f"is not on the left side of the definition of {name}; sum over it, as in sum_k(...), or add it on the left"
        body = resolver.formula(line.body, Scope(own, hint=hint))
        item = Known(name, tuple(place.axis for place in places), "let", source, head.spot)
        self.names.declare(item)
        self._lets.append(Definition(item, places, body))
        return item

    def show(self, line: t.ShowLine, source: Source) -> None:
        """``show lhs = rhs`` for every value of the indices on the left."""
        resolver = self.resolver(source)
        left = Scope(grows=True)
        lhs = resolver.formula(line.lhs, left)
        hint = "is not on the left side of this claim; sum over it, as in sum_k(...), or add it on the left"
        rhs = resolver.formula(line.rhs, Scope(left.indices, hint=hint))
        self._shown.append(_Shown(lhs, rhs, source, line.lhs.spot))

    def resolver(self, source: Source) -> Resolver:
        """A resolver for one statement's formulas."""
        return Resolver(self.names, source, self._row_function)

    def know_spelling(self, item: Known) -> None:
        """Let text use a let under its spelling, such as softmax(z)."""
        self._rows[item.spelling] = item

    def _row_function(self, resolver: Resolver, node: t.Entry, scope: Scope) -> Known:
        spelling = f"{node.name}({', '.join(map(spelled, node.arguments or ()))})"
        if spelling not in self._rows:
            definition = define_row_function(resolver, node)
            self.names.declare(definition.item)
            self._lets.append(definition)
            self._rows[spelling] = definition.item
        return self._rows[spelling]

    # -- the result -----------------------------------------------------------------------------

    def setting(self) -> Setting:
        """The givens and lets."""
        given = tuple(self._given(part) for part in self._inputs)
        lets = tuple(_checked(part.item.source, part.item.spot, partial(_let, part)) for part in self._lets)
        first = self._inputs[0].item if self._inputs else self._lets[0].item if self._lets else None
        if first is None:
            return Setting(())
        return _checked(first.source, first.spot, lambda: Setting(given, lets))

    def claims(self, name: str, title: str) -> tuple[Claim, ...]:
        """What is shown; several equations are numbered name#1, name#2, ..."""
        names = [f"{name}#{n}" for n, _ in enumerate(self._shown, 1)] if len(self._shown) > 1 else [name]
        parts = zip(names, self._shown, strict=False)
        return tuple(_checked(part.source, part.spot, partial(part.claim, own, title)) for own, part in parts)

    def _given(self, part: _Input) -> Given:
        made = [condition(Resolver(self.names, source, _no_row_function), node) for source, node in part.where]
        where: tuple[Constraint, ...] = tuple(constraint for make in made for constraint in make())
        return Given(part.item.symbol, where=where, of=tuple(source.symbol for source in part.of))

    # -- names ----------------------------------------------------------------------------------

    def _free_name(self, entry: t.Entry, source: Source) -> str:
        if entry.arguments is not None:
            message = f"a tensor is declared with square brackets, as in {entry.name}[C], a scalar without"
            raise source.error(TextNotationError, entry.spot, message)
        _check_reserved(entry.word, source)
        return entry.name

    def _shape(self, shape: t.Entry, source: Source) -> tuple[Axis, ...]:
        if shape.at is None:
            return ()
        if not shape.at:
            raise source.error(TextNotationError, shape.spot, f"write {shape.name} for a scalar, {shape.name}[C] for a vector")
        _check_axes(shape.at, shape, source)
        for word in shape.at:
            if word.text[0].isdigit():
                message = f"a dimension has a name, such as C; got {word.text}. Formulas hold for every size"
                raise source.error(TextNotationError, word.spot, message)
            _check_reserved(word, source)
            self.names.dims.setdefault(word.text, Dim(word.text))
        shown = f"{shape.name}[{','.join(word.text for word in shape.at)}]"
        return tuple(Axis(word.text, f"in {shown} ({source.place(word.spot)})") for word in shape.at)

    def _input_of(self, entry: t.Entry, source: Source) -> Known:
        item = self.names.known.get(entry.name)
        if item is None or item.what != "given" or entry.at is not None or entry.arguments is not None:
            message = f"after of stand names that are given before, without indices; got {entry.name}; {self.names.listed()}"
            raise source.error(TextNotationError, entry.spot, message)
        return item


def _check_reserved(word: t.Word, source: Source) -> None:
    if word.text in RESERVED or re.match(r"sum_", word.text):
        raise source.error(TextNotationError, word.spot, f"{word.text} is a word of the notation; choose another name")


def _check_axes(at: tuple[t.Word, ...], entry: t.Entry, source: Source) -> None:
    if len(at) > limits.AXES:
        raise source.error(LimitError, entry.spot, f"a tensor has at most {limits.AXES} axes; {entry.name} has {len(at)}")


def _no_row_function(resolver: Resolver, node: t.Entry, scope: Scope) -> Known:
    raise resolver.error(node.spot, f"a condition on a given has no {node.name}(...); write it with exp, log and sum")


def _let(part: Definition) -> Let:
    symbol = part.item.symbol
    at = tuple(place.index() for place in part.places)
    head = symbol[at] if isinstance(symbol, NamedTensor) else symbol
    return Let(head, _real(part.body()), spelling=part.item.spelling)


def _real(value: Expr) -> Expr:
    """The value; SymPy turns the square root of what is negative into an imaginary number."""
    if value.has(S.ImaginaryUnit, S.ComplexInfinity, S.NaN, S.Infinity, S.NegativeInfinity):
        raise NotationError(f"expected an expression with real values; this one becomes {str(value)[:60]}")
    return value


def _checked(source: Source, spot: Spot, make: Callable[[], Made]) -> Made:
    """What ``make`` makes; the notation's own complaints get the place in the text."""
    try:
        return make()
    except ParseError:
        raise
    except NotationError as problem:
        raise source.error(TextNotationError, spot, str(problem)) from None
