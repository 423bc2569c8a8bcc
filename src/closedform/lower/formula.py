"""A formula in index notation as an array with an index along each axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import Abs, Add, Expr, Indexed, KroneckerDelta, Mul, Pow, S, Sum, Symbol, cos, cosh, erf, exp, log, sign, sin, sinh, tanh

from closedform.errors import LoweringError
from closedform.lower import rules
from closedform.lower.contraction import product
from closedform.lower.labelled import ZERO, Labelled, align, layout_of, number, to_last, transpose
from closedform.lower.laplacian import laplacian
from closedform.lower.nodes import (
    Broadcast,
    Diagonal,
    DiagonalOf,
    Identity,
    Map,
    Matrix,
    MinusLabels,
    Node,
    Number,
    OneHot,
    Row,
    WithDiagonal,
    is_softmax,
)
from closedform.lower.sums import bound_indices, common_factors, distinct_bound_indices, multiplied_out, summed
from closedform.lower.views import unviewed
from closedform.notation import (
    Dim,
    Index,
    Setting,
    det,
    free_indices,
    head_name,
    inv,
    less,
    less_equal,
    logdet,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    step,
    where,
)

# Functions that are one elementwise operation each.
ELEMENTWISE: dict[type[Expr], str] = {
    exp: "exp",
    log: "log",
    sin: "sin",
    cos: "cos",
    tanh: "tanh",
    sinh: "sinh",
    cosh: "cosh",
    erf: "erf",
    Abs: "abs",
    sign: "sign",
    sigmoid: "sigmoid",
    softplus: "softplus",
    relu: "relu",
    maximum: "maximum",
    minimum: "minimum",
}
# Comparisons are conditions; as numbers they are 1 or 0.
CONDITIONS: dict[type[Expr], str] = {less: "less", less_equal: "less_equal"}
MATRIX: dict[type[Expr], str] = {inv: "inv", det: "det", logdet: "logdet"}


class Formula:
    """Lowers the formulas of one function: inputs and lets by name, every let once."""

    def __init__(self, setting: Setting, inputs: Mapping[str, Node], order: Sequence[Index], batch: Dim | None) -> None:
        self._setting = setting
        self._inputs = dict(inputs)
        self._layout = layout_of([*(given.dims for given in setting.given), *(let.dims for let in setting.lets)], batch, order)
        # Typical sizes decide the order of products: a large batch, and no two dimensions alike.
        self._sizes = {dim: 512 if dim == batch else 96 * (position + 1) for position, dim in enumerate(self._layout.dims)}
        self._lets: dict[str, Labelled] = {}
        self._taken: set[str] = {index.name for index in order}

    @property
    def named(self) -> tuple[tuple[Node, str], ...]:
        """The nodes of the lets that were used, with their names."""
        return tuple((array.node, name) for name, array in self._lets.items())

    def array(self, expression: Expr, axes: Sequence[Index]) -> Labelled:
        """The whole formula, with exactly these axes, all of full length."""
        found = self._split(distinct_bound_indices(expression, self._taken), tuple(axes))
        return Labelled(self._full(found, axes), tuple(axes))

    # A delta of two free indices is never an array: the formula is taken apart into
    #   its entries off the diagonal (delta = 0)  and  on it (delta = 1, j = i).
    def _split(self, expression: Expr, axes: tuple[Index, ...]) -> Labelled:
        deltas = [found for found in expression.atoms(KroneckerDelta) if set(found.args) <= set(axes)]
        if not deltas:
            return self.lower(expression)
        i, j = min(sorted(axes.index(index) for index in found.args) for found in deltas)
        here = KroneckerDelta(axes[i], axes[j])
        off = self._split(expression.xreplace({here: S.Zero}), axes)
        kept = (*axes[:i], *axes[i + 1 : j], *axes[j + 1 :], axes[i])
        on = self._split(expression.xreplace({here: S.One}).xreplace({axes[j]: axes[i]}), kept)
        if off.is_zero:
            return Labelled(DiagonalOf(self._full(on, kept), i, j), axes)
        if on.is_zero:
            return Labelled(WithDiagonal(self._full(off, axes), Number(S.Zero), i, j), axes)
        base, values = self._full(off, axes), align(on, kept)
        known = laplacian(base, values) if (i, j) == (0, 2) else None
        return Labelled(known or WithDiagonal(base, values, i, j), axes)

    def _full(self, array: Labelled, axes: Sequence[Index]) -> Node:
        node, dims = align(array, axes), tuple(index.dim for index in axes)
        return node if node.dims == dims and not node.is_plain else Broadcast(node, dims)

    def lower(self, expression: Expr) -> Labelled:
        """The array of a formula; its axes are the indices that it depends on."""
        if _is_size(expression):
            return number(expression)
        if isinstance(expression, Add):
            return self._sum_of_terms(expression)
        if isinstance(expression, Mul | Sum):
            over = bound_indices(expression) if isinstance(expression, Sum) else ()
            return self._product(expression.function if over else expression, over)
        if isinstance(expression, Pow):
            return self._power(expression)
        if isinstance(expression, Indexed | Symbol):
            return self._entry(expression)
        if isinstance(expression, KroneckerDelta):
            return Labelled(Identity(expression.args[0].dim), tuple(expression.args))
        if type(expression) in ELEMENTWISE:
            return self._layout.apply(ELEMENTWISE[type(expression)], *(self.lower(arg) for arg in expression.args))
        if type(expression) in MATRIX:
            return self._matrix(expression)
        if isinstance(expression, where):
            condition, *branches = expression.args
            return self._layout.apply("where", self.condition(condition), *(self.lower(branch) for branch in branches))
        if isinstance(expression, step | less | less_equal):
            return self._layout.apply("where", self.condition(expression), number(1), number(0))
        raise LoweringError(
            f"no array program is known for {type(expression).__name__} in {expression}; "
            f"known functions are {', '.join(sorted(kind.__name__ for kind in (*ELEMENTWISE, *CONDITIONS, *MATRIX, where, step)))}"
        )

    # -- entries ----------------------------------------------------------------------------

    def _named(self, name: str) -> Labelled:
        """A given or a let with the indices of its own definition; for a given these are its axes."""
        if name not in self._lets:
            let = self._setting.let(name)
            if let is None:
                raise LoweringError(f"{name} is neither an argument nor a definition; define it before it is used")
            body = distinct_bound_indices(let.body, self._taken | {index.name for index in let.indices})
            found = self._split(body, let.indices)
            self._lets[name] = Labelled(self._full(found, let.indices), let.indices) if let.indices else found
        return self._lets[name]

    def _entry(self, entry: Expr) -> Labelled:
        name = head_name(entry)
        indices = tuple(entry.indices) if isinstance(entry, Indexed) else ()
        node = self._inputs[name] if name in self._inputs else self._named(name).node
        for position, index in enumerate(indices):
            if index in indices[:position]:  # x[k,k]
                first = indices.index(index)
                rest = tuple(other for at, other in enumerate(indices) if at not in (first, position))
                return self._on_diagonal(Diagonal(node, first, position), (*rest, index))
        return Labelled(node, indices)

    def _on_diagonal(self, node: Node, indices: tuple[Index, ...]) -> Labelled:
        last = indices[-1]
        if last in indices[:-1]:  # x[k,k,k]
            first = indices.index(last)
            rest = tuple(other for at, other in enumerate(indices[:-1]) if at != first)
            return self._on_diagonal(Diagonal(node, first, len(indices) - 1), (*rest, last))
        return Labelled(node, indices)

    def _matrix(self, expression: Expr) -> Labelled:
        base, *indices = expression.args
        name = base.name
        node = self._inputs[name] if name in self._inputs else self._named(name).node
        op = MATRIX[type(expression)]
        if len(set(indices)) < len(indices):
            return Labelled(Diagonal(Matrix(op, node), 0, 1), (indices[0],))
        return Labelled(Matrix(op, node), tuple(indices))

    def condition(self, expression: Expr) -> Labelled:
        """An array of truth values."""
        if type(expression) in CONDITIONS:
            return self._layout.apply(CONDITIONS[type(expression)], *(self.lower(arg) for arg in expression.args))
        if isinstance(expression, step):
            return self._layout.apply("less", number(0), self.lower(expression.args[0]))
        return self._layout.apply("not_equal", self.lower(expression), number(0))

    # -- products, powers, sums -------------------------------------------------------------

    def _product(self, body: Expr, over: Sequence[Index]) -> Labelled:
        if over and isinstance(body, Add) and self._is_contraction(body):
            common, core = common_factors(body)
            if not common:
                return self._added([self.lower(Sum(term, *((k, 1, k.dim) for k in over))) for term in body.args])
            body = Mul(*common, core, evaluate=False)
        factors, bound = summed(_factors(body), over)
        terms = multiplied_out(factors, bound)
        if terms is not None:
            return self._added([self._product(term, bound) for term in terms])
        sizes = Mul(*(factor for factor in factors if _is_size(factor)))
        arrays = [self.lower(factor) for factor in factors if not _is_size(factor)]
        operands = [number(sizes), *arrays] if sizes != 1 else arrays
        return product(operands, bound, self._layout, self._sizes)

    @staticmethod
    def _is_contraction(body: Add) -> bool:
        """Whether adding first would make a larger array than any factor is."""
        every = free_indices(body)
        return any(isinstance(term, Mul) and not any(free_indices(f) == every for f in term.args) for term in body.args) and any(
            free_indices(term) == every and isinstance(term, Mul) for term in body.args
        )

    def _power(self, expression: Pow) -> Labelled:
        base, exponent = self.lower(expression.base), expression.exp
        if exponent.is_number:
            return Labelled(rules.power(base.node, exponent), base.axes)
        return self._layout.apply("pow", base, self.lower(exponent))

    def _sum_of_terms(self, expression: Add) -> Labelled:
        common, core = common_factors(expression)
        if common:
            return self._product(Mul(*common, core, evaluate=False), ())
        terms = sorted(Add.make_args(core), key=lambda term: term.could_extract_minus_sign())
        terms = self._with_complement_outside(self._with_complements(terms))
        return self._added([self.lower(term) for term in terms])

    def _with_complement_outside(self, terms: list[Expr]) -> list[Expr]:
        """c - c*p*(1 + x) as c*(1 - p) - c*p*x, for a probability p, and p*(1 + x) - y as (p - y) + p*x: 1 - p and p - y do not cancel."""
        for term in terms:
            kept = [other for other in terms if other != term]
            sizes = Mul(*filter(_is_size, _factors(term)))
            for bracket in (factor for factor in _factors(term) if isinstance(factor, Add) and not _is_size(factor)):
                own = Add(*filter(_is_size, bracket.args))
                weight = Mul(*(factor for factor in _factors(term) if factor != bracket and not _is_size(factor)))
                constant = -sizes * own
                if own == 0 or not (constant in kept or self._has_labels(kept, constant)) or not self._is_probability(weight):
                    continue
                beside = sizes * weight * (bracket - own)
                if constant in kept:
                    return [constant * (1 - weight), beside, *(other for other in kept if other != constant)]
                return [-constant * weight, beside, *kept]
        return terms

    def _has_labels(self, terms: list[Expr], factor: Expr) -> bool:
        entries = (term / factor for term in terms)
        return any(isinstance(entry, Indexed) and isinstance(self.lower(entry).node, OneHot) for entry in entries)

    def _with_complements(self, terms: list[Expr]) -> list[Expr]:
        """c - k*sum_bi(p[b,i]^2) as k*sum_bi(p[b,i]*(1 - p[b,i])), for a softmax p over i and c = k*B: nothing cancels."""
        for constant in filter(_is_size, terms):
            for term in terms:
                sizes, rest = term.as_independent(Sum)
                if not (isinstance(rest, Sum) and isinstance(rest.function, Pow) and rest.function.exp == 2 and _is_size(sizes)):
                    continue
                entry, bound = rest.function.base, bound_indices(rest)
                if not (isinstance(entry, Indexed) and entry.indices[-1] in bound and is_softmax(self.lower(entry).node)):
                    continue
                others = Mul(*(index.dim for index in bound if index != entry.indices[-1]))
                if constant + sizes * others == 0:
                    kept = [other for other in terms if other not in (constant, term)]
                    return [-sizes * Sum(entry * (1 - entry), *rest.limits), *kept]
        return terms

    def _is_probability(self, expression: Expr) -> bool:
        node = unviewed(self.lower(expression).node)[0]
        return isinstance(node, Row | Map) and node.op in ("softmax", "sigmoid")

    def _added(self, terms: list[Labelled]) -> Labelled:
        """A sum of arrays; first the pairs that are something known, such as u - logsumexp(u)."""
        terms = sorted((term for term in terms if not term.is_zero), key=lambda term: not is_softmax(term.node))  # p - y before x - y
        for i, first in enumerate(terms):
            for j, second in enumerate(terms):
                found = self._known_sum(first, second) if i != j else None
                if found is not None:
                    return self._added([found, *(term for at, term in enumerate(terms) if at not in (i, j))])
        if not terms:
            return ZERO
        total = terms[0]
        for term in terms[1:]:
            total = self._layout.apply("add", total, term)
        return total

    def _known_sum(self, first: Labelled, second: Labelled) -> Labelled | None:
        minus = Labelled(rules.negate(second.node), second.axes)
        if isinstance(minus.node, OneHot) and first.axes == minus.axes and not isinstance(first.node, OneHot):
            return Labelled(MinusLabels(first.node, minus.node.labels, is_softmax(first.node)), first.axes)
        if isinstance(first.node, OneHot) and first.axes == minus.axes and is_softmax(minus.node):
            return Labelled(rules.negate(MinusLabels(minus.node, first.node.labels, stochastic=True)), first.axes)
        last = next((index for index in first.axes if index not in second.axes), None)
        for array in (first,) if last is None else (first, to_last(first, last)):
            found = self._layout.apply("add", array, second)
            inner, _ = unviewed(found.node)
            if isinstance(inner, Map) and inner.op == "neg":
                inner, _ = unviewed(inner.args[0])
            if not (isinstance(inner, Map) and inner.op in ("add", "sub", "neg")):
                return transpose(found, self._layout.union((first.axes, second.axes)))
        return None


def _factors(body: Expr) -> tuple[Expr, ...]:
    return tuple(Mul.make_args(body))


def _is_size(expression: Expr) -> bool:
    """Whether an expression is a number, or is made of sizes by arithmetic and fixed powers."""
    if not expression.free_symbols:
        return True
    if isinstance(expression, Pow):
        return expression.exp.is_number and _is_size(expression.base)
    return isinstance(expression, Dim) or (isinstance(expression, Add | Mul) and all(_is_size(arg) for arg in expression.args))
