"""The files of a report: Markdown pages, and one HTML file made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from closedform.report.html import document
from closedform.report.markdown import INDEX, INDEX_TITLE, derivation_page, index_page, page_title
from closedform.results import DerivationResult

HTML = "index.html"


def foreign_index(folder: Path) -> Path | None:
    """The README.md that a report in this folder would overwrite though it is somebody else's; None if there is none."""
    index = folder / INDEX
    own = not index.is_file() or page_title(index.read_text(encoding="utf-8", errors="replace")) == INDEX_TITLE
    return None if own else index


def report_files(results: Sequence[DerivationResult], folder: Path) -> dict[Path, str]:
    """The text of every file of the report, by the path that it belongs in.

    Other Markdown files that already lie in ``folder`` (measurements, real data) are linked from the index and
    go into the HTML file too.
    """
    pages = {f"{result.name}.md": derivation_page(result) for result in results}
    others = {
        path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md")) if path.name not in pages and path.name != INDEX
    }
    index = index_page(results, {name: page_title(text) for name, text in others.items()})
    written = {INDEX: index, **pages}
    files = {folder / name: text for name, text in written.items()}
    files[folder / HTML] = document({**written, **others})
    return files
