"""Bodies of what samples are summed up to, such as a loss or a gradient of weights: the samples' part runs block by block of rows.

So of many samples the logits are never held at once, and what is computed on the way stays in the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from closedform.emit.base import BodyPrinter
from closedform.emit.checks import tensors_of
from closedform.emit.names import Names, describe
from closedform.emit.precision import return_line, wide
from closedform.emit.rows import blocks_of, entries_of, head_lines, length, used_by, widened_outside
from closedform.emit.text import INDENT, indented, shape_tuple, wrapped
from closedform.emit.writer import Writer
from closedform.lower.nodes import Input, Node
from closedform.lower.program import Function
from closedform.lower.rowwise import BySample, on_the_way
from closedform.lower.traversal import substituted
from closedform.notation import Dim, Given


def sample_lines(writer: Writer, function: Function, batch: Dim, samples: BySample, printer: BodyPrinter, names: Names) -> list[str]:
    """A function of rows; what it gives for all of them, joined or summed; and the result that is computed from that."""
    parameters, arrays = function.parameters, samples.arrays
    variables = {array: names.fresh(function.called.get(array) or describe(array, {})) for array in arrays}
    rest = substituted(samples.result, {array: Input(name, array.dims) for array, name in variables.items()})
    rows = [given for given in used_by(arrays, parameters) if batch in given.dims]
    outside = widened_outside(arrays, [rest], rows, parameters)
    inner = _rows(writer, function, printer, arrays, rows, [given for given in rows if given not in outside], batch)
    after = _printer(writer, function, names, variables.values())
    after.sizes = printer.sizes
    after.owned = frozenset(variables.values() if samples.summed else ())
    statements, result = after.body(rest, function.called)
    shapes = on_the_way(arrays, batch)
    blocks = blocks_of(arrays, shapes, batch)
    helper = "_sum_by_rows" if samples.summed else "_by_rows"
    call = f"{helper}(rows, {blocks}({printer.size(batch)}, {entries_of(printer, shapes)}), {', '.join(map(writer.variable, rows))})"
    writer.need([helper, blocks, *after.helpers])
    comment = f"  # {shape_tuple([dim.name for dim in arrays[0].dims if dim is not None])}" if len(arrays) == 1 else ""
    return [
        *head_lines(writer, function, outside, printer),
        "",
        indented("\n".join(inner)),
        "",
        f"{INDENT}{', '.join(variables.values())} = {call}{comment}",
        *map(writer.statement, statements),
        return_line(writer, result, "dtype", array=bool(function.axes)),
    ]


def _rows(
    writer: Writer,
    function: Function,
    printer: BodyPrinter,
    arrays: Sequence[Node],
    rows: Sequence[Given],
    to_widen: Sequence[Given],
    batch: Dim,
) -> list[str]:
    """The function of rows: one array, or a tuple of them."""
    printer.lengths = {batch: length(writer, rows, batch)}
    statements, results = printer.several(arrays, {node: name for node, name in function.called.items() if node not in arrays})
    array = writer.backend.array
    typed = [f"{writer.variable(given)}: {array}" for given in rows]
    kind = array if len(results) == 1 else f"tuple[{', '.join([array] * len(results))}]"
    head = wrapped("def rows(", typed, f") -> {kind}:", method=True)
    return [head, *wide(writer, to_widen), *map(writer.statement, statements), f"{INDENT}return {', '.join(results)}"]


def _printer(writer: Writer, function: Function, names: Names, variables: Iterable[str]) -> BodyPrinter:
    """A printer that knows these variables besides the arguments."""
    first = tensors_of(function)[0]
    arguments = {given.name: writer.variable(given) for given in function.parameters} | {name: name for name in variables}
    return writer.printer(arguments, writer.variable(first), names, guard=function.kind != "value", rank=len(first.dims))
