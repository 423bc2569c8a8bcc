"""The plan of a function, or of an operator: its array program step by step, with what each step costs and the least that it could cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, S

from closedform.lower import nodes as ir
from closedform.lower.cost import base, entries, flops, is_step, product_flops, read, summed_squares, written
from closedform.lower.program import Function, Operator
from closedform.lower.rowwise import runs_in_blocks
from closedform.lower.traversal import walk
from closedform.notation import Dim


@dataclass(frozen=True)
class Step:
    """One array that is computed.

    Attributes:
        name: of the array: that of a let, ``result``, or a letter with a number.
        operation: what is done, with the names of arguments and of earlier steps.
        dims: its axes; None for one of length one.
        flops: operations.
        moved: numbers read and written.
        product_flops: those done by matrix products.
    """

    name: str
    operation: str
    dims: ir.Shape
    flops: Expr
    moved: Expr
    product_flops: Expr = S.Zero


@dataclass(frozen=True)
class Plan:
    """The array program of one function, of a method of an operator, or of what an operator keeps, as steps.

    Attributes:
        derivation, function: their names.
        steps: in the order in which they are computed.
        compulsory: numbers that any program moves: the arguments read once, the result written once.
        arrays: how many numbers the arrays besides arguments and result have, but for those that are never the largest.
        held: how many of their numbers are held at once, but for what is never the most.
        in_blocks: whether the steps are done for a block of rows at a time, so that no more of these arrays is held.
    """

    derivation: str
    function: str
    steps: tuple[Step, ...]
    compulsory: Expr
    arrays: tuple[Expr, ...]
    held: tuple[Expr, ...]
    in_blocks: bool = False

    @property
    def flops(self) -> Expr:
        """All operations."""
        return sum((step.flops for step in self.steps), S.Zero)

    @property
    def product_flops(self) -> Expr:
        """The operations of the matrix products: what a function costs at least where they dominate."""
        return sum((step.product_flops for step in self.steps), S.Zero)

    @property
    def moved(self) -> Expr:
        """All numbers moved, each step by itself."""
        return sum((step.moved for step in self.steps), S.Zero)


def plan_of(derivation: str, function: Function, batch: Dim | None = None) -> Plan:
    """The plan of a function, from :func:`closedform.lower.lower`, of the derivation of that name and with that batch."""
    found = _plan(derivation, function.name, {function.result: "result"}, function.names)
    return replace(found, in_blocks=runs_in_blocks(function, batch))


def plan_of_method(derivation: str, operator: Operator, method: str) -> Plan:
    """The plan of a method of an operator, to which what the operator keeps is given."""
    function = next(function for function in operator.methods if function.name == method)
    return _plan(derivation, f"{operator.name}.{method}", {function.result: "result"}, function.names)


def plan_of_kept(derivation: str, operator: Operator) -> Plan:
    """The plan of what an operator keeps: computed once, for all directions."""
    kept = {item.node: item.name for item in operator.kept if is_step(item.node)}
    return _plan(derivation, operator.name, kept, operator.product.names)


def _plan(derivation: str, name: str, results: Mapping[ir.Node, str], lets: Sequence[tuple[ir.Node, str]]) -> Plan:
    program = list(dict.fromkeys(node for result in results for node in walk(result)))
    order = [node for node in program if is_step(node)]
    arguments = [node for node in program if isinstance(node, ir.Input | ir.Labels) and not node.is_plain]
    names = _names({base(node): given for node, given in results.items()}, lets, {node.name for node in arguments}, order)
    steps = tuple(
        Step(names[node], _Words(names).of(node), node.dims, flops(node), read(node) + written(node), product_flops(node)) for node in order
    )
    compulsory = sum((entries(node) for node in (*arguments, *results)), S.Zero)
    final = {base(node) for node in results}
    final |= {base(node.arg) for node in final if isinstance(node, ir.WithDiagonal | ir.Laplacian)}  # is written over
    fleeting = summed_squares(order)
    sizes = {entries(node) for node in order if node not in final | fleeting}
    sizes |= {entries(node.arg) for node in order if isinstance(node, ir.Row | ir.LogLikelihood | ir.Variance)}  # exponentials, squares
    return Plan(derivation, name, steps, compulsory, _maximal(sizes), _held(order, final))


def _maximal(sizes: Iterable[Expr]) -> tuple[Expr, ...]:
    """Those of some polynomials in dimensions that no other is at least as large as at all sizes, in a fixed order."""
    known = sorted({size.expand() for size in sizes}, key=str)
    return tuple(size for size in known if not any(_never_below(other, size) for other in known if other != size))


def _never_below(a: Expr, b: Expr) -> bool:
    """Whether a >= b is seen at once: with every size 1 + x, x >= 0, their difference has no negative coefficient."""
    difference = a - b
    beyond_one = difference.xreplace({symbol: 1 + symbol for symbol in difference.free_symbols})
    return all(coefficient >= 0 for coefficient in beyond_one.expand().as_coefficients_dict().values())


def _held(order: list[ir.Node], result: set[ir.Node]) -> tuple[Expr, ...]:
    """What is held at once at the steps where that is most, if each array is freed after its last use."""
    last = {part: at for at, node in enumerate(order) for part in map(base, node.parts)}
    return _maximal(
        sum((entries(node) for node in order[: at + 1] if node not in result and last.get(node, -1) >= at), S.Zero)
        for at in range(len(order))
    )


def _names(
    results: Mapping[ir.Node, str], lets: Sequence[tuple[ir.Node, str]], arguments: set[str], order: list[ir.Node]
) -> dict[ir.Node, str]:
    """Names of results and lets first, then t1, t2, ... in order."""
    known = dict(results)
    for node, name in lets:
        known.setdefault(node, name)
    taken = {*known.values(), *arguments}
    fresh = (name for name in _numbered("t") if name not in taken)
    return {node: known.get(node) or next(fresh) for node in order}


def _numbered(letter: str) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"{letter}{number}"


class _Words:
    """Steps in words."""

    INFIX: Mapping[str, str] = {
        "add": "+",
        "sub": "-",
        "mul": "*",
        "div": "/",
        "pow": "^",
        "less": "<",
        "less_equal": "<=",
        "not_equal": "!=",
    }

    def __init__(self, names: Mapping[ir.Node, str]) -> None:
        self._names = names

    def of(self, node: ir.Node) -> str:
        """What a step does."""
        if isinstance(node, ir.Map):
            return self._map(node)
        if isinstance(node, ir.Contract):
            return self._contract(node)
        if isinstance(node, ir.Reduce):
            return f"sum of {self._name(node.arg)} over {_listed(node.arg.dims[axis] for axis in node.axes)}"
        words = {
            ir.Row: f"{getattr(node, 'op', '').removesuffix('_apart')} of",
            ir.Matrix: f"{getattr(node, 'op', '')} of",
            ir.Top: "place of the largest entry of each row of",
            ir.Leader: "place of the leader of each row of",
            ir.Leads: "whether it leads:",
            ir.Complement: "1 minus",
            ir.Centred: "less its mean under the weights:",
            ir.JacobianProduct: "times the Jacobian of its softmax:",
            ir.TimesComplement: "times 1 minus itself:",
            ir.CentredColumns: "columns less their means under the weights:",
            ir.Variance: "variance of columns under the weights:",
            ir.MinusLabels: "less the labels:",
            ir.Residual: "softmax less the labels:",
            ir.AtLabels: "entry at the label of",
            ir.LogLikelihood: "log-softmax at the label of",
            ir.Diagonal: "diagonal of",
            ir.WithDiagonal: "with another diagonal:",
            ir.Laplacian: "with blocks that sum to zero:",
            ir.DiagonalOf: "zeros with the diagonal",
            ir.Identity: "identity matrix",
            ir.Broadcast: "filled with",
        }
        return f"{words[type(node)]} {', '.join(self._name(part) for part in node.parts)}".strip()

    def _name(self, node: ir.Node) -> str:
        stored = base(node)
        if stored in self._names:
            return self._names[stored]
        if isinstance(stored, ir.Number):
            return str(stored.value) if stored.value.is_Atom else f"({stored.value})"
        if isinstance(stored, ir.Map):  # a number that no tensor takes part in
            return f"({self._map(stored)})"
        return str(getattr(stored, "name", ""))

    def _map(self, node: ir.Map) -> str:
        args = [self._name(arg) for arg in node.args]
        if node.op in self.INFIX and len(args) == 2:
            return f"{args[0]}{self.INFIX[node.op]}{args[1]}"
        return f"-{args[0]}" if node.op == "neg" else f"{node.op}({', '.join(args)})"

    def _contract(self, node: ir.Contract) -> str:
        known = dict(zip((*node.left_labels, *node.right_labels), (*node.left.dims, *node.right.dims), strict=True))
        summed = [known[label] for label in known if label not in node.out]
        return f"product of {self._name(node.left)} and {self._name(node.right)}, summed over {_listed(summed)}"


def _listed(dims: Iterator[Dim | None] | list[Dim | None]) -> str:
    return ", ".join(dim.name for dim in dims if dim is not None)
