"""What the engine found, as plain frozen data: the only thing that reports and JSON are made of.

No computation happens here, and nothing of either wing is imported. Expressions are carried as
text and LaTeX, so that a result can be stored, compared and printed without SymPy.
"""

from __future__ import annotations

from dataclasses import dataclass

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
PASSED, FAILED, INCONCLUSIVE = "passed", "failed", "inconclusive"


@dataclass(frozen=True)
class Counterexample:
    """A point at which the two sides differ, with both values enclosed.

    Attributes:
        sizes: dimension name -> size.
        values: given name -> nested lists of numbers as text (exact: integers, fractions or decimals).
        entry: index name -> 1-based position at which the sides are compared.
        lhs, rhs: the two values, decimal text with the digits that the enclosures guarantee.
    """

    sizes: dict[str, int]
    values: dict[str, object]
    entry: dict[str, int]
    lhs: str
    rhs: str


@dataclass(frozen=True)
class Verdict:
    """The judgement on one claim.

    Attributes:
        verdict: ``proved``, ``refuted`` or ``undecided``.
        sizes: dimension name -> the sizes that were tried (for a proof: those that the theorem asks for).
        error_probability: a bound on the probability that a proof is wrong; None unless proved.
        counterexample: set when refuted.
        diagnosis: what is wrong with it, a sentence each, most telling first.
        notes: what the verdict does not cover (kinks, sizes at which the definition does not exist) or what is known.
        seconds: time taken.
    """

    verdict: str
    sizes: dict[str, tuple[int, ...]]
    error_probability: float | None = None
    counterexample: Counterexample | None = None
    diagnosis: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Step:
    """One step of a derivation: the rule, why it applies, and the expression after it."""

    rule: str
    reason: str
    text: str
    latex: str


@dataclass(frozen=True)
class ClaimResult:
    """A claim of a derivation with its verdict and, where one was derived, the engine's own closed form."""

    derivation: str
    claim: str
    title: str
    source: str
    lhs_text: str
    lhs_latex: str
    rhs_text: str
    rhs_latex: str
    verdict: Verdict
    derived_text: str = ""
    derived_latex: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class KernelCheck:
    """A generated function compared with one oracle.

    Attributes:
        oracle: ``autograd``, ``finite differences``, ``ball arithmetic`` or the name of an invariant.
        verdict: ``passed``, ``failed`` or ``inconclusive``.
        worst: the largest error over its bound that was seen (at most 1 when passed).
        examples: how many inputs were tried.
        message: what failed, with the input, for a failure.
    """

    derivation: str
    function: str
    backend: str
    dtype: str
    oracle: str
    verdict: str
    worst: float
    examples: int = 0
    message: str = ""
