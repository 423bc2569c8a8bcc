"""Known surrogates: formulas that are right for something else than the derivative that was claimed."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import sympy
from sympy import Expr, Indexed, KroneckerDelta, Symbol

from closedform.certify.decide import is_piecewise
from closedform.certify.diagnose.blocks import entries
from closedform.certify.diagnose.case import Case, Equation
from closedform.certify.diagnose.kinds import Diagnosis, Kind
from closedform.notation import Dim, Given, Index, Let, NamedTensor, Partial, Setting, delta, exp, head_name, log, scalar, summation, tensor

MOST_LETS = 8
Intermediate = Let | Given


def surrogates(case: Case) -> list[Diagnosis]:
    """The first surrogate that the claimed side is equal to."""
    node = case.claim.lhs
    if not isinstance(node, Partial):
        return []
    order = len(node.variables)
    searches: list[Callable[[Case, Expr], Iterator[Diagnosis]]] = [_other_variable, _stopped, _dropped_chain_rule]
    searches += [_jacobian_diagonal] if order == 1 else []
    searches += [_gauss_newton, _reweighted] if order == 2 else []
    if not is_piecewise(case.setting, case.claim):  # another scale may be hidden by a branch
        searches.append(_parametrisation)
    for search in searches:
        if (diagnosis := next(search(case, node), None)) is not None:
            return [diagnosis]
    return []


def _between(case: Case, node: Expr) -> list[Intermediate]:
    """Lets, and unknown functions, that depend on the variables and that the target depends on, in the order of definition."""
    lets = {let.name: let for let in case.setting.lets}
    unknown = {given.name: given for given in case.setting.given if given.of}
    sources = {head_name(variable) for variable in node.variables}

    def names(expression: Expr) -> set[str]:
        direct = {str(symbol) for symbol in expression.free_symbols if not isinstance(symbol, Index | Dim | Indexed)}
        through = [names(lets[name].body) for name in direct & lets.keys()]
        return direct.union(*through, *({source.name for source in unknown[name].of} for name in direct & unknown.keys()))

    target = lets.get(head_name(node.target))
    if target is None:
        return []
    used = names(target.body)
    functions = [given for given in unknown.values() if given.name in used and {source.name for source in given.of} & sources]
    inner = [let for let in case.setting.lets if let.name in used and names(let.body) & sources]
    found: list[Intermediate] = [*functions, *inner]
    return found[:MOST_LETS]


def _equals_claimed(case: Case, left: Expr) -> bool:
    return case.holds(Equation(left, case.claim.rhs, case.axes, case.axes))


# ---------------------------------------------------------------------------------------------
# The chain rule
# ---------------------------------------------------------------------------------------------


def _at_let(let: Intermediate, variable: Expr) -> Expr | None:
    """The entry of a let in the place of a variable, if it has the same shape."""
    at = tuple(variable.indices) if isinstance(variable, Indexed) else ()
    if tuple(index.dim for index in at) != let.dims:
        return None
    return let.symbol[at] if at else let.symbol


def _other_variable(case: Case, node: Expr) -> Iterator[Diagnosis]:
    """claimed = dL/dp, not dL/dz."""
    for let in _between(case, node):
        variables = [_at_let(let, variable) for variable in node.variables]
        if None not in variables and _equals_claimed(case, Partial(node.target, *variables)):
            name = head_name(node.variables[0])
            yield Diagnosis(
                Kind.OTHER_VARIABLE,
                f"this is the derivative by {let.name}, not by {name}: the chain rule factor d{let.name}/d{name} is missing",
            )
            return


def _general_entry(let: Intermediate) -> Expr:
    """The head of a let; likewise for a given."""
    if isinstance(let, Let):
        return let.head
    at = tuple(Index(letter, dim) for letter, dim in zip("abcdefgh", let.dims, strict=False))
    return let.symbol[at] if at else let.symbol


def _stopped(case: Case, node: Expr) -> Iterator[Diagnosis]:
    """claimed = the derivative with one let held constant (its gradient stopped)."""
    for let in _between(case, node):
        if let.name == head_name(node.target):
            continue
        entry = _general_entry(let)
        alias = {let.name: (entry, tuple(getattr(entry, "indices", ())))}
        held = Setting(
            (*(given for given in case.setting.given if given.name != let.name), Given(let.symbol)),
            tuple(other for other in case.setting.lets if other.name != let.name),
        )
        if case.holds(Equation(node, case.claim.rhs, case.axes, case.axes, lambda sample: sample.cut(held, alias))):  # noqa: B023 (used at once)
            sentence = f"this treats {case.text(entry)} as a constant: it is the derivative without the part through {let.name}"
            yield Diagnosis(Kind.STOPPED, sentence)
            return


def _dropped_chain_rule(case: Case, node: Expr) -> Iterator[Diagnosis]:
    """true[.., j] = sum_k claimed[.., k] dp[k]/dz[j]: the claimed side stops at p."""
    for let, variable in itertools.product(_between(case, node), reversed(node.variables)):
        entry = _at_let(let, variable)
        at = variable.indices if isinstance(variable, Indexed) else ()
        elsewhere = set().union(*(other.free_symbols for other in node.args if other != variable))
        if entry is None or len(set(at)) < len(at) or elsewhere & set(at):
            continue
        fresh = {index: Index(f"{index.name}_through", index.dim) for index in at}
        jacobian = Partial(entry.xreplace(fresh), variable)
        product = summation(case.claim.rhs.xreplace(fresh) * jacobian, *fresh.values())
        if case.corrected(product):
            jacobian_name = f"d{let.name}/d{head_name(variable)}"
            over = f", summed over {', '.join(index.name for index in at)}" if at else ""
            sentence = f"a chain rule factor is missing: the claimed side stops at {let.name}; multiply it by {jacobian_name}{over}"
            yield Diagnosis(Kind.CHAIN_RULE, sentence)
            return


def _jacobian_diagonal(case: Case, node: Expr) -> Iterator[Diagnosis]:
    """claimed[j] = dL/dp[j] dp[j]/dz[j]: only the diagonal of the Jacobian of p."""
    (variable,) = node.variables
    for let in _between(case, node):
        entry = _at_let(let, variable)
        if entry is None or not isinstance(variable, Indexed):
            continue
        if _equals_claimed(case, Partial(node.target, entry) * Partial(entry, variable)):
            name = head_name(variable)
            dependence = f"every entry of {let.name} depends on {case.text(variable)}"
            yield Diagnosis(Kind.JACOBIAN_DIAGONAL, f"only the diagonal of the Jacobian d{let.name}/d{name} was used: {dependence}")
            return


# ---------------------------------------------------------------------------------------------
# Second derivatives
# ---------------------------------------------------------------------------------------------


def _gauss_newton(case: Case, node: Expr) -> Iterator[Diagnosis]:
    """claimed = J' (d2L/dt2) J for an intermediate t: the curvature of t itself is left out."""
    first, second = node.variables
    for let in reversed(_between(case, node)):
        if let.name == head_name(node.target) or len(let.dims) > 2:
            continue
        rows, columns = (tuple(Index(f"{side}{k}", dim) for k, dim in enumerate(let.dims)) for side in ("row", "column"))
        left, right = (let.symbol[at] if at else let.symbol for at in (rows, columns))
        product = Partial(left, first) * Partial(node.target, left, right) * Partial(right, second)
        if _equals_claimed(case, summation(product, *rows, *columns)):
            yield Diagnosis(
                Kind.GAUSS_NEWTON,
                f"this is the Gauss-Newton matrix, not the Hessian: the part with the second derivative of {let.name} is missing",
            )
            return


def _reweighted(case: Case, node: Expr) -> Iterator[Diagnosis]:
    """claimed[n,m] = delta(n,m) (dL/dh[n]) / r[n]: the curvature of iteratively reweighted least squares."""
    first, second = node.variables
    if not (isinstance(first, Indexed) and isinstance(second, Indexed) and first.base == second.base):
        return
    deltas = sympy.Mul(*(delta(a, b) for a, b in zip(first.indices, second.indices, strict=True) if a != b))
    if deltas.has(KroneckerDelta):
        for entry in entries(case):
            if set(entry.indices) == set(first.indices) and _equals_claimed(case, deltas * Partial(node.target, first) / entry):
                what = f"the gradient divided by {case.text(entry)} (the weight of reweighted least squares)"
                yield Diagnosis(Kind.REWEIGHTED, f"this is {what}, not the second derivative")
                return


# ---------------------------------------------------------------------------------------------
# Another parametrisation
# ---------------------------------------------------------------------------------------------

_CHANGES: tuple[tuple[str, Callable[[Expr], Expr]], ...] = (
    ("2*{}", lambda x: 2 * x),
    ("{}/2", lambda x: x / 2),
    ("-{}", lambda x: -x),
    ("exp({})", exp),
    ("{}^2", lambda x: x**2),
    ("1/{}", lambda x: 1 / x),
    ("log({})", log),
    ("sqrt({})", sympy.sqrt),
)


def _parametrisation(case: Case, node: Expr) -> Iterator[Diagnosis]:
    """claimed(s) = d/ds of the function at 2 s, exp(s), ..., such as a log-variance taken for a log deviation."""
    name = head_name(node.variables[0])
    for pattern, change in _CHANGES:
        setting = _reparametrised(case.setting, name, change)
        if case.holds(Equation(node, case.claim.rhs, case.axes, case.axes, lambda sample: sample.cut(setting, {}))):  # noqa: B023 (used at once)
            yield Diagnosis(
                Kind.PARAMETRISATION,
                f"another parametrisation: this is the derivative after {name} in the definition is replaced by {pattern.format(name)}",
            )
            return


def _reparametrised(setting: Setting, name: str, change: Callable[[Expr], Expr]) -> Setting:
    """The lets in terms of a new first let that is a function of the given ``name``."""
    given = next(item for item in setting.given if item.name == name) if name in {item.name for item in setting.given} else None
    if given is None:
        return setting
    inner = f"{name}_inner"
    if isinstance(given.symbol, NamedTensor):
        at = tuple(Index(f"a{k}", dim) for k, dim in enumerate(given.dims))
        moved = tensor(inner, *given.dims)
        first = Let(moved[at], change(given.symbol[at]))
    else:
        moved_scalar = scalar(inner)
        first = Let(moved_scalar, change(given.symbol))
    new = first.symbol
    lets = tuple(dataclasses.replace(let, body=_replaced(let.body, given.symbol, new)) for let in setting.lets)
    return Setting(setting.given, (first, *lets))


def _replaced(expression: Expr, old: NamedTensor | Symbol, new: NamedTensor | Symbol) -> Expr:
    """The expression with one name for another; derivatives inside are left alone."""
    if isinstance(old, NamedTensor):
        moved = {entry: new[tuple(entry.indices)] for entry in expression.atoms(Indexed) if entry.base == old}
        return expression.xreplace({**moved, old: new})
    return expression.xreplace({old: new})
