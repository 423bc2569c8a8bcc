"""A Hessian as an operator: the class that keeps what no direction changes, and the function that makes it."""

from __future__ import annotations

from closedform.emit.checks import annotation, check_lines, condition_lines, direction_line, direction_of, tensors_of
from closedform.emit.docs import method_docstring, operator_class_docstring, operator_docstring
from closedform.emit.function import chunked, ending, out_line, signature
from closedform.emit.precision import widening
from closedform.emit.text import INDENT, docstring, indented, wrapped
from closedform.emit.writer import Source, Writer
from closedform.lower.nodes import Input, Labels
from closedform.lower.program import Function, Operator
from closedform.lower.traversal import walk
from closedform.notation import Given


def class_name(operator: Operator) -> str:
    """``hessian_operator_W`` makes a ``HessianOperatorW``."""
    return "".join(word[:1].upper() + word[1:] for word in operator.name.split("_"))


def operator_text(writer: Writer, operator: Operator) -> str:
    """The source of the class and of the function."""
    return f"{_class(writer, operator)}\n\n\n{_maker(writer, operator)}"


# -- the class --------------------------------------------------------------------------------


def _class(writer: Writer, operator: Operator) -> str:
    doc = operator_class_docstring(operator, writer.program, writer.output(), writer.described(operator.product.wrt))
    names = [item.name for item in operator.kept]
    typed = [f"{item.name}: {writer.backend.array}" for item in operator.kept]
    start = [
        wrapped("def __init__(", ["self", "shape: tuple[int, ...]", f"dtype: {writer.backend.dtype}", *typed], ") -> None:", method=True),
        f"{INDENT}self.shape, self.dtype = shape, dtype",
        f"{INDENT}{', '.join(f'self.{name}' for name in names)} = {', '.join(names)}",
    ]
    methods = [_method(writer, operator, function) for function in operator.methods]
    array = next(item.name for item in operator.kept if item.stand_in.dims)
    methods.append(writer.backend.linear_operator.format(array=array).strip())
    parts = [docstring(doc), *(indented(part) for part in ("\n".join(start), *methods))]
    return f"class {class_name(operator)}:\n" + "\n\n".join(parts)


def _method(writer: Writer, operator: Operator, function: Function) -> str:
    direction, array = direction_of(function), bool(function.axes)
    kept = [item for item in operator.kept if item.stand_in in set(walk(function.result))]
    arguments = {item.stand_in.name: item.name for item in kept if isinstance(item.stand_in, Input | Labels)}
    arguments |= {given.name: writer.variable(given) for given in function.parameters}
    tensors = [item for item in kept if item.stand_in.dims and not isinstance(item.stand_in, Labels)]
    names = writer.names([*arguments.values()])
    like = tensors[0]
    printer = writer.printer(arguments, like.name, names, guard=True, several=direction, rank=len(like.stand_in.dims))
    statements, result = printer.body(function.result, function.called, into_out=array)
    entries = chunked(printer, function)
    wide = f"{writer.variable(direction)} = _wide({writer.variable(direction)})" if direction and writer.backend.has_devices else ""
    lines = [f"{INDENT}{', '.join(item.name for item in kept)} = {', '.join(f'self.{item.name}' for item in kept)}"]
    if direction is not None:
        kind = f"self.dtype, {like.name}.device" if writer.backend.has_devices else "self.dtype"
        lines.append(direction_line(writer, direction, "self.shape", kind))
    if array:
        inputs = [*(item.name for item in tensors), *([writer.variable(direction)] if direction else [])]
        shape = ["*self.shape"] * (len(function.axes) // len(_variable(operator).dims))
        lines.append(out_line(writer, function, shape, "self.dtype", inputs))
    lines += [f"{INDENT}{wide}"] if wide else []
    sources = [Source("self.shape", _variable(operator).dims), *(Source(f"{item.name}.shape", item.stand_in.dims) for item in tensors)]
    lines += [*writer.size_lines(printer.sizes, sources), *ending(writer, function, statements, result, entries, "self.dtype")]
    writer.need(printer.helpers)
    doc = method_docstring(function, writer.program, devices=writer.backend.has_devices)
    return "\n".join([signature(writer, function.name, function.parameters, out=array, method=True), docstring(doc), *lines])


def _variable(operator: Operator) -> Given:
    return next(given for given in operator.parameters if given.name == operator.product.wrt)


# -- the function that makes it ---------------------------------------------------------------


def _maker(writer: Writer, operator: Operator) -> str:
    parameters = list(operator.parameters)
    tensors = [given for given in tensors_of(operator.product) if given in parameters]
    first = tensors[0]
    arguments = {given.name: writer.variable(given) for given in parameters}
    names = writer.names(arguments.values())
    printer = writer.printer(arguments, writer.variable(first), names, guard=True, rank=len(first.dims))
    wanted = {item.node: item.name for item in operator.kept}
    wanted |= {node: name for node, name in operator.product.names if node not in wanted}
    statements, texts = printer.several([item.node for item in operator.kept], wanted)
    lines = check_lines(writer, parameters, tensors, None, sizes=False)
    lines += widening(writer, parameters, first)
    lines += [*condition_lines(writer, parameters, of_scalars=True), *writer.size_lines(printer.sizes, writer.sources(tensors))]
    lines += [writer.statement(statement) for statement in statements]
    variable = writer.variable(_variable(operator))
    dtype = "dtype" if writer.backend.has_devices else f"{writer.variable(first)}.dtype"
    shape = f"tuple({variable}.shape)" if writer.backend.has_devices else f"{variable}.shape"
    lines.append(f"{INDENT}return {class_name(operator)}({', '.join([shape, dtype, *texts])})")
    writer.need(printer.helpers)
    doc = operator_docstring(
        operator, writer.program, writer.output(), writer.described(operator.product.wrt), writer.raises(parameters, out=False)
    )
    typed = [f"{writer.variable(given)}: {annotation(writer, given)}" for given in parameters]
    return "\n".join([wrapped(f"def {operator.name}(", typed, f") -> {class_name(operator)}:"), docstring(doc), *lines])
