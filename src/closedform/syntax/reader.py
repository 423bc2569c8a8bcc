"""Reads one statement with the grammar: text in, a small tree out, or an error in plain words."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedInput, VisitError
from lark.visitors import Transformer_NonRecursive

from closedform.syntax import limits
from closedform.syntax import tree as t
from closedform.syntax.complaints import complaint
from closedform.syntax.source import LimitError, Source, Spot

RULES = ("claim", "given", "let", "show", "definition")


def read(source: Source, text: str, rule: str, *, line: int = 1) -> Any:
    """The tree of one statement that stands at ``line`` of ``source``; ``rule`` is a start rule of the grammar.

    Raises:
        ParseError: with what was expected and what came.
    """
    if len(text) > limits.STATEMENT:
        message = f"a statement has at most {limits.STATEMENT:,} characters; this one has {len(text):,}. Name parts of it with let"
        raise source.error(LimitError, Spot(line, 1), message)
    try:
        return _Tree(source, line).transform(_parser().parse(text, start=rule))
    except UnexpectedInput as problem:
        raise complaint(source, text, line, problem) from None
    except VisitError as problem:
        raise problem.orig_exc from None


@cache
def _parser() -> Lark:
    grammar = files("closedform.syntax").joinpath("closedform.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", start=list(RULES), maybe_placeholders=True)


class _Tree(Transformer_NonRecursive):  # type: ignore[type-arg]
    """Lark's tree to ours, bottom up; every method is a rule of the grammar."""

    def __init__(self, source: Source, line: int) -> None:
        super().__init__()
        self._source = source
        self._line = line

    def _spot(self, token: Token) -> Spot:
        return Spot((token.line or 1) + self._line - 1, token.column or 1)

    def _word(self, token: Token) -> t.Word:
        if len(token) > limits.NAME and token.type != "NUMBER":
            raise self._source.error(
                LimitError, self._spot(token), f"a name has at most {limits.NAME} characters; this one has {len(token):,}"
            )
        return t.Word(str(token), self._spot(token))

    def _deeper(self, spot: Spot, *parts: t.Node) -> int:
        depth = 1 + max(part.depth for part in parts)
        if depth > limits.NESTING:
            message = f"at most {limits.NESTING} brackets, signs and exponents may stand inside each other; name inner parts with let"
            raise self._source.error(LimitError, spot, message)
        return depth

    # -- statements -----------------------------------------------------------------------------

    def claim(self, parts: list[Token]) -> t.ClaimLine:
        name, title = parts
        return t.ClaimLine(self._word(name), str(title)[1:-1] if title is not None else "")

    def given(self, parts: list[Any]) -> t.GivenLine:
        shapes, of, where = parts
        return t.GivenLine(tuple(shapes), tuple(of or ()), tuple(where or ()))

    def shapes(self, parts: list[t.Entry]) -> list[t.Entry]:
        return parts

    def dependence(self, parts: list[t.Entry]) -> list[t.Entry]:
        return parts

    def conditions(self, parts: list[t.Condition]) -> list[t.Condition]:
        return parts

    def let(self, parts: list[Any]) -> t.LetLine:
        return t.LetLine(*parts)

    def definition(self, parts: list[Any]) -> t.LetLine:
        return t.LetLine(*parts)

    def show(self, parts: list[t.Node]) -> t.ShowLine:
        return t.ShowLine(*parts)

    # -- conditions -----------------------------------------------------------------------------

    def comparison(self, parts: list[Any]) -> t.Comparison:
        sides, relations = tuple(parts[::2]), tuple(parts[1::2])
        return t.Comparison(sides, relations, self._deeper(relations[0].spot, *sides))

    def relation(self, parts: list[Token]) -> t.Word:
        return self._word(parts[0])

    def membership(self, parts: list[t.Node]) -> t.Member:
        return t.Member(parts[0], tuple(parts[1:]))

    def property(self, parts: list[Any]) -> t.Property:
        return t.Property(*parts)

    def quality(self, parts: list[Token]) -> str:
        return " ".join(parts)

    # -- expressions ----------------------------------------------------------------------------

    def sum(self, parts: list[Any]) -> t.Node:
        if len(parts) == 1:
            return parts[0]
        terms = tuple((str(sign), term) for sign, term in zip(["+", *parts[1::2]], parts[::2], strict=True))
        spot = parts[0].spot
        return t.Terms(terms, spot, self._deeper(spot, *parts[::2]))

    def product(self, parts: list[Any]) -> t.Node:
        if len(parts) == 1:
            return parts[0]
        factors = tuple((str(sign), factor) for sign, factor in zip(["*", *parts[1::2]], parts[::2], strict=True))
        spot = parts[0].spot
        return t.Product(factors, spot, self._deeper(spot, *parts[::2]))

    def signed(self, parts: list[Any]) -> t.Signed:
        spot = self._spot(parts[0])
        return t.Signed(str(parts[0]), parts[1], spot, self._deeper(spot, parts[1]))

    def power(self, parts: list[Any]) -> t.Node:
        base, operator, exponent = parts
        if operator is None:
            return base
        spot = self._spot(operator)
        return t.Power(base, exponent, spot, self._deeper(spot, base, exponent))

    def group(self, parts: list[t.Node]) -> t.Group:
        return t.Group(parts[0], parts[0].spot, self._deeper(parts[0].spot, parts[0]))

    def number(self, parts: list[Token]) -> t.Number:
        return t.Number(self._word(parts[0]))

    def summation(self, parts: list[Any]) -> t.Summation:
        token, body = parts
        spot = self._spot(token)
        # sum_{i2,k}: what stands between the commas, each with its column
        names = [(match[0].strip(), match.start(1)) for match in re.finditer(r"(?<=[{,])\s*([^,}]*)", token)]
        over = tuple(t.Word(name, Spot(spot.line, spot.column + start)) for name, start in names)
        return t.Summation(over, body, spot, self._deeper(spot, body))

    def entries(self, parts: list[t.Entry]) -> t.Node:
        if len(parts) == 1:
            return parts[0]
        return t.SideBySide(tuple(parts), self._deeper(parts[0].spot, *parts))

    def entry(self, parts: list[Any]) -> t.Node:
        name, arguments, at = parts
        word = self._word(name)
        inner = arguments or ()
        return t.Entry(word, arguments, at, self._deeper(word.spot, *inner) if inner else 1)

    def arguments(self, parts: list[t.Node]) -> tuple[t.Node, ...]:
        return tuple(parts)

    def at(self, parts: list[Token | None]) -> tuple[t.Word, ...]:
        return tuple(self._word(token) for token in parts if token is not None)
