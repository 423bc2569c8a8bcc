"""closedform: derive, prove, generate and test derivatives that hold for every size.

What the command line does is here as functions, each with frozen results that print well:

- :func:`derive` brings a derivative into closed form and certifies it,
- :func:`prove` judges the claims of a derivation, for every size,
- :func:`plan` says what a kernel does, step by step, and what that costs,
- :func:`generate` prints NumPy and torch kernels from the proved forms,
- :func:`verify` does all of this and tests the kernels,
- :func:`check` judges the claims of a text or Markdown file.

Importing closedform imports nothing else: SymPy, NumPy and torch come with the function that needs them.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from closedform.pipeline import generate, plan, prove, verify

__all__ = ["__version__", "check", "derive", "generate", "plan", "prove", "verify"]
__version__ = "0.1.0"

_FUNCTIONS = ("generate", "plan", "prove", "verify")
# These functions share their name with a package of the engine.
_CALLABLE_PACKAGES = ("check", "derive")


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return getattr(importlib.import_module("closedform.pipeline"), name)
    if name in _CALLABLE_PACKAGES:
        return importlib.import_module(f"closedform.{name}")
    raise AttributeError(f"module 'closedform' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _CallablePackage(ModuleType):
    """``closedform.derive`` is the package ``closedform/derive/`` and, called, the function of the pipeline."""

    @property
    def _function(self) -> Any:
        return getattr(importlib.import_module("closedform.pipeline"), self.__name__.rpartition(".")[2])

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._function(*args, **options)

    @property
    def __signature__(self) -> Any:
        import inspect

        return inspect.signature(self._function)


class _Package(ModuleType):
    """Importing a subpackage binds it here, whoever imports it first: that is where it becomes callable."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _CALLABLE_PACKAGES and type(value) is ModuleType:
            value.__class__ = _CallablePackage
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
