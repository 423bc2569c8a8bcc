"""The trusted kernel: judges a claimed formula against the definition it is about.

It evaluates both sides (:mod:`.evaluate`) at finitely many sizes that suffice for all sizes, over
finite fields (a proof) or in ball arithmetic (a counterexample), and shares no code with what
derives formulas. Use :func:`prove`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from closedform.certify.verdict import prove

__all__ = ["prove"]


def __getattr__(name: str) -> Any:
    # on first use, so that what needs one ring or the interpreter alone stays light
    if name == "prove":
        from closedform.certify.verdict import prove

        return prove
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
