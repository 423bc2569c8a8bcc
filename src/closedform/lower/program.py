"""Array programs: the functions of one module, as what they compute and what they are called."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Expr

from closedform.lower.nodes import Node
from closedform.notation import Dim, Given, Index, Setting


@dataclass(frozen=True)
class Condition:
    """A property of an argument that can be checked on its values.

    Attributes:
        of: the argument.
        inputs: the arguments that the check reads.
        violated: an array that is true where the property does not hold.
        text: the property, in index notation.
        exact: whether ``violated`` does without the number ``tolerance``, which the backend sets by dtype.
    """

    of: Given
    inputs: tuple[Given, ...]
    violated: Node
    text: str
    exact: bool = True


@dataclass(frozen=True)
class Function:
    """One function of the module.

    Attributes:
        name, kind: see :class:`closedform.functions.KernelFunction`.
        parameters: the arguments in order, each a given of the derivation or an extra one.
        result: the node that is returned.
        axes: the indices along its axes.
        target, expression: the equation that it computes, in index notation.
        setting: where its names are defined.
        wrt: the name of the variable that it differentiates by.
        names: how nodes that a let defines are called.
        several: the parameter that may be stacked along a first axis, or ''.
    """

    name: str
    kind: str
    parameters: tuple[Given, ...]
    result: Node
    axes: tuple[Index, ...]
    target: Expr
    expression: Expr
    setting: Setting
    wrt: str | None = None
    names: tuple[tuple[Node, str], ...] = field(default=())
    several: str = ""

    @property
    def called(self) -> dict[Node, str]:
        """The name of each node that has one; the first, where lets are equal."""
        return dict(reversed(self.names))


@dataclass(frozen=True)
class Kept:
    """An array or number that an operator keeps under a name: ``node``, for which ``stand_in`` stands in its methods."""

    name: str
    node: Node
    stand_in: Node


@dataclass(frozen=True)
class Operator:
    """A Hessian that keeps what no direction changes.

    Attributes:
        name: of the function that makes it.
        product: the function along a direction that it is made from.
        parameters: the arguments that it is made from.
        kept: what it keeps.
        methods: functions of what is kept, and of a direction where they have one as their parameter.
    """

    name: str
    product: Function
    parameters: tuple[Given, ...]
    kept: tuple[Kept, ...]
    methods: tuple[Function, ...]


@dataclass(frozen=True)
class Program:
    """One module of kernels.

    Attributes:
        batch: the dimension of samples, if the derivation has one.
        conditions: what is checked of the arguments, besides their shapes.
        operators: what comes after the functions.
    """

    name: str
    title: str
    about: str
    source: str
    setting: Setting
    batch: Dim | None
    functions: tuple[Function, ...]
    conditions: tuple[Condition, ...] = ()
    operators: tuple[Operator, ...] = ()

    @property
    def leading(self) -> bool:
        """Whether it is about one sample: then tensors may have further axes in front, which all tensors of a call share."""
        return self.batch is None
