"""One function of a module: checks, body, and how its result is returned or written into ``out``.

Where the samples of a batch are independent, the body is a function of some of the rows: with ``out`` it runs
block by block, so that what it computes on the way stays in the cache and is never as large as the result. Where it
computes more than the result on the way, such as (B, C, d) for (B, d), it runs block by block always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from closedform.emit.base import BodyPrinter, Statement
from closedform.emit.checks import annotation, check_lines, condition_lines, direction_of, tensors_of
from closedform.emit.docs import function_docstring
from closedform.emit.names import Names
from closedform.emit.text import INDENT, docstring, indented, is_one_call, shape_tuple, wrapped
from closedform.emit.writer import Writer
from closedform.lower.nodes import Input, Labels, Map, Node, Number, is_softmax
from closedform.lower.program import Function
from closedform.lower.rowwise import is_rowwise, larger_on_the_way
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
    by_rows = is_rowwise(function, batch) and all(given.dims for given in parameters)
    block = None
    if by_rows and batch is not None:
        largest = " * ".join(map(printer.size, larger_on_the_way(function, batch)))
        block = _block(writer, names, printer.size(batch), largest)
        printer.placed = _placed(function, block)
    statements, result = body_of(printer, function, into_out=array and not by_rows)
    entries = None if by_rows else chunked(printer, function)
    lines = check_lines(writer, parameters, tensors, direction, sizes=array)
    if array:
        shape = [f'sizes["{index.dim.name}"]' for index in function.axes]
        inputs = [writer.variable(given) for given in parameters if given.dims]
        lines.append(out_line(writer, function, shape, f"{writer.variable(first)}.dtype", inputs, make=by_rows))
    if block is not None:
        rows = [given for given in _used(function) if batch in given.dims]
        others = [given for given in _used(function) if batch not in given.dims]
        lines += [*_widened(writer, others, first), *writer.size_lines(printer.sizes, writer.sources(tensors))]
        places = [place for place in (block.into, block.spare) if place in printer.written]
        lines += _row_lines(writer, function, rows, block, places, statements, result)
    else:
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


def body_of(printer: BodyPrinter, function: Function, *, into_out: bool) -> tuple[list[Statement], str]:
    """The statements of the body, and the expression of its result; ``into_out``: which may be computed in ``out``."""
    wanted: dict[Node, str] = {}
    for node, name in function.names:
        wanted.setdefault(node, name)
    return printer.body(function.result, wanted, into_out=into_out)


def chunked(printer: BodyPrinter, function: Function) -> str | None:
    """How many entries the largest array on the way has for each direction, as code; None where directions are not stacked."""
    direction = direction_of(function)
    if direction is None:
        return None
    way = [node for node in walk(function.result) if printer.leads(node) and None not in node.dims and node != function.result]
    shapes = [node.dims for node in way if node.dims != direction.dims]
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


def return_line(writer: Writer, result: str, dtype: str, *, array: bool) -> str:
    """Return the result in the dtype of the inputs, through ``out`` if it is an array."""
    if array:
        writer.need(["_into"])
        return f"{INDENT}return _into(out, {result}{f', {dtype}' if writer.backend.has_devices else ''})"
    return f"{INDENT}return {narrowed(writer, result, dtype)}"


def narrowed(writer: Writer, result: str, dtype: str) -> str:
    """The result in the dtype of the inputs."""
    if not writer.backend.has_devices:
        return result
    return f"{result}.to({dtype})" if is_one_call(result) else f"({result}).to({dtype})"


# ---------------------------------------------------------------------------------------------


def _leaves_the_domain(function: Function) -> bool:
    """Whether a branch has no value where another is taken, as y*log(y) in where(0 < y, y*log(y), 0): arrays compute all branches."""
    choices = [node for node in walk(function.result) if isinstance(node, Map) and node.op == "where"]
    inside = [node for choice in choices for branch in choice.args[1:] for node in walk(branch)]
    return any(isinstance(node, Map) and node.op in ("log", "log1p", "sqrt", "div") for node in inside)


def _used(function: Function) -> list[Given]:
    """The parameters that the result is computed from."""
    names = {node.name for node in walk(function.result) if isinstance(node, Input | Labels)}
    return [given for given in function.parameters if given.name in names]


def widening(writer: Writer, parameters: Sequence[Given], first: Given) -> list[str]:
    """Lines that bring half precision to single, and numbers to the dtype of the arrays."""
    lines = _widened(writer, [given for given in parameters if given.dims], first)
    for given in parameters:
        if not given.dims:
            writer.need(["_number"])
            name = writer.variable(given)
            lines.append(f'{INDENT}{name} = _number("{given.name}", {name}, {writer.variable(first)})')
    return lines


def _widened(writer: Writer, arrays: Sequence[Given], first: Given) -> list[str]:
    if not writer.backend.has_devices:
        return []
    return [f"{INDENT}dtype = {writer.variable(first)}.dtype", *_wide(writer, arrays)]


def _wide(writer: Writer, arrays: Sequence[Given]) -> list[str]:
    if not writer.backend.has_devices or not arrays:
        return []
    writer.need(["_wide"])
    names = [writer.variable(given) for given in arrays]
    return [f"{INDENT}{', '.join(names)} = {', '.join(f'_wide({name})' for name in names)}"]


@dataclass(frozen=True)
class Block:
    """Variables of a block of rows: how many rows there are, which are in it, their part of ``out``, and what may be computed in.

    ``largest``: the number of entries of an array on the way that is larger than the result, for all rows, as code; or nothing.
    """

    size: str
    at: str
    target: str
    into: str
    spare: str
    largest: str


def _block(writer: Writer, names: Names, size: str, largest: str) -> Block:
    at, target, spare = map(names.fresh, ("at", "target", "spare"))
    return Block(size, at, target, names.fresh("into") if writer.backend.has_devices else target, spare, largest)


def _placed(function: Function, block: Block) -> dict[Node, str]:
    """What is computed in arrays that exist: the result, but for a factor, in its part of ``out``; a softmax that it needs beside it."""
    core = function.result
    if isinstance(core, Map) and core.op in ("mul", "div") and any(isinstance(arg, Number) for arg in core.args):
        core = next(arg for arg in core.args if not isinstance(arg, Number))
    placed = {node: block.spare for node in walk(core) if is_softmax(node) and node.dims == core.dims}
    return {**dict(list(placed.items())[:1]), core: block.into}


def _row_lines(
    writer: Writer,
    function: Function,
    rows: Sequence[Given],
    block: Block,
    places: Sequence[str],
    statements: Sequence[Statement],
    result: str,
) -> list[str]:
    """The body as a function of rows, and of ``places`` to compute in; called once for all of them, or block by block into ``out``."""
    array, direction = writer.backend.array, direction_of(function)
    names = [writer.variable(given) for given in rows]
    body = [*map(writer.statement, statements), f"{INDENT}return {narrowed(writer, result, 'dtype')}"]
    typed = [*(f"{name}: {array}" for name in names), *(f"{place}: {array} | None = None" for place in places)]
    inner = [wrapped("def rows(", typed, f") -> {array}:", method=True), *_wide(writer, rows), *body]
    picked = [f"{name}[{_slice(given, block.at) if given == direction else block.at}]" for name, given in zip(names, rows, strict=True)]
    call = f"rows({', '.join([*picked, *places])})"
    whole = _without_out(writer, function, block, names, picked) if writer.backend.has_devices else []
    loop = _placing_loop(writer, function, names, block, places, call) if places else _loop(writer, function, block, call)
    return ["", indented("\n".join(inner)), "", *whole, *loop, f"{INDENT}return out"]


def _without_out(writer: Writer, function: Function, block: Block, names: Sequence[str], picked: Sequence[str]) -> list[str]:
    """All rows at once, or block by block where more than the result is held on the way; autograd follows either."""
    if not block.largest:
        return [f"{INDENT}if out is None:", f"{INDENT * 2}return rows({', '.join(names)})"]
    writer.need(["_blocks"])
    parts = f"[rows({', '.join(picked)}) for {block.at} in _blocks({block.size}, {block.largest})]"
    return [f"{INDENT}if out is None:", f"{INDENT * 2}return torch.cat({parts}, -{len(function.axes)})"]


def _loop(writer: Writer, function: Function, block: Block, call: str) -> list[str]:
    """Each block's result is copied into its part of ``out``."""
    writer.need(["_blocks"])
    target = f"out[{_slice(function.axes, block.at) if direction_of(function) else block.at}]"
    count = "out.numel()" if writer.backend.has_devices else "out.size"
    count = f"max({count}, {block.largest})" if block.largest else count
    return [f"{INDENT}for {block.at} in _blocks({block.size}, {count}):", f"{INDENT * 2}{target} = {call}"]


def _placing_loop(writer: Writer, function: Function, names: Sequence[str], block: Block, places: Sequence[str], call: str) -> list[str]:
    """Each block's result is computed in its part of ``out``, where that can be."""
    writer.need(["_workspaces", "_into"])
    devices = writer.backend.has_devices
    own = [place for place in (block.into, block.spare) if place != block.target]
    variables = [block.at, block.target, *(place if place in places else "_" for place in own)]
    over = ", ".join(["out", str(-len(function.axes)), *(names if devices else [])])
    return [
        f"{INDENT}for {', '.join(variables)} in _workspaces({over}):",
        f"{INDENT * 2}_into({block.target}, {call}{', dtype' if devices else ''})",
    ]


def _slice(axes: Given | Sequence[object], at: str) -> str:
    """The rows of an array that may be stacked: its first own axis, counted from the end."""
    rank = len(axes.dims if isinstance(axes, Given) else axes)
    return ", ".join(["...", at, *[":"] * (rank - 1)])
