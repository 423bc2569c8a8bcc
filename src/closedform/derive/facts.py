"""What the rules may use: softmaxes, known sums, known entries and named lets of one setting.

Everything here is read off the definitions and the constraints; nothing knows a derivation by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Abs, Add, Expr, Function, Indexed, Mul, Pow, S, Sum, Symbol, exp

from closedform.derive.algebra import factors, fresh, is_leaf, nodes, powers, substitute, sum_parts, terms, transform
from closedform.derive.calculus import Dependence
from closedform.derive.canonical import canonical, key
from closedform.derive.matching import Pattern
from closedform.notation import (
    Dim,
    Index,
    Let,
    Membership,
    NamedTensor,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SymmetricMatrix,
    head_name,
    summation,
)


@dataclass(frozen=True)
class Softmax:
    """A let p[.., i, ..] = w[i]*exp(u[i]) / sum_k w[k]*exp(u[k]); mostly the weight w is 1."""

    let: Let
    index: Index
    argument: Expr
    weight: Expr = S.One

    @property
    def partition(self) -> Expr:
        """sum_k w[k]*exp(u[k])."""
        dummy = fresh(self.index, self.let.indices)
        return canonical(summation(substitute(self.weight * exp(self.argument), {self.index: dummy}), dummy))


@dataclass(frozen=True)
class Known:
    """An equation to be used from left to right, for any value of its wild indices."""

    pattern: Pattern
    value: Expr
    reason: str

    @property
    def names(self) -> set[str]:
        """The names of the left side."""
        return {node.base.name for node in nodes(self.pattern.expression) if isinstance(node, Indexed)}


@dataclass(frozen=True)
class Solved:
    """A let solved for one of its parts: ``part**exponent = value``; ``certain`` where the name is sure to read better."""

    let: Let
    pattern: Pattern
    value: Expr
    certain: bool


@dataclass(frozen=True)
class Facts:
    """Attributes:
    setting: definitions and givens, with the lets that were introduced.
    softmaxes: the lets that are softmaxes.
    sums: sums whose value is known.
    onehot, bits, signs: names of tensors whose entries are idempotent along the last axis, 0 or 1, -1 or 1.
    nonnegative: names whose entries are at least 0.
    symmetric: names of symmetric matrices.
    relations: lets, solved for one of their parts.
    """

    setting: Setting
    softmaxes: tuple[Softmax, ...] = ()
    sums: tuple[Known, ...] = ()
    onehot: frozenset[str] = frozenset()
    bits: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()
    nonnegative: frozenset[str] = frozenset()
    symmetric: frozenset[str] = frozenset()
    relations: tuple[Solved, ...] = ()

    def without_contractions(self, heads: frozenset[str]) -> Facts:
        """Without the names of plain contractions, L = sum_i g[i]*p[i], for L in ``heads``.

        In the gradient of such an L the sum reads better than L; an entropy or a norm, say, is worth its name.
        """
        kept = tuple(r for r in self.relations if not (r.let.name in heads and r.certain and _is_polynomial(r.let.body)))
        return replace(self, relations=kept)


def _is_polynomial(body: Expr) -> bool:
    """No functions and no roots; a^(1/n) with a symbol n is no shorter by name, f^(1 - n)."""
    return not body.has(Function) and not any(power.exp.is_Rational and not power.exp.is_integer for power in body.atoms(Pow))


def collect_facts(setting: Setting, varied: frozenset[str], lets: tuple[Let, ...]) -> Facts:
    """The facts of a setting, leaving out constraints on what depends on a name in ``varied``.

    A constraint holds at the point, not around it: before the last derivative by a name is taken, what is
    known of that name's entries must not be used.
    """
    dependence = Dependence(setting)
    frozen = [given for given in setting.given if not dependence.of(given.name) & varied]
    constraints = [constraint for given in frozen for constraint in given.where]
    softmaxes = tuple(role for let in lets if (role := softmax_of(let)) is not None)
    sums = [_rows_sum_to_one(role) for role in softmaxes]
    for constraint in constraints:
        if isinstance(constraint, Relation) and constraint.op == "=":
            held = {node.base.name for side in (constraint.lhs, constraint.rhs) for node in nodes(side) if isinstance(node, Indexed)}
            if not any(dependence.of(name) & varied for name in held):
                sums += _solved_for_a_sum(constraint)
        elif isinstance(constraint, OneHot):
            sums.append(_one_hot_sum(constraint.tensor))
    return Facts(
        setting=setting,
        softmaxes=softmaxes,
        sums=tuple(sums),
        onehot=frozenset(c.tensor.name for c in constraints if isinstance(c, OneHot)),
        bits=_with_values(constraints, {0, 1}) | frozenset(c.tensor.name for c in constraints if isinstance(c, OneHot)),
        signs=_with_values(constraints, {-1, 1}),
        nonnegative=frozenset(head_name(c.lhs) for c in constraints if isinstance(c, Relation) and _keeps_from_below_zero(c)),
        symmetric=frozenset(c.tensor.name for c in constraints if isinstance(c, SymmetricMatrix | PositiveDefiniteMatrix))
        | _written_out_symmetric(constraints)
        | frozenset(let.name for let in lets if _is_symmetric(let)),
        relations=tuple(relation for let in lets for relation in relations_of(let)),
    )


def softmax_of(let: Let) -> Softmax | None:
    """The let as a softmax over one of its axes, or None."""
    coefficient, exponents = powers(let.body)
    exponentials = [base for base, power in exponents.items() if isinstance(base, exp) and power == 1]
    sums = [base for base, power in exponents.items() if isinstance(base, Sum) and power == -1]
    if len(exponentials) != 1 or len(sums) != 1:
        return None
    body, bound = sum_parts(sums[0])
    weight = coefficient * Mul(*[Pow(base, power) for base, power in exponents.items() if base not in (exponentials[0], sums[0])])
    if len(bound) != 1:
        return None
    for index in let.indices:
        same_axis = index.dim == bound[0].dim and index not in sums[0].free_symbols
        if same_axis and weight * exponentials[0] == substitute(body, {bound[0]: index}):
            return Softmax(let, index, exponentials[0].args[0], weight)
    return None


def _rows_sum_to_one(role: Softmax) -> Known:
    total = canonical(summation(role.let.head, role.index))
    wild = tuple(index for index in role.let.indices if index != role.index)
    return Known(Pattern(total, wild), S.One, f"{role.let.name} is a softmax: it sums to 1 over {role.index.dim.name}")


def _one_hot_sum(tensor: NamedTensor) -> Known:
    at = tuple(Index(f"o{axis}", dim) for axis, dim in enumerate(tensor.dims))
    total = canonical(summation(tensor[at], at[-1]))
    return Known(Pattern(total, at[:-1]), S.One, f"{tensor.name} is one-hot: it sums to 1")


def _solved_for_a_sum(constraint: Relation) -> list[Known]:
    """``a*sum + rest = rhs`` as ``sum = (rhs - rest)/a``, where exactly one sum can be solved for."""
    difference = canonical(constraint.lhs - constraint.rhs)
    solved = []
    for term in terms(difference):
        coefficient, exponents = powers(term)
        sums = [base for base, power in exponents.items() if isinstance(base, Sum) and power == 1]
        if len(sums) == 1:
            scale = coefficient * Mul(*[Pow(base, power) for base, power in exponents.items() if base != sums[0]])
            wild = tuple(sorted((s for s in sums[0].free_symbols if isinstance(s, Index)), key=lambda index: index.name))
            value = -(difference - term) / scale
            solved.append(Known(Pattern(sums[0], wild), value, "the constraint on the given"))
    return solved[:1] if len(solved) == 1 else []


def _with_values(constraints: Sequence[object], values: set[int]) -> frozenset[str]:
    return frozenset(head_name(c.entry) for c in constraints if isinstance(c, Membership) and set(map(int, c.values)) == values)


def _keeps_from_below_zero(constraint: Relation) -> bool:
    """y[b,k] >= 0 or more, of every entry: not of A[i,i] alone."""
    at = constraint.lhs.indices if isinstance(constraint.lhs, Indexed) else ()
    every = isinstance(constraint.lhs, Indexed | Symbol) and len(set(at)) == len(at)
    return every and constraint.op in (">", ">=") and constraint.rhs.is_nonnegative is True


def _is_symmetric(let: Let) -> bool:
    """A[i,j] = sum_n X[n,i]*X[n,j] is the same with i and j exchanged, and so is exp(-(x[i] - x[j])^2)."""
    if len(let.indices) != 2 or let.dims[0] != let.dims[1]:
        return False
    i, j = let.indices
    return bool(canonical(transform(let.body, _either_sign)) == canonical(transform(substitute(let.body, {i: j, j: i}), _either_sign)))


def _either_sign(node: Any) -> Any:
    """(a - b)^2 and |a - b| do not tell the sign of a - b: of the two take the first in the alphabet."""
    inner = node.base if isinstance(node, Pow) and node.exp.is_even else node.args[0] if isinstance(node, Abs) else None
    if inner is None or not inner.is_Add:
        return node
    return node.func(min(inner, Add(*[-term for term in inner.args]), key=key), *node.args[1:])


def _written_out_symmetric(constraints: Sequence[object]) -> frozenset[str]:
    """A[i,j] = A[j,i], written as an equation."""
    found = set()
    for c in constraints:
        if not (isinstance(c, Relation) and c.op == "=" and isinstance(c.lhs, Indexed) and isinstance(c.rhs, Indexed)):
            continue
        if c.lhs.base == c.rhs.base and c.lhs.indices == tuple(reversed(c.rhs.indices)) and len(c.lhs.indices) == 2:
            found.add(c.lhs.base.name)
    return frozenset(found)


# ---------------------------------------------------------------------------------------------
# Lets, solved for one of their parts
# ---------------------------------------------------------------------------------------------


def relations_of(let: Let) -> tuple[Solved, ...]:
    """head = a*part**n + rest, solved for each part that carries the let's indices."""
    body = canonical(let.body)
    if is_leaf(body) or softmax_of(let) is not None:
        return ()
    root = _solve_root(let, body)
    if root is not None:
        return (root,)
    found = []
    for part in _parts(body):
        solved = _solve(let, body, part)
        if solved is not None:
            found.append(solved)
    return tuple(found)


def _solve_root(let: Let, body: Expr) -> Solved | None:
    """s = c*part^(1/2) as part = s^2/c^2, and w = c/(a + b) as a + b = c/w, for numbers and sizes c."""
    coefficient, exponents = powers(body)
    roots = [base for base, power in exponents.items() if not is_leaf(base) and (not power.is_integer or (base.is_Add and power == -1))]
    if len(roots) != 1 or not coefficient.is_positive:
        return None
    exponent = exponents.pop(roots[0])
    if not all(base.is_positive and (base.is_number or isinstance(base, Dim)) for base in exponents):
        return None
    scale = Mul(coefficient ** (1 / exponent), *[Pow(base, power / exponent) for base, power in exponents.items()])
    return Solved(let, Pattern(roots[0], let.indices), let.head ** (1 / exponent) / scale, True)


def _parts(body: Expr) -> list[Expr]:
    """Sums, functions and entries that stand as factors in the terms of a body; products of functions aside."""
    parts: dict[Expr, None] = {}
    for term in (inner for outer in terms(body) for inner in _opened_terms(outer)):
        for base in powers(term)[1]:
            parts[base] = None
    return [part for part in parts if not part.is_number]


def _opened_terms(term: Expr) -> list[Expr]:
    """(a + b)*c as a*c and b*c, one level."""
    for part in factors(term):
        if part.is_Add:
            rest = Mul(*[other for other in factors(term) if other != part])
            return [rest * inner for inner in part.args]
    return [term]


def _solve(let: Let, body: Expr, part: Expr) -> Solved | None:
    opened = [inner for outer in terms(body) for inner in _opened_terms(outer)]
    holding = [term for term in opened if part in powers(term)[1]]
    if len(holding) != 1 or any(part != term and part in _inside(term) for term in opened if term not in holding):
        return None
    coefficient, exponents = powers(holding[0])
    exponent = exponents.pop(part)
    if exponent not in (1, -1) or set(let.indices) - part.free_symbols or any(part in _inside(base) for base in exponents):
        return None
    if is_leaf(part) and not isinstance(part, Indexed):
        return None
    rest = sum((term for term in opened if term is not holding[0]), S.Zero)
    scale = coefficient * Mul(*[Pow(base, power) for base, power in exponents.items()])
    if exponent == -1 or not _never_zero(scale, body):
        return None
    value = (let.head - rest) / scale
    certain = rest == 0 and not isinstance(part, Indexed) and body == part
    return Solved(let, Pattern(part, let.indices), value, certain)


def _never_zero(scale: Expr, body: Expr) -> bool:
    """Whether one may divide by it wherever the definition exists: f = x*sigmoid(x) must not become sigmoid(x) = f/x."""
    divided = {node.base for node in nodes(body) if isinstance(node, Pow) and node.exp.is_negative}
    return all(base.is_number or isinstance(base, Dim) or power.is_negative or base in divided for base, power in powers(scale)[1].items())


def _inside(expression: Expr) -> set[Expr]:
    return set(nodes(expression))
