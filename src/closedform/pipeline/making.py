"""The making wing at work: closed forms for the kernels of a derivation, and the modules printed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Expr

from closedform.derive import ClosedForm, closed_form
from closedform.derive.algebra import substitute
from closedform.derive.matching import Pattern
from closedform.derive.tangent import multiplied_out, tangent, total
from closedform.emit import emit
from closedform.errors import DerivationError
from closedform.functions import KernelFunction, kernel_functions
from closedform.lower import lower
from closedform.lower.directions import is_measured
from closedform.notation import Derivation, Setting

BACKENDS = ("numpy", "torch")
HEADER = "closedform generate"
SECOND_DERIVATIVES = ("hvp", "hessian", "hessian_diagonal", "hessian_trace")


@dataclass(frozen=True)
class Form:
    """A kernel function with its closed form."""

    function: KernelFunction
    closed: ClosedForm


def closed_forms(derivation: Derivation) -> tuple[Form, ...]:
    """The closed form of every kernel function.

    Raises:
        DerivationError: for one of them no closed form could be derived; the message names it.
    """
    return tuple(form_of(derivation, function) for function in kernel_functions(derivation))


def form_of(derivation: Derivation, function: KernelFunction) -> Form:
    """The closed form of one function, which need not be one of the derivation's kernels.

    Raises:
        DerivationError: none could be derived.
    """
    try:
        found = closed_form(setting_of(derivation, function), function.target)
    except DerivationError as error:
        raise DerivationError(f"{derivation.name}: {function.name}: {error}") from error
    claimed = _computed(derivation, function)
    if claimed is not None:
        return Form(function, replace(found, expression=claimed))
    return Form(function, _without_cancellation(derivation, function, found))


def modules(derivation: Derivation, forms: Sequence[Form], backends: Sequence[str] = BACKENDS) -> dict[str, str]:
    """The source of the derivation's module in each backend; none where it has no kernels."""
    if not forms:
        return {}
    program = lower(derivation, [(form.function, form.closed) for form in forms])
    return {backend: emit(program, backend) for backend in backends}


def setting_of(derivation: Derivation, function: KernelFunction) -> Setting:
    """The derivation's setting with the function's further arguments (a direction, an upstream gradient)."""
    return Setting((*derivation.given, *function.extra), derivation.lets)


def _computed(derivation: Derivation, function: KernelFunction) -> Expr | None:
    """What the derivation says that the function is to compute, where it says so: the right side of a claim about it."""
    for claim in derivation.claims:
        if claim.computed:
            at = Pattern(claim.lhs, claim.free_indices).match(function.target)
            if at is not None:
                return substitute(claim.rhs, at)
    return None


def _without_cancellation(derivation: Derivation, function: KernelFunction, found: ClosedForm) -> ClosedForm:
    """Of second derivatives the derivative of the gradient, term by term, where the shortest form loses digits at confident rows.

    It does where a softmax's mean of the direction stands in another term than the direction, and where probabilities are multiplied
    out: see :mod:`closedform.derive.tangent`.
    """
    scattered = multiplied_out(found) if function.kind in SECOND_DERIVATIVES else 0
    mixed = function.kind == "hvp" and _needs_direction_itself(derivation, function, found)
    if not (mixed or scattered):
        return found
    try:
        apart = _term_by_term(derivation, function)
    except DerivationError:
        return found
    return apart if mixed or multiplied_out(apart) < scattered else found


def _needs_direction_itself(derivation: Derivation, function: KernelFunction, form: ClosedForm) -> bool:
    (lowered,) = lower(derivation, [(function, form)]).functions
    return not is_measured(lowered.result, function.extra[-1].name)


def _term_by_term(derivation: Derivation, function: KernelFunction) -> ClosedForm:
    others = {other.kind: other for other in kernel_functions(derivation) if other.wrt == function.wrt}
    if function.kind == "hessian_trace":
        diagonal = others["hessian_diagonal"]
        return total(form_of(derivation, diagonal).closed, function.target, diagonal.axes)
    first = form_of(derivation, others["gradient"] if "gradient" in others else others["vjp"])
    to = function.extra[-1] if function.kind == "hvp" else function.target.variables[-1]
    assert function.wrt is not None
    return tangent(first.closed, function.target, function.wrt, to)
