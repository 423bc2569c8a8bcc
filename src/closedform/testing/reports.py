"""What a test of a kernel found: frozen, and printing as a table with every failure below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from closedform.report.text import table
from closedform.results import FAILED, INCONCLUSIVE, PASSED, WITNESSES, KernelCheck

COLUMNS = ("role", "dtype", "device", "checks", "worst error/bound", "")


@dataclass(frozen=True)
class Examined:
    """One role under one condition, with its records."""

    role: str
    dtype: str
    device: str
    records: tuple[KernelCheck, ...]

    @property
    def verdict(self) -> str:
        """Passed only if nothing failed and an independent witness was conclusive."""
        if any(record.verdict == FAILED for record in self.records):
            return FAILED
        witnessed = any(record.oracle in WITNESSES and record.verdict == PASSED for record in self.records)
        return PASSED if witnessed else INCONCLUSIVE

    @property
    def message(self) -> str:
        """What is wrong, or why nothing can be told; '' if it passed."""
        if self.verdict == PASSED:
            return ""
        messages = [record.message for record in self.records if record.verdict == self.verdict and record.message]
        # One failure shows up with several oracles; the first one, of ball arithmetic where that failed, says it best.
        if self.verdict == FAILED:
            return messages[0]
        return f"{self.role} ({self.dtype}) is inconclusive, which is not passed: {'; '.join(dict.fromkeys(messages))}"


@dataclass(frozen=True)
class KernelReport:
    """Every role of a kernel in every dtype and on every device."""

    kernel: str
    implements: str
    examined: tuple[Examined, ...]

    @property
    def ok(self) -> bool:
        """Everything passed."""
        return all(item.verdict == PASSED for item in self.examined)

    @property
    def failures(self) -> tuple[Examined, ...]:
        """What did not pass."""
        return tuple(item for item in self.examined if item.verdict != PASSED)

    def __iter__(self) -> Iterator[Examined]:
        return iter(self.examined)

    def __str__(self) -> str:
        head = f"{self.kernel} as {self.implements}"
        return "\n\n".join([head, table(COLUMNS, map(_row, self.examined)), *(item.message for item in self.failures)])


class KernelError(AssertionError):
    """A kernel that is not what it is said to be, or of which that cannot be told; ``report`` has the records."""

    def __init__(self, report: KernelReport) -> None:
        super().__init__("\n\n".join(item.message for item in report.failures))
        self.report = report


def _row(item: Examined) -> tuple[str, ...]:
    passed = sum(record.verdict == PASSED for record in item.records)
    worst = max((record.worst for record in item.records), default=0.0)
    return item.role, item.dtype, item.device, f"{passed}/{len(item.records)} passed", f"{worst:.2g}", item.verdict
