"""Decides a claim at given sizes: are the two sides equal in random draws over the tower?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil, log2, prod
from typing import Any

import numpy as np
from sympy import Expr, Indexed, Pow, Rational

from closedform.certify.boundaries import boundary_points
from closedform.certify.combinations import combined_bits
from closedform.certify.draw import UnsupportedConstraintError, draw_point
from closedform.certify.evaluate import Interpreter
from closedform.certify.existence import PossibleSides, nonexistent
from closedform.certify.orders import derivative_order
from closedform.certify.real_points import NoPointError
from closedform.certify.rings.chains import RESERVE, SMOOTH, TRIGONOMETRIC
from closedform.certify.rings.node import Node, constant_digest
from closedform.certify.rings.tower import Tower, new_salts
from closedform.certify.settle import UnluckyChainsError, settle
from closedform.certify.sizes.matrices import UnknownMatrix
from closedform.notation import (
    Abs,
    Claim,
    Dim,
    Given,
    Index,
    Membership,
    OneHot,
    Partial,
    Relation,
    Setting,
    cos,
    free_indices,
    less,
    less_equal,
    maximum,
    minimum,
    relu,
    sign,
    sin,
    step,
    summation,
    tensor,
    where,
)

Sides = tuple[Setting, Expr, Expr, tuple[Index, ...]]  # with the axes of the result

EQUAL, DIFFERENT, NOWHERE = "equal", "different", "nowhere"
ERROR_BITS = 100
FEW_DIGITS, MOST_DIGITS = 48, 900  # bits of constants for which ERROR_BITS allow, and all primes together
REPEATS = 5
SOME_DRAWS, MANY_DRAWS = 16, 320  # where there are branches or labels
SMALL_POINT, LARGE_POINT = 30, 600  # entries of givens and lets up to which many draws are cheap, or affordable
USED_CHAINS = 40  # the others replace those modulo which a constant is not a square
SUSPECTS = 8
FEW_ENTRIES = 40  # results of up to so many entries are compared entry by entry, larger ones along random directions
PIECEWISE = (Abs, sign, relu, step, maximum, minimum, where, less, less_equal)
_SIDES = {">": 1, ">=": 1, "<": -1, "<=": -1}
SCALES = (1.0, 0.3, 3.0, 0.05, 20.0, 0.004, 300.0)


@dataclass(frozen=True)
class Outcome:
    """What the draws at some sizes say.

    Attributes:
        answer: ``equal``, ``different``, or ``nowhere`` when the definition does not exist there.
        error_bits: an equal answer is wrong with probability at most 2^-error_bits.
        partly: some entries do not exist in any draw.
        sides: for the n-th comparison with zero, on which sides of it draws have been.
        possible: on which sides there are points at all.
        combined: how many bits' worth of comparisons and labels act together, see :mod:`.combinations`.
        rooted: how many more bits' worth with square roots of squares, which may have either sign.
        draws: how many points the sides were compared at.
        suspects: real points of draws in which the sides differ: given name -> entries.
    """

    answer: str
    error_bits: float = 0.0
    partly: bool = False
    sides: Mapping[int, frozenset[int]] = field(default_factory=dict)
    possible: Mapping[int, frozenset[int]] = field(default_factory=dict)
    combined: float = 0.0
    rooted: float = 0.0
    draws: int = 0
    suspects: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Question:
    """A claim made ready: what does not depend on the sizes.

    Attributes:
        contracted: both sides, multiplied by random directions and summed where that saves work.
        degree: bound on the degree of the difference in the draws.
        order: how many derivatives are taken at most.
        trigonometric, piecewise, discrete: what occurs: angles, comparisons, labels.
        rooted: comparisons together with roots.
        digits: how many bits the constants have that are written in the claim and its definitions.
        matrices: those whose inverse, determinant and logdet are unknowns.
    """

    setting: Setting
    claim: Claim
    contracted: Sides
    degree: int
    order: int
    trigonometric: bool
    piecewise: bool
    rooted: bool
    discrete: bool
    digits: int = 0
    matrices: tuple[UnknownMatrix, ...] = ()


def question(setting: Setting, claim: Claim, degree: int, matrices: tuple[UnknownMatrix, ...] = ()) -> Question:
    """Prepare a claim."""
    bodies = [claim.lhs, claim.rhs, *(let.body for let in setting.lets)]
    piecewise = is_piecewise(setting, claim)
    return Question(
        setting,
        claim,
        _contracted(setting, claim),
        max(degree, 2),
        derivative_order(setting, claim.lhs, claim.rhs),
        any(body.has(sin, cos) for body in bodies),
        piecewise,
        piecewise and any(not power.exp.is_Integer for body in bodies for power in body.atoms(Pow)),
        any(isinstance(c, Membership | OneHot) for c in setting.constraints),
        sum(int(q.p).bit_length() + int(q.q).bit_length() for q in set().union(*(body.atoms(Rational) for body in bodies))),
        matrices,
    )


def is_piecewise(setting: Setting, claim: Claim) -> bool:
    """Whether a comparison, a sign or a maximum occurs."""
    return any(body.has(*PIECEWISE) for body in (claim.lhs, claim.rhs, *(let.body for let in setting.lets)))


def _contracted(setting: Setting, claim: Claim) -> Sides:
    """Replace the derivative by each entry of a tensor by that along a random direction, on both sides.

    A bilinear form that vanishes at random u and v vanishes; and one infinitesimal then does instead of
    one for each entry.
    """
    axes = claim.free_indices
    node = claim.lhs
    if not isinstance(node, Partial):
        return setting, claim.lhs, claim.rhs, axes
    taken = set(setting.symbols())
    givens: list[Given] = []
    summed: list[Index] = []
    factors: list[Expr] = []
    for position, variable in enumerate(node.variables):
        at = variable.indices if isinstance(variable, Indexed) else ()
        others = set().union(*(free_indices(arg) for k, arg in enumerate(node.args) if k != position + 1))
        if at and len(set(at)) == len(at) and not set(at) & others:
            name = next(n for n in (f"direction{position}{'x' * k}" for k in range(99)) if n not in taken)
            direction = tensor(name, *(index.dim for index in at))
            givens.append(Given(direction))
            factors.append(direction[tuple(at)])
            summed.extend(at)
    if not summed:
        return setting, claim.lhs, claim.rhs, axes
    extended = Setting((*setting.given, *givens), setting.lets)
    lhs, rhs = claim.lhs, claim.rhs
    for factor in factors:
        lhs, rhs = factor * lhs, factor * rhs
    return (
        extended,
        summation(lhs, *summed),
        summation(rhs.expand() if rhs.is_Mul else rhs, *summed),
        tuple(i for i in axes if i not in summed),
    )


@np.errstate(all="ignore")  # the real point that accompanies a draw may overflow; residues cannot
def decide(
    question: Question, sizes: Mapping[Dim, int], *, seed: int, round: int = 0, thorough: bool = False, free: bool = False
) -> Outcome:
    """Compare the two sides in so many draws that the probability of error is below 2^-100.

    Args:
        round: further rounds draw other points, of other magnitudes.
        thorough: where there are branches or labels, draw so often that the usual combinations are met.
        free: for the outcomes of comparisons and for labels, draw field elements: if the sides are equal then,
            they are for every combination.

    Raises:
        UnsupportedConstraintError: no points that satisfy the constraints can be drawn.
    """
    try:
        outcome = _compared(question, sizes, _Effort(seed, round, thorough, free))
    except NoPointError:
        return Outcome(NOWHERE)
    repeats = 0
    while outcome.answer == EQUAL and outcome.error_bits < ERROR_BITS and repeats < REPEATS:
        # entries that exist in few draws only: draw again
        repeats += 1
        again = _compared(question, sizes, _Effort(seed, round + 1000 * repeats, thorough, free))
        outcome = again if again.answer == DIFFERENT else replace(outcome, error_bits=outcome.error_bits + again.error_bits)
    return outcome


@np.errstate(all="ignore")
def decide_near_boundaries(question: Question, sizes: Mapping[Dim, int], *, seed: int) -> Outcome:
    """Compare the two sides in draws whose real points lie beside the zeros of what is compared, see :mod:`.boundaries`.

    Raises:
        UnsupportedConstraintError, TooLargeError: as :func:`decide`.
    """
    setting, lhs, rhs, axes = question.contracted if _has_many_entries(question, sizes) else _whole(question)
    try:
        reals = boundary_points(setting, (lhs, rhs), axes, sizes, order=question.order, seed=seed)
    except UnluckyChainsError as error:
        raise UnsupportedConstraintError("no points beside the zeros of comparisons were found") from error
    return _compared(question, sizes, _Effort(seed, 1, True, False, reals))


@dataclass(frozen=True)
class _Effort:
    seed: int
    round: int
    thorough: bool
    free: bool
    reals: Mapping[str, Any] | None = None


def _compared(question: Question, sizes: Mapping[Dim, int], effort: _Effort) -> Outcome:
    outcome = _decided(question, sizes, effort, strict=False)
    if outcome.answer == DIFFERENT and question.rooted and not effort.free:
        # sqrt(r^2) = |r| needs residues whose character agrees with the comparisons
        return _decided(question, sizes, effort, strict=True)
    return outcome


def _decided(question: Question, sizes: Mapping[Dim, int], effort: _Effort, *, strict: bool) -> Outcome:
    if _has_many_entries(question, sizes):
        outcome = _decide(question, question.contracted, sizes, effort, strict)
        if outcome.answer != NOWHERE:
            return outcome
    return _decide(question, _whole(question), sizes, effort, strict)


def _has_many_entries(question: Question, sizes: Mapping[Dim, int]) -> bool:
    return prod(sizes[index.dim] for index in question.claim.free_indices) > FEW_ENTRIES


def _whole(question: Question) -> Sides:
    return question.setting, question.claim.lhs, question.claim.rhs, question.claim.free_indices


def _decide(question: Question, sides: Sides, sizes: Mapping[Dim, int], effort: _Effort, strict: bool) -> Outcome:
    setting, lhs, rhs, axes = sides
    table = TRIGONOMETRIC if question.trigonometric else SMOOTH
    rng = np.random.default_rng([effort.seed, effort.round, *(sizes[dim] for dim in sorted(sizes, key=str))])
    order = [table[k] for k in rng.permutation(len(table))]
    wanted = _draws(question, sizes, effort)
    chains = [order[k % USED_CHAINS] for k in range(wanted)]
    spare = [*(() if question.trigonometric else RESERVE), *order[min(wanted, USED_CHAINS) :]]
    salts = new_salts(rng, wanted)
    patience = 3  # with radicands that are no squares whatever is drawn
    nonsquares: set[bytes] = set()
    for given in setting.given:
        Tower(chains, 0).demand([sizes[dim] for dim in given.dims])
    while True:
        tower = Tower(chains, int(rng.integers(2**62)), salts=salts, strict=strict, free=effort.free, nonsquares=nonsquares)
        scales = np.array([SCALES[(effort.round + k) % len(SCALES)] if effort.round or k % 2 else 1.0 for k in range(len(chains))])
        try:
            values = draw_point(
                setting,
                sizes,
                tower,
                scales,
                order=question.order,
                real=question.piecewise and not effort.free,
                matrices=question.matrices,
                reals=effort.reals,
            )
            interpreter = Interpreter(setting, sizes, values, tower)
            difference = tower.subtract(interpreter.entries(lhs, axes), interpreter.entries(rhs, axes))
            residues = settle(tower, difference)
            outcome = _judged(question, tower, difference, residues, _inequalities(interpreter))
            return replace(outcome, suspects=_suspects(setting, tower, values, residues)) if outcome.answer == DIFFERENT else outcome
        except UnluckyChainsError as error:
            if error.constant is None:
                patience -= 1
            elif digest := constant_digest(error.constant, {}):
                nonsquares.add(digest)
            replaced = _replaced(chains, error.mask, spare, rng)
            if replaced is None or not patience:
                return Outcome(NOWHERE)
            chains, salts = replaced, np.where(error.mask, new_salts(rng, wanted), salts)


def _replaced(chains: list[int], failed: Any, spare: list[int], rng: np.random.Generator) -> list[int] | None:
    """Other chains where a draw failed: from those not yet in use, then, if chains are used repeatedly, from those of the other draws."""
    unlucky = sorted({chain for chain, wrong in zip(chains, failed, strict=True) if wrong})
    if len(unlucky) <= len(spare):
        fresh = {chain: spare.pop() for chain in unlucky}
        return [fresh[chain] if wrong else chain for chain, wrong in zip(chains, failed, strict=True)]
    others = sorted({chain for chain, wrong in zip(chains, failed, strict=True) if not wrong})
    if len(chains) <= USED_CHAINS or not others:
        return None
    return [int(rng.choice(others)) if wrong else chain for chain, wrong in zip(chains, failed, strict=True)]


def _draws(question: Question, sizes: Mapping[Dim, int], effort: _Effort) -> int:
    """Enough for the error bound; for branches and labels, of which every combination must be met, many at small sizes.

    The primes are known: whoever writes a constant of b bits may choose it to be zero modulo b / 31 of them.
    """
    bits = 24 if question.trigonometric else 27
    enough = ceil((ERROR_BITS + max(0, question.digits - FEW_DIGITS)) / max(1.0, bits - log2(question.degree)))
    if effort.reals:
        return len(next(iter(effort.reals.values())))
    if question.digits > MOST_DIGITS:
        raise UnsupportedConstraintError(f"constants of {question.digits} bits in all, more than the primes can tell from zero")
    if effort.free or not (question.discrete or question.piecewise or (effort.thorough and effort.round)):
        return enough
    shapes = [item.dims for item in question.setting.given] + [item.dims for item in question.setting.lets]
    entries = sum(prod(sizes[dim] for dim in dims) for dims in shapes)
    many = entries <= SMALL_POINT or (effort.thorough and entries <= LARGE_POINT)
    return max(enough, MANY_DRAWS if many else SOME_DRAWS)


def _suspects(setting: Setting, tower: Tower, values: Mapping[str, Node], residues: Any) -> tuple[Mapping[str, Any], ...]:
    if any(isinstance(c, Relation) and c.op == "=" for c in setting.constraints):
        return ()  # the real point need not satisfy equations, and would not after rounding
    failed = np.flatnonzero(np.broadcast_to(residues, (tower.draws, *residues.shape[1:])).reshape(tower.draws, -1).any(axis=1))
    reals = {name: np.broadcast_to(array, (tower.draws, *array.shape[1:])) for name, array in _reals(tower, values)}
    return tuple({name: array[draw] for name, array in reals.items()} for draw in failed[:SUSPECTS])


def _reals(tower: Tower, values: Mapping[str, Node]) -> list[tuple[str, Any]]:
    return [(name, tower.real.at(node)) for name, node in values.items()]


def _judged(question: Question, tower: Tower, difference: Node, residues: Any, known: list[tuple[Node, int]]) -> Outcome:
    residues = np.broadcast_to(residues, (tower.draws, *difference.shape))
    wrong = nonexistent(difference, tower, {})
    exists = np.ones(residues.shape, dtype=bool) if wrong is None else ~np.broadcast_to(wrong, residues.shape)
    if not exists.any():
        return Outcome(NOWHERE)
    compared = {k: node for k, node in enumerate(tower.comparisons()) if node in tower.sides}
    sides = {k: frozenset(tower.sides[node]) for k, node in compared.items()}
    sides_of = PossibleSides(tower, known)
    possible = {k: sides_of(node.args[0]) for k, node in compared.items()}
    if (exists & (residues != 0)).any():
        return Outcome(DIFFERENT, sides=sides, possible=possible)
    count = exists.sum(axis=0)
    fewest = int(count[count > 0].min())
    bits = fewest * max(1.0, log2(tower.smallest_modulus) - log2(question.degree))
    undecided = {node for k, node in compared.items() if len(possible[k]) > 1}
    tied = {node for node in compared.values() if 0 in sides_of.with_zero(node.args[0])}
    combined = combined_bits(difference, undecided, tied)
    rooted = combined_bits(difference, undecided.union(tower.roots_of_squares()), tied) - combined
    return Outcome(EQUAL, bits, bool((count == 0).any()), sides, possible, combined, rooted, tower.draws)


def _inequalities(interpreter: Interpreter) -> list[tuple[Node, int]]:
    """What the constraints say is positive (1) or negative (-1), zero aside."""
    found = []
    for relation in interpreter.setting.constraints:
        if isinstance(relation, Relation) and relation.op in _SIDES:
            difference = relation.lhs - relation.rhs
            found.append((interpreter.entries(difference, sorted(free_indices(difference), key=str)), _SIDES[relation.op]))
    return found
