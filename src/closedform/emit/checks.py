"""The checks of arguments: lines at the head of a function, and one helper for each constraint on values."""

from __future__ import annotations

from collections.abc import Sequence

from closedform.emit.text import INDENT, shape_tuple, wrapped
from closedform.emit.writer import Writer
from closedform.errors import LoweringError
from closedform.lower.program import Function
from closedform.notation import Given


def direction_of(function: Function) -> Given | None:
    """The parameter that may be stacked."""
    return next((given for given in function.parameters if given.name == function.several), None)


def tensors_of(function: Function) -> list[Given]:
    """The parameters that tell dtype, device and sizes."""
    return [given for given in function.parameters if given.dims and not given.classes and given.name != function.several]


def check_lines(
    writer: Writer, parameters: Sequence[Given], tensors: Sequence[Given], direction: Given | None, *, sizes: bool
) -> list[str]:
    """Lines that raise unless the arguments are right; ``sizes``: also assign the sizes."""
    check = "_check_leading" if writer.program.leading else "_check"
    writer.need([check])
    labels = [given for given in parameters if given.classes]
    inputs = [f'("{given.name}", {writer.variable(given)}, "{" ".join(dim.name for dim in given.dims)}")' for given in tensors]
    lines = [wrapped(f"{'sizes = ' if labels or direction or sizes else ''}{check}(", inputs, ")", depth=1)]
    lines += [_label_line(writer, given, tensors) for given in labels]
    if direction is not None:
        first = writer.variable(tensors[0])
        like = f"{first}.dtype, {first}.device" if writer.backend.has_devices else f"{first}.dtype"
        lines.append(direction_line(writer, direction, shape_tuple([f'sizes["{dim.name}"]' for dim in direction.dims]), like))
    return [*lines, *condition_lines(writer, parameters, of_scalars=False)]


def direction_line(writer: Writer, direction: Given, shape: str, like: str) -> str:
    """The check of a direction, by its shape and what else it must be like."""
    writer.need(["_check_direction"])
    return f'{INDENT}_check_direction("{direction.name}", {writer.variable(direction)}, {shape}, {like})'


def _label_line(writer: Writer, given: Given, tensors: Sequence[Given]) -> str:
    writer.need(["_check_labels"])
    known = {dim for tensor in tensors for dim in tensor.dims}
    if not set(given.dims) <= known:
        raise LoweringError(f"{given.name} takes class indices, but no other argument has the size of {given.dims[-1].name}")
    shape = [f'sizes["{dim.name}"]' for dim in given.dims]
    first = tensors[0]
    if writer.program.leading:
        shape = [f"*{writer.variable(first)}.shape[:-{len(first.dims)}]", *shape]
    like = writer.variable(first) + ("" if writer.backend.has_devices else ".dtype")
    return f'{INDENT}_check_labels("{given.name}", {writer.variable(given)}, {shape_tuple(shape)}, {like})'


def condition_lines(writer: Writer, parameters: Sequence[Given], *, of_scalars: bool) -> list[str]:
    """Calls of the checks on values; numbers are checked after they have got their dtype."""
    lines = []
    for given in checked_givens(writer):
        inputs = _inputs(writer, given)
        if given in parameters and of_scalars == any(not item.dims for item in inputs):
            lines.append(f"{INDENT}{_name(writer, given)}({', '.join(map(writer.variable, inputs))})")
    return lines


# -- constraints on values --------------------------------------------------------------------


def checked_givens(writer: Writer) -> list[Given]:
    """The givens that have constraints."""
    return list(dict.fromkeys(condition.of for condition in writer.program.conditions))


def value_check(writer: Writer, given: Given) -> str:
    """The helper function that checks a given's values."""
    inputs = _inputs(writer, given)
    conditions = writer.conditions(given)
    texts = "; ".join(condition.text for condition in conditions)
    typed = [f"{writer.variable(item)}: {annotation(writer, item)}" for item in inputs]
    lines = [wrapped(f"def {_name(writer, given)}(", typed, ") -> None:"), f'{INDENT}"""Raise unless {texts}."""']
    tensors = [item for item in inputs if item.dims]
    first = writer.variable((tensors or inputs)[0])
    arguments = {item.name: writer.variable(item) for item in inputs} | {"tolerance": "tolerance"}
    names = writer.names(arguments.values())
    printer = writer.printer(arguments, first, names, guard=False, rank=len((tensors or inputs)[0].dims))
    if given.classes:
        lines.append(f"{INDENT}if not {writer.backend.is_floating(writer.variable(given))}:\n{INDENT * 2}return")
    body: list[str] = []
    if not all(condition.exact for condition in conditions):
        body.append(f"{INDENT}tolerance = {writer.backend.tolerance.format(first)}")
    for condition in conditions:
        statements, text = printer.body(condition.violated, {}, as_result=False)
        body += [f"{INDENT}{statement.name} = {statement.text}" for statement in statements]
        body.append(f'{INDENT}_forbid({text}, "{given.name} must satisfy {condition.text}")')
    writer.need(["_forbid", *printer.helpers])
    return "\n".join([*lines, *writer.size_lines(printer.sizes, writer.sources(tensors)), *body])


def annotation(writer: Writer, given: Given) -> str:
    """The type of a parameter."""
    return writer.backend.array if given.dims else f"float | {writer.backend.array}"


def _name(writer: Writer, given: Given) -> str:
    name = f"_check_{given.name}"
    return f"{name}_" if name in writer.backend.helpers else name


def _inputs(writer: Writer, given: Given) -> list[Given]:
    needed = {item for condition in writer.conditions(given) for item in condition.inputs}
    return [item for item in writer.program.setting.given if item in needed]
