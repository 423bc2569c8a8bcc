"""What the grammar did not expect, said in plain words: what came, what could have come, what to do."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from closedform.errors import ParseError
from closedform.syntax.elsewhere import condition_instead
from closedform.syntax.source import Source, Spot, printable

# The grammar's terminals in words, in the order in which a message lists them.
WORDS = {
    "CLAIM_NAME": "a name for the claim, such as softmax-1",
    "NAME": "a name",
    "NUMBER": "a number",
    "LPAR": "(",
    "SIGN": "+ or -",
    "TIMES": "* or /",
    "RAISED": "^",
    "RPAR": ")",
    "RSQB": "]",
    "RBRACE": "}",
    "LBRACE": "{",
    "COMMA": "a comma",
    "EQUAL": "=",
    "RELATION": "a relation (= != < <= > >=)",
    "TITLE": 'a title in double quotes, "..."',
    "WHERE": "where",
    "DEFINITE": "definite",
    "$END": "the end of the statement",
}
CLOSING = {"(": "RPAR", "[": "RSQB", "{": "RBRACE"}
STARTS_OPERAND = {"NAME", "NUMBER", "LPAR", "SUM"}
OPERATORS = {"SIGN", "TIMES", "RAISED"}
# A name and words behind it, as the last condition of a statement.
CONDITION = re.compile(r"(?:\bwhere|,)\s*([A-Za-z]\w*)(?:\[[^\]]*\])?\s+([a-z][a-z_-]*(?:\s+[a-z][a-z_-]*){0,3})\s*\Z")
LONGEST_CONDITION = 300  # characters
CONDITIONS_KNOWN = (
    "conditions are equations, inequalities, x[n] in {0, 1}, "
    "and after the name of a tensor onehot, symmetric, invertible or positive definite"
)
QUOTES = "‘’“”«»„"
LOOKALIKES = {"−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!=", "∑": "sum_k(...)"}
LOOKALIKES |= {
    "|": "abs(...)",
    "@": "a product of matrices as sum_k(A[i,k]*B[k,j])",
    "%": "0.05 for 5%",
    "'": "a transpose by exchanged indices, A[j,i]",
}
LOOKALIKES |= {"²": "^2", "³": "^3", "∂": "d, as in dL/dz[i]", "√": "sqrt(...)", "∞": "a finite number", "∈": "in", "π": "pi"}


def complaint(source: Source, text: str, line: int, problem: UnexpectedInput) -> ParseError:
    """The error to raise for what the grammar could not read in the statement that stands at ``line``."""
    if isinstance(problem, UnexpectedToken):
        expected, came = set(problem.accepts or problem.expected), str(problem.token)
        ended = problem.token.type == "$END"
    elif isinstance(problem, UnexpectedCharacters):
        expected, came, ended = set(problem.allowed or ()), problem.char, False
        if "TIMES" in expected:  # the lexer names all terminals of merged states; few of them fit
            expected &= {*OPERATORS, "RPAR", "RSQB", "RBRACE"}
    else:  # UnexpectedEOF, which the LALR parser does not raise
        expected, came, ended = set(), "", True
    unknown = _unknown_condition(source, text, line, text if ended else _up_to(text, problem), expected, "" if ended else came)
    if unknown is not None:
        return unknown
    if ended:
        opened = _open_brackets(text)
        if opened and CLOSING[opened[-1]] in expected:
            message = f"the statement ends, but its bracket {opened[-1]} is not closed"
        else:
            message = f"the statement ends where {_expected(expected, opened)} is expected. To go on in the next line, indent it"
        return source.error(ParseError, _end(text, line), message)
    opened = _open_brackets(_up_to(text, problem))
    spot = Spot(problem.line + line - 1, problem.column)
    advice = _advice(came, expected, opened, _up_to(text, problem))
    return source.error(ParseError, spot, f"expected {_expected(expected, opened)}; got {_shown(came)}{advice}")


def _unknown_condition(source: Source, text: str, line: int, before: str, expected: set[str], came: str) -> ParseError | None:
    """The error for ``A diagonal`` after where: the conditions that there are, and how to write this one."""
    if not text.lstrip().startswith("given") or not expected & {"EQUAL", "DEFINITE", "RELATION", "LESSTHAN"}:
        return None
    said = f"{before} {came}" if "DEFINITE" in expected and came.isalpha() else before
    found = CONDITION.search(said, max(0, len(said) - LONGEST_CONDITION))
    if found is None:
        return None
    tensor, words = found[1], re.sub(r"\s+", " ", found[2])
    start = text[: found.start(2)]
    spot = Spot(line + start.count("\n"), len(start) - start.rfind("\n"))
    message = f"there is no condition {words}; {CONDITIONS_KNOWN}{condition_instead(tensor, words)}"
    return source.error(ParseError, spot, message)


def _expected(terminals: set[str], opened: list[str]) -> str:
    # states of the parser are shared, so a closing bracket may be named where none is open
    impossible = {closing for bracket, closing in CLOSING.items() if bracket not in opened[-1:]}
    terminals = terminals - impossible
    names = {"RELATION" if name in ("LESSTHAN", "MORETHAN") or name.startswith("__ANON") else name for name in terminals}
    if names >= {"NAME", "NUMBER", "LPAR"}:
        what = ["a number, a name or a bracket"]
    elif names & OPERATORS:
        what = ["an operator (+ - * / ^)"]
    else:
        what = []
    covered = STARTS_OPERAND | OPERATORS | {"LSQB", "IN", "ONEHOT", "SYMMETRIC", "INVERTIBLE", "POSITIVE", "OF"}
    if what:
        names -= covered | ({"RELATION", "EQUAL", "LBRACE"} if "RPAR" in names else set())
    words = [*what, *(word for name, word in WORDS.items() if name in names)]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "the end of the statement"


def _shown(came: str) -> str:
    if came.isascii() and came.isprintable():
        return came if len(came) <= 40 else came[:37] + "..."
    shown = printable(came)
    codes = ", ".join(f"U+{ord(character):04X}" for character in came[:3])
    return f"{shown} ({codes})"


def _advice(came: str, expected: set[str], opened: list[str], before: str) -> str:
    if came in LOOKALIKES:
        return f". Write {LOOKALIKES[came]}"
    if came == "and":
        return ". Conditions that must all hold are multiplied: (0 < x)*(x < 1)"
    if came in ("onehot", "symmetric", "invertible", "positive"):
        return f". Conditions follow where: given y[C] where y {came}"
    if came == "," and re.search(r"[0-9]\Z", before) and not opened:
        return ". Decimals have a point, as in 1.5"
    if came == "_":
        return ". A name begins with a letter"
    if came in QUOTES:
        return '. Write "'
    if not came.isascii():
        return ". Names are made of the letters A to Z, digits and _: write theta for θ" if came.isalpha() else ""
    if "TIMES" in expected and (came == "(" or re.match(r"[A-Za-z]|\.?[0-9]", came)):
        if re.search(r"\bd\^[0-9]+\Z", before):
            return ". A second derivative is written d2L/dx^2"
        if came[:1].isdigit() and re.search(r"\bd[0-9]\w*/d\w+\[[^\]]*\]\Z", before):
            return ". A second derivative is written d2L/dx[i]^2"
        word = re.search(r"[A-Za-z0-9_.]+\Z", before)
        return f". To multiply, write {word[0]}*{came}" if word else ". To multiply, write *"
    if came == "=" and expected == {"$END"}:
        return ". A statement has one =; write a show for each equation"
    if came in (")", "]", "}") and not opened:
        return f". No bracket that {came} could close is open"
    if opened[-1:] == ["["]:
        shift = ": a shift such as t-1 has no notation; give the shifted tensor as another one" if came in ("+", "-") else ""
        return f". Only index names, separated by commas, stand in square brackets{shift}"
    return ""


def _up_to(text: str, problem: UnexpectedInput) -> str:
    """The statement as far as it could be read."""
    lines = text.split("\n")[: problem.line]
    return "\n".join([*lines[:-1], lines[-1][: problem.column - 1]]).rstrip() if lines else ""


def _end(text: str, line: int) -> Spot:
    """Just behind the last character that is no comment."""
    lines = [re.sub(r"#.*", "", part).rstrip() if '"' not in part else part.rstrip() for part in text.split("\n")]
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    return Spot(line + len(lines) - 1, len(lines[-1]) + 1)


def _open_brackets(text: str) -> list[str]:
    stack: list[str] = []
    pairs = {")": "(", "]": "[", "}": "{"}
    for character in re.sub(r"#[^\n]*", "", text):
        if character in CLOSING:
            stack.append(character)
        elif stack and pairs.get(character) == stack[-1]:
            stack.pop()
    return stack
