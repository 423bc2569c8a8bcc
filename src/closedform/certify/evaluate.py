"""The interpreter: what a formula *means*, at concrete sizes, in any ring.

It walks the formula as the person wrote it and knows no rewriting: a sum is a sum over all values
of its index, a :class:`~closedform.notation.Partial` is computed by jets (:mod:`.jets`). Each
subexpression is evaluated once, for the indices that it really has.

    >>> from closedform.notation import Dim, Given, Let, Setting, exp, indices, partial, summation, tensor
    >>> import numpy as np
    >>> from closedform.certify.rings.float64 import Float64
    >>> C = Dim("C"); i, j, k = indices("i j k", C); z, p = tensor("z", C), tensor("p", C)
    >>> setting = Setting((Given(z),), (Let(p[i], exp(z[i]) / summation(exp(z[k]), k)),))
    >>> evaluate(partial(p[i], z[j]), setting, {C: 2}, {"z": np.zeros(2)}, Float64(), (i, j))
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, product
from operator import or_

import sympy
from sympy import Expr, Indexed, KroneckerDelta, Rational, Sum, Symbol

from closedform.certify.jets import Jet, Jets, shifted
from closedform.certify.matrix_jets import COLUMN, ROW, MatrixFunctions
from closedform.certify.named import Named, Token
from closedform.certify.rings.base import Array, Ring
from closedform.errors import NotationError
from closedform.notation import (
    Dim,
    Given,
    Index,
    NamedTensor,
    Partial,
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
    where,
)

_ELEMENTARY = {"exp", "log", "sin", "cos", "sinh", "cosh", "tanh", "sigmoid", "softplus", "erf", "Abs", "sign", "relu", "step"}


def evaluate(
    expression: Expr, setting: Setting, sizes: Mapping[Dim, int], values: Mapping[str, Array], ring: Ring, axes: Sequence[Index]
) -> Array:
    """The entries of ``expression`` for all values of its free indices.

    Args:
        expression: in index notation; derivatives may stand anywhere in it.
        setting: resolves the names of givens and lets.
        sizes: the size of every dimension.
        values: one array of ring elements for each given, its shape that of its dimensions; for an
            unknown function (``Given.of``) also its derivatives, under :func:`derivative_key`.
        ring: the number system.
        axes: which index goes along which axis of the result; every free index must be listed.

    Returns:
        An array of ring elements with one axis for each of ``axes``.

    Raises:
        NotationError: a name that the setting lacks, a free index that ``axes`` lacks, or a
            function that the interpreter does not know.
    """
    loose = free_indices(expression) - set(axes)
    if loose:
        names = ", ".join(sorted(index.name for index in loose))
        raise NotationError(f"evaluate: the expression has the free index {names}, which is not among the axes {tuple(axes)}; add it")
    with ring.scope():
        return Interpreter(setting, sizes, values, ring).entries(expression, axes)


def derivative_key(function: str, sources: Sequence[str]) -> str:
    """Under which name ``values`` holds a derivative of an unknown function: ``derivative_key("e", ("x", "x"))``.

    Its axes are those of the function, then those of each source; sources are in sorted order.
    """
    return f"d {function} / {' '.join(sorted(sources))}"


@dataclass(frozen=True)
class Seed:
    """``name`` has the tangent e (a fresh infinitesimal, ``bit``) in the direction that ``key`` stands for."""

    bit: int
    name: str
    key: tuple[object, ...]


class Interpreter:
    """Evaluates formulas of one setting at one point; remembers what it has evaluated."""

    def __init__(self, setting: Setting, sizes: Mapping[Dim, int], values: Mapping[str, Array], ring: Ring) -> None:
        self.setting = setting
        self.sizes = sizes
        self.values = values
        self.ring = ring
        self.jets = Jets(ring)
        self.arrays = self.jets.arrays
        self._givens = {given.name: given for given in setting.given}
        self._lets = {let.name: let for let in setting.lets}
        self._memo: dict[tuple[object, tuple[Seed, ...]], Jet] = {}
        self._tangents: dict[Seed, Jet] = {}
        self._directions = 0

    def entries(self, expression: Expr, axes: Sequence[Index]) -> Array:
        """See :func:`evaluate`; call it within ``ring.scope()``."""
        value = self.jets.base(self.value(expression, ()))
        return self.arrays.full(value, tuple(axes), [self.sizes[index.dim] for index in axes])

    # -- the walk ---------------------------------------------------------------------------------
    def value(self, expression: Expr, seeds: tuple[Seed, ...]) -> Jet:
        """The expression as a jet in the infinitesimals of ``seeds``, with its free indices as axes."""
        key = (expression, seeds)
        if key not in self._memo:
            self._memo[key] = self._evaluate(expression, seeds)
        return self._memo[key]

    def _evaluate(self, e: Expr, seeds: tuple[Seed, ...]) -> Jet:
        if isinstance(e, Rational | sympy.Float):
            return self.jets.number(Rational(e))
        if isinstance(e, Dim):
            return self.jets.size(self._size(e))
        if isinstance(e, Indexed | Symbol) and not isinstance(e, Index):
            return self._entry(e, seeds)
        if e.is_Add:
            return self._fold(self.jets.add, [self.value(term, seeds) for term in e.args])
        if isinstance(e, Sum):
            return self._sum(e.function, [limit[0] for limit in e.limits], seeds)
        if e.is_Mul or isinstance(e, KroneckerDelta | Partial):
            return self._product(list(sympy.Mul.make_args(e)), [], seeds)
        if e.is_Pow:
            return self._power(e.base, e.exp, seeds)
        return self._function(e, seeds)

    def _function(self, e: Expr, seeds: tuple[Seed, ...]) -> Jet:
        if e is sympy.pi:
            return {0: Named((), self.ring.pi())}
        if e is sympy.E:
            return self.jets.apply("exp", self.jets.one)
        name = type(e).__name__
        if name in _ELEMENTARY:
            return self.jets.apply(name, self.value(e.args[0], seeds))
        if isinstance(e, inv | det | logdet):
            return self._matrix(e, seeds)
        arguments = [self.value(argument, seeds) for argument in e.args]
        if isinstance(e, less | less_equal):
            return self.jets.less(arguments[0], arguments[1], isinstance(e, less_equal))
        if isinstance(e, where):
            return self.jets.select(arguments[0], arguments[1], arguments[2])
        if isinstance(e, maximum):
            return self._fold(lambda a, b: self.jets.select(self.jets.less(a, b, False), b, a), arguments)
        if isinstance(e, minimum):
            return self._fold(lambda a, b: self.jets.select(self.jets.less(b, a, False), b, a), arguments)
        raise NotationError(
            f"the kernel does not know the function {name} in {e}; it knows {', '.join(sorted(_ELEMENTARY))} and matrix functions"
        )

    def _power(self, base: Expr, exponent: Expr, seeds: tuple[Seed, ...]) -> Jet:
        if base is sympy.E:
            return self.jets.apply("exp", self.value(exponent, seeds))
        if isinstance(exponent, Rational | sympy.Float):
            return self.jets.power(self.value(base, seeds), Rational(exponent))
        return self.jets.general_power(self.value(base, seeds), self.value(exponent, seeds))

    def _matrix(self, e: Expr, seeds: tuple[Seed, ...]) -> Jet:
        """inv(A, i, j), det(A), logdet(A) of a named square matrix."""
        matrix = e.args[0]
        if not isinstance(matrix, NamedTensor) or len(matrix.dims) != 2 or matrix.dims[0] != matrix.dims[1]:
            raise NotationError(f"{type(e).__name__} needs a named square matrix, with both axes over one dimension; got {matrix}")
        size = self._size(matrix.dims[0])
        jet = self.jets.rename(self._head(matrix.name, seeds), {0: ROW, 1: COLUMN})
        functions = MatrixFunctions(self.jets, matrix.name, size, self.values)
        if isinstance(e, inv):
            inverse = self._once(("inv", matrix.name), seeds, lambda: functions.inverse(jet))
            return self.jets.rename(inverse, {ROW: e.args[1], COLUMN: e.args[2]})
        return functions.det(jet) if isinstance(e, det) else functions.logdet(jet)

    # -- names ------------------------------------------------------------------------------------
    def _entry(self, entry: Expr, seeds: tuple[Seed, ...]) -> Jet:
        at = entry.indices if isinstance(entry, Indexed) else ()
        return self.jets.rename(self._head(head_name(entry), seeds), dict(enumerate(at)))

    def _head(self, name: str, seeds: tuple[Seed, ...]) -> Jet:
        """A given or let as a jet whose axes are called 0, 1, ...; further axes are tokens."""
        return self._once(("head", name), seeds, lambda: self._defined(name, seeds))

    def _once(self, key: tuple[str, str], seeds: tuple[Seed, ...], make: Callable[[], Jet]) -> Jet:
        if (key, seeds) not in self._memo:
            self._memo[key, seeds] = make()
        return self._memo[key, seeds]

    def _defined(self, name: str, seeds: tuple[Seed, ...]) -> Jet:
        if name in self._lets:
            let = self._lets[name]
            jet = self.jets.rename(self.value(let.body, seeds), {index: k for k, index in enumerate(let.indices)})
        elif name in self._givens:
            given = self._givens[name]
            jet = {0: self._leaf(name, len(given.dims))} | self._chain(given, seeds)
        else:
            raise NotationError(f"{name} is neither given nor defined; known are: {', '.join([*self._givens, *self._lets])}")
        for seed in seeds:
            if seed.name == name:
                tangent = {mask | seed.bit: value for mask, value in self._tangents[seed].items()}
                jet = self.jets.add(jet, tangent)
        return jet

    def _leaf(self, name: str, rank: int) -> Named:
        if name not in self.values:
            raise NotationError(f"no value is given for {name}; values are given for: {', '.join(sorted(self.values))}")
        return Named(tuple(range(rank)), self.values[name])

    def _size(self, dim: Dim) -> int:
        if dim not in self.sizes:
            raise NotationError(
                f"no size is given for the dimension {dim.name}; sizes are given for: {', '.join(str(d) for d in self.sizes)}"
            )
        return int(self.sizes[dim])

    def _chain(self, given: Given, seeds: tuple[Seed, ...]) -> Jet:
        """An unknown function e = f(x, ...) by the chain rule: the coefficient of a set m of infinitesimals is
        the sum over all ways to split m into blocks of D^k f applied to the sources' coefficients of the blocks."""
        sources = {source.name: self._head(source.name, seeds) for source in given.of}
        moving = sorted({mask for jet in sources.values() for mask in jet if mask})
        rank = len(given.dims)
        result: Jet = {}
        for blocks in _disjoint(moving):
            for names in product(*([name for name in sorted(sources) if mask in sources[name]] for mask in blocks)):
                term = self._multilinear(given, rank, [(name, sources[name][mask]) for name, mask in zip(names, blocks, strict=True)])
                result = self.jets.add(result, {sum(blocks): term})
        return result

    def _multilinear(self, given: Given, rank: int, along: list[tuple[str, Named]]) -> Named:
        """D^k f applied to k tangents: contract the derivative's axes with theirs."""
        along = sorted(along, key=lambda pair: pair[0])
        ranks = [
            len(self.setting.symbols()[name].dims) if isinstance(self.setting.symbols()[name], NamedTensor) else 0 for name, _ in along
        ]
        factor = self._leaf(derivative_key(given.name, [name for name, _ in along]), rank + sum(ranks))
        bound = [(Token("chain", n, k), self._dims(name)[k]) for n, (name, _) in enumerate(along) for k in range(ranks[n])]
        factor = self.arrays.rename(factor, {rank + n: token for n, (token, _) in enumerate(bound)})
        jet: Jet = {0: factor}
        for n, (_, tangent) in enumerate(along):
            jet = self.jets.multiply(jet, {0: self.arrays.rename(tangent, {k: Token("chain", n, k) for k in range(ranks[n])})})
        for token, dim in bound:
            jet = self.jets.total(jet, token, self._size(dim))
        return jet[0]

    def _dims(self, name: str) -> tuple[Dim, ...]:
        return (self._lets[name] if name in self._lets else self._givens[name]).dims

    # -- sums and products ------------------------------------------------------------------------
    def _sum(self, body: Expr, bound: list[Index], seeds: tuple[Seed, ...]) -> Jet:
        if body.is_Add:
            return self._fold(self.jets.add, [self._sum(term, bound, seeds) for term in body.args])
        if isinstance(body, Sum):
            inner = [limit[0] for limit in body.limits]
            if not set(inner) & set(bound):
                return self._sum(body.function, [*inner, *bound], seeds)
        return self._product(list(sympy.Mul.make_args(body)), bound, seeds)

    def _product(self, factors: list[Expr], bound: list[Index], seeds: tuple[Seed, ...]) -> Jet:
        """Sum over ``bound`` of a product; one index is eliminated at a time, from the factors that carry it."""
        pieces, factors, bound = self._derivatives(factors, bound, seeds)
        deltas = [factor.args for factor in factors if isinstance(factor, KroneckerDelta)]
        pieces += [self.value(factor, seeds) for factor in factors if not isinstance(factor, KroneckerDelta)]
        left = list(bound)
        # sum_k delta(k,i) f(k) = f(i)
        for n, (first, second) in enumerate(deltas):
            k, i = (first, second) if first in left else (second, first)
            if k in left and k != i:
                left.remove(k)
                deltas[n + 1 :] = [tuple(i if index == k else index for index in pair) for pair in deltas[n + 1 :]]
                pieces = [self.jets.rename(piece, {k: i}) for piece in pieces]
            elif k != i:
                pieces.append({0: Named((k, i), self.ring.eye(self._size(k.dim)))})
        while left:
            index = min(left, key=lambda k: (len({axis for piece in pieces if _carries(piece, k) for axis in _axes(piece)}), k.name))
            left.remove(index)
            having = [piece for piece in pieces if _carries(piece, index)]
            pieces = [piece for piece in pieces if not _carries(piece, index)]
            pieces.append(self._contracted(having, index))
        return self._multiplied(pieces)

    def _contracted(self, pieces: list[Jet], index: Index) -> Jet:
        """The sum over an index of a product of pieces that carry it; the largest comes in last, by a matrix product."""
        size = self._size(index.dim)
        if len(pieces) < 2:
            return self.jets.total(self._multiplied(pieces), index, size)
        *others, largest = sorted(pieces, key=lambda piece: len(_axes(piece)))
        return self.jets.contract(self._multiplied(others), largest, index, size)

    def _multiplied(self, pieces: list[Jet]) -> Jet:
        return self._fold(self.jets.multiply, sorted(pieces, key=lambda piece: len(_axes(piece)))) if pieces else self.jets.one

    def _fold(self, operation: Callable[[Jet, Jet], Jet], jets: Sequence[Jet]) -> Jet:
        result = jets[0]
        for jet in jets[1:]:
            result = operation(result, jet)
        return result

    # -- derivatives ------------------------------------------------------------------------------
    def _derivatives(self, factors: list[Expr], bound: list[Index], seeds: tuple[Seed, ...]) -> tuple[list[Jet], list[Expr], list[Index]]:
        """Evaluate the Partial factors, each with the factors that are directions for it."""
        pieces: list[Jet] = []
        for node in [factor for factor in factors if isinstance(factor, Partial)]:
            factors.remove(node)
            directions: dict[int, list[Expr]] = {}
            for position, variable in enumerate(node.variables):
                at = set(variable.indices) if isinstance(variable, Indexed) else set()
                others = set().union(*(free_indices(arg) for k, arg in enumerate(node.args) if k != position + 1))
                touching = [factor for factor in factors if free_indices(factor) & at]
                extra = set().union(*(free_indices(factor) for factor in touching)) - at
                usable = at <= set(bound) and not at & others and len(at) == len(getattr(variable, "indices", ()))
                if at and usable and touching and len(extra) <= len(at) and not any(isinstance(f, Partial) for f in touching):
                    # sum_i dL/dz[i] v[i] is the derivative along v: one infinitesimal instead of one for each i
                    directions[position] = touching
                    factors = [factor for factor in factors if factor not in touching]
                    bound = [index for index in bound if index not in at]
            pieces.append(self._partial(node, directions, seeds))
        return pieces, factors, bound

    def _partial(self, node: Expr, directions: Mapping[int, list[Expr]], seeds: tuple[Seed, ...]) -> Jet:
        """The coefficient of e1 e2 ... in the target, where variable n has the tangent e_n: along every index of the
        variable at once (the tangent of z[a] is delta(a, j), with j a new axis), or along a given direction."""
        level = len(seeds)
        named: dict[Token, Index] = {}
        tokens: dict[Index, Token] = {}

        def token(index: Index) -> Token:
            if index not in tokens:
                tokens[index] = Token("direction", level, len(tokens))
                named[tokens[index]] = index
            return tokens[index]

        inner = seeds
        for position, variable in enumerate(node.variables):
            at = variable.indices if isinstance(variable, Indexed) else ()
            bit = 1 << len(inner)
            if position in directions:
                along = self._product(directions[position], [], seeds)
                names = {index: k for k, index in enumerate(at)}
                names |= {index: token(index) for index in sorted(_axes(along) - set(at), key=str) if isinstance(index, Index)}
                self._directions += 1
                seed = Seed(bit, head_name(variable), ("along", self._directions))
                self._tangents[seed] = self.jets.rename(along, names)
            else:
                seed = Seed(bit, head_name(variable), ("entries", *(token(index).number for index in at)))
                self._tangents[seed] = self._entry_tangent([(token(index), index.dim) for index in at])
            inner = (*inner, seed)
        bits = [seed.bit for seed in inner[level:]]
        target = shifted(self._head(head_name(node.target), inner), bits)
        at = node.target.indices if isinstance(node.target, Indexed) else ()
        return self.jets.rename(target, dict(enumerate(at)) | named)

    def _entry_tangent(self, at: list[tuple[Token, Dim]]) -> Jet:
        jet = self.jets.one
        for k, (token, dim) in enumerate(at):
            jet = self.jets.multiply(jet, {0: Named((k, token), self.ring.eye(self._size(dim)))})
        return jet


def _axes(jet: Jet) -> set[object]:
    return {axis for value in jet.values() for axis in value.axes}


def _carries(jet: Jet, axis: object) -> bool:
    return any(axis in value.axes for value in jet.values())


def _disjoint(masks: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every set of one or more masks that share no bit."""
    for count in range(1, len(masks) + 1):
        for chosen in combinations(masks, count):
            if sum(mask.bit_count() for mask in chosen) == reduce(or_, chosen).bit_count():
                yield chosen
