"""One function of a module: checks, body, and how its result is returned or written into ``out``."""

from __future__ import annotations

from collections.abc import Sequence

from closedform.emit.base import BodyPrinter, Statement
from closedform.emit.checks import annotation, check_lines, condition_lines, direction_of, tensors_of
from closedform.emit.docs import function_docstring
from closedform.emit.precision import return_line, widening
from closedform.emit.rows import array_lines
from closedform.emit.samples import sample_lines
from closedform.emit.text import INDENT, docstring, indented, shape_tuple, wrapped
from closedform.emit.writer import Writer
from closedform.lower.nodes import Map
from closedform.lower.program import Function
from closedform.lower.rowwise import by_sample, is_rowwise
from closedform.lower.traversal import walk
from closedform.notation import Dim, Given


def function_text(writer: Writer, function: Function, batch: Dim | None) -> str:
    """The source of a kernel function; ``batch``: the dimension of samples, if there is one."""
    parameters, direction, tensors = list(function.parameters), direction_of(function), tensors_of(function)
    writer.require_tensor(tensors)
    first, array = tensors[0], bool(function.axes)
    arguments = {given.name: writer.variable(given) for given in parameters}
    names = writer.names(arguments.values())
    printer = writer.printer(
        arguments, writer.variable(first), names, guard=function.kind != "value", several=direction, rank=len(first.dims)
    )
    by_rows = is_rowwise(function, batch)
    samples = by_sample(function, batch)
    lines = check_lines(writer, parameters, tensors, direction, sizes=array)
    if array:
        shape = [f'sizes["{index.dim.name}"]' for index in function.axes]
        inputs = [writer.variable(given) for given in parameters if given.dims]
        lines.append(out_line(writer, function, shape, f"{writer.variable(first)}.dtype", inputs, make=by_rows))
    if batch is not None and by_rows:
        lines += array_lines(writer, function, batch, printer, names)
    elif batch is not None and samples.arrays:
        lines += sample_lines(writer, function, batch, samples, printer, names)
    else:
        statements, result = printer.body(function.result, function.called, into_out=array)
        entries = chunked(printer, function)
        lines += widening(writer, parameters, first)
        lines += [*condition_lines(writer, parameters, of_scalars=True), *writer.size_lines(printer.sizes, writer.sources(tensors))]
        lines += ending(writer, function, statements, result, entries, "dtype")
    writer.need(printer.helpers)
    raised = writer.raises(parameters, out=array)
    doc = function_docstring(function, writer.program, writer.output(), writer.described(function.wrt), raised)
    decorated = [writer.backend.unwarned] if writer.backend.unwarned and _leaves_the_domain(function) else []
    return "\n".join([*decorated, signature(writer, function.name, parameters, out=array), docstring(doc), *lines])


def signature(writer: Writer, name: str, parameters: Sequence[Given], *, out: bool, method: bool = False) -> str:
    """``def name(W: Tensor, ..., *, out: Tensor | None = None) -> Tensor:``."""
    array = writer.backend.array
    typed = [f"{writer.variable(given)}: {annotation(writer, given)}" for given in parameters]
    typed += ["*", f"out: {array} | None = None"] if out else []
    return wrapped(f"def {name}(", [*(["self"] if method else []), *typed], f") -> {array}:", method=method)


def ending(writer: Writer, function: Function, statements: Sequence[Statement], result: str, entries: str | None, dtype: str) -> list[str]:
    """The body, and the return of its result."""
    if entries is not None:
        return direction_lines(writer, function, statements, result, entries, dtype)
    return [*map(writer.statement, statements), return_line(writer, result, dtype, array=bool(function.axes))]


def chunked(printer: BodyPrinter, function: Function) -> str | None:
    """How many entries the largest array on the way has for each direction, as code; None where directions are not stacked."""
    direction = direction_of(function)
    if direction is None:
        return None
    way = [node for node in walk(function.result) if printer.leads(node) and None not in node.dims and node != function.result]
    shapes = [node.dims for node in way if node.dims not in ((), direction.dims)]
    if not shapes:
        return None
    return " * ".join(printer.size(dim) for dim in max(shapes, key=len) if dim is not None)


def direction_lines(
    writer: Writer, function: Function, statements: Sequence[Statement], result: str, entries: str, dtype: str
) -> list[str]:
    """The body as a function of the direction, called for as many of a stack at once as stay in the cache."""
    direction = direction_of(function)
    assert direction is not None
    name, array = writer.variable(direction), writer.backend.array
    writer.need(["_stacked", "_into"])
    inner = [wrapped("def along(", [f"{name}: {array}"], f") -> {array}:", method=True)]
    inner += [writer.statement(statement) for statement in statements if statement.leads]
    inner.append(f"{INDENT}return {result}")
    arguments = ["along", name, str(len(direction.dims)), entries, "out", *([dtype] if writer.backend.has_devices else [])]
    fixed = [writer.statement(statement) for statement in statements if not statement.leads]
    return [
        *fixed,
        "",
        indented("\n".join(inner)),
        "",
        f"{INDENT}return _stacked({', '.join(arguments)})",
    ]


def out_line(writer: Writer, function: Function, shape: Sequence[str], dtype: str, inputs: Sequence[str], *, make: bool = False) -> str:
    """The check of ``out``; with ``make`` it is a new array where none is given."""
    direction = direction_of(function)
    lead: list[str] = []
    if writer.program.leading:
        first = tensors_of(function)[0]
        lead = [f"*{writer.variable(first)}.shape[:-{len(first.dims)}]"]
    elif direction is not None:
        lead = [f"*{writer.variable(direction)}.shape[:-{len(direction.dims)}]"]
    made = make and not writer.backend.has_devices
    helper = "_output" if made else "_check_out"
    writer.need([helper])
    own = shape[0].removeprefix("*") if len(shape) == 1 and shape[0].startswith("*") and not lead else shape_tuple([*lead, *shape])
    arguments = ["out", own, dtype, *inputs]
    return wrapped(f"{'out = ' if made else ''}{helper}(", arguments, ")", depth=1)


# ---------------------------------------------------------------------------------------------


def _leaves_the_domain(function: Function) -> bool:
    """Whether a branch has no value where another is taken, as y*log(y) in where(0 < y, y*log(y), 0): arrays compute all branches."""
    choices = [node for node in walk(function.result) if isinstance(node, Map) and node.op == "where"]
    inside = [node for choice in choices for branch in choice.args[1:] for node in walk(branch)]
    return any(isinstance(node, Map) and node.op in ("log", "log1p", "sqrt", "div") for node in inside)
