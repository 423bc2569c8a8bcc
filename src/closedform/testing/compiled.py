"""The compiled function and its backward pass, held against the same definition as the eager one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from closedform.errors import UsageError
from closedform.notation import Derivation
from closedform.testing import differentiated as torch_derivative
from closedform.testing.roles import Role, role_functions

DEFAULT = "inductor"


def compiled_roles(derivation: Derivation, function: Callable[..., Any], backend: str | bool) -> tuple[Role, ...]:
    """``compiled_value`` and ``compiled_vjp``; a few inputs each, as every new layout is compiled anew.

    Raises:
        UsageError: torch.compile has no such backend.
    """
    import torch

    try:
        compiled = torch.compile(function, backend=DEFAULT if backend is True else str(backend))
    except torch._dynamo.exc.InvalidBackend as error:
        raise UsageError(f"torch.compile has no backend {backend!r}; torch.compiler.list_backends() names those that it has") from error
    known = {item.name: item for item in role_functions(derivation)}
    roles = [Role("compiled_value", derivation, replace(known["value"], name="compiled_value"), _fresh(compiled), light=True)]
    for place, item in enumerate(derivation.given):
        suffix = f"_{item.name}" if len(derivation.wrt) > 1 else ""
        if item.symbol in derivation.wrt:
            vjp = replace(known[f"vjp{suffix}"], name=f"compiled_vjp{suffix}")
            roles.append(Role(vjp.name, derivation, vjp, _fresh(torch_derivative.vjp(compiled, place)), light=True))
    return tuple(roles)


def _fresh(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Forget what was compiled for other inputs first: past its limit torch runs the function eagerly, and nothing is tested."""

    def compiled_anew(*arguments: Any) -> Any:
        import torch

        torch.compiler.reset()
        return kernel(*arguments)

    return compiled_anew
