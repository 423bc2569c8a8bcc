"""What users would take instead; each file imports one library, and a library that is not installed is reported as missing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from benchmarks.contender import Contender

# File -> the library that it needs, by the name that pip knows.
PEERS = {
    "autograd": "torch",
    "functorch": "torch",
    "jax_jit": "jax",
    "curvlinops": "curvlinops-for-pytorch",
    "backpack": "backpack-for-pytorch",
}


@dataclass(frozen=True)
class Field:
    """The peers that run here, and the libraries that are missing."""

    contenders: tuple[Contender, ...]
    missing: tuple[str, ...]


def field_of_peers(peers: dict[str, str] = PEERS, package: str = __name__) -> Field:
    """Import what is installed."""
    contenders: list[Contender] = []
    missing: list[str] = []
    for module, library in peers.items():
        try:
            contenders += import_module(f"{package}.{module}").CONTENDERS
        except ImportError:
            missing.append(library)
    return Field(tuple(contenders), tuple(missing))
