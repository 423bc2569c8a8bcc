"""What the command line does, as functions that return frozen results.

This is the only place where the making wing (derive, lower, emit) and the judging wing (certify, check) meet:

- :mod:`making` derives closed forms and prints modules of them,
- :mod:`judging` proves what was claimed and what was derived,
- :mod:`kernels` compares modules with committed files and loads them,
- :mod:`verifying` puts these together, one derivation at a time or several by :mod:`parallel`,
- :mod:`claims` reads claim files and problems from text,
- :mod:`planning` says what a kernel does, step by step, and what that costs,
- :mod:`outcomes` holds what the functions return.
"""

from closedform.pipeline.claims import check, derive
from closedform.pipeline.outcomes import Derived, DerivedForm, Generated, Verdicts, Verification
from closedform.pipeline.planning import Plan, plan
from closedform.pipeline.verifying import cited_paper, generate, prove, verify

__all__ = [
    "Derived",
    "DerivedForm",
    "Generated",
    "Plan",
    "Verdicts",
    "Verification",
    "check",
    "cited_paper",
    "derive",
    "generate",
    "plan",
    "prove",
    "verify",
]
