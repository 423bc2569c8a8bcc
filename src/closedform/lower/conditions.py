"""What a derivation assumes of its arguments, as checks on their values."""

from __future__ import annotations

from sympy import Abs, Expr, S, Symbol

from closedform.errors import LoweringError
from closedform.lower.formula import Formula
from closedform.lower.labelled import Labelled
from closedform.lower.nodes import Input, Node
from closedform.lower.program import Condition
from closedform.notation import (
    Constraint,
    Derivation,
    Given,
    Index,
    Membership,
    NamedTensor,
    OneHot,
    Relation,
    SymmetricMatrix,
    free_indices,
    indices,
    less,
    less_equal,
    minimum,
    scalar,
    summation,
)
from closedform.syntax.text import to_text

# The slack of an equation; a backend sets it by dtype.
TOLERANCE = scalar("tolerance")


def conditions(derivation: Derivation) -> tuple[Condition, ...]:
    """A check for each constraint that values can be tested for; definiteness and invertibility are left to the solvers."""
    found = []
    for given in derivation.given:
        for constraint in given.where:
            parts = _violation(constraint)
            if parts is not None:
                found.append(_condition(derivation, given, *parts))
    return tuple(condition for condition in found if condition is not None)


def _violation(constraint: Constraint) -> tuple[Expr, str] | None:
    """A formula that is 1 where the constraint is broken (and 0 at NaN), and the constraint as text."""
    if isinstance(constraint, Relation):
        lhs, rhs = constraint.lhs, constraint.rhs
        text = f"{to_text(lhs)} {constraint.op} {to_text(rhs)}"
        slack = TOLERANCE * (1 + Abs(rhs)) if rhs.free_symbols else TOLERANCE * max(abs(rhs), S.One)
        broken = {
            "=": lambda: less(slack, Abs(lhs - rhs)),
            "!=": lambda: less_equal(Abs(lhs - rhs), 0),
            "<": lambda: less_equal(rhs, lhs),
            "<=": lambda: less(rhs, lhs),
            ">": lambda: less_equal(lhs, rhs),
            ">=": lambda: less(lhs, rhs),
        }
        return broken[constraint.op](), text
    if isinstance(constraint, Membership):
        distances = [Abs(constraint.entry - value) for value in constraint.values]
        nearest = minimum(*distances) if len(distances) > 1 else distances[0]
        values = ", ".join(str(value) for value in constraint.values)
        return less(0, nearest), f"{to_text(constraint.entry)} in {{{values}}}"
    if isinstance(constraint, OneHot):
        return _one_hot(constraint.tensor)
    if isinstance(constraint, SymmetricMatrix):
        i, j = indices("i j", constraint.tensor.dims[0])
        a, b = constraint.tensor[i, j], constraint.tensor[j, i]
        return less(TOLERANCE * (1 + Abs(a)), Abs(a - b)), f"{to_text(a)} = {to_text(b)}"
    return None


def _one_hot(tensor: NamedTensor) -> tuple[Expr, str]:
    """Entries are 0 or 1 and a row sums to one: then the entries' distances from both, and the sum's from 1, vanish."""
    at = tuple(Index(f"i{n}", dim) for n, dim in enumerate(tensor.dims))
    entry = tensor[at]
    neither = summation(Abs(entry * (1 - entry)), at[-1])
    return less(0, neither + Abs(summation(entry, at[-1]) - 1)), f"{tensor.name} one-hot along its last axis"


def _condition(derivation: Derivation, given: Given, violated: Expr, text: str) -> Condition | None:
    names = {tensor.name for tensor in violated.atoms(NamedTensor)}
    names |= {symbol.name for symbol in violated.free_symbols if type(symbol) is Symbol and symbol != TOLERANCE}
    inputs = tuple(item for item in derivation.given if item.name in names)
    if any(item.classes for item in inputs) and len(inputs) > 1:
        return None  # class indices satisfy what is asked of labels alone
    if derivation.setting.lets and names & {let.name for let in derivation.setting.lets}:
        return None
    axes = tuple(sorted(free_indices(violated), key=lambda index: (index.dim.name, index.name)))
    exact = TOLERANCE not in violated.free_symbols
    arguments: dict[str, Node] = {item.name: Input(item.name, item.dims, scalar=not item.dims) for item in inputs}
    arguments[TOLERANCE.name] = Input(TOLERANCE.name, (), scalar=True)
    formula = Formula(derivation.setting, arguments, axes, derivation.batch)
    try:
        array: Labelled = formula.condition(violated)
    except LoweringError:
        return None
    return Condition(given, inputs, array.node, text, exact)
