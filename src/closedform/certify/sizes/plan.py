"""Which sizes suffice for all sizes: the plan behind every "proved".

For one dimension of size n, the others at each of their tested sizes, the difference of the two
sides has f free indices over it, at most s sums and a further factors n once denominators are
cleared, and r parameters (sums inside functions). If it vanishes at s + a + 1 consecutive sizes
from

    f                        when r = 0          (Theorem 1)
    f + s (m + 1) + m        otherwise           (Theorem 2)

then it vanishes at every size at which it exists. docs/kernel.md states both precisely and proves
them (m <= r positions move the parameters independently); this module computes f, s, a, r and m
from the definitions and the claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

from sympy import Expr, Indexed, Sum, Symbol

from closedform.certify.sizes.count import SIZE_INSIDE, Count, Counter
from closedform.certify.sizes.derivative import Unfolding
from closedform.certify.sizes.hidden import first_size, hides_size, is_discrete
from closedform.certify.sizes.parameters import bath_of, count_of, distinct, for_all, given_entries, outer_indices
from closedform.certify.sizes.relations import allowed_sizes, leaves_out
from closedform.certify.sizes.scaling import scaling_powers
from closedform.notation import Claim, Dim, Given, Index, NamedTensor, OneHot, Partial, Relation, Setting

CONDITIONS = "size conditions that leave out some of the sizes to be tested"
SMALLEST = 2  # a plan reaches at least this size: at size 1 alone much is equal or does not exist
SPARE = 2  # further sizes where the theorem does not apply
MOST_OPEN = 6  # and no more than this in all
LARGEST = 14  # plans that start beyond this are replaced by the other way of counting where there is one


@dataclass(frozen=True)
class Bounds:
    """Why these sizes: see the module's first lines.

    Attributes:
        free: f, the free indices over the dimension, one-hot positions and solved entries included.
        sums: s.
        powers: a.
        parameters: r.
        bath: m.
        least: no size before this one is of use, as a denominator would be zero.
        open_ends: what keeps the theorem from applying, in words; empty for a proof at all sizes.
    """

    free: int
    sums: int
    powers: int
    parameters: int = 0
    bath: int = 0
    least: int = 1
    open_ends: tuple[str, ...] = ()

    @property
    def start(self) -> int:
        """Where the theorem lets the sizes begin, raised so that they reach SMALLEST (any later start is as good)."""
        least = self.free
        if self.parameters:
            bath = min(self.bath, 1) if self.open_ends else self.bath
            least += self.sums * (bath + 1) + bath
        return max(self.least, least, SMALLEST - self.sums - self.powers)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes that the theorem asks for; where it does not apply, about as many."""
        count = self.sums + self.powers + 1
        if self.open_ends:
            count = min(count + SPARE, MOST_OPEN)
        return tuple(range(self.start, self.start + count))


@dataclass(frozen=True)
class SizePlan:
    """The sizes at which a claim is to be tested, on their full grid, and the bounds behind them.

    Attributes:
        sizes: the consecutive sizes of each dimension.
        bounds: the counts of each dimension.
        degree: bound on the degree of the difference, denominators cleared, as a polynomial in the
            random draws at the largest sizes (Schwartz-Zippel: a false claim passes one draw modulo
            p with probability at most degree / p).
        exhausted: dimensions whose size conditions leave only the tested sizes.
    """

    sizes: Mapping[Dim, tuple[int, ...]]
    bounds: Mapping[Dim, Bounds]
    degree: int
    exhausted: frozenset[Dim] = frozenset()

    @property
    def open_ends(self) -> tuple[str, ...]:
        """Why the sizes tested may not suffice, in words; empty when the theorem covers every dimension."""
        ends = {end for dim, bounds in self.bounds.items() if dim not in self.exhausted for end in bounds.open_ends}
        return tuple(sorted(ends))


def size_plan(setting: Setting, claim: Claim, unknown: frozenset[NamedTensor] = frozenset()) -> SizePlan:
    """The sizes that suffice to decide a claim at all sizes; ``unknown``: see :class:`Counter`.

    >>> from closedform.notation import *
    >>> C = Dim("C"); i, j, k = indices("i j k", C); z, p = tensor("z", C), tensor("p", C)
    >>> softmax = Let(p[i], exp(z[i]) / summation(exp(z[k]), k))
    >>> claim = Claim("jacobian", partial(p[i], z[j]), p[i] * (delta(i, j) - p[j]))
    >>> plan = size_plan(Setting((Given(z),), (softmax,)), claim)
    >>> plan.sizes[C]  # f = 2 free indices, and the denominator of p is r = 1 parameter
    (3,)
    """
    return _Planner(setting, claim, unknown).plan()


class _Planner:
    def __init__(self, setting: Setting, claim: Claim, unknown: frozenset[NamedTensor]) -> None:
        self._setting = setting
        self._unknown = unknown
        self._claim = claim
        self._unfolding = Unfolding(setting)
        self._sides = (self._unfolding.explicit(claim.lhs), self._unfolding.explicit(claim.rhs))
        self._givens = _givens_of(setting, claim)
        self._counted: dict[Dim, tuple[Mapping[Dim, int], list[tuple[Bounds, set[Dim]]]]] = {}
        named = claim.lhs.atoms(Dim, Index) | claim.rhs.atoms(Dim, Index)
        dims = {symbol.dim if isinstance(symbol, Index) else symbol for symbol in named}
        self._dims = tuple(dict.fromkeys((*setting.dims, *sorted(dims, key=str))))

    def plan(self) -> SizePlan:
        bounds = self._bounds()
        sizes = {dim: bounds[dim].sizes for dim in self._dims}
        sizes, exhausted = allowed_sizes(self._setting, sizes)
        if leaves_out(self._setting, sizes):
            sizes = {dim: at if dim in exhausted else tuple(range(at[0], at[-1] + MOST_OPEN)) for dim, at in sizes.items()}
            bounds = {dim: _with_open_end(found, CONDITIONS) for dim, found in bounds.items()}
            exhausted = frozenset()
        return SizePlan(sizes, bounds, self._degree({dim: max(at, default=1) for dim, at in sizes.items()}), exhausted)

    def _bounds(self) -> dict[Dim, Bounds]:
        """Dimensions in an order in which each needs only the tested sizes of those before it.

        That order is what makes "one dimension at a time" sound: the last one is taken to all sizes
        first, while those before it stay at their tested sizes.
        """
        found: dict[Dim, Bounds] = {}
        while len(found) < len(self._dims):
            waiting = [dim for dim in self._dims if dim not in found]
            options = {dim: self._options(dim, found) for dim in waiting}
            ready = [dim for dim in waiting if any(needs <= found.keys() for _, needs in options[dim])]
            if ready:
                for dim in ready:
                    found[dim] = min((b for b, needs in options[dim] if needs <= found.keys()), key=_cost)
            else:
                dim = min(waiting, key=lambda d: min(_cost(b) for b, _ in options[d]))
                best = min((b for b, _ in options[dim]), key=_cost)
                found[dim] = _with_open_end(
                    best, f"dimensions whose counts depend on one another ({', '.join(sorted(str(d) for d in waiting))})"
                )
        return found

    def _options(self, dim: Dim, found: Mapping[Dim, Bounds]) -> list[tuple[Bounds, set[Dim]]]:
        """The ways of counting, each with the other dimensions whose tested sizes it has used."""
        sizes = {other: found[other].sizes[-1] if other in found else 2 for other in self._dims}
        known, options = self._counted.get(dim, ({}, []))
        needed = {other for _, needs in options for other in needs}
        if not options or any(known[other] != sizes[other] for other in needed):
            options = self._counted_options(dim, sizes)
            self._counted[dim] = (sizes, options)
        return options

    def _counted_options(self, dim: Dim, sizes: Mapping[Dim, int]) -> list[tuple[Bounds, set[Dim]]]:
        equations = [e for e in self._equations() if dim in _sums(self._unfolding, e)]
        options = []
        for solve in (True, False) if equations else (False,):
            cleared, cleared_something = self._count(dim, sizes, equations, clear=True, solve=solve)
            options.append(cleared)
            if cleared_something:
                options.append(self._count(dim, sizes, equations, clear=False, solve=solve)[0])
        return options

    def _count(
        self, dim: Dim, sizes: Mapping[Dim, int], equations: list[Relation], *, clear: bool, solve: bool
    ) -> tuple[tuple[Bounds, set[Dim]], bool]:
        solved = frozenset(name for e in equations if (name := _solved_tensor(e, dim))) if solve else frozenset()
        counter = Counter(self._unfolding, dim, sizes, clear=clear, unknown=self._unknown, linked=solved)
        count = counter.difference(*self._sides)
        if solved and (counter.linked_inside or len(solved) < len(equations)):  # not polynomial in what is to be solved for
            solved = frozenset()
            counter = Counter(self._unfolding, dim, sizes, clear=clear, unknown=self._unknown)
            count = counter.difference(*self._sides)
        open_ends = set(count.open_ends)
        fixed = {
            key
            for e in equations
            if _solved_tensor(e, dim) not in solved
            for key in _fixed_sums(e, dim, counter, self._unfolding, open_ends)
        }
        discrete = frozenset(given.name for given in self._givens if is_discrete(given))
        open_ends |= self._discrete_equations(dim, discrete, bool(fixed or count.parameters))
        keys = distinct(count.parameters | fixed)
        used = counter.used | {index.dim for key in keys for index in outer_indices(key)}
        free = sum(index.dim == dim for index in self._claim.free_indices) + bool(solved) + self._one_hot(dim, counter, open_ends)
        total = _with_size_functions(count, counter)
        powers = scaling_powers(counter.inside, fixed, dim, self._unfolding)
        if powers is None:
            open_ends.add(SIZE_INSIDE.format(dim=dim))
        elif count.sums and not set(powers) <= {0, 1}:  # in the proof, s sums may turn into powers n^w
            if not all(abs(w) <= 1 and (2 * w).is_integer for w in powers):
                open_ends.add(SIZE_INSIDE.format(dim=dim))
            total = 2 * (count.sums + total)  # half-integers from -s to s + a
        if keys and not open_ends and hides_size(keys, dim, self._setting, sizes):
            open_ends.add(f"a sum over {dim} inside a function that may hide the size {dim}")
        bath = bath_of(keys, dim, self._unfolding, sizes, discrete)
        bounds = Bounds(free, count.sums, total - count.sums, count_of(keys, sizes), bath, open_ends=tuple(sorted(open_ends)))
        least = first_size(counter.denominators, dim, self._setting, sizes, bounds.start, len(bounds.sizes))
        bounds = replace(bounds, least=least if least > bounds.start else 1)
        return (bounds, (used | counter.used) - {dim}), counter.cleared

    def _equations(self) -> list[Relation]:
        found = (c for given in self._givens for c in given.where)
        return list(dict.fromkeys(c for c in found if isinstance(c, Relation) and c.op == "="))

    def _discrete_equations(self, dim: Dim, discrete: frozenset[str], parameters: bool) -> set[str]:
        """Equations that leave single entries few values, or discrete inputs fewer combinations."""
        found = set()
        for equation in self._equations():
            entries = {e for side in (equation.lhs, equation.rhs) for e in given_entries(side, self._unfolding) if dim in e.base.shape}
            if {e.base.name for e in entries} & discrete:
                found.add(f"an equation on a discrete input over {dim}")
            elif parameters and len(entries) == 1 and not _sums(self._unfolding, equation):
                found.add(f"an equation on single entries over {dim} beside a sum over {dim} inside a function")
        return found

    def _one_hot(self, dim: Dim, counter: Counter, open_ends: set[str]) -> int:
        """A one-hot row along the dimension is a delta with one further free index, for each row."""
        extra = 0
        for tensor in (c.tensor for given in self._givens for c in given.where if isinstance(c, OneHot)):
            rows = tensor.dims[:-1]
            if tensor.dims[-1] != dim:
                continue
            if dim in rows:
                open_ends.add(f"one-hot rows of {tensor.name} that are themselves indexed by {dim}")
            extra += prod(counter.size(row) if row != dim else 1 for row in rows)
        return extra

    def _degree(self, sizes: Mapping[Dim, int]) -> int:
        orders = max((len(p.variables) for p in self._claim.lhs.atoms(Partial)), default=0)  # random directions multiply in
        count = Counter(self._unfolding, None, sizes, unknown=self._unknown).difference(*self._sides)
        return max(1, count.total + orders)


def _cost(bounds: Bounds) -> float:
    """Evaluations are few calls on small arrays: a size costs about a constant, large ones more."""
    return len(bounds.open_ends) * 1e6 + sum(10 + n + max(0, n - LARGEST) ** 3 for n in bounds.sizes)


def _with_open_end(bounds: Bounds, reason: str) -> Bounds:
    return replace(bounds, open_ends=tuple(sorted({*bounds.open_ends, reason})))


def _with_size_functions(count: Count, counter: Counter) -> int:
    """Degree budget in n when roots or logarithms of n alone occur besides its powers.

    With roots of orders q_1, q_2, ... the product over all choices of them is a polynomial of q_1 q_2 ... times the
    degree. With log(n), the n^i (log n)^j with i + j <= t are a Chebyshev system of (t + 1)(t + 2)/2 functions on n > 0:
    no combination has that many zeros.
    """
    total = (count.total + 1) * prod(counter.size_roots.values()) - 1
    if counter.size_logarithms:
        total = (total + 1) * (total + 2) // 2 - 1
    return total


def _givens_of(setting: Setting, claim: Claim) -> tuple[Given, ...]:
    """The givens that a claim depends on, through the definitions."""
    names = {str(s) for s in (claim.lhs.free_symbols | claim.rhs.free_symbols)}
    for let in reversed(setting.lets):
        if let.name in names:
            names |= {str(s) for s in let.body.free_symbols}
    linked = {str(s) for g in setting.given if g.name in names for c in g.where if isinstance(c, Relation) for s in c.lhs.free_symbols}
    return tuple(given for given in setting.given if given.name in names | linked)


def _sums(unfolding: Unfolding, equation: Relation) -> set[Dim]:
    """The dimensions that an equation sums over, through the definitions."""

    def of(u: Expr) -> set[Dim]:
        if isinstance(u, Indexed | Symbol):
            body = unfolding.body(u)
            return set() if body is None else of(body)
        own = {limit[0].dim for limit in u.limits} if isinstance(u, Sum) else set()
        return own.union(*(of(arg) for arg in u.args))

    return of(equation.lhs) | of(equation.rhs)


def _solved_tensor(equation: Relation, dim: Dim) -> str:
    """The tensor of an equation sum_k y[.., k, ..] = number (one for each row), which is solved for y[.., *, ..]; else ''."""
    side = equation.lhs
    if not isinstance(side, Sum) or equation.rhs.free_symbols or len(side.limits) != 1:
        return ""
    entry, index = side.function, side.limits[0][0]
    if not isinstance(entry, Indexed) or index.dim != dim or [i.dim for i in entry.indices].count(dim) != 1:
        return ""
    return str(entry.base.name) if isinstance(entry.base, NamedTensor) else ""


def _fixed_sums(equation: Relation, dim: Dim, counter: Counter, unfolding: Unfolding, open_ends: set[str]) -> set[Expr]:
    """The sums over the dimension that an equation fixes, for every value of its free indices: they count as parameters."""
    sums = counter.sums_in(unfolding.explicit(equation.lhs - equation.rhs), open_ends)
    indices = [s for s in equation.lhs.free_symbols | equation.rhs.free_symbols if isinstance(s, Index)]
    found = set()
    for key in sums:
        for index in sorted(indices, key=str):
            if index.dim == dim:
                open_ends.add(f"an equation that sums over {dim}, one for every index over {dim}")
            key = for_all(key, index) if index in key.free_symbols else key
        found.add(key)
    return found
