"""What a failed check says: the input, what was expected and what came, by how much, and what it looks like."""

from __future__ import annotations

import math

import numpy as np

from closedform.check.bounds import PRECISIONS
from closedform.check.cases import Case
from closedform.check.judge import BALL, CONTRACT, Finding, Judge
from closedform.check.likeness import likenesses

# Arrays of more entries are described by their recipe alone.
MOST_SHOWN = 24


def failure(judge: Judge, case: Case | None, oracle: str, finding: Finding) -> str:
    """The message for a finding that failed."""
    what = f"{judge.function.name} of {judge.derivation.name} ({judge.library.name}, {judge.dtype})"
    if oracle == CONTRACT or finding.detail:
        lines = [f"{what} breaks its contract: {finding.detail}"]
    else:
        lines = [f"{what} fails against {_described(oracle)}", f"  {_numbers(finding, judge.dtype)}"]
    if case is not None:
        lines += [f"  looks like: {sentence}" for sentence in likenesses(judge, case)]
        lines += [f"  {line}" for line in described_inputs(case, judge)]
    return "\n".join(lines)


def _described(oracle: str) -> str:
    return {BALL: "the definition in ball arithmetic"}.get(oracle, oracle)


def _numbers(finding: Finding, dtype: str) -> str:
    at = f"entry {list(finding.place)}: " if finding.place else ""
    error = abs(finding.got - finding.expected)
    ulps = error / ulp(finding.expected, dtype)
    return (
        f"{at}got {finding.got!r}, expected {finding.expected!r}; the error {error:.3g} is {ulps:.3g} ulp "
        f"and {finding.ratio:.3g} times the bound {finding.tolerance:.3g}"
    )


def ulp(value: float, dtype: str) -> float:
    """The distance from a number to the next one in the dtype."""
    precision = PRECISIONS[dtype]
    size = max(abs(value), precision.tiny) if math.isfinite(value) else 1.0
    return max(2.0 * precision.roundoff * 2.0 ** math.floor(math.log2(size)), math.ulp(0.0))


def described_inputs(case: Case, judge: Judge) -> list[str]:
    """One line for the sizes, one for each argument."""
    inputs = case.inputs
    sizes = ", ".join(f"{dim.name}={size}" for dim, size in inputs.sizes.items())
    stacked = f"{inputs.recipe.stacked} stacked" if inputs.recipe.stacked else "mapped"
    leading = f", {stacked} over {inputs.recipe.leading}" if inputs.recipe.leading else ""
    lines = [f"input: {sizes}{leading}"]
    for name, texture in inputs.recipe.textures:
        array = inputs.classes.get(name, inputs.values[name])
        if array.size <= MOST_SHOWN:
            shown = np.array2string(array, separator=", ", floatmode="unique", max_line_width=10**6).replace("\n", "")
        else:
            shown = f"{texture.pattern}, scale {texture.scale:g}, offset {texture.offset:g}, seed {texture.seed}"
        lines.append(f"       {name} = {shown} ({inputs.layout(name)})")
    return lines
