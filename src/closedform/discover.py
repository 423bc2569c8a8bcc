"""Find derivations: the files ``derivations/*.py`` below a folder, as pytest finds tests, or else the installed catalogue.

A name may always be one of the catalogue, too: a project's own derivations come first, and hide those of the same name only.

A file defines a derivation by a module attribute that is a :class:`~closedform.notation.Derivation`.
Files whose name begins with ``_`` are help for the others and are not read by themselves.
"""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

import closedform.derivations
from closedform.errors import DiscoveryError, UnknownDerivationError
from closedform.files import import_file
from closedform.notation import Derivation
from closedform.papers import PAPER, Paper, read_paper

FOLDER = "derivations"
# Where pytest does not look for tests either (its norecursedirs), and installed packages.
SKIPPED = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}", "__pycache__", "site-packages")


@dataclass(frozen=True)
class Found:
    """A derivation and where it comes from.

    Attributes:
        path: the file that defines it; None for one that was passed as an object.
        installed: it comes from the installed catalogue, not from a project below the current folder.
    """

    derivation: Derivation
    path: Path | None = None
    installed: bool = False

    @property
    def kernels(self) -> Path | None:
        """The folder of the committed kernels: ``numeric``, beside the folder of the derivation."""
        return self.path.parent.parent / "numeric" if self.path else None


def discover(folder: Path | None = None) -> tuple[Found, ...]:
    """The derivations below ``folder`` (the current one if None), by path; the installed catalogue where there is none.

    Raises:
        DiscoveryError: a file cannot be imported, defines no derivation, or two define one of the same name.
    """
    own = list(_files(Path.cwd() if folder is None else folder))
    return _loaded(own, installed=False) if own else catalogue()


def catalogue() -> tuple[Found, ...]:
    """The derivations that are installed with the package."""
    return _loaded(_modules_of(Path(closedform.derivations.__path__[0])), installed=True)


def named(names: Sequence[str]) -> tuple[Found, ...]:
    """The derivations of these names below the current folder, and in the installed catalogue where there is none of the name.

    Raises:
        DiscoveryError: see :func:`discover`.
        UnknownDerivationError: a name that was not found, with close matches.
    """
    found = discover()
    own = {item.derivation.name for item in found}
    if not own.issuperset(names):
        found = (*found, *(item for item in catalogue() if item.derivation.name not in own))
    return select(found, names)


def select(found: Sequence[Found], names: Sequence[str]) -> tuple[Found, ...]:
    """Those of the given names, in the order of discovery; all of them if there are no names.

    Raises:
        UnknownDerivationError: a name that was not found, with close matches.
    """
    known = [item.derivation.name for item in found]
    for name in names:
        if name not in known:
            raise UnknownDerivationError(f"no derivation is named {name!r}; {_suggestion(name, known)}")
    return tuple(item for item in found if not names or item.derivation.name in names)


def paper_beside(found: Sequence[Found]) -> Paper:
    """The paper whose formulas the derivations cite: the file ``paper.toml`` in their folder.

    Raises:
        DiscoveryError: there is none, more than one, or it cannot be read.
    """
    folders = sorted({item.path.parent for item in found if item.path is not None})
    papers = [folder / PAPER for folder in folders if (folder / PAPER).is_file()]
    if len(papers) != 1:
        listed = ", ".join(map(str, papers)) or "none"
        raise DiscoveryError(f"formulas are listed in one {PAPER} beside the derivations; found: {listed}")
    return read_paper(papers[0])


def load(path: Path) -> tuple[Derivation, ...]:
    """The derivations that a file defines, by the order of its attributes.

    Raises:
        DiscoveryError: the file cannot be imported (the message names the line) or defines none.
    """
    module = _imported(path)
    derivations = [value for value in vars(module).values() if isinstance(value, Derivation)]
    if not derivations:
        raise DiscoveryError(f"{path} defines no derivation; assign one to a module attribute, derivation = Derivation(...)")
    return tuple(dict.fromkeys(derivations))


# ---------------------------------------------------------------------------------------------


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, _ in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _skipped(Path(parent, name)))
        if FOLDER in folders:
            yield from _modules_of(Path(parent, FOLDER))
    if folder.name == FOLDER:
        yield from _modules_of(folder)


def _loaded(paths: Iterable[Path], *, installed: bool) -> tuple[Found, ...]:
    found: dict[str, Found] = {}
    for path in paths:
        for derivation in load(path):
            other = found.setdefault(derivation.name, Found(derivation, path, installed))
            if other.derivation != derivation:
                raise DiscoveryError(f"two derivations are named {derivation.name}: in {other.path} and in {path}; rename one of them")
    return tuple(found.values())


def _modules_of(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_"))


def _skipped(folder: Path) -> bool:
    return any(fnmatch(folder.name, pattern) for pattern in SKIPPED) or (folder / "pyvenv.cfg").exists()


def _imported(path: Path) -> ModuleType:
    try:
        with _importable(path.parent):
            return import_file(path, f"closedform_discovered.{path.stem}")
    except (Exception, SystemExit) as error:
        raise DiscoveryError(f"{path} does not import: {_where(error, path)}") from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """``folder`` last on the import path: a derivation can use what a sibling defines, and shadows nothing."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _where(error: BaseException, path: Path) -> str:
    """The error, with the line of the file at which it arose."""
    kind = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"line {error.lineno}: SyntaxError: {error.msg}\n    {(error.text or '').strip()}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"line {frames[-1].lineno}: {kind}\n    {frames[-1].line}" if frames else kind


def _suggestion(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(sorted(known)) or 'none'}"
