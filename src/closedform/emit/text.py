"""Lines of Python as the formatter gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LINE = 140
INDENT = "    "


def wrapped(head: str, arguments: Sequence[str], tail: str, *, depth: int = 0, method: bool = False) -> str:
    """A call or a signature on as many lines as it needs, indented ``depth`` times; ``method``: and once more by its class."""
    indent, width = INDENT * depth, LINE - len(INDENT) * method
    joined = ", ".join(arguments)
    line = f"{indent}{head}{joined}{tail}"
    if len(line) <= width:
        return line
    inner = indent + INDENT
    if len(inner + joined) <= width and not any(argument == "*" for argument in arguments):
        return f"{indent}{head}\n{inner}{joined}\n{indent}{tail}"
    return f"{indent}{head}\n" + "".join(f"{inner}{argument},\n" for argument in arguments) + f"{indent}{tail}"


def docstring(text: str) -> str:
    """A docstring of several lines, indented once."""
    lines = text.splitlines()
    return "\n".join([f'{INDENT}"""{lines[0]}', *(f"{INDENT}{line}".rstrip() for line in lines[1:]), f'{INDENT}"""'])


def indented(text: str) -> str:
    """Every line indented once more."""
    return "\n".join(f"{INDENT}{line}".rstrip() for line in text.splitlines())


def listed(names: Iterable[str]) -> str:
    """``__all__``, on one line or one name a line."""
    quoted = [f'"{name}"' for name in sorted(names)]
    line = f"__all__ = [{', '.join(quoted)}]"
    return line if len(line) <= LINE else "__all__ = [\n" + "".join(f"{INDENT}{name},\n" for name in quoted) + "]"


def shape_tuple(names: Sequence[str]) -> str:
    """``(B,)``, ``(B, C)``."""
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def is_one_call(text: str) -> bool:
    """Whether the text is a name, a single call or an attribute chain, so that a method can follow it."""
    if text.replace("_", "").isalnum():
        return True
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if depth == 0 and (letter == " " or (letter == "-" and position == 0)):
            return False
    return text.endswith(")")
