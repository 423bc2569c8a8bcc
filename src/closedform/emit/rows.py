"""Bodies as functions of some of the rows of a batch, where its samples are independent.

With ``out`` they run block by block, in their part of it where that can be, so that what is computed on the way stays in the cache.
Those that compute more than the result on the way, such as (B, C, d) or (B, C) for (B, d), run block by block always, beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from closedform.emit.base import BodyPrinter
from closedform.emit.checks import condition_lines, direction_of, tensors_of
from closedform.emit.names import Names
from closedform.emit.precision import narrowed, numbers, wide, widened
from closedform.emit.text import INDENT, indented, wrapped
from closedform.emit.writer import Writer
from closedform.lower.nodes import Input, Labels, Map, Node, Number, is_softmax
from closedform.lower.program import Function
from closedform.lower.rowwise import larger_on_the_way, multiplies_rows
from closedform.lower.traversal import walk
from closedform.notation import Dim, Given


@dataclass(frozen=True)
class Block:
    """Variables of a block of rows: how many rows there are, which are in it, their part of ``out``, and what may be computed in.

    ``largest``: the number of entries of an array on the way that is larger than the result, for all rows, as code; or nothing.
    ``blocks``: the helper that says which blocks there are.
    """

    size: str
    at: str
    target: str
    into: str
    spare: str
    largest: str
    blocks: str


def array_lines(writer: Writer, function: Function, batch: Dim, printer: BodyPrinter, names: Names) -> list[str]:
    """The body as a function of rows; called once for all of them, or block by block into ``out``."""
    rows = [given for given in used_by([function.result], function.parameters) if batch in given.dims]
    outside = widened_outside([function.result], [], rows, function.parameters)
    block = _block(writer, function, names, printer, batch)
    printer.placed = {} if block.largest else _placed(function, block)
    printer.lengths = {batch: length(writer, rows, batch)}
    statements, result = printer.body(function.result, function.called)
    places = [place for place in (block.into, block.spare) if place in printer.written]
    body = [*wide(writer, [given for given in rows if given not in outside]), *map(writer.statement, statements)]
    body.append(f"{INDENT}return {narrowed(writer, result, 'dtype')}")
    return [*head_lines(writer, function, outside, printer), *_row_lines(writer, function, rows, block, places, body)]


def head_lines(writer: Writer, function: Function, outside: Sequence[Given], printer: BodyPrinter) -> list[str]:
    """What comes before the function of rows: arrays in single precision, numbers, their conditions, sizes."""
    parameters, tensors = function.parameters, tensors_of(function)
    return [
        *widened(writer, outside, tensors[0]),
        *numbers(writer, parameters, tensors[0]),
        *condition_lines(writer, parameters, of_scalars=True),
        *writer.size_lines(printer.sizes, writer.sources(tensors)),
    ]


def widened_outside(nodes: Iterable[Node], besides: Iterable[Node], rows: Sequence[Given], parameters: Sequence[Given]) -> list[Given]:
    """The arrays that are in single precision for all rows: what has no rows, or is used besides."""
    again = used_by(besides, parameters)
    used = used_by([*nodes, *besides], parameters)
    return [given for given in used if given.dims and (given not in rows or given in again)]


def used_by(nodes: Iterable[Node], parameters: Sequence[Given]) -> list[Given]:
    """The parameters that arrays are computed from."""
    names = {part.name for node in nodes for part in walk(node) if isinstance(part, Input | Labels)}
    return [given for given in parameters if given.name in names]


def length(writer: Writer, rows: Sequence[Given], batch: Dim) -> str:
    """How many rows a block has, as code; the axes of labels and of what may be stacked count from different ends."""
    given = rows[0]
    axis = 0 if given.classes else given.dims.index(batch) - len(given.dims)
    return f"{writer.variable(given)}.shape[{axis}]"


def entries_of(printer: BodyPrinter, shapes: Sequence[Sequence[Dim]]) -> str:
    """How many entries the largest of some arrays has, as code; nothing where there are none."""
    counts = [" * ".join(map(printer.size, shape)) for shape in shapes]
    return f"max({', '.join(counts)})" if len(counts) > 1 else "".join(counts)


def blocks_of(nodes: Iterable[Node], shapes: Sequence[Sequence[Dim]], batch: Dim) -> str:
    """The helper for blocks of rows: long ones for rows that a matrix is multiplied by, unless each makes a matrix of its own."""
    rows_of_numbers = all(len(shape) == 2 for shape in shapes)
    return "_product_blocks" if rows_of_numbers and multiplies_rows(nodes, batch) else "_blocks"


def _block(writer: Writer, function: Function, names: Names, printer: BodyPrinter, batch: Dim) -> Block:
    larger = larger_on_the_way(function, batch)
    size, largest, blocks = printer.size(batch), entries_of(printer, larger), blocks_of([function.result], larger, batch)
    at, target, spare = map(names.fresh, ("at", "target", "spare"))
    return Block(size, at, target, names.fresh("into") if writer.backend.has_devices else target, spare, largest, blocks)


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
    body: Sequence[str],
) -> list[str]:
    """The body as a function of rows, and of ``places`` to compute in; called once for all of them, or block by block into ``out``."""
    array, direction = writer.backend.array, direction_of(function)
    names = [writer.variable(given) for given in rows]
    typed = [*(f"{name}: {array}" for name in names), *(f"{place}: {array} | None = None" for place in places)]
    inner = [wrapped("def rows(", typed, f") -> {array}:", method=True), *body]
    picked = [f"{name}[{_slice(given, block.at) if given == direction else block.at}]" for name, given in zip(names, rows, strict=True)]
    call = f"rows({', '.join([*picked, *places])})"
    whole = _without_out(writer, function, block, names, picked) if writer.backend.has_devices else []
    loop = _placing_loop(writer, function, names, block, places, call) if places else _loop(writer, function, block, call)
    return ["", indented("\n".join(inner)), "", *whole, *loop, f"{INDENT}return out"]


def _without_out(writer: Writer, function: Function, block: Block, names: Sequence[str], picked: Sequence[str]) -> list[str]:
    """All rows at once, or block by block where more than the result is held on the way; autograd follows either."""
    if not block.largest:
        return [f"{INDENT}if out is None:", f"{INDENT * 2}return rows({', '.join(names)})"]
    blocks = f"{block.blocks}({block.size}, {block.largest})"
    if direction_of(function) is None:
        joined, helper = f"_by_rows(rows, {blocks}, {', '.join(names)})", "_by_rows"
    else:  # of which there may be a stack
        joined, helper = f"_joined([rows({', '.join(picked)}) for {block.at} in {blocks}], -{len(function.axes)})", "_joined"
    writer.need([block.blocks, helper])
    return [f"{INDENT}if out is None:", f"{INDENT * 2}return {joined}"]


def _loop(writer: Writer, function: Function, block: Block, call: str) -> list[str]:
    """Each block's result is copied into its part of ``out``."""
    writer.need([block.blocks])
    target = f"out[{_slice(function.axes, block.at) if direction_of(function) else block.at}]"
    count = "out.numel()" if writer.backend.has_devices else "out.size"
    count = f"max({count}, {block.largest})" if block.largest else count
    return [f"{INDENT}for {block.at} in {block.blocks}({block.size}, {count}):", f"{INDENT * 2}{target} = {call}"]


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
