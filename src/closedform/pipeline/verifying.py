"""From a name to results: ``prove``, ``generate`` and ``verify``, one derivation at a time."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from closedform.check import check_kernel
from closedform.discover import Found, discover, named, paper_beside
from closedform.errors import DerivationError, LoweringError, UsageError
from closedform.functions import kernel_functions, ways_to_call
from closedform.notation import Derivation
from closedform.papers import Paper
from closedform.pipeline.describing import described
from closedform.pipeline.judging import judge_assumptions, judge_claims, judge_form
from closedform.pipeline.kernels import KernelImportError, compare, loaded
from closedform.pipeline.making import BACKENDS, Form, closed_forms, modules
from closedform.pipeline.outcomes import Generated, Verdicts, Verification
from closedform.pipeline.parallel import mapped
from closedform.results import ClaimResult, DerivationResult, KernelCheck, ModuleResult

DTYPES = ("float32", "float64")
EXAMPLES = 16

Progress = Callable[[str, int, int], None]


def prove(*derivations: str | Derivation, seed: int = 0) -> Verdicts:
    """Judge the claims of derivations, given by name or as objects; of all that are discovered if none is given.

    Raises:
        UnknownDerivationError, DiscoveryError: see :mod:`closedform.discover`.
    """
    found = [item.derivation for item in resolve(derivations)]
    return Verdicts(tuple(r for d in found for r in (*judge_claims(d, seed=seed), *judge_assumptions(d, seed=seed))))


def generate(*derivations: str | Derivation, backends: Sequence[str] = BACKENDS, out: Path | None = None) -> Generated:
    """Print the kernels of derivations as modules, in memory; ``write()`` of the result puts them into their files.

    Args:
        backends: ``numpy``, ``torch`` or both.
        out: the folder that gets ``numpy/NAME.py`` and ``torch/NAME.py``; by default ``numeric`` beside the
            derivation's folder, or below the current folder for the installed catalogue.

    Raises:
        DerivationError, LoweringError: no closed form was found, or it cannot be printed.
        UsageError: an unknown backend.
    """
    _check_backends(backends)
    results, paths = [], []
    for item in resolve(derivations):
        folder = out or (None if item.installed else item.kernels) or Path("numeric")
        sources = modules(item.derivation, closed_forms(item.derivation), backends)
        for backend, source in sources.items():
            results.append(compare(item.derivation.name, backend, source, folder))
            paths.append(folder / backend / f"{item.derivation.name}.py")
    return Generated(tuple(results), tuple(paths))


def verify(
    *derivations: str | Derivation,
    examples: int = EXAMPLES,
    backends: Sequence[str] = BACKENDS,
    device: str = "cpu",
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Verification:
    """Derive, prove, generate and test derivations; all that are discovered if none is given.

    Every claim and every closed form is judged for all sizes; the generated modules are compared with the committed
    files; every kernel is compared with each oracle.

    Args:
        examples: inputs for each kernel, dtype and oracle.
        device: where the torch kernels run.
        jobs: in how many processes; the results do not depend on it. With more than one, a script that calls this needs
            the guard ``if __name__ == "__main__"``, as everything that starts processes does.
        progress: called with what is being done, the steps done and their number.

    Raises:
        UnknownDerivationError, DiscoveryError: see :mod:`closedform.discover`.
        UsageError: an unknown backend, a device that torch does not have, fewer than one example or job,
            a negative seed.
    """
    _check_backends(backends)
    if examples < 1:
        raise UsageError(f"the number of examples must be at least 1; got {examples}")
    if seed < 0:
        raise UsageError(f"the seed must be at least 0; got {seed}")
    if jobs < 1:
        raise UsageError(f"the number of jobs must be at least 1; got {jobs}")
    installed = tuple(backend for backend in backends if importlib.util.find_spec(backend))
    _check_device(device, installed)
    found = resolve(derivations)
    run = _Run(examples, tuple(backends), installed, device, seed)
    meter = _Meter(progress, sum(map(run.steps, found)))
    return Verification(run.verify_all(found, meter) if min(jobs, len(found)) < 2 else run.verify_in_parallel(found, meter, jobs))


def resolve(derivations: Sequence[str | Derivation]) -> tuple[Found, ...]:
    """Names looked up, objects as they are; everything that is discovered if there are none."""
    names = [item for item in derivations if isinstance(item, str)]
    objects = [Found(item) for item in derivations if isinstance(item, Derivation)]
    if len(names) + len(objects) != len(derivations):
        wrong = next(item for item in derivations if not isinstance(item, str | Derivation))
        raise UsageError(f"a derivation is given by its name or as a Derivation; got {wrong!r}")
    return (*objects, *(named(names) if names else () if objects else discover()))


def cited_paper() -> Paper:
    """The paper whose formulas the discovered derivations cite.

    Raises:
        DiscoveryError: there is no ``paper.toml`` beside them, or it cannot be read.
    """
    return paper_beside(discover())


# ---------------------------------------------------------------------------------------------


@dataclass
class _Meter:
    """Counts steps and tells how many are done."""

    progress: Progress | None
    total: int
    done: int = 0

    def step(self, what: str, steps: int = 1) -> None:
        if self.progress:
            self.progress(what, self.done, self.total)
        self.done += steps


@dataclass(frozen=True)
class _Run:
    """The options of one run of ``verify``."""

    examples: int
    backends: tuple[str, ...]
    installed: tuple[str, ...]
    device: str
    seed: int

    def steps(self, item: Found) -> int:
        """How often :meth:`verify` tells its meter."""
        functions = kernel_functions(item.derivation)
        called = sum(len(ways_to_call(item.derivation, function)) for function in functions)
        return 2 + len(functions) + called * len(self.installed) * len(DTYPES)

    def verify_all(self, items: Sequence[Found], meter: _Meter) -> tuple[DerivationResult, ...]:
        return tuple(self.verify(item, meter) for item in items)

    def verify_in_parallel(self, items: Sequence[Found], meter: _Meter, jobs: int) -> tuple[DerivationResult, ...]:
        results: dict[int, DerivationResult] = {}
        for position, result in mapped(self.verify, items, jobs=jobs, weight=self.steps):
            results[position] = result
            meter.step(f"{result.name} done", self.steps(items[position]))
        return tuple(results[position] for position in range(len(items)))

    def verify(self, item: Found, meter: _Meter | None = None) -> DerivationResult:
        """Everything about one derivation; what cannot be done at all is recorded as a problem."""
        meter = meter or _Meter(None, 0)
        derivation, start = item.derivation, time.perf_counter()
        meter.step(f"{derivation.name}: prove the claims")
        claims = (*judge_claims(derivation, seed=self.seed), *judge_assumptions(derivation, seed=self.seed))
        forms: tuple[ClaimResult, ...] = ()
        made: tuple[ModuleResult, ...] = ()
        checks: tuple[KernelCheck, ...] = ()
        problems: tuple[str, ...] = ()
        try:
            meter.step(f"{derivation.name}: derive the closed forms")
            closed = closed_forms(derivation)
            for form in closed:
                meter.step(f"{derivation.name}: prove {form.function.name}")
                forms += (judge_form(derivation, form, seed=self.seed),)
            sources = modules(derivation, closed, self.backends)
            made = tuple(compare(derivation.name, backend, source, item.kernels) for backend, source in sources.items())
            checks = self._check(derivation, closed, made, meter)
        except (DerivationError, LoweringError, KernelImportError) as error:
            problems = (str(error),)
        absent = [backend for backend in self.backends if backend not in self.installed]
        return described(
            derivation,
            claims=claims,
            forms=forms,
            modules=made,
            checks=checks,
            problems=problems,
            notes=tuple(f"{backend} is not installed: its kernels were generated and compared, but not run" for backend in absent),
            seconds=time.perf_counter() - start,
        )

    def _check(self, derivation: Derivation, forms: Sequence[Form], made: Sequence[ModuleResult], meter: _Meter) -> tuple[KernelCheck, ...]:
        checks: list[KernelCheck] = []
        with loaded(module for module in made if module.backend in self.installed) as kernels:
            # Backends innermost: what is known of an input's right result is worked out once for all of them.
            for form in forms:
                for dtype in DTYPES:
                    for backend, module in kernels.items():
                        for name in ways_to_call(derivation, form.function):
                            meter.step(f"{derivation.name}: check {name} ({backend}, {dtype})")
                            if hasattr(module, name.partition(".")[0]):  # else the file is stale, which is reported
                                checks += self._check_one(derivation, form, name, module, backend, dtype)
        return tuple(checks)

    def _check_one(
        self, derivation: Derivation, form: Form, name: str, module: ModuleType, backend: str, dtype: str
    ) -> tuple[KernelCheck, ...]:
        """Compare with the definition; the proved closed form only tells how accurately the kernel can compute it."""
        return check_kernel(
            replace(derivation, lets=form.closed.setting.lets),
            replace(form.function, formula=form.closed.expression),
            module,
            backend=backend,
            dtype=dtype,
            examples=self.examples,
            seed=self.seed,
            device=self.device if backend == "torch" else "cpu",
            several=True,
            through=name if name != form.function.name else "",
        )


def _check_backends(backends: Sequence[str]) -> None:
    unknown = [backend for backend in backends if backend not in BACKENDS]
    if unknown or not backends:
        raise UsageError(f"the backends are {' and '.join(BACKENDS)}; got {', '.join(map(repr, unknown)) or 'none'}")


def _check_device(device: str, installed: Sequence[str]) -> None:
    if device == "cpu":
        return
    if "torch" not in installed:
        raise UsageError(f"device {device!r} needs torch, which is not installed")
    import torch

    try:
        if torch.empty(0, device=device).is_meta:
            raise UsageError("device 'meta' holds no numbers to check; give one that computes")
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"torch has no device {device!r} here: {str(error).splitlines()[0]}") from error
