"""The trusted kernel: judges a claimed formula against the definition it is about.

It evaluates both sides (:mod:`.evaluate`) at finitely many sizes that suffice for all sizes, over
finite fields (a proof) or in ball arithmetic (a counterexample), and shares no code with what
derives formulas. Use :func:`prove`.
"""

from __future__ import annotations

from typing import Any

__all__ = ["prove"]


def __getattr__(name: str) -> Any:
    # lazily: `import closedform` must stay light
    if name == "prove":
        from closedform.certify.prove import prove

        return prove
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
