"""A kernel with what it is said to implement and under which conditions: what a test of it is made of."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from closedform.check.bounds import PRECISIONS
from closedform.errors import UsageError
from closedform.notation import Derivation
from closedform.testing.accuracy import ABSOLUTE, Accuracy, Kernels, NoWorseThan, checked
from closedform.testing.compiled import compiled_roles
from closedform.testing.examining import Conditions, examine
from closedform.testing.kinks import DEFINITION, checked_convention
from closedform.testing.lifting import ANY, as_written, lifted
from closedform.testing.profiles import Profile, profile
from closedform.testing.reports import Examined, KernelReport
from closedform.testing.roles import Role, differentiated_roles, given_roles
from closedform.testing.subjects import CLASSES, EITHER, subject

BACKENDS = ("torch", "numpy")
ORDERS = (1, 2)


@dataclass(frozen=True)
class Item:
    """One thing to test: a role in a dtype on a device."""

    role: str
    dtype: str
    device: str

    @property
    def name(self) -> str:
        """How it is selected, ``hvp-float32`` or ``hvp-float32-cuda``."""
        return "-".join([self.role, self.dtype, *([] if self.device == "cpu" else [self.device])])


@dataclass(frozen=True, eq=False)
class Specification:
    """See :func:`closedform.testing.check_kernel` for the attributes."""

    kernels: Kernels
    implements: str | Derivation
    backend: str = "torch"
    dtypes: tuple[str, ...] = ("float64", "float32")
    devices: tuple[str, ...] = ("cpu",)
    accuracy: Accuracy = ABSOLUTE
    order: int = 2
    labels: str = EITHER
    leading_axes: int | str = 0
    kinks: str = DEFINITION
    compiled: str | bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be tested, before anything is."""
        if self.backend not in BACKENDS:
            raise UsageError(f"unknown backend {self.backend!r}; kernels are tested for {' and '.join(BACKENDS)}")
        if importlib.util.find_spec(self.backend) is None:
            raise UsageError(f"kernels for {self.backend} need it installed: pip install {self.backend}")
        unknown = [dtype for dtype in self.dtypes if dtype not in PRECISIONS or (self.backend == "numpy" and dtype == "bfloat16")]
        if unknown or not self.dtypes:
            raise UsageError(f"bounds are known for {', '.join(PRECISIONS)}; got {', '.join(map(repr, unknown)) or 'no dtype'}")
        if self.order not in ORDERS:
            raise UsageError(f"the order is 1 (the backward pass) or 2 (its own derivative too); got {self.order!r}")
        if self.backend == "numpy" and not isinstance(self.kernels, Mapping):
            raise UsageError('NumPy functions have no backward pass; say what each computes: {"value": f, "gradient": g}')
        if not isinstance(self.kernels, Mapping) and not callable(self.kernels):
            raise UsageError(f"a kernel is a function, or a map from roles to functions; got {self.kernels!r}")
        if self.leading_axes != ANY and not (isinstance(self.leading_axes, int) and self.leading_axes >= 0):
            raise UsageError(f"the leading axes are a number of axes, or {ANY!r}; got {self.leading_axes!r}")
        checked(self.accuracy)
        checked_convention(self.kinks)

    @cached_property
    def derivation(self) -> Derivation:
        """What it implements."""
        found = subject(self.implements, self.labels)
        if self.leading_axes == ANY:
            return found
        return lifted(found, int(self.leading_axes)) if self.leading_axes else as_written(found)

    @cached_property
    def roles(self) -> dict[str, Role]:
        """By name, in the order in which they are tested."""
        return self._roles_of(self.kernels)

    @cached_property
    def references(self) -> dict[str, Role]:
        """The roles of the kernel that this one must not be worse than; none otherwise."""
        return self._roles_of(self.accuracy.reference) if isinstance(self.accuracy, NoWorseThan) else {}

    @property
    def name(self) -> str:
        """Of the kernel, for messages."""
        return getattr(self.kernels, "__name__", "kernel") if callable(self.kernels) else ", ".join(self.kernels)

    def items(self) -> tuple[Item, ...]:
        """Everything that is to be tested."""
        return tuple(Item(role, dtype, device) for role in self.roles for dtype in self.dtypes for device in self.devices)

    def examine(self, item: Item, *, profile_name: str | Profile | None = None, seed: int = 0) -> Examined:
        """Test one thing.

        Raises:
            UsageError: the reference lacks the role.
        """
        reference = self.references.get(item.role)
        if self.references and reference is None:
            raise UsageError(f"the reference of no_worse_than has no role {item.role}")
        conditions = Conditions(self.backend, item.dtype, item.device, self.accuracy, self.kinks, profile(profile_name), seed)
        return Examined(item.role, item.dtype, item.device, examine(self.roles[item.role], reference, conditions))

    def report(self, *, profile_name: str | Profile | None = None, seed: int = 0) -> KernelReport:
        """Test everything."""
        examined = tuple(self.examine(item, profile_name=profile_name, seed=seed) for item in self.items())
        return KernelReport(self.name, self.derivation.name, examined)

    def _roles_of(self, kernels: Kernels) -> dict[str, Role]:
        adapt = _with_classes(self.derivation) if self.labels == CLASSES else (lambda kernel: kernel)
        if isinstance(kernels, Mapping):
            roles: Sequence[Role] = given_roles(self.derivation, {name: adapt(kernel) for name, kernel in kernels.items()})
        else:
            roles = differentiated_roles(self.derivation, adapt(kernels), self.order)
            if self.compiled:
                roles = (*roles, *compiled_roles(self.derivation, adapt(kernels), self.compiled))
        return {role.name: role for role in roles}


def _with_classes(derivation: Derivation) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """One-hot rows as class indices, for a kernel that takes no others."""
    places = [k for k, item in enumerate(derivation.given) if item.classes]

    def adapt(kernel: Callable[..., Any]) -> Callable[..., Any]:
        def taking_classes(*arguments: Any) -> Any:
            given = list(arguments)
            for place in places:
                if "float" in str(given[place].dtype):
                    given[place] = given[place].argmax(-1)
            return kernel(*given)

        return taking_classes

    return adapt
