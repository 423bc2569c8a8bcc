"""Recorded results as Markdown pages: one for each derivation, and an index.

The pages are committed, so they hold nothing that differs from run to run or machine to machine: no times, no
measured errors. Formulas are in ``math`` blocks, as GitHub and :mod:`.html` typeset them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from closedform.report.text import sizes_text
from closedform.results import FAILED, INCONCLUSIVE, PASSED, PROVED, REFUTED, UNDECIDED, DerivationResult, KernelCheck, Verdict

INDEX = "README.md"
INDEX_TITLE = "What closedform found"
MARKS = {PROVED: "**✓ proved**", REFUTED: "**✗ refuted**", UNDECIDED: "**? undecided**"}
CHECK_MARKS = {PASSED: "✓", FAILED: "**✗**", INCONCLUSIVE: "**?**"}


def derivation_page(result: DerivationResult) -> str:
    """The page of one derivation: definition, claims with steps and verdicts, kernels with checks and code."""
    page = _environment().get_template("derivation.md").render(result=result, checks=_check_table(result.checks))
    return _without_gaps(page)


def index_page(results: Sequence[DerivationResult], others: Mapping[str, str]) -> str:
    """The index: a row for each derivation, and links to other pages (file name -> title)."""
    return _environment().get_template("index.md").render(title=INDEX_TITLE, results=results, others=dict(sorted(others.items())))


def page_title(text: str) -> str:
    """The first heading of a Markdown page."""
    heading = re.search(r"^#\s+(.+)$", text, re.MULTILINE)
    return heading.group(1).strip() if heading else "Untitled"


def escaped(text: str) -> str:
    """Text in which Markdown sees no marks of its own and no HTML."""
    return re.sub(r"([\\`*_\[\]|<>#$~])", r"\\\1", text.replace("&", "&amp;")).replace("\n", " ")


# ---------------------------------------------------------------------------------------------


@cache
def _environment() -> Environment:
    # Markdown is no HTML: text is escaped by the filter `md`, which also knows Markdown's own marks.
    environment = Environment(
        loader=PackageLoader("closedform.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(md=escaped, sizes=sizes_text, first_upper=_first_upper, chance=_chance, mark=_mark, ticks=_ticks)
    return environment


def _without_gaps(page: str) -> str:
    """The page with one blank line between paragraphs; blocks of code stay as they are."""
    pieces = re.split(r"(^(`{3,}).*?^\2$)", page, flags=re.MULTILINE | re.DOTALL)
    outside, blocks = pieces[0::3], [*pieces[1::3], ""]
    return "".join(re.sub(r"\n{3,}", "\n\n", text) + block for text, block in zip(outside, blocks, strict=True)).rstrip() + "\n"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _mark(verdict: str) -> str:
    return MARKS[verdict]


def _chance(verdict: Verdict) -> str:
    """An error probability as a bound that is easy to read, a power of ten."""
    if not verdict.error_probability:
        return ""
    mantissa, exponent = f"{verdict.error_probability:.0e}".split("e")
    return f"10^{int(exponent) + (mantissa != '1')}"


def _ticks(text: str) -> str:
    """A fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    return "`" * (longest + 1)


def _check_table(checks: Sequence[KernelCheck]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Column titles and rows: a function and what it is compared with, and a mark for each backend and dtype."""
    columns = list(dict.fromkeys((check.backend, check.dtype) for check in checks))
    marks: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    for check in checks:
        marks.setdefault((check.function, check.oracle), {})[check.backend, check.dtype] = CHECK_MARKS[check.verdict]
    rows = ((f"`{function}`", oracle, *(row.get(column, "") for column in columns)) for (function, oracle), row in marks.items())
    return ("function", "against", *(" ".join(column) for column in columns)), tuple(rows)
