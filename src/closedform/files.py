"""Files: imported by their path, and written whole or not at all."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from closedform.errors import UsageError


def import_file(path: Path, name: str) -> ModuleType:
    """The module that a Python file defines; it is not entered into ``sys.modules``.

    Raises:
        Exception: whatever running the file raises.
    """
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def write_all(files: Mapping[Path, str]) -> None:
    """Write every file or, if one cannot be written, none.

    Each is written beside its place first and all are moved there at the end. A link is followed, and what is no regular file,
    such as ``/dev/stdout``, is written to and not replaced.

    Raises:
        UsageError: a file cannot be written.
    """
    ready: list[tuple[str, Path]] = []
    streams: list[tuple[Path, str]] = []
    place = Path()
    try:
        for place, text in files.items():
            path = place.resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError("it is a folder")
            if path.exists() and not path.is_file():
                streams.append((path, text))
                continue
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            ready.append((temporary, path))
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            os.chmod(temporary, 0o644)
        for temporary, path in ready:
            os.replace(temporary, path)
        for place, text in streams:
            place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"nothing was written: {place} cannot be ({error.strerror or error})") from error
    finally:
        for temporary, _ in ready:
            Path(temporary).unlink(missing_ok=True)
