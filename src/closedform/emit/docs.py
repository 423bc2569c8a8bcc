"""Docstrings of generated modules and functions, printed from the equations that were derived and proved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import wrap

from sympy import Symbol

from closedform.lower.accuracy import accuracy
from closedform.lower.nodes import Input, Labels, Leader, Leads, MinusLabels, Node, Residual, Row, Top
from closedform.lower.plan import plan_of
from closedform.lower.program import Function, Operator, Program
from closedform.lower.rowwise import runs_in_blocks
from closedform.lower.traversal import walk
from closedform.notation import Expr, Given, Let, NamedTensor, head_name
from closedform.syntax.text import to_text

WIDTH = 116
LONGEST = 128  # of a line about an error

SUMMARY = {
    "value": "{output}.",
    "jacobian": "The Jacobian of {output} with respect to {wrt}.",
    "jvp": "The Jacobian of {output} with respect to {wrt}, times a direction.",
    "vjp": "An upstream gradient times the Jacobian of {output} with respect to {wrt}.",
    "gradient": "The gradient of {output} with respect to {wrt}.",
    "hessian": "The Hessian of {output} with respect to {wrt}.",
    "hvp": "The Hessian of {output} with respect to {wrt}, times a direction; no Hessian is formed.",
    "curved": "The Hessian of sum(g*{output}) with respect to {wrt}, times a direction.",
    "hessian_diagonal": "The diagonal of the Hessian of {output} with respect to {wrt}.",
    "hessian_trace": "The trace of the Hessian of {output} with respect to {wrt}.",
}


def module_docstring(program: Program) -> str:
    """What the module is about, and its definitions."""
    paragraphs = [f"{program.title}.", *wrap(program.about, WIDTH)]
    lines = [paragraphs[0], "", *paragraphs[1:]] if program.about else [paragraphs[0]]
    lines += ["", "Definitions:", *(line for let in definitions(program) for line in _folded(definition(let, program)))]
    if program.leading:
        lines += ["", *wrap("Tensors may have any further axes in front, the same for all tensors of a call.", WIDTH)]
    if program.source:
        lines += ["", *wrap(f"Source: {program.source}", WIDTH)]
    return "\n".join(lines)


def definitions(program: Program) -> list[Let]:
    """The lets that the functions' formulas are made of; those that only a claim is about are left out."""
    needed = set[str]().union(*(_names(side) for function in program.functions for side in (function.target, function.expression)))
    for let in reversed(program.setting.lets):
        if let.name in needed:
            needed |= _names(let.body)
    return [let for let in program.setting.lets if let.name in needed]


def _names(expression: Expr) -> set[str]:
    return {symbol.name for symbol in expression.atoms(NamedTensor, Symbol)}


def definition(let: Let, program: Program) -> str:
    """``p[i] = exp(z[i])/sum_k(exp(z[k]))``."""
    return f"{to_text(let.head, program.setting)} = {to_text(let.body, program.setting)}"


def function_docstring(function: Function, program: Program, output: str, wrt: str, raises: Iterable[str]) -> str:
    """Summary, formula, arguments, result and errors."""
    curved = function.kind == "hvp" and bool(program.functions[0].axes)
    summary = SUMMARY.get("curved" if curved else function.kind, "{output}.").format(output=output, wrt=wrt)
    lines = [summary[0].upper() + summary[1:], "", *_formula(function, program), "", "Args:"]
    for given in function.parameters:
        described = f": {given.doc}" if given.doc else ":"
        stacked = _stacked([dim.name for dim in given.dims], program) if given.name == function.several else ""
        lines.append(f"    {given.name}{described}, {_axes(given, program)}{stacked}.".replace(":,", ":"))
    like = next((given.name for given in function.parameters if given.dims and not given.classes), "")
    if function.axes:
        lines.append(OUT)
    lines += [
        "",
        "Returns:",
        f"    {_result(function, program)}, in the dtype of {like}.",
        "",
        *_accuracy(function),
        *_memory(function, program),
        "Raises:",
        *_raised(raises),
    ]
    return "\n".join(lines)


SPREAD = "sum_k(p[k]*abs(x[i] - x[k])) in place of x[i] - sum_k(p[k]*x[k])"
TERMS = "the sum of the absolute values of each entry's terms"
OF = {  # by Accuracy.added, .centred
    (False, False): "each entry",
    (False, True): f"each entry's condition ({SPREAD})",
    (True, False): TERMS,
    (True, True): f"{TERMS} ({SPREAD})",
}


def _accuracy(function: Function) -> list[str]:
    """The section that says how large the error is, and relative to what; nothing where that is not known."""
    found = accuracy(function.result, function.parameters)
    if found is None:
        return []
    text = f"{found.ulps} ulp of {OF[found.added, found.centred]}"
    if found.sums:
        text += f", and a roundoff for each number added over {', '.join(dim.name for dim in found.sums)}"
    if found.beyond:
        text += f", beyond what rounding {_rounded(found.beyond, dict(reversed(function.names)))} costs"
    nodes = set(walk(function.result))
    if any(isinstance(node, MinusLabels | Residual) for node in nodes):
        text += "; where labels are probabilities, of the sum of what is subtracted"
    if found.added and any(isinstance(node, Row) and node.op == "logsumexp" for node in nodes):
        text += "; the terms of a logsumexp are the largest number and what the others add to it"
    return ["Accuracy:", *(f"    {line}" for line in wrap(f"{text}.", WIDTH - 4)), ""]


def _memory(function: Function, program: Program) -> list[str]:
    """The section that says how large the arrays are that come and go; nothing where there are none."""
    arrays = [str(size).replace("**", "^") for size in plan_of(program.name, function).arrays if size.free_symbols]
    if not arrays:
        return []
    of_what = " for each direction" if function.several else " at each position of the leading axes" if program.leading else ""
    if runs_in_blocks(function, program.batch):
        of_what += ", for a block of rows at a time"
    text = f"Besides arguments and result, arrays of up to {' or '.join(arrays)} numbers{of_what}."
    return ["Memory:", *(f"    {line}" for line in wrap(text, WIDTH - 4)), ""]


def _rounded(nodes: Iterable[Node], names: Mapping[Node, str]) -> str:
    """Lets by their names, and other arrays by what they are computed from."""
    lets = [names[node] for node in nodes if node in names]
    inputs = dict.fromkeys(part.name for node in nodes if node not in names for part in walk(node) if isinstance(part, Input))
    expressions = [f"expressions of {', '.join(inputs)}"] if inputs else []
    return " and ".join([*lets, *expressions])


OUT = "    out: where to write the result, instead of into a new array; no input may share its memory."


def _raised(errors: Iterable[str]) -> list[str]:
    return [f"    {line}" for error in errors for line in wrap(error, LONGEST, subsequent_indent="    ")]


def _result(function: Function, program: Program) -> str:
    names = [index.dim.name for index in function.axes]
    stacked = _stacked(names, program) if function.several else ""
    return f"Shape {_shape(names, program)}{stacked}" if names or program.leading else "A number"


def method_docstring(function: Function, program: Program, *, devices: bool) -> str:
    """Summary, formula, arguments, result and errors of a method of an operator."""
    lines = [METHODS[function.kind], "", *_formula(function, program)]
    arguments = [
        f"    {given.name}: {_axes(given, program)}{_stacked([d.name for d in given.dims], program)}." for given in function.parameters
    ]
    arguments += [OUT] if function.axes else []
    lines += ["", "Args:", *arguments] if arguments else []
    lines += ["", "Returns:", f"    {_result(function, program)}, in the dtype of the operator."]
    if arguments:
        names = [*(given.name for given in function.parameters), *(["out"] if function.axes else [])]
        place = ", device" if devices else ""
        lines += ["", "Raises:", f"    TypeError, ValueError: {' or '.join(names)} has another dtype{place} or shape than is asked for."]
    return "\n".join(lines)


# What is kept that no let defines.
KEPT: dict[type[Node], str] = {
    Top: "where a row is largest",
    Leader: "where the largest entry of a row is, if it is an eighth or more",
    Leads: "whether it is",
}

METHODS = {
    "hvp": "The Hessian times a direction, or times several.",
    "hessian_diagonal": "The diagonal, exactly.",
    "hessian_trace": "The trace, exactly.",
    "hessian": "The whole matrix.",
}


def operator_class_docstring(operator: Operator, program: Program, output: str, wrt: str) -> str:
    """What the class stands for and what it keeps."""
    variable = next(given for given in operator.parameters if given.name == operator.product.wrt)
    shape = _shape([dim.name for dim in variable.dims], program)
    lines = [
        f"The Hessian of {output} with respect to {wrt}, as an operator on directions of shape {shape}.",
        "",
        *wrap(
            f":func:`{operator.name}` makes it from the arguments. It keeps what no direction changes, arguments as they are, not copies:",
            WIDTH,
        ),
        "",
        "Attributes:",
        f"    shape: {shape}, that of a direction.",
        "    dtype: of the arguments and of results.",
    ]
    known = {given.name: given for given in operator.parameters} | {let.name: let for let in program.setting.lets}
    for item in operator.kept:
        named = known.get(item.name)
        told = named.doc if named is not None else KEPT.get(type(item.node), "")
        doc = f" {told}," if told else ""
        axes = [dim.name if dim is not None else "1" for dim in item.stand_in.dims]
        described = f" shape {_shape(axes, program)}" if axes else " a number"
        if isinstance(item.stand_in, Labels):
            described = f" {_axes(known[item.name], program)}"  # type: ignore[arg-type]
        lines.append(f"    {item.name}:{doc}{described}.")
    return "\n".join(lines)


def operator_docstring(operator: Operator, program: Program, output: str, wrt: str, raises: Iterable[str]) -> str:
    """What the function that makes the operator does."""
    lines = [
        f"The Hessian of {output} with respect to {wrt}, as an operator that keeps what no direction changes.",
        "",
        *wrap("A product costs less than that of the function along a direction, and no Hessian is formed unless it is asked for.", WIDTH),
        "",
        "Args:",
    ]
    for given in operator.parameters:
        described = f": {given.doc}" if given.doc else ":"
        lines.append(f"    {given.name}{described}, {_axes(given, program)}.".replace(":,", ":"))
    methods = ", ".join(f"``{function.name}``" for function in operator.methods)
    lines += ["", "Returns:", f"    An operator with the methods {methods} and ``linear_operator``."]
    return "\n".join([*lines, "", "Raises:", *_raised(raises)])


def _formula(function: Function, program: Program) -> list[str]:
    target, expression = to_text(function.target, function.setting), to_text(function.expression, function.setting)
    if target == expression and function.kind == "value":
        let = function.setting.let(head_name(function.target))
        expression = to_text(let.body, function.setting) if let is not None else expression
        target = to_text(let.head, function.setting) if let is not None else target
    known = {let.name for let in program.setting.lets}
    extra = [let for let in function.setting.lets if let.name not in known]
    equations = [f"{target} = {expression}", *(f"where {to_text(let.head)} = {to_text(let.body, function.setting)}" for let in extra)]
    return [line for equation in equations for line in _folded(equation)]


def _folded(equation: str) -> list[str]:
    """An equation on lines that fit, broken where a term or a factor begins, outside brackets rather than inside."""
    lines, rest = [], equation
    while len(rest) > WIDTH:
        at = _break(rest)
        if at is None:
            break
        lines.append(rest[:at].rstrip())
        rest = "    " + rest[at:].lstrip()
    return [f"    {line}" for line in (*lines, rest)]


def _break(text: str) -> int | None:
    """The place within the width at which the fewest brackets are open; the last of several."""
    depth, places = 0, []
    for at, letter in enumerate(text[:WIDTH]):
        depth += (letter in "([") - (letter in ")]")
        if at >= WIDTH // 3 and (letter == "*" or text[at : at + 3] in (" = ", " + ", " - ")):
            places.append((depth, letter == "*", -at))
    return -min(places)[2] if places else None


def _axes(given: Given, program: Program) -> str:
    names = [dim.name for dim in given.dims]
    if given.classes:
        return f"class indices {_shape(names[:-1], program)} or probabilities {_shape(names, program)}"
    if not given.dims:
        return "a number"
    return f"shape {_shape(names, program)}"


def _stacked(names: list[str], program: Program) -> str:
    """The shape of several at once, under a letter that is no size of the derivation."""
    used = {dim.name for dim in program.setting.dims}
    letter = next(letter for letter in ("K", "N", "M", "R", "count") if letter not in used)
    return f", or {_shape([letter, *names], program)} for several"


def _shape(names: list[str], program: Program) -> str:
    names = ["...", *names] if program.leading else names
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"
