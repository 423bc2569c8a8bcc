"""Whatever the text, the parser returns claims or raises one of our errors."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from closedform.errors import ParseError
from closedform.syntax.parse import parse_claims, parse_markdown

DEV = (Path(__file__).parents[1] / "data" / "dev.claims").read_bytes()
HEAD = "claim a\ngiven x\ngiven y\ngiven z[C]\ngiven W[C,D]\ngiven A[C,C]\nlet L = x\nlet p[i] = z[i]*x\n"
PIECES = (
    *("claim ", "given ", "let ", "show ", "where ", " of ", " in ", "onehot", "symmetric", "positive definite", "sum_", "delta("),
    *("(", ")", "[", "]", "{", "}", "+", "-", "*", "/", "^", "=", "<=", ",", "\n", "  ", "#", '"', "\x00", "\r", "\ufeff", "é", "∑"),
    *("0", "1e9", "9^9^9", "x", "z[i]", "softmax(z)[i]", "inv(A)[i,j]", "dL/dx", "d2L/dxdx", "W[c,d]", "exp(", "where(", "log(0)"),
)


def only_our_errors(text: str) -> None:
    for parse in (parse_claims, parse_markdown):
        try:
            parse(text)
        except ParseError:
            continue


@st.composite
def mutated_claims(draw: st.DrawFn) -> str:
    """A few claims of dev.claims with bytes changed, cut out, repeated, or pieces of notation put in."""
    start = draw(st.integers(0, len(DEV) - 1))
    text = bytearray(DEV[start : start + draw(st.integers(1, 900))])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        piece = draw(st.one_of(st.sampled_from(PIECES).map(str.encode), st.binary(max_size=4)))
        cut = draw(st.integers(0, 8))
        text[at : at + cut] = piece
    whole = b"claim start\n" + bytes(text) if draw(st.booleans()) else bytes(text)
    return whole.decode("utf-8", errors=draw(st.sampled_from(["replace", "surrogateescape", "ignore"])))


@given(mutated_claims())
@settings(max_examples=150, deadline=None)
def test_mutated_claims(text: str) -> None:
    only_our_errors(text)


@given(st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_any_text(text: str) -> None:
    only_our_errors(HEAD + "show x = " + text)
    only_our_errors("```closedform\n" + text)


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(max_examples=150, deadline=None)
def test_any_pieces(text: str) -> None:
    only_our_errors(HEAD + "show x = " + text)
    only_our_errors(HEAD + text)


NAMES = ("x", "y", "z", "W", "A", "C", "i", "j", "L", "p", "dL", "dx", "d2L", "dz", "pi", "nothing")
FUNCTIONS = ("exp", "log", "sqrt", "max", "where", "inv", "det", "delta", "softmax", "sum_i", "sum_ij", "sum_{i,j2}", "sum_", "nothing")
NUMBERS = ("0", "1", "2", ".5", "1e9", "99", "3.25e-2")


@st.composite
def formulas(draw: st.DrawFn, depth: int) -> str:
    """Text that the grammar can read, whatever it means."""
    kind = draw(st.integers(0, 9)) if depth else draw(st.integers(0, 2))
    if kind == 0:
        return draw(st.sampled_from(NUMBERS))
    if kind <= 2:
        at = ",".join(draw(st.lists(st.sampled_from(("i", "j", "k2", "x", "C", "1")), max_size=3)))
        return draw(st.sampled_from(NAMES)) + (f"[{at}]" if at else "")
    inner = formulas(depth - 1)
    if kind <= 5:
        return draw(inner) + draw(st.sampled_from((" + ", " - ", "*", "/", "^", "**", "*-", " "))) + draw(inner)
    if kind == 6:
        return f"({draw(inner)})"
    if kind == 7:
        return f"({draw(inner)} {draw(st.sampled_from(('<', '<=', '>', '>=', '=', '!=')))} {draw(inner)})"
    arguments = ", ".join(draw(st.lists(inner, min_size=1, max_size=3)))
    return f"{draw(st.sampled_from(FUNCTIONS))}({arguments})" + draw(st.sampled_from(("", "", "[i]", "[i,j]")))


@st.composite
def statements(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(("show", "let", "given")))
    if kind != "given":
        return f"{kind} {draw(formulas(2))} = {draw(formulas(3))}"
    qualities = st.sampled_from(("A symmetric", "z onehot", "x positive definite", "W invertible", "z[i] in {0, 1/2}"))
    relations = st.builds("{} {} {}".format, formulas(2), st.sampled_from(("=", "<", ">=", "!=")), formulas(1))
    conditions = ", ".join(draw(st.lists(st.one_of(qualities, relations), min_size=1, max_size=3)))
    return f"given {draw(st.sampled_from(('q', 'q[C]', 'q[C,E]', 'x', 'q[C] of x', 'sum')))} where {conditions}"


@given(statements())
@settings(max_examples=250, deadline=None)
def test_text_that_the_grammar_can_read(statement: str) -> None:
    only_our_errors(f"{HEAD}{statement}\nshow x = x\n")
