"""Recorded results as plain text: aligned tables, and what went wrong below them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from closedform.results import FAILED, INCONCLUSIVE, PASSED, PROVED, ClaimResult, DerivationResult

VERIFY_COLUMNS = ("derivation", "claims", "closed forms", "kernels", "checks", "worst error/bound", "seconds", "")
CHECK_COLUMNS = ("claim", "verdict", "sizes", "error probability", "seconds")


def verify_row(result: DerivationResult) -> tuple[str, ...]:
    """One line of the table of ``closedform verify``."""
    return (
        result.name,
        _proved(result.claims),
        _proved(result.forms),
        _modules(result),
        _passed(result),
        _worst(result),
        f"{result.seconds:.1f}",
        "ok" if result.ok else "FAILED",
    )


def check_row(result: ClaimResult) -> tuple[str, ...]:
    """One line of the table of ``closedform check``."""
    verdict = result.verdict
    chance = f"{verdict.error_probability:.0e}" if verdict.error_probability else "0" if verdict.verdict == PROVED else ""
    name = f"{result.derivation}: {result.claim}" if result.derivation else result.claim
    return (name, verdict.label, sizes_text(verdict.sizes), chance, f"{verdict.seconds:.2f}")


def sizes_text(sizes: dict[str, tuple[int, ...]]) -> str:
    """The sizes tried, ``B=2..4 C=3..6``."""
    return " ".join(f"{name}={_range(values)}" for name, values in sizes.items())


def problems(result: DerivationResult) -> tuple[str, ...]:
    """What does not hold, a paragraph each."""
    found = list(result.problems)
    found += [str(claim) for claim in (*result.claims, *result.forms) if claim.verdict.verdict != PROVED]
    found += [module.message for module in result.modules if module.verdict == FAILED]
    for check in result.checks:
        if check.verdict == FAILED:
            where = f"{result.name}: {check.function} ({check.backend}, {check.dtype}) against {check.oracle}: failed"
            found.append("\n".join([where, *(f"    {line}" for line in check.message.splitlines())]))
    found += [_unwitnessed(result, *kernel) for kernel in result.unwitnessed]
    return tuple(found)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns aligned on the left, two spaces apart."""
    lines = [tuple(columns), *(tuple(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


# ---------------------------------------------------------------------------------------------


def _unwitnessed(result: DerivationResult, function: str, backend: str, dtype: str) -> str:
    own = [check for check in result.checks if (check.function, check.backend, check.dtype) == (function, backend, dtype)]
    reasons = [f"    {check.oracle}: {check.message}" for check in own if check.verdict == INCONCLUSIVE]
    return "\n".join([f"{result.name}: {function} ({backend}, {dtype}) was confirmed by no independent witness", *reasons])


def _proved(results: Sequence[ClaimResult]) -> str:
    limited = sum(result.verdict.limited for result in results)
    proved = sum(result.verdict.verdict == PROVED for result in results)
    return f"{proved}/{len(results)} proved" + (f" ({limited} at sizes tried)" if limited else "")


def _passed(result: DerivationResult) -> str:
    inconclusive = sum(check.verdict == INCONCLUSIVE for check in result.checks)
    passed = f"{sum(check.verdict == PASSED for check in result.checks)}/{len(result.checks)} passed"
    return f"{passed}, {inconclusive} inconclusive" if inconclusive else passed


def _modules(result: DerivationResult) -> str:
    words = {PASSED: "same", FAILED: "differ", INCONCLUSIVE: "new"}
    return ", ".join(f"{module.backend} {words[module.verdict]}" for module in result.modules)


def _worst(result: DerivationResult) -> str:
    return f"{max(check.worst for check in result.checks):.2g}" if result.checks else ""


def _range(values: Sequence[int]) -> str:
    if len(values) > 2 and list(values) == list(range(values[0], values[-1] + 1)):
        return f"{values[0]}..{values[-1]}"
    return ",".join(map(str, values))
