"""The making wing at work: closed forms for the kernels of a derivation, and the modules printed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from closedform.derive import ClosedForm, closed_form
from closedform.emit import emit
from closedform.errors import DerivationError
from closedform.functions import KernelFunction, kernel_functions
from closedform.lower import lower
from closedform.notation import Derivation, Setting

BACKENDS = ("numpy", "torch")
HEADER = "closedform generate"


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
    return tuple(Form(function, _closed(derivation, function)) for function in kernel_functions(derivation))


def modules(derivation: Derivation, forms: Sequence[Form], backends: Sequence[str] = BACKENDS) -> dict[str, str]:
    """The source of the derivation's module in each backend; none where it has no kernels."""
    if not forms:
        return {}
    program = lower(derivation, [(form.function, form.closed) for form in forms])
    return {backend: emit(program, backend) for backend in backends}


def setting_of(derivation: Derivation, function: KernelFunction) -> Setting:
    """The derivation's setting with the function's further arguments (a direction, an upstream gradient)."""
    return Setting((*derivation.given, *function.extra), derivation.lets)


def _closed(derivation: Derivation, function: KernelFunction) -> ClosedForm:
    try:
        return closed_form(setting_of(derivation, function), function.target)
    except DerivationError as error:
        raise DerivationError(f"{derivation.name}: {function.name}: {error}") from error
