"""Generated modules as files: compared with the committed ones, and imported."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from closedform.errors import ClosedformError
from closedform.files import import_file
from closedform.results import FAILED, INCONCLUSIVE, PASSED, ModuleResult

SHOWN_LINES = 12


class KernelImportError(ClosedformError):
    """A committed kernel module does not import."""


def compare(derivation: str, backend: str, source: str, folder: Path | None) -> ModuleResult:
    """A generated module against ``folder/backend/derivation.py``, byte for byte.

    Where the folder has no such backend, kernels are not committed and there is nothing to compare.
    """
    if folder is None or not (folder / backend).is_dir():
        return ModuleResult(derivation, backend, source, verdict=INCONCLUSIVE, message="kernels are not committed")
    path = folder / backend / f"{derivation}.py"
    if not path.is_file():
        message = f"{path} is missing; write it with: closedform generate {derivation}"
        return ModuleResult(derivation, backend, source, str(path), FAILED, message)
    if path.read_bytes() == source.encode():
        return ModuleResult(derivation, backend, source, str(path), PASSED)
    message = f"{path} is not what is generated; write it again with: closedform generate {derivation}\n{_difference(path, source)}"
    return ModuleResult(derivation, backend, source, str(path), FAILED, message)


@contextmanager
def loaded(modules: Iterable[ModuleResult]) -> Iterator[dict[str, ModuleType]]:
    """The modules by backend, imported from the committed files where there are such, else from temporary ones."""
    folder = Path(tempfile.mkdtemp(prefix="closedform-"))
    try:
        yield {module.backend: _imported(module, folder) for module in modules}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _imported(module: ModuleResult, folder: Path) -> ModuleType:
    path = Path(module.committed)
    if not path.is_file():
        path = folder / module.backend / f"{module.derivation}.py"
        path.parent.mkdir()
        path.write_text(module.source, encoding="utf-8")
    try:
        return import_file(path, f"closedform_kernels.{module.backend}.{module.derivation}")
    except Exception as error:  # a committed file may hold anything
        raise KernelImportError(f"{path} does not import: {type(error).__name__}: {error}") from error


def _difference(path: Path, source: str) -> str:
    committed = path.read_text(encoding="utf-8", errors="replace").splitlines()
    lines = list(difflib.unified_diff(committed, source.splitlines(), "committed", "generated", lineterm="", n=1))
    more = [f"... {len(lines) - SHOWN_LINES} more lines"] if len(lines) > SHOWN_LINES else []
    return "\n".join(lines[:SHOWN_LINES] + more)
