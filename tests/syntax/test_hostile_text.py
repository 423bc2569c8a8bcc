"""Hostile text: refused with one of our errors, or read as the formula that it is; nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from closedform.errors import ParseError
from closedform.syntax.parse import parse_claims, parse_expression, parse_file, parse_markdown
from closedform.syntax.source import LimitError

HEAD = 'claim a "title"\ngiven x\ngiven z[C]\nlet L = x^2\nshow dL/dx = '

REFUSED = {
    "a million characters": "x" * 10**6,
    "a million brackets": "(" * 10**6,
    "a million terms": "x + " * 250_000 + "x",
    "a long statement": "x*" * 6_000 + "x",
    "deep brackets": "(" * 4_000 + "x" + ")" * 4_000,
    "deep calls": "exp(" * 2_000 + "x" + ")" * 2_000,
    "many signs": "-" * 5_000 + "x",
    "a tower of powers": "x^" * 4_000 + "x",
    "deep sums": "sum_k(z[k]*" * 40 + "1" + ")" * 40,
    "a huge power": "2^(10^9)",
    "a hugely negative power": "2^(-10^9)",
    "a tower of twos": "2^2^2^2^2^2",
    "powers of powers": "((2^999)^999)^999",
    "a huge power of a name": "x^999999",
    "powers of powers of a name": "((x^100)^100)^100",
    "a huge product": "x*" * 4_900 + "x",
    "roots of roots": "sqrt(" * 90 + "x" + ")" * 90,
    "a huge exponent of an irrational": "pi^(10^9)",
    "a huge root": "2^(1/999999)",
    "exp of a huge logarithm": "exp(10^9*log(3))",
    "exp of logarithms": "exp(999*log(exp(999*log(3))))",
    "a huge decimal": "1e999999999",
    "a tiny decimal": "1e-999999999",
    "an exponent of many digits": "1e" + "9" * 5_000,
    "many digits": "7" * 5_000,
    "many decimals": "0." + "7" * 5_000,
    "many large numbers": "+".join(f"1/3^{n}" for n in range(900, 999)),
    "towers of exp": "exp(exp(exp(100)))",
    "hidden towers of exp": "exp(exp(exp(x - x + 100)))",
    "the sign of a tower": "sign(exp(exp(exp(100))) - 1)",
    "hyperbolic towers": "cosh(cosh(cosh(100)))",
    "Python": "__import__('os').system('true')",
    "attributes": "x.__class__",
    "an f-string": 'f"{x}"',
    "eval": "eval(x)",
    "a semicolon": "x; x",
    "a backslash": "x\\\n x",
    "a NUL byte": "x\x00",
    "a lone surrogate": "x\udc80",
    "text that runs backwards": "x \u202e# x",
    "an isolate in a comment": "x # \u2066",
    "a line separator": "x\u2028show x = x",
    "Arabic digits": "x + ٣",
    "full-width letters": "ｘ",
    "a name of many letters": "q" * 5_000,
    "many indices": "sum_abcdefghijklmnop(x)",
    "a zero to a negative power": "0^-1",
    "a division by nothing": "1/(x - x)",
}


@pytest.mark.parametrize("formula", REFUSED.values(), ids=REFUSED.keys())
def test_is_refused(formula: str) -> None:
    with pytest.raises(ParseError):
        parse_claims(HEAD + formula + "\n")


@pytest.mark.parametrize(
    "formula",
    [
        "exp(" * 90 + "x" + ")" * 90,
        "sigmoid(" * 90 + "x" + ")" * 90,
        "log(1 + " * 45 + "x" + ")" * 45,
        "1/(1 + " * 30 + "x" + ")" * 30,
        "sqrt(1 + " * 30 + "x" + ")" * 30,
        "x^" * 90 + "x",
        "sum_k(z[k]*" * 12 + "1" + ")" * 12,
        " + ".join(f"{n}*x" for n in range(1, 900)),
        "sin(1e300) + tanh(1e300) + erf(1e300)",
        "(x^2 + 1)^1000",
    ],
)
def test_large_but_lawful(formula: str) -> None:
    (block,) = parse_claims(HEAD + formula + "\n")
    assert len(block.claims) == 1


def test_names_of_python_are_just_names() -> None:
    (block,) = parse_claims("claim a\ngiven lambda\ngiven None\ngiven class[C]\nshow lambda*None = None*lambda\n")
    assert [given.name for given in block.setting.given] == ["lambda", "None", "class"]


def test_limit_on_statements() -> None:
    with pytest.raises(LimitError, match="at most 1,000 statements"):
        parse_claims("claim a\n" + "".join(f"given x{n}\n" for n in range(1_001)) + "show x1 = x1\n")


def test_limit_on_claims() -> None:
    with pytest.raises(LimitError, match="at most 2,000 claims"):
        parse_claims("".join(f"claim a{n}\nshow 1 = 1\n" for n in range(2_001)))


def test_limit_on_markdown_counts_the_prose() -> None:
    with pytest.raises(LimitError, match="at most 1,000,000 characters"):
        parse_markdown("x" * 1_000_001)


def test_names_that_can_be_split_in_many_ways() -> None:
    names = "".join(f"given {'d' * n}\n" for n in range(1, 50))
    with pytest.raises(ParseError):
        parse_claims(f"claim a\n{names}let L = d\nshow dL/{'d' * 99} = 1\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"claim a\nshow 1 = 1 # \xff\n", "2:14: expected UTF-8 text; got the byte 0xff"),
        (b"", "there is no claim in it"),
        (b"\x00" * 100, "the hidden character U\\+0000"),
        (b"\xef\xbb\xbf", "there is no claim in it"),
        (b"c" * 4_000_010, "at most"),
        (b"\xc3" * 5_000_000, "at most"),
    ],
)
def test_files_that_are_no_claims(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.claims"
    path.write_bytes(content)
    with pytest.raises(ParseError, match=message):
        parse_file(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match=r"missing\.claims: cannot be read: No such file"):
        parse_file(tmp_path / "missing.claims")
    with pytest.raises(ParseError, match="cannot be read: Is a directory"):
        parse_file(tmp_path)
    with pytest.raises(ParseError, match="cannot be read"):
        parse_file("nul\x00byte.claims")


def test_byte_order_mark_and_carriage_returns(tmp_path: Path) -> None:
    path = tmp_path / "windows.claims"
    path.write_bytes(b"\xef\xbb\xbfclaim a\r\ngiven x\r\nshow x =\r\n  x\r\n")
    (block,) = parse_file(path)
    assert block.line == 1


def test_expressions_are_bounded_too() -> None:
    (block,) = parse_claims("claim a\ngiven x\nshow x = x\n")
    with pytest.raises(LimitError):
        parse_expression("2^(10^9)", block.setting)
