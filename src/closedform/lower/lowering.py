"""From the closed forms of a derivation to the array program of its module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sympy import Expr, Symbol

from closedform.functions import KernelFunction, hessian_operators
from closedform.lower.conditions import conditions
from closedform.lower.formula import Formula
from closedform.lower.fusion import fused
from closedform.lower.nodes import Input, Labels, Node, OneHot
from closedform.lower.prepared import prepared
from closedform.lower.program import Function, Program
from closedform.notation import Derivation, Given, NamedTensor, Setting


class ClosedFormula(Protocol):
    """What :func:`lower` needs of a closed form."""

    @property
    def setting(self) -> Setting:
        """Where the names of the expression are defined."""

    @property
    def expression(self) -> Expr:
        """The right side, free of derivatives."""


def lower(derivation: Derivation, closed_forms: Sequence[tuple[KernelFunction, ClosedFormula]]) -> Program:
    """The array program of a derivation's kernels.

    Args:
        derivation: what the kernels are of.
        closed_forms: each function with its right side in index notation, in the order of the module.

    Raises:
        LoweringError: a closed form has a node that no array program is known for.

    A derivation without a batch dimension is about one sample: its functions take tensors with any further
    axes in front, the same for all tensors of a call.
    """
    functions = tuple(_lower_function(derivation, function, form) for function, form in closed_forms)
    names = {function.name for function in functions}
    operators = [prepared(o, functions) for o in hessian_operators(derivation) if o.methods[0][1] in names]
    return Program(
        name=derivation.name,
        title=derivation.title,
        about=derivation.about,
        source=derivation.source,
        setting=derivation.setting,
        batch=derivation.batch,
        functions=functions,
        conditions=conditions(derivation),
        operators=tuple(operator for operator in operators if operator is not None),
    )


def _lower_function(derivation: Derivation, function: KernelFunction, form: ClosedFormula) -> Function:
    parameters = (*derivation.given, *function.extra)
    inputs = {given.name: _argument(given) for given in parameters}
    formula = Formula(form.setting, inputs, function.axes, derivation.batch)
    result, names = fused(formula.array(form.expression, function.axes).node, formula.named)
    return Function(
        name=function.name,
        kind=function.kind,
        parameters=parameters,
        result=result,
        axes=function.axes,
        target=function.target,
        expression=form.expression,
        setting=form.setting,
        wrt=function.wrt.name if function.wrt is not None else None,
        names=names,
        several=function.several,
    )


def _argument(given: Given) -> Node:
    if given.classes:
        return OneHot(Labels(given.name, given.dims))
    if isinstance(given.symbol, NamedTensor):
        return Input(given.name, given.dims)
    assert isinstance(given.symbol, Symbol)
    return Input(given.name, (), scalar=True)
