"""The dtype in which a body computes: half precision is brought to single at its start, and the result back at its end."""

from __future__ import annotations

from collections.abc import Sequence

from closedform.emit.text import INDENT, is_one_call
from closedform.emit.writer import Writer
from closedform.notation import Given


def widening(writer: Writer, parameters: Sequence[Given], first: Given) -> list[str]:
    """Lines that bring half precision to single, and numbers to the dtype of the arrays."""
    arrays = [given for given in parameters if given.dims]
    return [*widened(writer, arrays, first), *numbers(writer, parameters, first)]


def numbers(writer: Writer, parameters: Sequence[Given], first: Given) -> list[str]:
    """Lines that bring numbers to the dtype that is computed in."""
    lines = []
    for given in parameters:
        if not given.dims:
            writer.need(["_number"])
            name = writer.variable(given)
            lines.append(f'{INDENT}{name} = _number("{given.name}", {name}, {writer.variable(first)})')
    return lines


def widened(writer: Writer, arrays: Sequence[Given], first: Given) -> list[str]:
    """The dtype of the result under a name, and arrays in single precision or better."""
    if not writer.backend.has_devices:
        return []
    return [f"{INDENT}dtype = {writer.variable(first)}.dtype", *wide(writer, arrays)]


def wide(writer: Writer, arrays: Sequence[Given]) -> list[str]:
    """Arrays in single precision or better."""
    if not writer.backend.has_devices or not arrays:
        return []
    writer.need(["_wide"])
    names = [writer.variable(given) for given in arrays]
    return [f"{INDENT}{', '.join(names)} = {', '.join(f'_wide({name})' for name in names)}"]


def narrowed(writer: Writer, result: str, dtype: str) -> str:
    """The result in the dtype of the inputs."""
    if not writer.backend.has_devices:
        return result
    return f"{result}.to({dtype})" if is_one_call(result) else f"({result}).to({dtype})"


def return_line(writer: Writer, result: str, dtype: str, *, array: bool) -> str:
    """Return the result in the dtype of the inputs, through ``out`` if it is an array."""
    if array:
        writer.need(["_into"])
        return f"{INDENT}return _into(out, {result}{f', {dtype}' if writer.backend.has_devices else ''})"
    return f"{INDENT}return {narrowed(writer, result, dtype)}"
