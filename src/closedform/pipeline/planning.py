"""``closedform plan``: what a kernel function or an operator does, step by step, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr, Integer, Max, S, Symbol

from closedform.errors import UsageError
from closedform.functions import KernelFunction, hessian_operators, kernel_functions
from closedform.lower import Plan as Steps
from closedform.lower import Program, Step, lower, plan_of, plan_of_kept, plan_of_method
from closedform.notation import Derivation, Given
from closedform.pipeline.making import form_of
from closedform.pipeline.verifying import resolve
from closedform.report import text
from closedform.syntax.text import to_text

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
COLUMNS = ("array", "shape", "operations", "bytes", "how")
UNITS = ("", "k", "M", "G", "T", "P")


@dataclass(frozen=True)
class Plan:
    """The steps of one kernel function with their costs, as functions of the sizes or at given ones.

    Attributes:
        steps: the array program, see :class:`closedform.lower.Plan`.
        dtype: of the arrays.
        sizes: dimension name -> size; costs of dimensions that are not here stay symbolic.
    """

    steps: Steps
    dtype: str = "float32"
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def flops(self) -> Expr:
        """Operations of all steps."""
        return self._at(self.steps.flops)

    @property
    def product_flops(self) -> Expr:
        """Operations of the matrix products among them."""
        return self._at(self.steps.product_flops)

    @property
    def moved(self) -> Expr:
        """Bytes read and written, each step by itself."""
        return self._bytes(self.steps.moved)

    @property
    def compulsory(self) -> Expr:
        """The least: bytes of the arguments, read once, and of the result, written once."""
        return self._bytes(self.steps.compulsory)

    @property
    def largest(self) -> Expr:
        """Bytes of the largest array between arguments and result; 0 if there is none."""
        return self._most(self.steps.arrays)

    @property
    def held(self) -> Expr:
        """Bytes held at once at most between arguments and result, if each array is freed after its last use."""
        return self._most(self.steps.held)

    def __str__(self) -> str:
        rows = [self._row(step) for step in self.steps.steps]
        total = ("total", "", _figure(self.flops), _figure(self.moved), "")
        least = ("least", "", _figure(self.product_flops), _figure(self.compulsory), "matrix products alone; arguments and result once")
        head = f"{self.steps.derivation}: {self.steps.function}, {self.dtype}"
        at = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        held = f"largest array between: {_figure(self.largest)} bytes; held at once: {_figure(self.held)} bytes"
        held += ", for a block of rows at a time" if self.steps.in_blocks else ""
        return "\n".join([head + (f", {at}" if at else ""), text.table(COLUMNS, [*rows, total, least]), held])

    def _row(self, step: Step) -> tuple[str, ...]:
        shape = f"({', '.join('1' if dim is None else dim.name for dim in step.dims)}{',' if len(step.dims) == 1 else ''})"
        return (step.name, shape, _figure(self._at(step.flops)), _figure(self._bytes(step.moved)), step.operation)

    def _at(self, count: Expr) -> Expr:
        given: dict[Symbol, Expr] = {symbol: Integer(self.sizes[symbol.name]) for symbol in count.free_symbols if symbol.name in self.sizes}
        return S(count).xreplace(given)

    def _most(self, numbers: Iterable[Expr]) -> Expr:
        """The largest of them in bytes: a maximum where that depends on sizes that are not given."""
        return Max(0, *map(self._bytes, numbers))

    def _bytes(self, numbers: Expr) -> Expr:
        return self._at((BYTES[self.dtype] * numbers).expand())


def plan(derivation: str | Derivation, function: str, *, dtype: str = "float32", sizes: Mapping[str, int] | None = None) -> Plan:
    """The array program of a kernel function: its steps, their shapes, operations and bytes, and the least that it could cost.

    Args:
        derivation: a name, or the derivation itself.
        function: such as ``"hvp_W"``; of ``"hessian_operator_W"`` it is what the operator keeps, once for all directions, of
            ``"hessian_operator_W.hvp"`` what each product then takes.
        dtype: of the arrays, for bytes.
        sizes: dimension name -> size; the costs are functions of the others.

    Raises:
        UnknownDerivationError, DiscoveryError: see :mod:`closedform.discover`.
        UsageError: no such function, dtype or dimension; the message lists those that there are.
        DerivationError, LoweringError: no closed form was found, or no array program is known for it.

    Example:

        >>> print(plan("cross_entropy", "hvp"))
        cross_entropy: hvp, float32
        array   shape   operations  bytes          how
        p       (B, C)  5*B*C       8*B*C          softmax of z
        t1      (B, 1)  B*C         4*(B + B*C)    place of the leader of each row of p
        t2      (B, 1)  0           12*B           whether it leads: p, t1
        t3      (B, C)  8*B*C       8*B + 12*B*C   times the Jacobian of its softmax: v, p, t1, t2
        result  (B, C)  B*C         8*B*C          (1/B)*t3
        total           15*B*C      24*B + 32*B*C
        least           0           12*B*C         matrix products alone; arguments and result once
        largest array between: 4*B*C bytes; held at once: 8*(B + B*C) bytes
    """
    (found,) = resolve((derivation,))
    needed = _needed(found.derivation)
    if function not in needed:
        raise UsageError(f"{found.derivation.name} has no function {function!r}; it has {', '.join(needed) or 'none'}")
    if dtype not in BYTES:
        raise UsageError(f"unknown dtype {dtype!r}; choose one of {', '.join(BYTES)}")
    forms = [form_of(found.derivation, item) for item in needed[function]]
    steps, axes = _steps(lower(found.derivation, [(form.function, form.closed) for form in forms]), function)
    for name, size in (sizes or {}).items():
        if name not in axes or size < 1:
            raise UsageError(f"sizes are those of {', '.join(sorted(axes))}, each at least 1; got {name} = {size}")
    return Plan(steps, dtype, dict(sizes or {}))


def _needed(derivation: Derivation) -> dict[str, tuple[KernelFunction, ...]]:
    """What has a plan, and which functions it is found from: functions, operators, and the methods of these."""
    functions = {item.name: item for item in kernel_functions(derivation)}
    needed: dict[str, tuple[KernelFunction, ...]] = {name: (item,) for name, item in functions.items()}
    for operator in hessian_operators(derivation):
        methods = {method: functions[name] for method, name in operator.methods if name in functions}
        if "hvp" in methods:
            needed |= dict.fromkeys([operator.name, *(f"{operator.name}.{method}" for method in methods)], tuple(methods.values()))
    return needed


def _steps(program: Program, name: str) -> tuple[Steps, set[str]]:
    """The steps of a function, an operator or one of its methods; and the names of the dimensions of its arguments."""
    operator_name, _, method = name.partition(".")
    operators = {operator.name: operator for operator in program.operators}
    functions = {function.name: function for function in program.functions}
    if operator_name in functions:
        chosen = functions[operator_name]
        return plan_of(program.name, chosen, program.batch), _axes(chosen.parameters)
    if operator_name not in operators:
        raise UsageError(f"{program.name} has no {operator_name}: no part of the Hessian is the same for all directions; plan hvp instead")
    operator = operators[operator_name]
    steps = plan_of_method(program.name, operator, method) if method else plan_of_kept(program.name, operator)
    return steps, _axes(operator.product.parameters)


def _axes(parameters: Sequence[Given]) -> set[str]:
    return {dim.name for given in parameters for dim in given.dims}


def _figure(count: Expr) -> str:
    """A formula; or a number with three digits and a unit."""
    if isinstance(count, Max):
        return f"max({', '.join(sorted(map(to_text, count.args)))})"
    if count.free_symbols:
        return to_text(count)
    number, unit = float(count), 0
    while number >= 999.5 and unit < len(UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.3g}{UNITS[unit]}"
