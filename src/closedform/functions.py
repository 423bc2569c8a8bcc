"""Which functions a derivation's kernels have, each as the left side of an equation.

A vector output p(z) has ``value``, ``jacobian``, ``jvp``, ``vjp`` and, of a derivation that is ``curved``, ``hvp``, the product
with the Hessian of sum(g*p) for an upstream gradient g (none for a variable in which p is affine); a scalar output L has ``value``,
``gradient``, ``hessian``, ``hvp``, ``hessian_diagonal``, ``hessian_trace``. With several variables
the name ends in the variable's: ``gradient_W``. Over the batch dimension a Hessian is one block a sample. Where a
derivation has a batch, a function along a direction takes several at once, stacked along a first axis, and the Hessian
of a variable that all samples share is an operator too: ``hessian_operator_W``.

Both wings read this list: one derives and prints the right sides, the other judges them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sympy import Add, Expr, Indexed, Mul, Sum, Symbol

from closedform.notation import (
    Claim,
    Derivation,
    Dim,
    Given,
    Index,
    NamedTensor,
    delta,
    free_indices,
    head_name,
    partial,
    scalar,
    summation,
    tensor,
)


@dataclass(frozen=True)
class KernelFunction:
    """A function to generate.

    Attributes:
        name: of the function, such as ``hvp_W``.
        kind: ``value``, ``jacobian``, ``jvp``, ``vjp``, ``gradient``, ``hessian``, ``hvp``, ``hessian_diagonal``, ``hessian_trace``.
        target: what it computes, in index notation, to be brought into closed form.
        axes: the free indices of ``target`` in the order of the result's axes.
        wrt: the variable that it differentiates by; None for ``value``.
        extra: further arguments after the derivation's givens (a direction, an upstream gradient).
        several: the further argument that may be stacked along a first axis, which the result then has too; '' if none may.
        formula: the right side that a kernel was printed from, where it is known: it tells how accurate the kernel can be.
    """

    name: str
    kind: str
    target: Expr
    axes: tuple[Index, ...]
    wrt: NamedTensor | Symbol | None = None
    extra: tuple[Given, ...] = ()
    several: str = ""
    formula: Expr | None = None


def kernel_functions(derivation: Derivation) -> tuple[KernelFunction, ...]:
    """The functions of a derivation's modules, in the order in which they are printed; none for claims without an output."""
    if derivation.output is None:
        return ()
    names = _Letters(derivation)
    output = names.entry(derivation.output, ())
    axes = _indices_of(output)
    functions = [KernelFunction("value", "value", output, axes)]
    for variable in derivation.wrt:
        suffix = f"_{variable.name}" if len(derivation.wrt) > 1 else ""
        make = _of_scalar if not axes else _of_tensor
        functions.extend(make(derivation, output, variable, suffix, names))
    return tuple(_stackable(function) for function in functions) if derivation.batch is not None else tuple(functions)


@dataclass(frozen=True)
class HessianOperator:
    """A Hessian as an operator that keeps what no direction changes.

    Attributes:
        name: of the function that makes it, such as ``hessian_operator_W``.
        methods: name of a method -> name of the kernel function that computes the same.
    """

    name: str
    methods: tuple[tuple[str, str], ...]


def hessian_operators(derivation: Derivation) -> tuple[HessianOperator, ...]:
    """One for each variable that all samples of a batch share: its Hessian is one matrix, too large to be formed."""
    if derivation.batch is None or derivation.output is None or isinstance(derivation.output, NamedTensor):
        return ()
    operators = []
    for variable in derivation.wrt:
        if isinstance(variable, NamedTensor) and derivation.batch not in variable.dims:
            suffix = f"_{variable.name}" if len(derivation.wrt) > 1 else ""
            names = {"hvp": "hvp", "diagonal": "hessian_diagonal", "trace": "hessian_trace", "dense": "hessian"}
            methods = tuple((method, f"{name}{suffix}") for method, name in names.items())
            operators.append(HessianOperator(f"hessian_operator{suffix}", methods))
    return tuple(operators)


def ways_to_call(derivation: Derivation, function: KernelFunction) -> tuple[str, ...]:
    """The function's own name, and ``operator.method`` where a method of an operator computes the same."""
    methods = [
        f"{operator.name}.{method}"
        for operator in hessian_operators(derivation)
        for method, name in operator.methods
        if name == function.name
    ]
    return (function.name, *methods)


def sample_independence(derivation: Derivation) -> tuple[Claim, ...]:
    """What a Hessian in blocks takes for granted: the blocks between different samples vanish.

    One claim for each variable with a batch axis: d2L/dz[a,i]dz[b,j] = delta(a,b) d2L/dz[a,i]dz[a,j].
    """
    output = derivation.output
    if derivation.batch is None or output is None or isinstance(output, NamedTensor):
        return ()
    names = _Letters(derivation)
    claims = []
    for variable in derivation.wrt:
        if isinstance(variable, NamedTensor) and derivation.batch in variable.dims:
            first = names.entry(variable, ())
            second = names.entry(variable, _indices_of(first))
            own = _same_sample(first, second, derivation.batch)
            a, b = _sample_of(first, derivation.batch), _sample_of(second, derivation.batch)
            claims.append(
                Claim(
                    name=f"samples are independent in {variable.name}",
                    lhs=partial(output, first, second),
                    rhs=delta(a, b) * partial(output, first, own),
                    title="the Hessian is one block a sample",
                )
            )
    return tuple(claims)


# ---------------------------------------------------------------------------------------------


def _stackable(function: KernelFunction) -> KernelFunction:
    """With several directions at once, if it has a direction that is a tensor."""
    stacked = [given.name for given in function.extra if given.dims]
    return replace(function, several=stacked[0]) if len(stacked) == 1 else function


def _of_tensor(
    derivation: Derivation, output: Expr, variable: NamedTensor | Symbol, suffix: str, names: _Letters
) -> Iterator[KernelFunction]:
    rows = _indices_of(output)
    entry = names.entry(variable, rows)
    columns = _indices_of(entry)
    jacobian = partial(output, entry)
    tangent = names.argument("v", variable, "direction", derivation)
    cotangent = names.argument("g", derivation.computed, "upstream gradient", derivation)
    yield KernelFunction(f"jacobian{suffix}", "jacobian", jacobian, rows + columns, variable)
    along = summation(jacobian * _at(tangent, columns), *columns)
    yield KernelFunction(f"jvp{suffix}", "jvp", along, rows, variable, (tangent,))
    back = summation(_at(cotangent, rows) * jacobian, *rows)
    yield KernelFunction(f"vjp{suffix}", "vjp", back, columns, variable, (cotangent,))
    if derivation.curved and not _is_affine(output, variable, derivation):
        other = names.entry(variable, rows + columns)
        second = partial(output, entry, other)
        over = _indices_of(other)
        curved = summation(_at(cotangent, rows) * second * _at(tangent, over), *rows, *over)
        yield KernelFunction(f"hvp{suffix}", "hvp", curved, columns, variable, (cotangent, tangent))


def _of_scalar(
    derivation: Derivation, output: Expr, variable: NamedTensor | Symbol, suffix: str, names: _Letters
) -> Iterator[KernelFunction]:
    first = names.entry(variable, ())
    rows = _indices_of(first)
    second = names.entry(variable, rows)
    columns = _indices_of(second)
    block = second
    if derivation.batch is not None and derivation.batch in getattr(variable, "dims", ()):
        block = _same_sample(first, second, derivation.batch)
    direction = names.argument(
        "V" if len(rows) > 1 and derivation.batch not in getattr(variable, "dims", ()) else "v", variable, "direction", derivation
    )
    hessian = partial(output, first, block)
    axes = rows + tuple(index for index in _indices_of(block) if index not in rows)
    diagonal = partial(output, first, first)
    along = summation(partial(output, first, second) * _at(direction, columns), *columns)
    yield KernelFunction(f"gradient{suffix}", "gradient", partial(output, first), rows, variable)
    yield KernelFunction(f"hessian{suffix}", "hessian", hessian, axes, variable)
    yield KernelFunction(f"hvp{suffix}", "hvp", along, rows, variable, (direction,))
    yield KernelFunction(f"hessian_diagonal{suffix}", "hessian_diagonal", diagonal, rows, variable)
    yield KernelFunction(f"hessian_trace{suffix}", "hessian_trace", summation(diagonal, *rows), (), variable)


def _is_affine(expression: Expr, variable: NamedTensor | Symbol, derivation: Derivation) -> bool:
    """Whether the form of an expression shows that its second derivatives by the variable vanish."""
    if not _depends(expression, variable, derivation):
        return True
    if isinstance(expression, Indexed | Symbol):
        let = derivation.setting.let(head_name(expression))
        return head_name(expression) == variable.name or (let is not None and _is_affine(let.body, variable, derivation))
    if isinstance(expression, Mul):
        carrying = [factor for factor in expression.args if _depends(factor, variable, derivation)]
        return len(carrying) == 1 and _is_affine(carrying[0], variable, derivation)
    parts = (expression.function,) if isinstance(expression, Sum) else expression.args if isinstance(expression, Add) else ()
    return bool(parts) and all(_is_affine(part, variable, derivation) for part in parts)


def _depends(expression: Expr, variable: NamedTensor | Symbol, derivation: Derivation) -> bool:
    """Whether a variable occurs in an expression, or in what its names are defined by."""
    names = {base.name for base in expression.atoms(NamedTensor)} | {symbol.name for symbol in expression.atoms(Symbol)}
    bodies = [let.body for let in derivation.lets if let.name in names]
    sources = [source for given in derivation.given if given.name in names for source in given.of]
    return variable.name in names or any(_depends(part, variable, derivation) for part in (*bodies, *sources))


def _indices_of(entry: Expr) -> tuple[Index, ...]:
    return tuple(entry.indices) if isinstance(entry, Indexed) else ()


def _at(given: Given, at: tuple[Index, ...]) -> Expr:
    return given.symbol[at] if isinstance(given.symbol, NamedTensor) else given.symbol


def _sample_of(entry: Expr, batch: Dim) -> Index:
    return next(index for index in _indices_of(entry) if index.dim == batch)


def _same_sample(first: Expr, second: Expr, batch: Dim) -> Expr:
    return second.xreplace({_sample_of(second, batch): _sample_of(first, batch)})


class _Letters:
    """Names for indices: those that the derivation itself uses, then others that are free."""

    def __init__(self, derivation: Derivation) -> None:
        expressions = [side for claim in derivation.claims for side in (claim.lhs, claim.rhs)]
        used = [index for e in expressions for index in sorted(free_indices(e), key=lambda index: index.name)]
        used += [index for let in derivation.lets for index in let.indices]
        bound = {s for let in derivation.lets for s in let.body.atoms(Index)} - set(used)
        self._taken = {index.name for index in (*used, *bound)}
        self._known: dict[Dim, list[Index]] = {}
        for index in dict.fromkeys((*used, *sorted(bound, key=lambda index: index.name))):
            self._known.setdefault(index.dim, []).append(index)

    def entry(self, symbol: NamedTensor | Symbol, avoid: tuple[Index, ...]) -> Expr:
        """An entry of ``symbol`` at indices that differ from each other and from ``avoid``."""
        if not isinstance(symbol, NamedTensor):
            return symbol
        chosen: list[Index] = []
        for dim in symbol.dims:
            chosen.append(self._next(dim, (*avoid, *chosen)))
        return symbol[tuple(chosen)]

    def argument(self, name: str, like: NamedTensor | Symbol, doc: str, derivation: Derivation) -> Given:
        """A further argument of the shape of ``like``, under a name that is not taken."""
        taken = set(derivation.setting.symbols())
        free = next(candidate for candidate in (name, *(f"{name}{n}" for n in range(1, 1000))) if candidate not in taken)
        symbol = tensor(free, *like.dims) if isinstance(like, NamedTensor) else scalar(free)
        return Given(symbol, doc)

    def _next(self, dim: Dim, avoid: tuple[Index, ...]) -> Index:
        known = self._known.setdefault(dim, [])
        for index in known:
            if index not in avoid:
                return index
        letters = "ijklmnopqrstuvwxyzabcdefgh"
        name = next(n for n in (*letters, *(f"i{n}" for n in range(1, 1000))) if n not in self._taken)
        self._taken.add(name)
        known.append(Index(name, dim))
        return known[-1]
