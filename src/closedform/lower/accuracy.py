"""How accurate an array program is: within how many ulp, and of what.

Relative accuracy is lost where numbers of different sign are added, nowhere else. So a program is read from its inputs on:
what is exact, what is right to a few ulp of itself and of known sign, and where a sum may cancel. A result is then right

- to some ulp of each *entry*, where nothing can cancel;
- where something is *added*, to some ulp of the sum of its terms' absolute values, products of sums multiplied out;
- where a direction less its mean, x_i - sum_k p_k x_k, is a factor, it is *centred*: its spread sum_k p_k abs(x_i - x_k) counts in its
  place, as inputs may cancel there, and the spread is what that costs by nature.

Functions see the rounding of their argument enlarged by their slope, and so does a quotient where its denominator may cancel: that
part is not counted, but named.

The levels are those that tests hold the kernels to against ball arithmetic; they are no worst cases, as the worst case of adding n
numbers is n roundoffs, which nothing comes near.

    >>> from closedform.lower.nodes import Input, Map, Row
    >>> p = Row("softmax", Input("z", (Dim("C"),)))
    >>> accuracy(Map("mul", (p, p)))
    Accuracy(factors=2, added=False, centred=False, sign=1, beyond=(), sums=(C,))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sympy import Indexed, Symbol

from closedform.lower import nodes as ir
from closedform.notation import Dim, Given, Membership, Relation, head_name

# Functions that are right to a few ulp of themselves, and the sign of their values (0: not known).
FUNCTIONS = {"exp": 1, "sigmoid": 1, "softplus": 1, "cosh": 1, "log_cosh": 1, "sqrt": 1, "log": 0, "log1p": 0, "pow": 0, "sign": 0}
ODD = ("tanh", "sinh", "erf")  # likewise, of the sign of their argument
LIPSCHITZ = {"abs": 1, "relu": 1}  # no more wrong than their argument
CHOSEN = {"maximum": 1, "minimum": -1}  # one of two numbers, and the sign that one of them is enough for


@dataclass(frozen=True)
class Accuracy:
    """What is known of an array's error.

    Attributes:
        factors: how many inexact factors it is a product of; each may cost 4 ulp.
        added: whether terms are added that may cancel; the error is then relative to the sum of their absolute values.
        centred: whether a direction less its mean is a factor; its spread stands in its place.
        sign: 1 or -1 where all entries have that sign or are 0.
        beyond: arrays whose own rounding is not counted, as functions see it enlarged by their slope.
        sums: dimensions over which terms are added in an order that the library chooses.
    """

    factors: int = 0
    added: bool = False
    centred: bool = False
    sign: int = 0
    beyond: tuple[ir.Node, ...] = ()
    sums: tuple[Dim, ...] = ()

    @property
    def of_entry(self) -> bool:
        """Whether the error is relative to the entry itself."""
        return not (self.added or self.centred)

    @property
    def ulps(self) -> int:
        """The level: 8 ulp for up to two factors; twice that of a spread, as it is centred by a rounded mean."""
        level = 8 * max(1, -(-self.factors // 2))
        return level if self.of_entry else 2 * level


def accuracy(node: ir.Node, givens: Iterable[Given] = ()) -> Accuracy | None:
    """What is known of the error of an array; None where nothing is. ``givens``: what is known of inputs."""
    return _Analysis(frozenset(given.name for given in givens if _is_nonnegative(given))).of(node)


def _is_nonnegative(given: Given) -> bool:
    """Whether a constraint says that all entries are positive or zero."""
    return any(
        min(known.values) >= 0 if isinstance(known, Membership) else _says_nonnegative(known, given.name)
        for known in given.where
        if isinstance(known, Membership | Relation)
    )


def _says_nonnegative(known: Relation, name: str) -> bool:
    entry = isinstance(known.lhs, Indexed | Symbol) and head_name(known.lhs) == name
    every = len(set(known.lhs.args)) == len(known.lhs.args)  # not the diagonal alone
    return entry and every and known.op in (">", ">=") and bool(known.rhs.is_nonnegative)


class _Analysis:
    """Reads each array once."""

    def __init__(self, nonnegative: frozenset[str]) -> None:
        self._known: dict[ir.Node, Accuracy | None] = {}
        self._readers: dict[type[ir.Node], Callable[..., Accuracy | None]] = {
            ir.Input: lambda n: Accuracy(sign=1 if n.name in nonnegative else 0),
            ir.Number: lambda n: Accuracy(sign=-1 if n.value.could_extract_minus_sign() else 1),
            ir.OneHot: lambda n: Accuracy(sign=1),
            ir.View: lambda n: self.of(n.arg),
            ir.Broadcast: lambda n: self.of(n.arg),
            ir.Diagonal: lambda n: self.of(n.arg),
            ir.DiagonalOf: lambda n: self.of(n.values),
            ir.WithDiagonal: self._with_diagonal,
            ir.Laplacian: self._laplacian,
            ir.Map: self._map,
            ir.Reduce: self._reduce,
            ir.Contract: self._contract,
            ir.Row: self._row,
            ir.Complement: lambda n: self.of(n.arg),
            ir.Centred: self._centred,
            ir.CentredColumns: self._centred,
            ir.JacobianProduct: lambda n: self._product(self._centred(n), self.of(n.weights)),
            ir.TimesComplement: lambda n: self._product(self.of(n.arg), self.of(n.arg)),
            ir.Variance: self._variance,
            ir.MinusLabels: self._minus_labels,
            ir.Residual: lambda n: _over(self._function(0, n.arg), n.dims[-1:]),
            ir.AtLabels: self._at_labels,
            ir.LogLikelihood: lambda n: _over(self._function(-1, n.arg), n.labels.dims[-1:]),
        }

    def of(self, node: ir.Node) -> Accuracy | None:
        """What is known of a node."""
        if node not in self._known:
            reader = self._readers.get(type(node))
            self._known[node] = None if reader is None else reader(node)
        return self._known[node]

    def _function(self, sign: int, *arguments: ir.Node) -> Accuracy:
        """What is right to a few ulp of itself, but for the rounding of its arguments, if they are rounded."""
        beyond: list[ir.Node] = []
        for node in arguments:
            stored = node.arg if isinstance(node, ir.View) else node
            known = self.of(stored)
            beyond += (known.beyond if known else ()) + (() if isinstance(stored, ir.Input | ir.Number | ir.OneHot) else (stored,))
        return Accuracy(1, sign=sign, beyond=tuple(dict.fromkeys(beyond)))

    def _row(self, node: ir.Row) -> Accuracy:
        found = self._function({"softmax": 1, "softmax_apart": 1, "log_softmax": -1}.get(node.op, 0), node.arg)
        return _over(replace(found, added=node.op == "logsumexp"), node.arg.dims[-1:])

    def _product(self, first: Accuracy | None, second: Accuracy | None) -> Accuracy | None:
        return first and second and _times(first, second)

    def _centred(self, node: ir.Centred | ir.CentredColumns | ir.JacobianProduct) -> Accuracy:
        found = self._function(0, node.arg)
        return _over(replace(found, centred=True, beyond=_together(found, self.of(node.weights))), node.weights.dims[-1:])

    def _variance(self, node: ir.Variance) -> Accuracy | None:
        weights = self.of(node.weights)
        return weights and _summed(Accuracy(2, added=True, sign=1, beyond=weights.beyond), node.weights.dims[-1:])

    def _minus_labels(self, node: ir.MinusLabels) -> Accuracy | None:
        found = self.of(node.arg)
        return found and replace(found, sign=0, added=not node.stochastic)

    def _at_labels(self, node: ir.AtLabels) -> Accuracy | None:
        found = self.of(node.arg)
        return found and replace(found, added=found.added or not found.sign)

    def _with_diagonal(self, node: ir.WithDiagonal) -> Accuracy | None:
        first, second = self.of(node.arg), self.of(node.values)
        return first and second and replace(_worse(first, second), sign=first.sign if first.sign == second.sign else 0)

    def _laplacian(self, node: ir.Laplacian) -> Accuracy | None:
        found = self.of(node.arg)
        return found and replace(_summed(found, node.dims[:1]), sign=0)

    def _reduce(self, node: ir.Reduce) -> Accuracy | None:
        found = self.of(node.arg)
        return found and _summed(found, tuple(node.arg.dims[axis] for axis in node.axes))

    def _contract(self, node: ir.Contract) -> Accuracy | None:
        left, right = self.of(node.left), self.of(node.right)
        if left is None or right is None:
            return None
        known = dict(zip((*node.left_labels, *node.right_labels), (*node.left.dims, *node.right.dims), strict=True))
        return _summed(_times(left, right), tuple(known[label] for label in known if label not in node.out))

    def _map(self, node: ir.Map) -> Accuracy | None:
        if node.op == "where":
            return self._where(node)
        found = [self.of(arg) for arg in node.args]
        first, second = found[0], found[-1]
        if first is None or second is None:
            return None
        if node.op in LIPSCHITZ:
            return replace(first, sign=LIPSCHITZ[node.op])
        if node.op == "neg":
            return replace(first, sign=-first.sign)
        if node.op in CHOSEN:
            return _chosen(first, second, CHOSEN[node.op])
        if node.op in ("add", "sub"):
            exact = all(isinstance(arg.arg if isinstance(arg, ir.View) else arg, ir.Input) for arg in node.args)
            second = second if node.op == "add" else replace(second, sign=-second.sign)
            return Accuracy() if exact else _plus(first, second)  # inputs are added with one rounding
        if node.op == "mul":
            return _times(first, second)
        return self._quotient_or_power(node, first, second)

    def _quotient_or_power(self, node: ir.Map, first: Accuracy, second: Accuracy) -> Accuracy | None:
        """Operations that keep relative errors; what may have cancelled below them they see as any function does."""
        if node.op == "div":
            return _times(first, second if second.of_entry else self._function(second.sign, node.args[1]))
        if (node.op == "sqrt" and first.of_entry) or (node.op == "log1p" and first.of_entry and first.sign > 0):
            return replace(first, factors=max(1, first.factors), sign=1)
        if node.op == "pow" and isinstance(node.args[1], ir.Number) and node.args[1].value.is_Integer:
            power = int(node.args[1].value)
            return replace(first, factors=first.factors * abs(power), sign=1 if power % 2 == 0 else first.sign)
        if node.op in ODD:
            return self._function(first.sign, *node.args)
        return self._function(FUNCTIONS[node.op], *node.args) if node.op in FUNCTIONS else None

    def _where(self, node: ir.Map) -> Accuracy | None:
        """One of two numbers; rounding of what is compared may take the other one, and is named."""
        condition, *branches = node.args
        first, second = (self.of(branch) for branch in branches)
        if first is None or second is None:
            return None
        chosen = _worse(first, second)
        beyond = _together(chosen, self._function(0, *condition.parts))
        return replace(chosen, sign=first.sign if first.sign == second.sign else 0, beyond=beyond)


def _together(*known: Accuracy | None) -> tuple[ir.Node, ...]:
    """All that is not counted."""
    return tuple(dict.fromkeys(node for one in known if one for node in one.beyond))


def _worse(first: Accuracy, second: Accuracy) -> Accuracy:
    """Both errors at once; relative to the larger of what they are relative to."""
    sums = tuple(dict.fromkeys((*first.sums, *second.sums)))
    factors, added, centred = max(first.factors, second.factors), first.added or second.added, first.centred or second.centred
    return Accuracy(factors, added, centred, 0, _together(first, second), sums)


def _times(first: Accuracy, second: Accuracy) -> Accuracy:
    """Relative errors add up; sums are multiplied out."""
    return replace(_worse(first, second), factors=first.factors + second.factors, sign=first.sign * second.sign)


def _chosen(first: Accuracy, second: Accuracy, sign: int) -> Accuracy:
    """The larger or smaller of two numbers is as right as they are."""
    known = sign if sign in (first.sign, second.sign) else first.sign if first.sign == second.sign else 0
    return replace(_worse(first, second), sign=known)


def _plus(first: Accuracy, second: Accuracy) -> Accuracy:
    """Numbers of one sign keep their relative error."""
    kept = first.sign == second.sign != 0 and first.of_entry and second.of_entry
    return replace(_worse(first, second), added=not kept, sign=first.sign if kept else 0)


def _summed(terms: Accuracy, dims: tuple[Dim | None, ...]) -> Accuracy:
    kept = terms.of_entry and terms.sign != 0
    return _over(replace(terms, added=not kept), dims)


def _over(known: Accuracy, dims: tuple[Dim | None, ...]) -> Accuracy:
    """With sums over further dimensions."""
    return replace(known, sums=tuple(dict.fromkeys((*known.sums, *(dim for dim in dims if dim is not None)))))
