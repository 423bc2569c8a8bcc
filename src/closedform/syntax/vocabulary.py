"""The words of the notation: functions, and words that name nothing else."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

import sympy
from sympy import Expr

from closedform.notation import maximum, minimum, relu, sigmoid, softplus, step, where

# name -> (what it makes, least and most arguments)
FUNCTIONS: dict[str, tuple[Callable[..., Expr], int, int]] = {
    **{name: (getattr(sympy, name), 1, 1) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "cosh", "sinh", "erf", "sign")},
    "abs": (sympy.Abs, 1, 1),
    **{function.__name__: (function, 1, 1) for function in (sigmoid, softplus, relu, step)},
    "max": (maximum, 2, 12),
    "min": (minimum, 2, 12),
    "where": (where, 3, 3),
}
MATRIX_FUNCTIONS = ("inv", "det", "logdet")
ROW_FUNCTIONS = ("softmax", "log_softmax", "logsumexp")
STATEMENTS = ("claim", "given", "let", "show")
RESERVED = {*FUNCTIONS, *MATRIX_FUNCTIONS, *ROW_FUNCTIONS, *STATEMENTS, "sum", "delta", "of", "in"}
RESERVED |= {"onehot", "symmetric", "invertible", "positive", "definite"}


def suggestion(name: str, known: Iterable[str]) -> str:
    """' (did you mean ...?)' for a name that is nearly a known one, else nothing."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.7) if len(name) <= 30 else []
    return f" (did you mean {near[0]}?)" if near else ""
