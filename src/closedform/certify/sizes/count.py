"""Counting: how does an expression depend on the size of one dimension?

Write n for the size of the dimension. A :class:`Count` says that an expression, at every n, is

    product of ``powers`` (of n and of cleared denominators)  x  a polynomial in sums over the dimension,

whose terms have at most ``sums`` sums over the dimension, and at most ``total`` sums and further
factors n together; its coefficients may be any functions of finitely many ``parameters`` (sums over
the dimension that stand inside a logarithm, an exponent, ...). docs/kernel.md proves what that is
worth; here the numbers are computed by structural recursion, always rounding up.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Rational, Sum, Symbol, exp, log

from closedform.certify.sizes.derivative import Unfolding
from closedform.certify.sizes.parameters import canonical, for_all, parameter, sums_over
from closedform.notation import Abs, Dim, Index, NamedTensor, det, inv, logdet, maximum, minimum, relu, where


@dataclass(frozen=True)
class Count:
    """See the module's first lines; ``open_ends`` names what the theorem does not cover, in words."""

    sums: int = 0
    total: int = 0
    powers: Mapping[Expr, Fraction] = field(default_factory=dict)
    parameters: frozenset[Expr] = frozenset()
    open_ends: frozenset[str] = frozenset()

    @property
    def is_local(self) -> bool:
        """Neither sums over the dimension, nor its size, nor parameters: a function of entries at its own indices."""
        return not (self.total or self.powers or self.parameters or self.open_ends)


LOCAL = Count()
ROWS_OF_ITSELF = "a sum over {dim} inside a function or denominator, one for every value of an index that is itself summed over {dim}"
SEVERAL_INDICES = "a sum over several indices of {dim} inside a function or denominator"
SIZE_INSIDE = "the size {dim} inside a function other than a power or a logarithm"
MIXED_ROOTS = "roots of sums over {dim} to different powers"
MATRIX = "the inverse or determinant of a matrix over {dim}"


def _joined(counts: list[Count]) -> tuple[frozenset[Expr], frozenset[str]]:
    parameters: frozenset[Expr] = frozenset().union(*(c.parameters for c in counts))
    open_ends: frozenset[str] = frozenset().union(*(c.open_ends for c in counts))
    return parameters, open_ends


class Counter:
    """Counts expressions in one dimension, the sizes of the other dimensions being given.

    Args:
        unfolding: resolves lets and derivatives.
        dim: the dimension, or None to bound the degree in the random draws instead (then every
            entry has degree 1 and every denominator is cleared).
        sizes: sizes of the dimensions that may matter; those that did are collected in ``used``.
        clear: clear denominators and radicands that sum over the dimension; else they are parameters.
        unknown: matrices whose inverse, determinant and logdet are inputs of their own (theorem 3).
        linked: names of tensors whose entries an equation ties together along the dimension; each
            occurrence counts as a sum, because solving the equation puts a sum in its place.
    """

    def __init__(
        self,
        unfolding: Unfolding,
        dim: Dim | None,
        sizes: Mapping[Dim, int],
        *,
        clear: bool = True,
        unknown: frozenset[NamedTensor] = frozenset(),
        linked: frozenset[str] = frozenset(),
    ) -> None:
        self._unfolding = unfolding
        self.dim = dim
        self._sizes = sizes
        self._clear = clear
        self._unknown = unknown
        self._linked = linked
        self._weights: dict[Expr, tuple[int, int]] = {}
        self._cache: dict[Expr, Count] = {}
        self.used: set[Dim] = set()
        self.linked_inside = False
        self.size_roots: dict[Expr, int] = {}  # with the denominators of their exponents
        self.size_logarithms = False
        self.denominators: list[Expr] = []  # those that contain the size or a sum over the dimension
        self.inside: list[Expr] = []  # what stands inside functions together with sums over the dimension
        self.cleared = False  # whether a denominator or radicand that sums over the dimension was cleared

    def size(self, dim: Dim) -> int:
        self.used.add(dim)
        return self._sizes[dim]

    def difference(self, lhs: Expr, rhs: Expr) -> Count:
        """The count of lhs - rhs, without letting SymPy cancel anything between them."""
        return self._add([self.count(lhs), self.count(rhs)])

    def count(self, expression: Expr) -> Count:
        if expression not in self._cache:
            self._cache[expression] = self._count(expression)
        return self._cache[expression]

    def _count(self, u: Expr) -> Count:
        if isinstance(u, Indexed) or (isinstance(u, Symbol) and not isinstance(u, Index)):
            return self._entry(u)
        if not u.args or isinstance(u, KroneckerDelta):
            return LOCAL
        if isinstance(u, Add):
            return self._add([self.count(arg) for arg in u.args])
        if isinstance(u, Mul):
            return self._mul([self.count(arg) for arg in u.args])
        if isinstance(u, Sum):
            return self._sum(u)
        if isinstance(u, Pow) and isinstance(u.exp, Rational):
            return self._power(u.base, Fraction(int(u.exp.p), int(u.exp.q)))
        if isinstance(u, (inv, det, logdet)):
            return self._matrix_function(u)
        return self._function(u, list(u.args))

    # -- leaves -----------------------------------------------------------------------------

    def _entry(self, u: Expr) -> Count:
        if isinstance(u, Dim):
            if self.dim is None:
                return LOCAL
            if u != self.dim:
                return LOCAL
            self._weights[u] = (0, 1)
            return Count(powers={u: Fraction(1)})
        body = self._unfolding.body(u)
        if body is not None:
            return self.count(body)
        name = u.base.name if isinstance(u, Indexed) else str(u)
        weight = int(self.dim is None or name in self._linked)
        return Count(sums=weight, total=weight) if weight else LOCAL

    # -- polynomial operations --------------------------------------------------------------

    def _add(self, counts: list[Count]) -> Count:
        """Over a common denominator: each term is multiplied by what the others have and it has not."""
        keys = list(dict.fromkeys(key for c in counts for key in c.powers))
        common = {key: min(c.powers.get(key, Fraction(0)) for c in counts) for key in keys}
        sums = total = 0
        parameters, open_ends = _joined(counts)
        for c in counts:
            if any(self._is_mixed_root(key, c.powers.get(key, Fraction(0)) - common[key]) for key in keys):
                open_ends |= {MIXED_ROOTS.format(dim=self.dim)}
            excess = {key: math.ceil(c.powers.get(key, Fraction(0)) - common[key]) for key in keys}
            sums = max(sums, c.sums + sum(excess[key] * self._weights[key][0] for key in keys))
            total = max(total, c.total + sum(excess[key] * self._weights[key][1] for key in keys))
        return Count(sums, total, {key: value for key, value in common.items() if value}, parameters, open_ends)

    def _is_mixed_root(self, key: Expr, difference: Fraction) -> bool:
        """P + Q sqrt(S): that both vanish needs S not to be a square, which small sizes do not grant."""
        return difference.denominator > 1 and self.dim is not None and self._weights[key][0] > 0

    def _mul(self, counts: list[Count]) -> Count:
        powers: dict[Expr, Fraction] = {}
        for c in counts:
            for key, value in c.powers.items():
                powers[key] = powers.get(key, Fraction(0)) + value
        powers = {key: value for key, value in powers.items() if value}
        return Count(sum(c.sums for c in counts), sum(c.total for c in counts), powers, *_joined(counts))

    def _sum(self, u: Sum) -> Count:
        result = self.count(u.function)
        for limit in u.limits:
            result = self._summed(result, limit[0])
        return result

    def _summed(self, c: Count, index: Index) -> Count:
        """One more sum; denominators and parameters that carry the index now come once for each of its values."""
        c = self._spread_powers(c, index)
        parameters: set[Expr] = set()
        open_ends = set(c.open_ends)
        for key in c.parameters:
            if index not in key.free_symbols:
                parameters.add(key)
            elif index.dim == self.dim:
                open_ends.add(ROWS_OF_ITSELF.format(dim=self.dim))
            else:
                parameters.add(for_all(key, index))
        own = int(index.dim == self.dim)
        return Count(c.sums + own, c.total + own, c.powers, frozenset(parameters), frozenset(open_ends))

    def _spread_powers(self, c: Count, index: Index) -> Count:
        """sum_b N[b]/S[b]^e over the common denominator prod_b S[b]^e."""
        sums, total = c.sums, c.total
        powers: dict[Expr, Fraction] = {}
        open_ends = set(c.open_ends)
        for key, value in c.powers.items():
            if index not in key.free_symbols:
                powers[key] = powers.get(key, Fraction(0)) + value
                continue
            weight = self._weights[key]
            if value > 0:
                sums, total = sums + math.ceil(value) * weight[0], total + math.ceil(value) * weight[1]
                if value.denominator == 1:
                    continue
                value -= math.ceil(value)
            if index.dim == self.dim:
                open_ends.add(ROWS_OF_ITSELF.format(dim=self.dim))
                continue
            copies = self.size(index.dim)
            if copies > 1 and self._is_mixed_root(key, value):
                open_ends.add(MIXED_ROOTS.format(dim=self.dim))
            extra = (copies - 1) * math.ceil(-value)
            sums, total = sums + extra * weight[0], total + extra * weight[1]
            everywhere = for_all(key, index)
            self._weights[everywhere] = (copies * weight[0], copies * weight[1])
            powers[everywhere] = powers.get(everywhere, Fraction(0)) + value
        return Count(sums, total, powers, c.parameters, frozenset(open_ends))

    # -- powers -------------------------------------------------------------------------------

    def _power(self, base: Expr, e: Fraction, *, denominator: bool = False) -> Count:
        """base^e; a denominator of a denominator stays a power, so that 1/p cancels the denominator of p."""
        denominator |= e < 0 or e.denominator > 1
        body = self._unfolding.body(base) if isinstance(base, Indexed | Symbol) else None
        if body is not None:
            return self._power(body, e, denominator=denominator)
        if isinstance(base, Mul) and denominator:
            return self._mul([self._power(arg, e, denominator=True) for arg in base.args])
        if isinstance(base, Pow) and isinstance(base.exp, Rational):
            exponent = Fraction(int(base.exp.p), int(base.exp.q))
            return self._power(base.base, e * exponent, denominator=denominator or exponent < 0 or exponent.denominator > 1)
        c = self.count(base)
        if not denominator:
            return Count(c.sums * int(e), c.total * int(e), _scaled(c.powers, e), c.parameters, c.open_ends)
        powers = _scaled(c.powers, e)
        if c.total == 0:
            for key, value in powers.items():
                if key == self.dim:
                    self._root_of_size(key, value)
            return Count(0, 0, powers, c.parameters, c.open_ends)
        self.denominators.append(canonical(base))
        if c.sums == 0 and e.denominator > 1:
            self._root_of_size(canonical(base), e)
        if c.sums and not self._clear and self.dim is not None:
            return self._mul([Count(powers=powers), self._opaque([base])])
        key = canonical(base)
        self.cleared |= c.sums > 0
        self._weights[key] = (c.sums, c.total)
        return self._mul([Count(powers=powers, parameters=c.parameters, open_ends=c.open_ends), Count(powers={key: e})])

    def _root_of_size(self, base: Expr, e: Fraction) -> None:
        if e.denominator > 1:
            self.size_roots[base] = math.lcm(self.size_roots.get(base, 1), e.denominator)

    # -- other functions ------------------------------------------------------------------------

    def _function(self, u: Expr, args: list[Expr]) -> Count:
        if self.dim is None and isinstance(u, (where, maximum, minimum, relu, Abs)):
            return self._choice(u)
        if self.dim is None:  # a further independent variable
            return LOCAL if not u.free_symbols else Count(1, 1)
        if isinstance(u, exp):
            return self._exponential(u.args[0])
        if all(self.count(arg).is_local for arg in args):
            return LOCAL
        if isinstance(u, log) and self.dim in u.free_symbols:
            return self._logarithm(u.args[0])
        return self._opaque(args)

    def _choice(self, u: Expr) -> Count:
        """b + c (a - b) with an outcome c of a comparison: of the degree of a and b over a common denominator, and c's."""
        comparisons = max(1, len(u.args) - 1)
        outcome, chosen = (self.count(u.args[0]), u.args[1:]) if isinstance(u, where) else (Count(comparisons, comparisons), u.args)
        return self._mul([outcome, self._add([self.count(arg) for arg in chosen])])

    def _logarithm(self, argument: Expr) -> Count:
        """log(n a / b) = log(n) + log(a) - log(b): the logarithm of the size is a further unknown of its own."""
        factors = [(f.base if isinstance(f, Pow) and isinstance(f.exp, Rational) else f) for f in Mul.make_args(argument)]
        rest = [f for f in factors if f != self.dim and not self.count(f).is_local]
        self.size_logarithms |= self.dim in factors
        size = Count(0, 1) if self.dim in factors else LOCAL
        return self._add([size, self._opaque(rest) if rest else LOCAL])

    def _exponential(self, argument: Expr) -> Count:
        """exp(a + b) = exp(a) exp(b): terms that are local stay so."""
        rest = [arg for arg in Add.make_args(argument) if not self.count(arg).is_local]
        return self._opaque(rest) if rest else LOCAL

    def _opaque(self, args: list[Expr]) -> Count:
        """A function of sums over the dimension: each such sum is a parameter."""
        open_ends: set[str] = set()
        parameters = frozenset().union(*(self.sums_in(arg, open_ends) for arg in args))
        self.inside.extend(args)
        return Count(parameters=parameters, open_ends=frozenset(open_ends))

    def _collect(self, u: Expr, parameters: set[Expr], open_ends: set[str]) -> None:
        if isinstance(u, Indexed) or (isinstance(u, Symbol) and not isinstance(u, Dim | Index)):
            body = self._unfolding.body(u)
            if body is not None:
                self._collect(body, parameters, open_ends)
            elif (u.base.name if isinstance(u, Indexed) else str(u)) in self._linked:
                self.linked_inside = True
            return
        if isinstance(u, (inv, det, logdet)):
            c = self._matrix_function(u)
            parameters |= c.parameters
            open_ends |= c.open_ends
            if c.powers or c.total:
                self._collect_matrix(u.args[0], parameters, open_ends)
            return
        if isinstance(u, Sum):
            self._collect_sum(u, parameters, open_ends)
            return
        for arg in u.args:
            self._collect(arg, parameters, open_ends)

    def sums_in(self, u: Expr, open_ends: set[str]) -> set[Expr]:
        """The sums over the dimension in an expression, as parameters."""
        parameters: set[Expr] = set()
        self._collect(u, parameters, open_ends)
        return parameters

    def _collect_sum(self, u: Sum, parameters: set[Expr], open_ends: set[str]) -> None:
        inner: set[Expr] = set()
        self._collect(u.function, inner, open_ends)
        for (index, *_), key in itertools.product(u.limits, tuple(inner)):
            if index in key.free_symbols and index.dim == self.dim:
                open_ends.add(ROWS_OF_ITSELF.format(dim=self.dim))
        for index, *_ in u.limits:
            inner = {for_all(key, index) if index in key.free_symbols else key for key in inner}
        parameters |= inner
        if sums_over(u, self.dim) > 1:
            open_ends.add(SEVERAL_INDICES.format(dim=self.dim))
        elif sums_over(u, self.dim):
            parameters.add(parameter(u, self.dim))

    def _collect_matrix(self, matrix: NamedTensor, parameters: set[Expr], open_ends: set[str]) -> None:
        k, m = (self._unfolding.fresh_index(Index("k", dim)) for dim in matrix.dims)
        inner: set[Expr] = set()
        self._collect(matrix[k, m], inner, open_ends)
        parameters |= {for_all(for_all(key, k), m) for key in inner}

    def _matrix_function(self, u: Expr) -> Count:
        """inv(A) = adj(A)/det(A), where adj and det of an m x m matrix have degrees m - 1 and m in its entries."""
        matrix = u.args[0]
        if matrix in self._unknown:
            return Count(1, 1) if self.dim is None else LOCAL
        if self.dim in matrix.dims:
            return Count(open_ends=frozenset({MATRIX.format(dim=self.dim)}))
        k, m = (self._unfolding.fresh_index(Index("k", dim)) for dim in matrix.dims)
        entry = self.count(matrix[k, m])
        if self.dim is None and isinstance(u, logdet):
            return Count(1, 1)
        if entry.is_local:
            return LOCAL
        if self.dim is None:  # over one denominator
            entry = self._summed(self._summed(entry, k), m)
            return self._rational(u, entry)
        if entry.powers or entry.parameters or entry.open_ends or isinstance(u, logdet) or not self._clear:
            opaque = self._opaque([matrix[k, m]])
            return replace(opaque, parameters=frozenset(for_all(for_all(key, k), m) for key in opaque.parameters))
        return self._rational(u, entry)

    def _rational(self, u: Expr, entry: Count) -> Count:
        """Of a matrix with entries N/P over one denominator: det = det(N)/P^m and inv = P adj(N)/det(N)."""
        width = self.size(u.args[0].dims[0])
        if isinstance(u, det):
            return Count(width * entry.sums, width * entry.total, _scaled(entry.powers, Fraction(width)))
        key = det(u.args[0])
        self.denominators.append(key)
        self._weights[key] = (width * entry.sums, width * entry.total)
        powers = {**_scaled(entry.powers, Fraction(-1)), key: Fraction(-1)}
        return Count((width - 1) * entry.sums, (width - 1) * entry.total, powers)


def _scaled(powers: Mapping[Expr, Fraction], e: Fraction) -> dict[Expr, Fraction]:
    return {key: value * e for key, value in powers.items()}
