"""The items of the pytest plugin: one for each claim, each closed form and each kernel in a dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from closedform.check import check_kernel
from closedform.discover import Found, load
from closedform.errors import ClosedformError
from closedform.functions import kernel_functions
from closedform.notation import Derivation, MatrixFormula, Setting
from closedform.pipeline.formulas import judge_formula
from closedform.pipeline.judging import judge, judge_assumptions, judge_form
from closedform.pipeline.kernels import compare, loaded
from closedform.pipeline.making import BACKENDS, closed_forms, form_of, modules
from closedform.pipeline.verifying import EXAMPLES
from closedform.results import FAILED, PROVED, ClaimResult, ModuleResult
from closedform.syntax.parse import parse_file
from closedform.testing.devices import skip_without
from closedform.testing.power import kernel_power
from closedform.testing.profiles import profile
from closedform.testing.reports import Examined
from closedform.testing.specification import Specification

DTYPES = ("float32", "float64")


class CheckError(AssertionError):
    """What a failed item says, in place of a traceback."""


class Check(pytest.Item):
    """An item that runs one function of the engine, whose message is its report."""

    def __init__(self, *, run: Callable[[], str], marks: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self._run = run
        for mark in marks:
            self.add_marker(mark)

    def runtest(self) -> None:
        """Fail with what is wrong, if anything is."""
        message = self._run()
        if message:
            raise CheckError(message)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A report, not a traceback, of what the engine says on purpose."""
        if isinstance(excinfo.value, CheckError | ClosedformError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where it comes from."""
        return self.path, None, self.name


class _File(pytest.File):
    """A file whose mistakes are reported as the command line does it."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """The message alone where the file is at fault."""
        return str(excinfo.value) if isinstance(excinfo.value, ClosedformError) else super().repr_failure(excinfo)

    def check(self, name: str, run: Callable[[], str], *marks: str) -> Check:
        """One item of this file."""
        return Check.from_parent(self, name=name, run=run, marks=marks)


class ClaimFile(_File):
    """Claims in closedform notation."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each claim."""
        for block in parse_file(self.path):
            for claim in block.claims:
                yield self.check(f"claim:{claim.name}", partial(_claim_message, block.setting, claim), "proof")


class DerivationFile(_File):
    """A file of derivations."""

    def collect(self) -> Iterator[pytest.Item]:
        """Claims, matrix formulas and assumptions, closed forms, committed modules, then kernels."""
        devices = ("cpu", *self.config.getoption("--kernel-device"))
        found = [Found(derivation, self.path) for derivation in load(self.path)]
        for item in found:
            prefix = f"{item.derivation.name}-" if len(found) > 1 else ""
            yield from self._items(item, prefix, devices)

    def _items(self, item: Found, prefix: str, devices: tuple[str, ...]) -> Iterator[pytest.Item]:
        derivation = item.derivation
        for claim in derivation.claims:
            message = partial(_claim_message, derivation.setting_of(claim), claim)
            yield self.check(f"claim:{prefix}{claim.name}", message, "proof")
        for formula in derivation.formulas:
            yield self.check(f"claim:{prefix}{formula.name}", partial(_formula_message, derivation, formula), "proof")
        functions = kernel_functions(derivation)
        if not functions:
            return
        yield self.check(f"assumptions:{prefix}samples", partial(_assumptions_message, derivation), "proof")
        for function in functions:
            yield self.check(f"closed_form:{prefix}{function.name}", partial(_form_message, derivation, function), "proof")
        for backend in BACKENDS:
            yield self.check(f"committed:{prefix}{backend}", partial(_committed_message, item, backend), "numeric")
        for function in functions:
            for backend in BACKENDS:
                for dtype in DTYPES:
                    for device in devices if backend == "torch" else ("cpu",):
                        name = "-".join([f"{prefix}{function.name}", backend, dtype, *([] if device == "cpu" else [device])])
                        marks = ("numeric",) if device == "cpu" else ("numeric", "cuda")
                        yield self.check(f"kernel:{name}", partial(_kernel_message, item, function, backend, dtype, device), *marks)


class PowerItem(Check):
    """How many planted faults the test of a kernel would catch."""

    def __init__(self, *, specification: Specification, threshold: float, **options: Any) -> None:
        super().__init__(run=self._measure, marks=("numeric",), **options)
        self._specification, self._threshold = specification, threshold

    def _measure(self) -> str:
        power = kernel_power(self._specification)
        self.user_properties.append(("kernel power", f"{self.nodeid}: {power.summary}"))
        return "" if power.share >= self._threshold else f"{power}\n\nless than the {self._threshold:.0%} asked for"


# ---------------------------------------------------------------------------------------------


def _claim_message(setting: Setting, claim: Any) -> str:
    return _unless_proved(judge(setting, claim, seed=0, derive=False))


def _formula_message(derivation: Derivation, formula: MatrixFormula) -> str:
    return _unless_proved(judge_formula(derivation.setting, formula, derivation=derivation.name, seed=0))


def _assumptions_message(derivation: Derivation) -> str:
    return "\n\n".join(filter(None, map(_unless_proved, judge_assumptions(derivation, seed=0))))


def _form_message(derivation: Derivation, function: Any) -> str:
    return _unless_proved(judge_form(derivation, form_of(derivation, function), seed=0))


def _unless_proved(result: ClaimResult) -> str:
    """Nothing for what is proved; an undecided claim does not pass."""
    return "" if result.verdict.verdict == PROVED else str(result)


def _committed_message(item: Found, backend: str) -> str:
    module = _module(item, backend)
    return module.message if module.verdict == FAILED else ""


def _module(item: Found, backend: str) -> ModuleResult:
    source = modules(item.derivation, closed_forms(item.derivation), (backend,))[backend]
    return compare(item.derivation.name, backend, source, item.kernels)


def _kernel_message(item: Found, function: Any, backend: str, dtype: str, device: str) -> str:
    skip_without(device)
    pytest.importorskip(backend)
    form = form_of(item.derivation, function)
    derivation = replace(item.derivation, lets=form.closed.setting.lets)
    with loaded([_module(item, backend)]) as kernels:
        records = check_kernel(
            derivation,
            replace(function, formula=form.closed.expression),
            kernels[backend],
            backend=backend,
            dtype=dtype,
            device=device,
            examples=max(profile().sweep, EXAMPLES),  # with fewer, float32 tells too little of some
        )
    return Examined(function.name, dtype, device, records).message
