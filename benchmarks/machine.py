"""The machine and the libraries that the figures come from."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

LIBRARIES = ("numpy", "torch", "jax", "curvlinops-for-pytorch", "backpack-for-pytorch")


def describe() -> str:
    """One sentence."""
    found = ", ".join(f"{name} {installed}" for name in LIBRARIES if (installed := _version(name)))
    return f"{_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads; Python {platform.python_version()}, {found}."


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{names[0] if names else platform.machine()} ({capability})"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
