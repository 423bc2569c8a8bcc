"""What the parts of a formula mean: names looked up, indices unified, expressions made in the end.

Resolving a formula finds every mistake of names and ranks and joins the dimensions of its indices;
the SymPy expression is made afterwards, by calling what :meth:`Resolver.formula` returns, when the
whole block has been read and every dimension is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sympy
from sympy import Expr, S

from closedform.notation import NamedTensor, delta, det, inv, less, less_equal, logdet, summation
from closedform.syntax import limits
from closedform.syntax import tree as t
from closedform.syntax.arithmetic import Arithmetic
from closedform.syntax.axes import Axis, Place
from closedform.syntax.derivatives import derivative
from closedform.syntax.elsewhere import instead
from closedform.syntax.scope import Deferred, Known, Names, Scope, stand
from closedform.syntax.source import LimitError, Source, Spot, TextDimensionError, TextNotationError
from closedform.syntax.vocabulary import FUNCTIONS, MATRIX_FUNCTIONS, RESERVED, ROW_FUNCTIONS, suggestion

INDEX = re.compile(r"[a-z][a-z0-9_]*\Z")
LETTERS = re.compile(r"(?:[a-z][0-9]*)+\Z")
RowFunction = Callable[["Resolver", t.Entry, Scope], Known]


class Resolver:
    """Resolves the formulas of one statement."""

    def __init__(self, names: Names, source: Source, row_function: RowFunction) -> None:
        self.names = names
        self.source = source
        self.arithmetic = Arithmetic(source)
        self._row_function = row_function
        # within softmax(...) a tensor stands without indices; these are then meant
        self.whole: tuple[Place, ...] | None = None

    def error(self, spot: Spot, message: str) -> Exception:
        """A mistake in what the text means."""
        return self.source.error(TextNotationError, spot, message)

    def formula(self, node: t.Node, scope: Scope) -> Deferred:
        """The meaning of an expression."""
        match node:
            case t.Number():
                value = self.arithmetic.number(node.word.text, node.spot)
                return lambda: value
            case t.Entry():
                return self._entry(node, scope)
            case t.SideBySide():
                return self._side_by_side(node)
            case t.Signed():
                return self._signed(node, scope)
            case t.Power():
                base, exponent = self.formula(node.base, scope), self.formula(node.exponent, scope)
                return lambda: self.arithmetic.power(base(), exponent(), node.spot)
            case t.Product():
                return self._product(node, scope)
            case t.Terms():
                terms = [(sign, self.formula(term, scope)) for sign, term in node.terms]
                return lambda: self.arithmetic.add([-term() if sign == "-" else term() for sign, term in terms], node.spot)
            case t.Group():
                return self.formula(node.inner, scope)
            case t.Summation():
                return self._sum(node.over, node.body, scope, node.spot)
            case t.Comparison():
                return self._comparison(node, scope)

    # -- arithmetic -----------------------------------------------------------------------------

    def _signed(self, node: t.Signed, scope: Scope) -> Deferred:
        operand = self.formula(node.operand, scope)
        return operand if node.sign == "+" else lambda: self.arithmetic.multiply([S.NegativeOne, operand()], node.spot)

    def _product(self, node: t.Product, scope: Scope) -> Deferred:
        factors = self._factors(node, scope)

        def make() -> Expr:
            power = self.arithmetic.power
            values = [value() if sign == "*" else power(value(), S.NegativeOne, spot) for sign, value, spot in factors]
            return self.arithmetic.multiply(values, node.spot)

        return make

    def _factors(self, node: t.Product, scope: Scope) -> list[tuple[str, Deferred, Spot]]:
        """The factors with * or / before each; a divisor's factors are inverted one by one: a/(b*c) is a/b/c."""
        factors: list[tuple[str, Deferred, Spot]] = []
        parts = iter(zip(node.factors, [*node.factors[1:], ("", None)], strict=True))
        for (sign, signed), (next_sign, below) in parts:
            # the minus of -dp[i]/dz[j] belongs to the whole derivative
            part, negative = _unsigned(signed)
            if negative:
                factors.append(("*", _minus_one, part.spot))
            whole = derivative(self, part, below, scope) if next_sign == "/" and below is not None else None
            if whole is not None:
                next(parts)
                factors.append((sign, whole, part.spot))
            elif sign == "/" and isinstance(part, t.Group) and isinstance(part.inner, t.Product):
                inner = self._factors(part.inner, scope)
                factors += [("*" if own == "/" else "/", value, spot) for own, value, spot in inner]
            else:
                factors.append((sign, self.formula(part, scope), part.spot))
        return factors

    def _comparison(self, node: t.Comparison, scope: Scope) -> Deferred:
        """1 where all its relations hold, else 0."""
        for relation in node.relations:
            if relation.text in ("=", "==", "!="):
                advice = "Real numbers are hardly ever equal; for labels of 0 and 1 write y[n] > 1/2, for equal indices delta(i,j)"
                raise self.error(relation.spot, f"a condition compares with < <= > >=; got {relation.text}. {advice}")
        for side in node.sides:
            if isinstance(side, t.Entry) and side.arguments is None and side.at is None and self._means_index(side.name, scope):
                mask = "give a mask: given m[N,N] where m[i,j] in {0, 1}, and the factor m[i,j]"
                raise self.error(side.spot, f"a condition compares numbers, and {side.name} is an index; {mask}")
        sides = [self.formula(side, scope) for side in node.sides]

        def make() -> Expr:
            values = [side() for side in sides]
            pairs = zip(node.relations, values[:-1], values[1:], strict=True)
            return self.arithmetic.multiply([_relation(word.text, a, b) for word, a, b in pairs], node.spot)

        return make

    def _means_index(self, name: str, scope: Scope) -> bool:
        """Whether a name without brackets is that of an index of this formula, and of nothing else."""
        return name not in self.names.known and name not in self.names.dims and scope.has(name)

    def _side_by_side(self, node: t.SideBySide) -> Deferred:
        first, second = node.entries[:2]
        if first.name == "sum" or first.name.startswith("sum_"):
            raise self.error(first.spot, f"a sum has its terms in brackets: write {first.name}(...)")
        if first.name in FUNCTIONS:
            raise self.error(first.spot, f"{first.name} is a function; write {first.name}(...)")
        message = f"expected an operator between {first.name} and {second.name}; to multiply, write *"
        raise self.error(second.spot, message)

    # -- names ----------------------------------------------------------------------------------

    def _entry(self, node: t.Entry, scope: Scope) -> Deferred:
        if node.name == "delta":
            return self._delta(node, scope)
        if node.arguments is not None:
            return self._call(node, scope)
        if node.at is None:
            return self._bare(node)
        return self._indexed(self.tensor(node), node, scope)

    def tensor(self, node: t.Entry) -> Known:
        """The tensor of that name."""
        item = self.names.known.get(node.name)
        if item is None:
            raise self.unknown(node)
        if not item.axes:
            what = f"write it without [{_listed(node.at)}]" if node.at is not None else "a tensor is needed here"
            raise self.error(node.spot, f"{node.name} is a scalar; {what}")
        return item

    def _indexed(self, item: Known, node: t.Entry, scope: Scope) -> Deferred:
        places = self.places(node.at or (), scope)
        self.along(item, places, node)
        return lambda: self.tensor_of(item)[tuple(place.index() for place in places)]

    def along(self, item: Known, places: tuple[Place, ...], node: t.Entry) -> None:
        """Let indices stand along the axes of a tensor."""
        shown = f"{node.name}[{_listed(node.at)}]" if node.at else f"{item.name}[{','.join(place.name for place in places)}]"
        if len(places) != len(item.axes):
            count = "1 axis" if len(item.axes) == 1 else f"{len(item.axes)} axes"
            message = f"{item.name}{item.shape()} has {count}; got {len(places)} in {shown}"
            raise self.source.error(TextDimensionError, node.spot, message)
        for axis, (place, along) in enumerate(zip(places, item.axes, strict=True), 1):
            spot = node.at[axis - 1].spot if node.at else node.spot
            what = f"axis {axis} of {item.name}{item.shape()}" if len(item.axes) > 1 else f"{item.name}{item.shape()}"
            stand(place, along, what, shown, self.source, spot)

    def places(self, words: tuple[t.Word, ...], scope: Scope) -> tuple[Place, ...]:
        """The indices in square brackets."""
        return tuple(scope.find(self.index_name(word), self.source, word.spot) for word in words)

    def index_name(self, word: t.Word) -> str:
        """The name of an index, checked."""
        if INDEX.match(word.text):
            return word.text
        if not word.text:
            raise self.error(word.spot, "an index is missing here")
        why = "Fixed positions have no notation" if word.text[0].isdigit() else "Capitals name dimensions"
        if re.search(r"[<>=]", word.text):
            why = "A sum runs over a whole dimension; give a mask for a part of it: m[i,j] in {0, 1}, and the factor m[i,j]"
        raise self.error(word.spot, f"an index is a lower-case letter, such as i or i2; got {word.text}. {why}")

    def _bare(self, node: t.Entry) -> Deferred:
        item = self.names.known.get(node.name)
        if item is not None and item.axes:
            if self.whole is None:
                letters = ",".join("ijklmn"[n % 6] for n in range(len(item.axes)))
                raise self.error(node.spot, f"{item.described()} is a tensor; write an entry of it, such as {item.name}[{letters}]")
            whole = self.whole
            if len(whole) != len(item.axes):
                axes = "1 axis" if len(whole) == 1 else f"{len(whole)} axes"
                message = (
                    f"{item.described()} does not fit the indices of the call, which are for {axes}; softmax and "
                    "log_softmax take an index for each axis, logsumexp for each but the last"
                )
                raise self.source.error(TextDimensionError, node.spot, message)
            self.along(item, whole, node)
            return lambda: self.tensor_of(item)[tuple(place.index() for place in whole)]
        if item is not None:
            symbol = item.symbol
            return lambda: symbol
        if node.name in self.names.dims:
            return lambda: self.names.dims[node.name]
        if node.name == "pi":
            return lambda: sympy.pi
        raise self.unknown(node)

    def unknown(self, node: t.Entry) -> Exception:
        """An error for a name that nothing has."""
        name = node.name
        if name in FUNCTIONS or name in MATRIX_FUNCTIONS or name in ROW_FUNCTIONS:
            return self.error(node.spot, f"{name} is a function; write {name}(...)")
        if name in RESERVED or name.startswith("sum_"):
            return self.error(node.spot, f"{name} is a word of the notation; a sum is written sum_k(...), a delta delta(i,j)")
        if re.fullmatch(r"d[0-9]*(.+)", name) and re.sub(r"\Ad[0-9]*", "", name) in self.names.known:
            return self.error(node.spot, f"{name} stands above the bar of a derivative only: write {name}/dz[i] with a given z")
        near = suggestion(name, [*self.names.known, *self.names.dims])
        kind = "dimension or scalar" if name[0].isupper() and node.at is None else "tensor" if node.at is not None else "scalar"
        return self.error(node.spot, f"there is no {kind} {name}{near}; {self.names.listed()}")

    def tensor_of(self, item: Known) -> NamedTensor:
        """The tensor's symbol, once its dimensions are known."""
        symbol = item.symbol
        assert isinstance(symbol, NamedTensor)
        return symbol

    # -- functions ------------------------------------------------------------------------------

    def _call(self, node: t.Entry, scope: Scope) -> Deferred:
        name, arguments = node.name, node.arguments or ()
        if name == "sum" or name.startswith("sum_"):
            return self._named_sum(node, scope)
        if name in MATRIX_FUNCTIONS:
            return self._of_matrix(node, scope)
        if name in ROW_FUNCTIONS:
            item = self._row_function(self, node, scope)
            return self._indexed(item, node, scope) if item.axes else lambda: item.symbol
        if name not in FUNCTIONS:
            raise self._no_function(node)
        if node.at is not None:
            raise self.error(node.at[0].spot if node.at else node.spot, f"{name}(...) has no indices; write them on the tensors inside it")
        make, least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            count = f"{least}" if least == most else f"{least} to {most}"
            raise self.error(node.spot, f"{name} takes {count} argument{'s' if most > 1 else ''}; got {len(arguments)}")
        if name == "where" and not _is_condition(arguments[0]):
            raise self.error(arguments[0].spot, "the first argument of where is a condition, such as x[i] <= 0 or (0 < x[i])*(x[i] < 1)")
        values = [self.formula(argument, scope) for argument in arguments]
        return lambda: self.arithmetic.call(make, [value() for value in values], node.spot)

    def _no_function(self, node: t.Entry) -> Exception:
        name = node.name
        if name in self.names.known or name in self.names.dims or name == "pi":
            return self.error(node.spot, f"{name} is not a function; to multiply, write {name}*(...); an entry is {name}[i]")
        known = [*FUNCTIONS, *ROW_FUNCTIONS, *MATRIX_FUNCTIONS]
        near = f"; {advice}" if (advice := instead(name)) else suggestion(name, known)
        return self.error(node.spot, f"there is no function {name}{near}. Functions are {', '.join(known)}; sums are sum_k(...)")

    def _named_sum(self, node: t.Entry, scope: Scope) -> Deferred:
        letters = node.name[len("sum_") :]
        if not LETTERS.match(letters):
            raise self.error(node.spot, f"a sum names its indices: sum_k(...), sum_kl(...) or sum_{{i2,k}}(...); got {node.name}(...)")
        if node.at is not None or len(node.arguments or ()) != 1:
            raise self.error(node.spot, f"a sum has one expression in its brackets; got {node.name} with {len(node.arguments or ())}")
        column = node.spot.column + len("sum_")
        over = tuple(t.Word(match[0], Spot(node.spot.line, column + match.start())) for match in re.finditer(r"[a-z][0-9]*", letters))
        return self._sum(over, (node.arguments or ())[0], scope, node.spot)

    def _sum(self, over: tuple[t.Word, ...], body: t.Node, scope: Scope, spot: Spot) -> Deferred:
        names = [self.index_name(word) for word in over]
        if not names or len(set(names)) != len(names):
            raise self.error(spot, "a sum runs over at least one index, each named once, as in sum_kl(...) or sum_{i2,k}(...)")
        if len(names) > limits.AXES:
            raise self.source.error(LimitError, spot, f"a sum runs over at most {limits.AXES} indices; nest sums")
        if scope.sums >= limits.SUMS:
            raise self.source.error(LimitError, spot, f"at most {limits.SUMS} sums may stand inside each other; name inner ones with let")
        places = [Place(name, Axis(), self.source, word.spot) for name, word in zip(names, over, strict=True)]
        inner = self.formula(body, scope.inside(places))
        return lambda: self.arithmetic.add([summation(inner(), *(place.index() for place in reversed(places)))], spot)

    def _delta(self, node: t.Entry, scope: Scope) -> Deferred:
        arguments = node.arguments or ()
        plain = [argument for argument in arguments if isinstance(argument, t.Entry) and argument.arguments is None and argument.at is None]
        if len(arguments) != 2 or len(plain) != 2 or node.at is not None:
            raise self.error(node.spot, "delta takes two indices, as in delta(i,j)")
        first, second = self.places(tuple(argument.word for argument in plain), scope)
        shown = f"delta({first.name},{second.name})"
        clash = first.axis.join(second.axis, f"in {shown} ({self.source.place(node.spot)})")
        if clash is not None:
            mine, theirs = clash
            first_why, second_why = first.axis.why or mine.why, second.axis.why or theirs.why
            runs = f"{first.name} runs over {mine.dim} {first_why}, {second.name} over {theirs.dim} {second_why}"
            message = f"{shown} compares indices of different dimensions: {runs}"
            raise self.source.error(TextDimensionError, node.spot, message)
        return lambda: delta(first.index(), second.index())

    def _of_matrix(self, node: t.Entry, scope: Scope) -> Deferred:
        item = self._matrix(node)
        if node.name != "inv":
            if node.at is not None:
                raise self.error(node.spot, f"{node.name}(...) is a number; write it without indices")
            make = det if node.name == "det" else logdet
            return lambda: make(self.tensor_of(item))
        if node.at is None or len(node.at) != 2:
            raise self.error(node.spot, f"an inverse is used by its entries: inv({item.name})[i,j]")
        places = self.places(node.at, scope)
        for place, axis, word in zip(places, item.axes, node.at, strict=True):
            stand(place, axis, f"inv({item.name})", f"inv({item.name})[{_listed(node.at)}]", self.source, word.spot)
        return lambda: inv(self.tensor_of(item), *(place.index() for place in places))

    def _matrix(self, node: t.Entry) -> Known:
        """The square matrix that inv, det and logdet take by its name."""
        arguments = node.arguments or ()
        name = arguments[0] if len(arguments) == 1 else None
        if not isinstance(name, t.Entry) or name.arguments is not None or name.at is not None:
            raise self.error(node.spot, f"{node.name} takes the name of one square matrix, as in {node.name}(A); define it with let first")
        item = self.tensor(name)
        if len(item.axes) != 2 or item.axes[0].join(item.axes[1], f"in {node.name}({item.name})"):
            raise self.source.error(TextDimensionError, name.spot, f"{node.name} takes a square matrix; got {item.described()}")
        return item


def _unsigned(node: t.Node) -> tuple[t.Node, bool]:
    """The operand below all signs, and whether they make it negative."""
    negative = False
    while isinstance(node, t.Signed):
        negative ^= node.sign == "-"
        node = node.operand
    return node, negative


def _minus_one() -> Expr:
    return S.NegativeOne


def _relation(sign: str, left: Expr, right: Expr) -> Expr:
    if sign in (">", ">="):
        left, right = right, left
    return less(left, right) if sign in ("<", ">") else less_equal(left, right)


def _is_condition(node: t.Node) -> bool:
    """A comparison, or a product of comparisons in brackets: all of them hold."""
    match node:
        case t.Comparison():
            return True
        case t.Group():
            return _is_condition(node.inner)
        case t.Product():
            return all(sign == "*" and _is_condition(factor) for sign, factor in node.factors)
    return False


def _listed(words: tuple[t.Word, ...] | None) -> str:
    return ",".join(word.text for word in words or ())
