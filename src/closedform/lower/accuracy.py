"""How accurate an array program is: within how many ulp, and of what.

Relative accuracy is lost where numbers of different sign are added, nowhere else. So a program is read from its inputs on:
what is exact, what is right to a few ulp of itself and of known sign, and where a sum may cancel. A result is then right

- to some ulp of each *entry*, where nothing can cancel;
- to some ulp of the *spread*, sum_k p_k abs(x_i - x_k), where it is a direction minus its mean, x_i - sum_k p_k x_k: inputs may
  cancel there, and the spread is what that costs by nature;
- to some ulp of the sum of its *terms'* absolute values, where terms are added.

The levels are those that tests hold the kernels to against ball arithmetic; they are no worst cases, as the worst case of adding n
numbers is n roundoffs, which nothing comes near.

    >>> from closedform.lower.nodes import Input, Map, Row
    >>> p = Row("softmax", Input("z", (None,)))
    >>> accuracy(Map("mul", (p, p)))
    Accuracy(factors=2, of='entry', sign=1, beyond=(), sums=())
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from closedform.lower import nodes as ir
from closedform.notation import Dim

ENTRY, SPREAD, TERMS = "entry", "spread", "terms"

# Functions that are right to a few ulp of themselves, and their sign (0: that of the argument).
FUNCTIONS = {"exp": 1, "sigmoid": 1, "softplus": 1, "cosh": 1, "log_cosh": 1, "tanh": 0, "sinh": 0, "erf": 0}
EXACT = {"abs": 1, "relu": 1, "sign": 0}
CHOSEN = {"maximum": 1, "minimum": -1}  # one of two numbers, and the sign that one of them is enough for


@dataclass(frozen=True)
class Accuracy:
    """What is known of an array's error.

    Attributes:
        factors: how many inexact factors it is a product of; each may cost 4 ulp.
        of: what the error is relative to, see the module.
        sign: 1 or -1 where all entries have that sign or are 0.
        beyond: arrays whose own rounding is not counted, as functions see it enlarged by their slope.
        sums: dimensions over which terms are added in an order that the library chooses.
    """

    factors: int = 0
    of: str = ENTRY
    sign: int = 0
    beyond: tuple[ir.Node, ...] = ()
    sums: tuple[Dim, ...] = ()

    @property
    def ulps(self) -> int:
        """The level: 8 ulp for up to two factors; twice that of a spread, as it is centred by a rounded mean."""
        level = 8 * max(1, -(-self.factors // 2))
        return level if self.of == ENTRY else 2 * level


def accuracy(node: ir.Node) -> Accuracy | None:
    """What is known of the error of an array; None where nothing is."""
    return _Analysis().of(node)


class _Analysis:
    """Reads each array once."""

    def __init__(self) -> None:
        self._known: dict[ir.Node, Accuracy | None] = {}
        self._readers: dict[type[ir.Node], Callable[..., Accuracy | None]] = {
            ir.Input: lambda n: Accuracy(),
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
            ir.Variance: self._variance,
            ir.MinusLabels: self._minus_labels,
            ir.Residual: lambda n: Accuracy(1, ENTRY, 0, self._inner(n.arg)),
            ir.AtLabels: self._at_labels,
        }

    def of(self, node: ir.Node) -> Accuracy | None:
        """What is known of a node."""
        if node not in self._known:
            reader = self._readers.get(type(node))
            self._known[node] = None if reader is None else reader(node)
        return self._known[node]

    def _inner(self, node: ir.Node) -> tuple[ir.Node, ...]:
        """What the function of a node must not count: its rounding, if it is rounded."""
        return () if isinstance(node, ir.Input) else (node,)

    def _row(self, node: ir.Row) -> Accuracy | None:
        sign = {"softmax": 1, "softmax_apart": 1, "log_softmax": -1}.get(node.op)
        return None if sign is None else Accuracy(1, ENTRY, sign, self._inner(node.arg))

    def _centred(self, node: ir.Centred | ir.CentredColumns) -> Accuracy | None:
        weights = self.of(node.weights)
        beyond = (*self._inner(node.arg), *(weights.beyond if weights else ()))
        return Accuracy(1, SPREAD, 0, tuple(dict.fromkeys(beyond)))

    def _variance(self, node: ir.Variance) -> Accuracy | None:
        weights = self.of(node.weights)
        return None if weights is None else _summed(Accuracy(2, TERMS, 1, weights.beyond), node.weights.dims[-1:])

    def _minus_labels(self, node: ir.MinusLabels) -> Accuracy | None:
        found = self.of(node.arg)
        return None if found is None else replace(found, sign=0, of=ENTRY if node.stochastic else TERMS)

    def _at_labels(self, node: ir.AtLabels) -> Accuracy | None:
        found = self.of(node.arg)
        return None if found is None else replace(found, of=found.of if found.sign else TERMS)

    def _with_diagonal(self, node: ir.WithDiagonal) -> Accuracy | None:
        first, second = self.of(node.arg), self.of(node.values)
        if first is None or second is None:
            return None
        return replace(_worse(first, second), sign=first.sign if first.sign == second.sign else 0)

    def _laplacian(self, node: ir.Laplacian) -> Accuracy | None:
        found = self.of(node.arg)
        return None if found is None else replace(_summed(found, node.dims[:1]), sign=0)

    def _map(self, node: ir.Map) -> Accuracy | None:
        found = [self.of(arg) for arg in node.args]
        known = [item for item in found if item is not None]
        if len(known) < len(found):
            return None
        first = known[0]
        if node.op in EXACT:
            return replace(first, sign=EXACT[node.op]) if first.of == ENTRY else None
        if node.op in FUNCTIONS:
            sign = FUNCTIONS[node.op] or first.sign
            return Accuracy(1, ENTRY, sign, tuple(dict.fromkeys((*first.beyond, *self._inner(node.args[0])))))
        if node.op == "neg":
            return replace(first, sign=-first.sign)
        if node.op in CHOSEN:
            return _chosen(first, known[1], CHOSEN[node.op])
        if node.op in ("mul", "div"):
            return _times(first, known[1])
        if node.op in ("add", "sub"):
            second = known[1] if node.op == "add" else replace(known[1], sign=-known[1].sign)
            exact = all(isinstance(arg.arg if isinstance(arg, ir.View) else arg, ir.Input) for arg in node.args)
            return Accuracy() if exact else _plus(first, second)  # inputs are added with one rounding
        if node.op == "pow" and isinstance(node.args[1], ir.Number) and node.args[1].value.is_Integer and first.of == ENTRY:
            power = int(node.args[1].value)
            return replace(first, factors=first.factors * abs(power), sign=1 if power % 2 == 0 else first.sign)
        return None

    def _reduce(self, node: ir.Reduce) -> Accuracy | None:
        found = self.of(node.arg)
        return None if found is None else _summed(found, tuple(node.arg.dims[axis] for axis in node.axes))

    def _contract(self, node: ir.Contract) -> Accuracy | None:
        left, right = self.of(node.left), self.of(node.right)
        product = _times(left, right) if left is not None and right is not None else None
        if product is None:
            return None
        known = dict(zip((*node.left_labels, *node.right_labels), (*node.left.dims, *node.right.dims), strict=True))
        return _summed(product, tuple(known[label] for label in known if label not in node.out))


def _worse(first: Accuracy, second: Accuracy) -> Accuracy:
    """Both errors at once; relative to the larger of what they are relative to."""
    order = (ENTRY, SPREAD, TERMS)
    beyond = tuple(dict.fromkeys((*first.beyond, *second.beyond)))
    of = max(first.of, second.of, key=order.index)
    sums = tuple(dict.fromkeys((*first.sums, *second.sums)))
    return Accuracy(max(first.factors, second.factors), of, 0, beyond, sums)


def _times(first: Accuracy, second: Accuracy) -> Accuracy | None:
    """Relative errors add up; no more than one factor may be relative to something else than itself."""
    if ENTRY not in (first.of, second.of):
        return None
    return replace(_worse(first, second), factors=first.factors + second.factors, sign=first.sign * second.sign)


def _chosen(first: Accuracy, second: Accuracy, sign: int) -> Accuracy | None:
    """The larger or smaller of two numbers is as right as they are."""
    together = _worse(first, second)
    if together.of == SPREAD:
        return None
    return replace(together, sign=sign if sign in (first.sign, second.sign) else first.sign if first.sign == second.sign else 0)


def _plus(first: Accuracy, second: Accuracy) -> Accuracy | None:
    """Numbers of one sign keep their relative error."""
    together = _worse(first, second)
    if first.sign == second.sign != 0 and together.of == ENTRY:
        return replace(together, sign=first.sign)
    return replace(together, of=TERMS) if SPREAD not in (first.of, second.of) else None


def _summed(terms: Accuracy, dims: tuple[Dim | None, ...]) -> Accuracy:
    sums = tuple(dict.fromkeys((*terms.sums, *(dim for dim in dims if dim is not None))))
    kept = terms.of == ENTRY and terms.sign != 0
    return replace(terms, of=ENTRY if kept else TERMS, sums=sums)
