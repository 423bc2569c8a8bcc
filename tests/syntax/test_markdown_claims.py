"""Claims in Markdown: which blocks count, and that lines are those of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from closedform.errors import ParseError
from closedform.syntax.parse import parse_file, parse_markdown

NOTES = """# Notes

claim this line is prose

```closedform
claim one
given x
let L = x^2
show dL/dx = 2*x
```

```python
claim = "not this"
```

1. in a list

   ~~~~ closedform extra
   claim two "second"
   given x
   show x =
     x
   # ~~~
   ~~~~

````text
```closedform
claim quoted
```
````
"""


def test_fenced_blocks_only() -> None:
    blocks = parse_markdown(NOTES, file="notes.md")
    assert [(block.name, block.title, block.line) for block in blocks] == [("one", "", 6), ("two", "second", 19)]


def test_errors_count_lines_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(NOTES.replace("show dL/dx = 2*x", "show dL/dx = 2*y"), encoding="utf-8")
    with pytest.raises(ParseError, match=r"notes\.md:9:16: there is no scalar y") as caught:
        parse_file(path)
    assert (caught.value.line, caught.value.column) == (9, 16)


def test_the_end_of_a_block_ends_the_statement() -> None:
    text = "```closedform\nclaim a\ngiven x\nshow x =\n```\n```closedform\n  x\n```\n"
    with pytest.raises(ParseError, match=r":7:3: this indented line continues no statement"):
        parse_markdown(text)


def test_a_block_that_is_never_closed_goes_to_the_end() -> None:
    (block,) = parse_markdown("```closedform\nclaim a\ngiven x\nshow x = x\n")
    assert block.line == 2


def test_markdown_without_a_block() -> None:
    with pytest.raises(ParseError, match="there is no ```closedform block in it"):
        parse_markdown("# Notes\n\nclaim a\n")


def test_names_are_unique_across_blocks() -> None:
    fence = "```closedform\nclaim a\nshow 1 = 1\n```\n"
    with pytest.raises(ParseError, match=r":6:7: two claims are named a; the first stands in line 2"):
        parse_markdown(fence + fence)


def test_the_notations_own_page() -> None:
    blocks = parse_file(Path(__file__).parents[2] / "docs" / "notation.md")
    assert [block.name for block in blocks] == ["cross-entropy-gradient", "chain-rule", "log-determinant", "least-squares"]
