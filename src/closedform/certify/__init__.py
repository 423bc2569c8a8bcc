"""The trusted kernel: judges a claimed formula against the definition it is about.

It evaluates both sides (:mod:`.evaluate`) at finitely many sizes that suffice for all sizes, over
finite fields (a proof) or in ball arithmetic (a counterexample), and shares no code with what
derives formulas. Use :func:`prove`.
"""

from closedform.certify.prove import prove

__all__ = ["prove"]
