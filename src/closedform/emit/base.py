"""Prints the body of one function; a backend is a table of spellings and a few overrides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from closedform.emit.code import ATOM, PRODUCT, Code
from closedform.emit.elementwise import ElementwisePrinter
from closedform.emit.names import Names, describe
from closedform.emit.products import ProductPrinter
from closedform.errors import LoweringError
from closedform.lower import nodes as ir
from closedform.lower.traversal import walk
from closedform.notation import Dim

LONG = 90  # characters up to which an expression stays in one piece


@dataclass(frozen=True)
class Statement:
    """``name = text``, an array with these axes; ``leads``: and perhaps further ones in front."""

    name: str
    text: str
    dims: ir.Shape
    leads: bool


class BodyPrinter(ElementwisePrinter, ProductPrinter, ABC):
    """Prints nodes as expressions of one backend, with names for what is used more than once.

    A subclass gives ``library``, ``calls`` (function -> format of its arguments) and what is abstract here.
    """

    library = ""
    calls: Mapping[str, str] = {}
    keepdims = "keepdims"

    def __init__(
        self, arguments: Mapping[str, str], like: str, names: Names, *, leading: bool, guard: bool, direction: str | None = None
    ) -> None:
        """Arguments: name of a given -> variable; ``like``: an array whose dtype and device the results have.

        With ``leading`` all tensors may have further axes in front, else ``direction`` alone may, and what is computed from it.
        """
        self._arguments = arguments
        self._names = names
        self._known: dict[ir.Node, str] = {}
        self.like = like
        self.leading = leading
        self._direction = direction
        self._leads: dict[ir.Node, bool] = {}
        self.guard = guard
        self.sizes: dict[Dim, str] = {}
        self.lengths: Mapping[Dim, str] = {}  # of axes that arrays have a part of, as code
        self._uses: dict[ir.Node, int] = {}
        self.helpers: dict[str, None] = {}
        self._kept: frozenset[ir.Node] = frozenset()
        self.placed: Mapping[ir.Node, str] = {}  # what is computed in an array that a variable holds, and the variable
        self.written: set[str] = set()  # which of these variables the code has

    # -- statements ---------------------------------------------------------------------------

    def body(
        self, result: ir.Node, wanted: Mapping[ir.Node, str], *, as_result: bool = True, into_out: bool = False
    ) -> tuple[list[Statement], str]:
        """The statements before the return, and the text that is returned.

        With ``as_result`` it is an array of its own; with ``into_out`` it may be computed in the argument ``out``.
        """
        if into_out:
            self.in_out = result.arg if isinstance(result, ir.WithDiagonal | ir.Laplacian) else result
        statements = self._statements(list(walk(result)), wanted, result)
        return statements, self._returned(result) if as_result else self.code(result).text

    def several(self, nodes: Sequence[ir.Node], wanted: Mapping[ir.Node, str]) -> tuple[list[Statement], list[str]]:
        """Statements that compute several arrays, and an expression for each."""
        self._kept = frozenset(nodes)
        statements = self._statements(list(dict.fromkeys(chain.from_iterable(map(walk, nodes)))), wanted, None)
        return statements, [self.code(node).text for node in nodes]

    def _statements(self, order: Sequence[ir.Node], wanted: Mapping[ir.Node, str], result: ir.Node | None) -> list[Statement]:
        """Names for what is wanted by name, used more than once, written over by what follows, or long."""
        uses = self._uses = {}
        for node in order:
            for part in node.parts:
                uses[part] = uses.get(part, 0) + 1
        # What no direction reaches is computed once, before what is computed for each.
        parts = [part for node in order if self.leads(node) for part in node.parts if not self.leads(part) and not part.is_plain]
        fixed = {part.arg if isinstance(part, ir.View) else part for part in parts}
        reusable = {self.reusable(node) for node in order}
        statements: list[Statement] = []
        for node in order:
            self._split_if_long(node, statements)
            worth = node in wanted or uses.get(node, 0) > 1 or node in fixed or (isinstance(node, ir.Contract) and node in reusable)
            if node is not result and worth and not self._is_trivial(node):
                self._define(node, wanted.get(node), statements)
        return statements

    def _define(self, node: ir.Node, wanted: str | None, statements: list[Statement]) -> None:
        text = self.code(node).text
        name = self._names.fresh(wanted or describe(node, self._known))
        self._known[node] = name
        statements.append(Statement(name, text, node.dims, self.leads(node)))

    def _split_if_long(self, node: ir.Node, statements: list[Statement]) -> None:
        """Name the longest parts of an expression until it is short."""
        while len(self.code(node).text) > LONG:
            parts = [part for part in self._inlined(node) if not self._is_trivial(part)]
            if not parts:
                return
            texts = {part: len(self.code(part).text) for part in parts}
            longest = max((part for part in parts if texts[part] <= LONG), key=lambda part: texts[part], default=None)
            if longest is None or texts[longest] < 12:
                return
            self._define(longest, None, statements)

    def _inlined(self, node: ir.Node) -> list[ir.Node]:
        """The parts whose code stands inside that of the node."""
        found: dict[ir.Node, None] = {}
        queue = list(node.parts)
        while queue:
            part = queue.pop(0)
            if part not in found and part not in self._known:
                found[part] = None
                queue.extend(part.parts)
        return list(found)

    def is_named(self, node: ir.Node) -> bool:
        """Whether a variable holds the array."""
        return node in self._known

    def _is_trivial(self, node: ir.Node) -> bool:
        if isinstance(node, ir.View):
            return self._is_trivial(node.arg) or node.arg in self._known
        if isinstance(node, ir.Map) and node.op in ("less", "less_equal", "not_equal"):
            return True
        return isinstance(node, ir.Input | ir.Labels | ir.Number)

    def _returned(self, result: ir.Node) -> str:
        if result.is_plain:
            return self.filled(result, ()).text
        if isinstance(result, ir.Broadcast):
            own = result.arg.is_plain or (result.arg.dims == result.dims and self.leads(result) == self.leads(result.arg))
            return self.code(result).text if own else self.copied(self.code(result))
        inner = result.arg if isinstance(result, ir.View) else result
        text = self.code(result)
        return self.copied(text) if isinstance(inner, ir.Input) else text.text

    def leads(self, node: ir.Node) -> bool:
        """Whether the array may have further axes in front of those of the node."""
        if self.leading or self._direction is None:
            return self.leading
        if node not in self._leads:
            own = isinstance(node, ir.Input) and node.name == self._direction
            self._leads[node] = own or any(self.leads(part) for part in node.parts)
        return self._leads[node]

    # -- expressions --------------------------------------------------------------------------

    def code(self, node: ir.Node) -> Code:
        """The expression of a node."""
        if node in self._known:
            return Code(self._known[node])
        printers: dict[type[ir.Node], Callable[..., Code]] = {
            ir.Input: self._input,
            ir.Labels: self._input,
            ir.Number: self.number,
            ir.OneHot: self._one_hot,
            ir.View: self._view,
            ir.Map: self.elementwise,
            ir.Reduce: self._reduce,
            ir.Contract: self.contract,
            ir.Row: self._row,
            ir.Top: lambda n: self.top(self.code(n.arg)),
            ir.Leader: lambda n: self.helper("_leader", self.code(n.arg)),
            ir.Leads: lambda n: self.helper("_leads", self.code(n.arg), self.code(n.leader)),
            ir.Complement: lambda n: self.helper("_complement", self.code(n.arg)),
            ir.Centred: lambda n: self.helper("_centred", *map(self.code, n.parts)),
            ir.JacobianProduct: self.jacobian_product,
            ir.TimesComplement: lambda n: self.helper("_times_complement", self.code(n.arg), *self.place(n)),
            ir.CentredColumns: lambda n: self.helper("_centred_columns", *map(self.code, n.parts)),
            ir.Variance: lambda n: self.helper("_variance", self.code(n.arg), self.code(n.weights), self.code(n.top)),
            ir.MinusLabels: self._minus_labels,
            ir.Residual: self._residual,
            ir.AtLabels: lambda n: self.helper("_at_labels", self.code(n.arg), self.code(n.labels)),
            ir.LogLikelihood: lambda n: self.helper("_log_likelihood", self.code(n.arg), self.code(n.labels)),
            ir.Diagonal: self.diagonal,
            ir.WithDiagonal: self._with_diagonal,
            ir.Laplacian: lambda n: self.helper("_laplacian", self._to_write_over(n, n.arg)),
            ir.DiagonalOf: self.diagonal_of,
            ir.Identity: self.identity,
            ir.Broadcast: self._broadcast,
            ir.Matrix: lambda n: self.call(n.op, self.code(n.arg)),
        }
        printer = printers.get(type(node))
        if printer is None:
            raise LoweringError(f"the {self.library} backend has no code for {type(node).__name__}")
        return printer(node)

    def helper(self, name: str, *args: Code | str) -> Code:
        """A call of a helper function of the module, which is then printed too."""
        self.helpers[name] = None
        return Code(f"{name}({', '.join(arg if isinstance(arg, str) else arg.text for arg in args)})")

    def call(self, op: str, *args: Code) -> Code:
        """A function of the table; names that start with an underscore are helpers."""
        if op not in self.calls:
            raise LoweringError(f"the {self.library} backend has no code for the function {op}")
        spelled = self.calls[op]
        if spelled.startswith("_"):
            self.helpers[spelled.partition("(")[0]] = None
        return Code(spelled.format(*(arg.text for arg in args), receiver=args[0].at(ATOM)))

    def size(self, dim: Dim) -> str:
        """The variable that holds a size."""
        if dim not in self.sizes:
            self.sizes[dim] = self._names.fresh(dim.name)
        return self.sizes[dim]

    def shape(self, dims: ir.Shape) -> str:
        """A tuple of sizes, with the leading axes."""
        sizes = ["1" if dim is None else self.lengths.get(dim) or self.size(dim) for dim in dims]
        if self.leading or self._direction is not None:
            sizes = [f"*{self.lead()}", *sizes]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def lead(self) -> str:
        """The leading axes."""
        name, rank = self._like_rank
        return f"{name}.shape[:-{rank}]"

    _like_rank: tuple[str, int] = ("", 0)

    def set_leading(self, name: str, rank: int) -> None:
        """The array whose leading axes results have, and how many axes of its own it has."""
        self._like_rank = (name, rank)

    def axis(self, axis: int, node: ir.Node) -> int:
        """A position among the node's axes; counted from the end where leading axes would move it."""
        return axis - len(node.dims) if self.leads(node) else axis

    def places(self, node: ir.WithDiagonal | ir.DiagonalOf) -> list[str]:
        """Two axes as arguments; the last two are the default."""
        rank = len(node.dims)
        return [] if (node.i, node.j) == (rank - 2, rank - 1) else [str(self.axis(node.i, node)), str(self.axis(node.j, node))]

    # -- nodes --------------------------------------------------------------------------------

    def _input(self, node: ir.Input | ir.Labels) -> Code:
        return Code(self._arguments[node.name])

    def _view(self, node: ir.View) -> Code:
        order = [axis for axis in node.order if axis is not None]
        inner = node.arg
        places = [at for at, axis in enumerate(node.order) if axis is None]
        if isinstance(inner, ir.Reduce) and inner not in self._known and places == list(inner.axes) and order == sorted(order):
            return self.reduced(inner, keep=True)
        code = self.code(inner)
        if order != sorted(order):
            code = self.permuted(code, order, leads=self.leads(inner))
        if not places:
            return code
        if not self.leads(inner) and places == list(range(len(places))):
            return code  # broadcasting adds axes in front by itself
        slots = ["None" if axis is None else ":" for axis in node.order]
        if not self.leads(inner):
            while slots[0] == "None":
                slots.pop(0)
        else:
            while slots and slots[0] == ":":
                slots.pop(0)
            slots.insert(0, "...")
        return Code(f"{code.at(ATOM)}[{', '.join(slots)}]")

    def _reduce(self, node: ir.Reduce) -> Code:
        inner = node.arg
        plain = isinstance(inner, ir.Map) and inner.op == "mul" and inner not in self._known
        if plain and len(inner.dims) == 1 and not self.leads(inner) and all(None not in part.dims and part.dims for part in inner.parts):
            return Code(" @ ".join(self.code(part).at(ATOM) for part in inner.parts), PRODUCT)
        return self.reduced(node, keep=False)

    def reduced(self, node: ir.Reduce, *, keep: bool) -> Code:
        """A sum over axes."""
        rank = len(node.arg.dims)
        base = self.squared(node.arg)
        if base is not None and not keep:
            return self._sum_of_squares(base, node.axes)
        axes = [str(axis - rank) for axis in node.axes]
        everything = len(axes) == rank and not self.leads(node) and not keep
        where = "" if everything else axes[0] if len(axes) == 1 else f"({', '.join(axes)})"
        kept = f", {self.keepdims}=True" if keep else ""
        return Code(f"{self.code(node.arg).at(ATOM)}.sum({where}{kept})")

    def _sum_of_squares(self, base: ir.Node, axes: tuple[int, ...]) -> Code:
        """The squares are summed as they are made, and never stored."""
        letters = "ijklmnop"[: len(base.dims)]
        kept = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
        array, more = self.code(base).text, "..." * self.leads(base)
        return Code(f'{self.library}.einsum("{more}{letters},{more}{letters}->{more}{kept}", {array}, {array})')

    def _row(self, node: ir.Row) -> Code:
        if node.op == "softmax":
            return self.helper("_softmax", self.code(node.arg), *self.place(node))
        return self.call(node.op, self.code(node.arg))

    def place(self, node: ir.Node, *beside: str) -> list[str]:
        """Where the array is computed, as a further argument of a helper: in what is given, or over an array that nothing else needs.

        ``beside``: what else it is computed from, which may be followed by autograd where the array is not.
        """
        if node in self.placed:
            self.written.add(self.placed[node])
            return [self.placed[node]]
        array = self.reusable(node)
        alone = array in self._known and self._uses.get(array) == 1 and array not in self._kept
        if array is None or not alone or self.leads(node) != self.leads(array):
            return []
        if isinstance(array, ir.Contract) or ir.is_softmax(array):
            return [self.own(self._known[array], *beside)]
        return []

    def _minus_labels(self, node: ir.MinusLabels) -> Code:
        name = "_minus_labels" if node.stochastic else "_subtract_labels"
        return self.helper(name, self.code(node.arg), self.code(node.labels))

    def _residual(self, node: ir.Residual) -> Code:
        labels = self.code(node.labels)
        return self.helper("_softmax_minus_labels", self.code(node.arg), labels, *self.place(node, labels.text))

    def _one_hot(self, node: ir.OneHot) -> Code:
        classes = node.labels.dims[-1]
        assert classes is not None
        return self.helper("_probabilities", self.code(node.labels), self.size(classes), self.like)

    # -- shapes -------------------------------------------------------------------------------

    def _broadcast(self, node: ir.Broadcast) -> Code:
        if node.arg.is_plain:
            return self.filled(node.arg, node.dims)
        if node.arg.dims == node.dims:
            return self.code(node.arg)
        inner = node.arg
        if (
            not self.leads(inner)
            and isinstance(inner, ir.View)
            and inner.order == (*(None for _ in inner.order[: -len(inner.arg.dims)]), *range(len(inner.arg.dims)))
        ):
            inner = inner.arg
        return self.expanded(self.code(inner), node.dims)

    def _with_diagonal(self, node: ir.WithDiagonal) -> Code:
        return self.helper("_with_diagonal", self._to_write_over(node, node.arg), self.code(node.values), *self.places(node))

    def _to_write_over(self, node: ir.Node, arg: ir.Node) -> Code:
        """The array ``arg``, of which a part is written over to make the node: a copy where something else needs it."""
        filled = isinstance(arg, ir.Broadcast) and arg.arg.is_plain
        fresh = filled or isinstance(arg, ir.Contract) or (isinstance(arg, ir.Map) and arg.op in ("mul", "add", "sub", "neg", "div"))
        if self.leads(node) and not self.leads(arg):
            return Code(self.copied(self.expanded(self.code(arg), node.dims)))
        return self.code(arg) if fresh and self._uses.get(arg, 0) <= 1 else Code(self.copied(self.code(arg)))

    @abstractmethod
    def filled(self, node: ir.Node, dims: ir.Shape) -> Code:
        """An array with one value."""

    @abstractmethod
    def expanded(self, code: Code, dims: ir.Shape) -> Code:
        """An array repeated along axes of length one, without a copy."""

    @abstractmethod
    def own(self, name: str, *beside: str) -> str:
        """An array that nothing else holds, to be written over with what is computed from it and others, where that can be."""

    @abstractmethod
    def copied(self, code: Code) -> str:
        """A copy, so that no result shares memory with an input."""

    @abstractmethod
    def top(self, code: Code) -> Code:
        """Where the largest entry along the last axis is."""

    @abstractmethod
    def diagonal(self, node: ir.Diagonal) -> Code:
        """Entries at which two axes agree."""

    @abstractmethod
    def diagonal_of(self, node: ir.DiagonalOf) -> Code:
        """Zeros with a given diagonal."""

    @abstractmethod
    def identity(self, node: ir.Identity) -> Code:
        """An identity matrix."""
