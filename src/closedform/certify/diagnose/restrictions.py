"""What people assume of a given without saying so: the constraints that a diagnosis may name, each with its words."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Indexed, Integer, S, Symbol

from closedform.notation import (
    Constraint,
    Given,
    Index,
    Membership,
    NamedTensor,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SymmetricMatrix,
    delta,
    equation,
    head_name,
    positive,
    summation,
)

MOST_PAIRS = 12
# What is assumed of two givens at once, the likelier first.
PAIRED = ("symmetric", "positive", "sum", "norm", "one")


@dataclass(frozen=True)
class Restriction:
    """Constraints that one given may satisfy, and how to say so; ``assumption`` tells those apart that come in pairs."""

    given: Given
    constraints: tuple[Constraint, ...]
    sentence: str
    assumption: str = ""


def restrictions(setting: Setting, varied: set[str]) -> Iterator[tuple[Restriction, ...]]:
    """One given at a time, weaker constraints before stronger ones; then two givens, or two scalars that are equal.

    Args:
        varied: what is differentiated by. A derivative that is right at one value of its variable is right by accident.
    """
    singles = [
        single for given in setting.given for single in _of(given, given.name in varied) if not _settled(single, setting.constraints)
    ]
    fixed = [given for given in setting.given if given.name not in varied and not given.of]
    scalars = [given for given in fixed if not isinstance(given.symbol, NamedTensor)]
    equal = [Restriction(b, (equation(b.symbol, a.symbol),), f"{a.name} = {b.name}") for a, b in itertools.combinations(scalars, 2)]
    yield from ((single,) for single in singles)
    usual = [single for single in singles if single.assumption and (single.given in fixed or single.assumption == "positive")]
    pairs = [pair for pair in itertools.combinations(usual, 2) if pair[0].given != pair[1].given and not _is_accident(pair)]
    pairs = sorted(pairs, key=_unlikely)[:MOST_PAIRS]
    weak = [pair for pair in pairs if all(single.assumption == "positive" for single in pair)]
    yield from weak
    yield from ((single,) for single in equal)
    yield from (pair for pair in pairs if pair not in weak)


def _unlikely(pair: tuple[Restriction, Restriction]) -> tuple[bool, int]:
    """Two of the same kind come first."""
    ranks = [PAIRED.index(single.assumption) for single in pair]
    return ranks[0] != ranks[1], sum(ranks)


def _is_accident(pair: tuple[Restriction, Restriction]) -> bool:
    """What is right where two scalars are 1 is right at a single point of them."""
    return all(single.assumption == "one" for single in pair)


def _settled(restriction: Restriction, known: tuple[Constraint, ...]) -> bool:
    """Whether what is given says it already, or rules it out: positive numbers are not 0 or -1 and do not sum to 0."""
    wanted, name = restriction.constraints, restriction.given.name
    if set(wanted) <= set(known):
        return True
    values = [set(c.values) for c in known if isinstance(c, Membership) and head_name(c.entry) == name]
    if any(isinstance(c, Membership) and not set(c.values) <= allowed for c in wanted for allowed in values):
        return True
    signs = (isinstance(c, Membership | OneHot) or (isinstance(c, Relation) and c.rhs == 0) for c in wanted)
    return _is_positive(name, known) and any(signs)


def _is_positive(name: str, known: tuple[Constraint, ...]) -> bool:
    entries = [c.lhs for c in known if isinstance(c, Relation) and c.op == ">" and c.rhs.is_nonnegative]
    return any(isinstance(entry, Indexed | Symbol) and head_name(entry) == name for entry in entries)


def _of(given: Given, varied: bool) -> Iterator[Restriction]:
    if given.of:
        return
    symbol = given.symbol
    listed = _tensor_constraints(symbol, varied) if isinstance(symbol, NamedTensor) else _scalar_constraints(symbol, varied)
    for constraints, sentence, assumption in listed:
        yield Restriction(given, constraints, sentence, assumption)


Worded = tuple[tuple[Constraint, ...], str, str]  # constraints, the sentence, and the assumption


def _scalar_constraints(symbol: Symbol, varied: bool) -> Iterator[Worded]:
    yield (positive(symbol),), f"{symbol.name} > 0", "positive"
    yield (Relation("<", symbol, S.Zero),), f"{symbol.name} < 0", ""
    yield (Relation("<", symbol, S.One),), f"{symbol.name} < 1", ""
    if not varied:
        yield (equation(symbol, 1),), f"{symbol.name} = 1", "one"
        yield (equation(symbol, 0),), f"{symbol.name} = 0", ""


def _tensor_constraints(symbol: NamedTensor, varied: bool) -> Iterator[Worded]:
    name = symbol.name
    at = tuple(Index(f"i{k}", dim) for k, dim in enumerate(symbol.dims))
    lines = [f"{_line(len(at), k)}{name}" for k in range(len(at))]
    for k in reversed(range(len(at))):
        yield (equation(summation(symbol[at], at[k]), 1),), f"{lines[k]} sums to 1", "sum"
        yield (equation(summation(symbol[at], at[k]), 0),), f"{lines[k]} sums to 0 (mean zero)", ""
    square = len(at) == 2 and at[0].dim == at[1].dim
    if square:
        yield (SymmetricMatrix(symbol),), f"{name} is symmetric", "symmetric"
    elif len(at) > 2 and len(set(symbol.dims)) == 1:
        swaps = tuple(equation(symbol[at], symbol[(*at[:k], at[k + 1], at[k], *at[k + 2 :])]) for k in range(len(at) - 1))
        yield swaps, f"{name} is symmetric (in all of its indices)", "symmetric"
    yield (positive(symbol[at]),), f"all entries of {name} are positive", "positive"
    yield (Relation("<", symbol[at], S.Zero),), f"all entries of {name} are negative", ""
    for k in reversed(range(len(at))):
        yield (equation(summation(symbol[at] ** 2, at[k]), 1),), f"{lines[k]} has unit norm", "norm"
    if not varied:
        yield (Membership(symbol[at], (Integer(0), Integer(1))),), f"all entries of {name} are 0 or 1", ""
        yield (Membership(symbol[at], (Integer(-1), Integer(1))),), f"all entries of {name} are -1 or 1", ""
        yield (OneHot(symbol),), f"{lines[-1]} is one-hot", ""
    if square:
        other, summed = Index("m", at[1].dim), Index("n", at[0].dim)
        product = summation(symbol[summed, at[1]] * symbol[summed, other], summed)
        yield (equation(product, delta(at[1], other)),), f"{name} is orthogonal", ""
        yield (PositiveDefiniteMatrix(symbol),), f"{name} is symmetric positive definite", ""


def _line(rank: int, axis: int) -> str:
    """What runs along an axis: nothing to say of a vector, rows and columns of a matrix."""
    if rank == 1:
        return ""
    return ("every column of ", "every row of ")[axis] if rank == 2 else f"along axis {axis + 1}, "
