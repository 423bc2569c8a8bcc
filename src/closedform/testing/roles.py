"""Which functions of a kernel are compared with what: its roles.

A person gives either a map of roles to callables (``gradient``, ``hvp``, ...), or one differentiable torch function,
whose derivatives are then those of its own backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sympy import Expr, Indexed, Symbol

from closedform.check.views import by_claims
from closedform.errors import DerivationError, UsageError
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation, Given, Index, NamedTensor, Partial, partial, scalar, summation, tensor
from closedform.pipeline.making import form_of
from closedform.testing import differentiated as torch_derivative
from closedform.testing.layers import composed, contracted, fresh_indices, fresh_name

Kernel = Callable[..., Any]


@dataclass(frozen=True)
class Role:
    """One callable and the function of a derivation that it has to be.

    Attributes:
        name: such as ``vjp`` or ``hvp_W``; also how it is selected in a test run.
        derivation, function: what it has to compute, of the derivation's givens and the function's further arguments.
        kernel: the callable.
        light: whether a few inputs have to do, as each one is dear.
    """

    name: str
    derivation: Derivation
    function: KernelFunction
    kernel: Kernel
    light: bool = False


def given_roles(derivation: Derivation, kernels: Mapping[str, Kernel]) -> tuple[Role, ...]:
    """The roles that a person filled.

    Raises:
        UsageError: a role that the derivation does not have.
    """
    known = {function.name: function for function in role_functions(derivation)}
    for name, kernel in kernels.items():
        if name not in known:
            raise UsageError(f"{derivation.name} has no role {name!r}; it has {', '.join(known)}")
        if not callable(kernel):
            raise UsageError(f"the role {name} needs a function; got {kernel!r}")
    return tuple(Role(name, derivation, known[name], kernel) for name, kernel in kernels.items())


def differentiated_roles(derivation: Derivation, function: Kernel, order: int) -> tuple[Role, ...]:
    """The roles of a torch function and of its backward pass, of its backward pass's own one if ``order`` is 2."""
    return tuple(_differentiated(derivation, function, order))


def role_functions(derivation: Derivation) -> tuple[KernelFunction, ...]:
    """The functions of generated kernels, one direction at a time; of a loss also ``vjp``, ``jvp``, and ``mixed`` for two variables."""
    functions = tuple(replace(function, several="") for function in kernel_functions(derivation))
    if isinstance(derivation.output, NamedTensor):
        return functions
    return (*functions, *(extra for function in functions if function.kind == "gradient" for extra in _of_loss(derivation, function)))


def accurately(derivation: Derivation, function: KernelFunction) -> tuple[Derivation, KernelFunction]:
    """The same with the closed form that tells how accurately the function can be computed, where one is found."""
    if isinstance(function.target, Partial) and by_claims(derivation, function.target, function) != function.target:
        return derivation, function
    return _with_closed_form(derivation, function)


@lru_cache(maxsize=256)
def _with_closed_form(derivation: Derivation, function: KernelFunction) -> tuple[Derivation, KernelFunction]:
    try:
        closed = form_of(derivation, function).closed
    except DerivationError:
        return derivation, function
    return replace(derivation, lets=closed.setting.lets), replace(function, formula=closed.expression)


# ---------------------------------------------------------------------------------------------


def _differentiated(derivation: Derivation, function: Kernel, order: int) -> Iterator[Role]:
    known = {item.name: item for item in role_functions(derivation)}
    yield Role("value", derivation, known["value"], function)
    yield _role("value_of_leaves", derivation, known["value"], torch_derivative.with_leaves(function))
    for variable in derivation.wrt:
        suffix = f"_{variable.name}" if len(derivation.wrt) > 1 else ""
        place = _place(derivation, variable)
        yield Role(f"vjp{suffix}", derivation, known[f"vjp{suffix}"], torch_derivative.vjp(function, place))
        around, between = composed(derivation, variable)
        inner = role_functions(around)
        kernel = between(function)
        yield _role(f"composition{suffix}", around, _of_kind(inner, "gradient"), torch_derivative.gradient(kernel, place))
        if order < 2:
            continue
        if isinstance(derivation.output, NamedTensor):
            yield Role(f"jvp{suffix}", derivation, known[f"jvp{suffix}"], torch_derivative.jvp(function, place))
            loss, close = contracted(replace(derivation, wrt=(variable,)))
            yield _role(f"hvp{suffix}", loss, _of_kind(role_functions(loss), "hvp"), torch_derivative.hvp(close(function), place))
        else:
            yield Role(f"hvp{suffix}", derivation, known[f"hvp{suffix}"], torch_derivative.hvp(function, place))
            yield _role(f"composition_hvp{suffix}", around, _of_kind(inner, "hvp"), torch_derivative.hvp(kernel, place))
    if order >= 2:
        for name, item in known.items():
            if item.kind == "mixed":
                rows, columns = (_place(derivation, symbol) for symbol in _variables(item))
                yield Role(name, derivation, item, torch_derivative.mixed(function, rows, columns))


def _role(name: str, derivation: Derivation, function: KernelFunction, kernel: Kernel) -> Role:
    return Role(name, derivation, replace(function, name=name), kernel)


def _place(derivation: Derivation, symbol: NamedTensor | Symbol) -> int:
    return [item.name for item in derivation.given].index(symbol.name)


def _of_kind(functions: tuple[KernelFunction, ...], kind: str) -> KernelFunction:
    return next(function for function in functions if function.kind == kind)


def _of_loss(derivation: Derivation, gradient: KernelFunction) -> Iterator[KernelFunction]:
    suffix = gradient.name.removeprefix("gradient")
    variable, rows = gradient.wrt, gradient.axes
    assert variable is not None
    upstream = scalar(fresh_name(derivation, "g"))
    yield KernelFunction(f"vjp{suffix}", "vjp", upstream * gradient.target, rows, variable, (Given(upstream, "upstream gradient"),))
    along = _direction(derivation, variable)
    yield KernelFunction(f"jvp{suffix}", "jvp", summation(gradient.target * _entry(along, rows), *rows), (), variable, (along,))
    for other in derivation.wrt:
        if other != variable:
            columns = fresh_indices(other, "m") if isinstance(other, NamedTensor) else ()
            along = _direction(derivation, other)
            second = partial(gradient.target.args[0], *gradient.target.args[1:], other[columns] if columns else other)
            target = summation(second * _entry(along, columns), *columns)
            yield KernelFunction(f"mixed_{variable.name}_{other.name}", "mixed", target, rows, variable, (along,))


def _direction(derivation: Derivation, like: NamedTensor | Symbol) -> Given:
    name = fresh_name(derivation, "v")
    return Given(tensor(name, *like.dims) if isinstance(like, NamedTensor) else scalar(name), "direction")


def _entry(given: Given, at: tuple[Index, ...]) -> Expr:
    return given.symbol[at] if isinstance(given.symbol, NamedTensor) else given.symbol


def _variables(function: KernelFunction) -> tuple[NamedTensor | Symbol, ...]:
    """The variables of a mixed second derivative: by which the result is, and along which the direction is."""
    (node,) = function.target.atoms(Partial)
    return tuple(entry.base if isinstance(entry, Indexed) else entry for entry in node.variables)
