"""The two ways to test a kernel: at once, and as tests that pytest collects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from closedform.notation import Derivation
from closedform.testing.accuracy import ABSOLUTE, Accuracy, Kernels
from closedform.testing.devices import skip_without
from closedform.testing.kinks import DEFINITION
from closedform.testing.profiles import Profile
from closedform.testing.reports import KernelError, KernelReport
from closedform.testing.specification import Item, Specification
from closedform.testing.subjects import EITHER


def check_kernel(
    kernel: Kernels,
    implements: str | Derivation,
    *,
    profile: str | Profile | None = None,
    seed: int = 0,
    **options: Any,
) -> KernelReport:
    """Test a kernel against the definition it implements; raise unless everything passes.

    Args:
        kernel: a differentiable torch function of the derivation's givens, in order, whose derivatives are taken by its own
            backward pass; or a map from roles (``value``, ``gradient``, ``vjp``, ``jvp``, ``hvp``, ``hessian``, ...; with
            several variables ``gradient_W``) to functions, which take the role's direction or upstream gradient last.
        implements: the name of a derivation, a derivation, or the text of a claim.
        profile: ``dev``, ``ci`` or ``nightly``; see :mod:`closedform.testing.profiles`.
        seed: of every draw.
        options: those of :func:`kernel_test`.

    Returns:
        A report that prints as a table.

    Raises:
        KernelError: an AssertionError with a message for each role that failed, or that nothing could be told of.
        UsageError: what is asked for cannot be tested.

    >>> import numpy as np
    >>> def softmax(z):
    ...     e = np.exp(z - z.max(-1, keepdims=True))
    ...     return e / e.sum(-1, keepdims=True)
    >>> report = check_kernel({"value": softmax}, "softmax", backend="numpy", dtypes=("float64",))
    >>> report.ok
    True
    """
    report = Specification(kernel, implements, **_frozen(options)).report(profile_name=profile, seed=seed)
    if not report.ok:
        raise KernelError(report)
    return report


def kernel_test(
    kernel: Kernels | str | Derivation,
    implements: str | Derivation | None = None,
    *,
    dtypes: Sequence[str] = ("float64", "float32"),
    devices: Sequence[str] = ("cpu",),
    accuracy: Accuracy = ABSOLUTE,
    backend: str = "torch",
    order: int = 2,
    labels: str = EITHER,
    leading_axes: int | str = 0,
    kinks: str = DEFINITION,
    compiled: str | bool = False,
    profile: str | Profile | None = None,
    seed: int = 0,
) -> Any:
    """A test function for pytest, one item for each role, dtype and device.

    ``test_loss = kernel_test(loss, "cross_entropy")``, or as a decorator that takes what is implemented alone::

        @kernel_test("cross_entropy", dtypes=("float32",))
        def test_loss(z, y): ...

    Args:
        kernel, implements, profile, seed: see :func:`check_kernel`.
        dtypes: of ``float64``, ``float32``, ``bfloat16``, ``float16``.
        devices: torch devices; items of devices other than the CPU are marked ``cuda`` and skipped where there is none.
        accuracy: ``absolute``, ``relative`` or :func:`~closedform.testing.no_worse_than`.
        backend: ``torch`` or ``numpy``.
        order: 1 leaves out derivatives of the backward pass.
        labels: ``classes``, ``probabilities`` or ``either``: how the kernel takes labels.
        leading_axes: over how many axes before those written the kernel maps, for a function of tensors; ``"any"`` number.
        kinks: what it returns at kinks: what the ``definition`` has there, any ``subgradient``, or anything ``finite``.
        compiled: also test it under ``torch.compile``, with the backend of that name; True is ``inductor``.

    Raises:
        UsageError: what is asked for cannot be tested.
    """
    options = {
        "dtypes": dtypes, "devices": devices, "accuracy": accuracy, "backend": backend, "order": order, "labels": labels,
        "leading_axes": leading_axes, "kinks": kinks, "compiled": compiled,
    }  # fmt: skip
    if implements is not None:
        return _test_function(Specification(kernel, implements, **_frozen(options)), profile, seed)  # type: ignore[arg-type]

    def decorate(function: Callable[..., Any]) -> Callable[..., None]:
        test = _test_function(Specification(function, kernel, **_frozen(options)), profile, seed)  # type: ignore[arg-type]
        test.__name__, test.__doc__, test.__module__ = function.__name__, function.__doc__, function.__module__
        return test

    return decorate


def _frozen(options: dict[str, Any]) -> dict[str, Any]:
    """Sequences as tuples; one string where several could stand is meant as that one."""
    several = {name: options[name] for name in ("dtypes", "devices") if name in options}
    return options | {name: (value,) if isinstance(value, str) else tuple(value) for name, value in several.items()}


def _test_function(specification: Specification, profile: str | Profile | None, seed: int) -> Callable[..., None]:
    import pytest

    def test(item: Item) -> None:
        __tracebackhide__ = True
        skip_without(item.device)
        examined = specification.examine(item, profile_name=profile, seed=seed)
        report = KernelReport(specification.name, specification.derivation.name, (examined,))
        if not report.ok:
            raise KernelError(report)

    items = [pytest.param(item, id=item.name, marks=_marks(item)) for item in specification.items()]
    found: Any = pytest.mark.parametrize("item", items)(test)
    found.closedform_specification = specification  # by which the plugin finds what is tested
    return found


def _marks(item: Item) -> list[Any]:
    import pytest

    return [pytest.mark.numeric] if item.device == "cpu" else [pytest.mark.numeric, pytest.mark.cuda]
