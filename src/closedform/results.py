"""What the engine found, as plain frozen data: the only thing that reports and JSON are made of.

No computation happens here, and nothing of either wing is imported. Expressions are carried as
text and LaTeX, so that a result can be stored, compared and printed without SymPy.
"""

from __future__ import annotations

from dataclasses import dataclass

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
PASSED, FAILED, INCONCLUSIVE = "passed", "failed", "inconclusive"

# The independent witnesses of a kernel's values; what else is checked are invariants and the contract.
WITNESSES = ("ball arithmetic", "autograd", "finite differences")


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

    def __str__(self) -> str:
        at = [f"{name} = {value}" for name, value in (*self.sizes.items(), *self.entry.items())]
        values = [f"{name} = {_nested(value)}" for name, value in self.values.items()]
        return "\n".join([f"at {', '.join(at)}" if at else "for scalars", *values, f"left side   {self.lhs}", f"right side  {self.rhs}"])


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
        all_sizes: whether a proof at these sizes is one for every size; if not, the notes say why.
    """

    verdict: str
    sizes: dict[str, tuple[int, ...]]
    error_probability: float | None = None
    counterexample: Counterexample | None = None
    diagnosis: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    all_sizes: bool = True

    @property
    def limited(self) -> bool:
        """Proved, but not for all sizes."""
        return self.verdict == PROVED and not self.all_sizes

    @property
    def label(self) -> str:
        """The verdict in a word or three, for a table."""
        return "proved (sizes tried)" if self.limited else self.verdict

    def __str__(self) -> str:
        if self.verdict != PROVED:
            return self.verdict
        sizes = "; ".join(f"{name} = {', '.join(map(str, values))}" for name, values in self.sizes.items())
        chance = f", error probability {self.error_probability:.0e}" if self.error_probability is not None else ""
        extent = "at the sizes tried only" if self.limited else "for all sizes"
        return f"proved {extent} ({'' if self.limited else 'from '}{sizes}{chance})" if sizes else f"proved{chance}"


@dataclass(frozen=True)
class Step:
    """One step of a derivation: the rule, why it applies, and the expression after it."""

    rule: str
    reason: str
    text: str
    latex: str


@dataclass(frozen=True)
class Reading:
    """A matrix formula in one layout.

    Attributes:
        layout: ``numerator``, ``denominator`` or ``mixed``.
        expected: the derivation says that the formula holds in it.
        shape: of both sides, such as ``C×d``; empty where the formula cannot be read so.
        complaint: why it cannot be read so: a product that does not fit, sides of different shape.
        text, latex: the formula in index notation.
        verdict: on that; None where there is nothing to judge.
    """

    layout: str
    expected: bool
    shape: str = ""
    complaint: str = ""
    text: str = ""
    latex: str = ""
    verdict: Verdict | None = None

    @property
    def holds(self) -> bool:
        """The formula can be read so, and is proved."""
        return self.verdict is not None and self.verdict.verdict == PROVED


@dataclass(frozen=True)
class ClaimResult:
    """A claim of a derivation with its verdict and, where one was derived, the engine's own closed form.

    ``kind`` is ``claim`` for what the derivation's source says, ``closed form`` for what the engine derived for a
    kernel (``claim`` is then the function's name), ``assumption`` for what the kernels' layout takes for granted,
    ``matrix formula`` for an equation between whole matrices; that has a ``readings`` for each layout, and its verdict says
    whether it holds in exactly those in which it is said to. ``cites`` are numbers of formulas of the source. ``introduced``
    are definitions that the closed form uses besides those of the derivation, such as that of a softmax without a name.
    """

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
    kind: str = "claim"
    cites: tuple[int, ...] = ()
    readings: tuple[Reading, ...] = ()
    introduced: tuple[Equation, ...] = ()

    def __str__(self) -> str:
        """The claim with its verdict; when it is not proved, everything that is known against it."""
        verdict = self.verdict
        name = f"{self.derivation}: {self.claim}" if self.derivation else self.claim
        lines = [f"{name}: {verdict}", f"    {self.lhs_text} = {self.rhs_text}"]
        if verdict.counterexample is not None:
            lines += [f"    {line}" for line in str(verdict.counterexample).splitlines()]
        lines += [f"    {sentence}" for sentence in verdict.diagnosis]
        if verdict.verdict != PROVED and self.derived_text and self.derived_text != self.rhs_text:
            lines.append(f"    closedform derives {self.derived_text}")
        return "\n".join([*lines, *(f"    {note}" for note in verdict.notes)])


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


@dataclass(frozen=True)
class Equation:
    """A definition as text and LaTeX, with what it is in a few words."""

    lhs_text: str
    lhs_latex: str
    rhs_text: str
    rhs_latex: str
    doc: str = ""


@dataclass(frozen=True)
class Input:
    """A given of a derivation: its name and shape with what is known of it, ``y[B,C] where ...``, as text and LaTeX."""

    text: str
    latex: str
    doc: str = ""


@dataclass(frozen=True)
class ModuleResult:
    """A generated module, compared with the committed file.

    Attributes:
        source: the text that was generated.
        committed: where the committed file is; empty where kernels are not committed.
        verdict: ``passed`` (the same byte for byte), ``failed`` or, with nothing to compare, ``inconclusive``.
        message: what differs.
    """

    derivation: str
    backend: str
    source: str
    committed: str = ""
    verdict: str = INCONCLUSIVE
    message: str = ""


@dataclass(frozen=True)
class DerivationResult:
    """Everything that was found about one derivation.

    Attributes:
        cites: the numbers of the formulas of the source that it states as definitions.
        claims: what its source says, and what the layout of the kernels takes for granted.
        forms: the closed form of each kernel function, as derived, with its verdict.
        modules: the generated modules, by backend.
        checks: the kernels compared with each oracle.
        problems: what could not be done at all (no closed form found, a form that cannot be printed).
        notes: what was left out, and why (a backend that is not installed).
    """

    name: str
    title: str
    about: str
    source: str
    given: tuple[Input, ...]
    lets: tuple[Equation, ...]
    cites: tuple[int, ...] = ()
    claims: tuple[ClaimResult, ...] = ()
    forms: tuple[ClaimResult, ...] = ()
    modules: tuple[ModuleResult, ...] = ()
    checks: tuple[KernelCheck, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Every claim and closed form is proved, no module differs, no check failed and none of the kernels lacks a witness."""
        return (
            not self.problems
            and all(result.verdict.verdict == PROVED for result in (*self.claims, *self.forms))
            and all(module.verdict != FAILED for module in self.modules)
            and all(check.verdict != FAILED for check in self.checks)
            and not self.unwitnessed
        )

    @property
    def unwitnessed(self) -> tuple[tuple[str, str, str], ...]:
        """The kernels (function, backend, dtype) that were run and that no independent witness could confirm."""
        kernels = dict.fromkeys((check.function, check.backend, check.dtype) for check in self.checks)
        passed = {
            (check.function, check.backend, check.dtype) for check in self.checks if check.oracle in WITNESSES and check.verdict == PASSED
        }
        return tuple(kernel for kernel in kernels if kernel not in passed)


def _nested(value: object) -> str:
    """Nested lists of numbers without quotes, ``[[1, 1/2], [0, -1]]``."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_nested(item) for item in value) + "]"
    return str(value)
