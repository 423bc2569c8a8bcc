"""Markdown pages as one HTML file that opens offline: formulas as MathML, code with colours, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from closedform.report.markdown import page_title

_BADGES = {"✓": "good", "✗": "bad", "?": "open"}


def document(pages: Mapping[str, str]) -> str:
    """One HTML document of Markdown pages (file name -> text), in their order; links between them are kept."""
    sections = [(_anchor(name), page_title(text).replace("\\", ""), Markup(_rendered(text, pages))) for name, text in pages.items()]
    template = _environment().get_template("report.html")
    return template.render(sections=sections, light=_code_style("friendly"), dark=_code_style("github-dark"))


def mathml(latex: str) -> str:
    """A displayed formula as MathML."""
    return convert(latex, display="block")


# ---------------------------------------------------------------------------------------------


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("closedform.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _code_style(name: str) -> Markup:
    return Markup(HtmlFormatter(style=name).get_style_defs("pre.code"))


def _anchor(name: str) -> str:
    return name.removesuffix(".md").lower()


def _rendered(text: str, pages: Mapping[str, str]) -> str:
    """A page as HTML, its links made links within one document."""
    parser = MarkdownIt("commonmark", {"html": True}, renderer_cls=_Renderer).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        for child in token.children or ():
            href = child.attrGet("href")
            if isinstance(href, str) and href in pages:
                child.attrSet("href", f"#{_anchor(href)}")
    return re.sub(r"<strong>([✓✗?])", _badge, str(parser.renderer.render(tokens, parser.options, {})))


def _badge(mark: re.Match[str]) -> str:
    return f'<strong class="{_BADGES[mark[1]]}">{mark[1]}'


class _Renderer(RendererHTML):
    """Markdown's own renderer, but formulas are typeset, code is coloured and wide tables scroll."""

    def fence(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """A fenced block, by its language."""
        language, content = tokens[at].info.strip(), tokens[at].content
        if language == "math":
            return f'<div class="math" tabindex="0">{mathml(content.strip())}</div>\n'
        if language == "python":
            lines = highlight(content, get_lexer_by_name("python"), HtmlFormatter(nowrap=True))
            return f'<pre class="code" tabindex="0"><code>{lines}</code></pre>\n'
        return f'<pre tabindex="0"><code>{escape(content)}</code></pre>\n'

    def table_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """Tables scroll by themselves on narrow screens."""
        return '<div class="table" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """The end of the table."""
        return "</table></div>\n"
