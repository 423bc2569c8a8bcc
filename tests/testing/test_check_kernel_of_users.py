"""check_kernel and kernel_test: right kernels pass, roles and options do what they say, mistakes in their use are refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from faulty_kernels import ATTENTION, HUBER, LAYER_NORM, LOG_SOFTMAX, NORM, SOFTMAX, larger_of_each_pair, with_backward
from torch.nn import functional as F
from torch_functions import attention, layer_norm, log_softmax, softmax

from closedform.derivations import softmax as softmax_entry
from closedform.errors import ParseError, UnknownDerivationError, UsageError
from closedform.testing import KernelError, check_kernel, kernel_test, no_worse_than
from closedform.testing.specification import Item, Specification
from closedform.testing.subjects import subject

FAST: dict[str, Any] = {"profile": "dev", "dtypes": ("float64",), "accuracy": "absolute"}


def numpy_softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def test_torch_functions_pass_with_all_roles_of_their_own_backward_pass() -> None:
    report = check_kernel(F.mse_loss, "mse", **FAST)
    assert [item.role for item in report] == ["value", "value_of_leaves", "vjp", "composition", "hvp", "composition_hvp"]
    assert str(report).startswith("mse_loss as mse\n\nrole")
    report = check_kernel(log_softmax, LOG_SOFTMAX, **FAST)
    assert [item.role for item in report] == ["value", "value_of_leaves", "vjp", "composition", "jvp", "hvp"]


@pytest.mark.parametrize(
    ("kernel", "implements", "role"),
    [
        pytest.param(F.cross_entropy, "cross_entropy", "vjp", id="cross_entropy"),
        pytest.param(log_softmax, LOG_SOFTMAX, "value", id="log_softmax"),
        pytest.param(softmax, SOFTMAX, "vjp", id="softmax"),
        pytest.param(layer_norm, LAYER_NORM, "vjp", id="layer_norm"),
        pytest.param(attention, ATTENTION, "vjp", id="attention"),
    ],
)
def test_digits_that_torch_loses_are_reported_in_the_relative_class(
    kernel: Any, implements: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In saturated rows, where p - 1 cancels; in layer_norm, where what is left of the upstream gradient does."""
    monkeypatch.setattr("closedform.check.kernel.SHRINKS", 0)
    verdicts = {}
    for accuracy in ("absolute", "relative"):
        specification = Specification(kernel, implements, dtypes=("float32",), accuracy=accuracy)
        examined = specification.examine(Item(role, "float32", "cpu"), profile_name="dev")
        verdicts[accuracy] = examined.verdict
    assert verdicts == {"absolute": "passed", "relative": "failed"}
    assert "fails against the definition in ball arithmetic" in examined.message


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_softmax_that_is_zero_everywhere_is_caught_at_a_hundred_thousand_classes(dtype: str) -> None:
    def softmax_of_short_rows(z: torch.Tensor) -> torch.Tensor:
        return softmax(z) if z.shape[-1] < 50_000 else torch.zeros_like(z)

    specification = Specification({"value": softmax_of_short_rows}, SOFTMAX, dtypes=(dtype,))
    examined = specification.examine(Item("value", dtype, "cpu"), profile_name="ci")
    assert examined.verdict == "failed"
    assert "C=100001" in examined.message


def test_an_input_whose_shape_is_changed_in_place_is_seen() -> None:
    def squares(z: torch.Tensor) -> torch.Tensor:
        z.squeeze_()
        return (z * z).sum()

    claim = "claim squares\ngiven z[B,C]\nlet L = sum_bc(z[b,c]^2)\nshow dL/dz[b,c] = 2*z[b,c]"
    with pytest.raises(KernelError, match=r"it changed its input z: its shape and strides were \(\(\d, 1\)"):
        check_kernel({"value": squares}, claim, **FAST)


def test_torch_compile_with_a_backend_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match=r"torch.compile has no backend 'indctor'; torch.compiler.list_backends"):
        check_kernel(softmax, SOFTMAX, compiled="indctor", **FAST)


def test_a_result_may_lie_in_memory_in_any_way() -> None:
    claim = "claim total\ngiven z[B,C]\nlet L = sum_bc(z[b,c])\nshow dL/dz[b,c] = 1"
    z = torch.ones(2, 3, requires_grad=True)
    assert torch.autograd.grad(z.sum(), z)[0].stride() == (0, 0)
    assert check_kernel(torch.sum, claim, order=1, **FAST).ok


def test_no_worse_than_a_reference() -> None:
    options: dict[str, Any] = {"profile": "dev", "dtypes": ("float32",), "order": 1, "labels": "classes"}
    check_kernel(F.cross_entropy, "cross_entropy", accuracy=no_worse_than(F.cross_entropy), **options)
    with pytest.raises(KernelError, match="times the bound"):
        check_kernel(lambda z, y: F.cross_entropy(z, y) * 1.001, "cross_entropy", accuracy=no_worse_than(F.cross_entropy), **options)


def test_a_numpy_routine_by_roles() -> None:
    def vjp(z: np.ndarray, g: np.ndarray) -> np.ndarray:
        p = numpy_softmax(z)
        return np.asarray(p * (g - (p * g).sum(-1, keepdims=True)))

    roles: dict[str, Any] = {"value": numpy_softmax, "vjp": vjp}
    report = check_kernel(roles, softmax_entry.derivation, backend="numpy", leading_axes="any", **FAST)
    assert report.ok
    assert report.kernel == "value, vjp"
    with pytest.raises(KernelError, match="the sign is reversed"):
        check_kernel({**roles, "vjp": lambda z, g: -vjp(z, g)}, softmax_entry.derivation, backend="numpy", **FAST)


def test_a_loss_has_roles_for_every_variable_and_their_mixed_derivatives() -> None:
    claim = "claim product\ngiven z[C]\ngiven y[C]\nlet L = sum_c(z[c]*y[c]^2)\nshow dL/dz[c] = y[c]^2\nshow dL/dy[c] = 2*z[c]*y[c]"
    specification = Specification(lambda z, y: (z * y**2).sum(), claim, dtypes=("float64",))
    assert {"vjp_z", "vjp_y", "hvp_z", "hvp_y", "mixed_z_y", "mixed_y_z"} <= set(specification.roles)
    explicit: dict[str, Any] = {"mixed_z_y": lambda z, y, v: 2 * y * v, "jvp_z": lambda z, y, v: (y**2 * v).sum()}
    assert check_kernel(explicit, claim, **FAST).ok


def test_labels_as_classes_only_and_leading_axes() -> None:
    def loss(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        assert not y.is_floating_point()
        return F.cross_entropy(z, y)

    assert check_kernel(loss, "cross_entropy", labels="classes", order=1, **FAST).ok

    def rows_only(z: torch.Tensor) -> torch.Tensor:
        assert z.ndim == 2
        return softmax(z)

    assert check_kernel(rows_only, "softmax", leading_axes=1, order=1, **FAST).ok


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision(dtype: str) -> None:
    options = FAST | {"dtypes": dtype}
    assert check_kernel(softmax, SOFTMAX, order=1, **options).ok
    with pytest.raises(KernelError):
        check_kernel(lambda z: softmax(z) * 1.1, SOFTMAX, order=1, **options)


def test_conventions_at_kinks() -> None:
    norm = Specification(torch.linalg.norm, NORM, kinks="subgradient", accuracy="absolute", dtypes=("float64",))
    assert norm.examine(Item("vjp", "float64", "cpu"), profile_name="dev").verdict == "passed"
    pairs = "claim pairs\ngiven z[C]\nlet L = sum_ck(max(z[c], z[k]))\nshow dL/dz[c] = 1"
    split = Specification(larger_of_each_pair, pairs, kinks="subgradient", dtypes=("float64",))
    assert split.examine(Item("vjp", "float64", "cpu"), profile_name="dev").verdict == "passed"
    relu_one_at_zero = with_backward(lambda z: torch.relu(z).sum(), lambda g, z: g * (z >= 0))
    relu = "claim relu_sum\ngiven z[C]\nlet L = sum_c(relu(z[c]))\nshow dL/dz[c] = step(z[c])"
    for kinks, verdict in (("definition", "failed"), ("subgradient", "passed"), ("finite", "passed")):
        specification = Specification(relu_one_at_zero, relu, kinks=kinks, dtypes=("float64",))
        assert specification.examine(Item("vjp", "float64", "cpu"), profile_name="dev").verdict == verdict, kinks


def test_a_kernel_that_cannot_be_differentiated_twice_says_so_unless_the_order_is_one() -> None:
    once = with_backward(
        lambda z: (z**2).sum(),
        lambda g, z: 2 * g * z,
        torch.autograd.function.once_differentiable,
    )
    claim = "claim squares\ngiven z[C]\nlet L = sum_c(z[c]^2)\nshow dL/dz[c] = 2*z[c]"
    assert check_kernel(once, claim, order=1, **FAST).ok
    with pytest.raises(KernelError, match=r"it is 0 everywhere|it raised RuntimeError"):
        check_kernel(once, claim, **FAST)


def test_what_cannot_be_told_does_not_pass() -> None:
    sphere = "claim on_the_sphere\ngiven x[C] where sum_c(x[c]^2) = 1\nlet L = sum_c(x[c])\nshow dL/dx[c] = 1"
    with pytest.raises(KernelError, match="inconclusive, which is not passed: no inputs can be drawn"):
        check_kernel({"value": torch.sum}, sphere, **FAST)


def test_a_failure_is_small_and_says_what_it_is_like() -> None:
    ignoring = with_backward(log_softmax, lambda g, z: torch.ones_like(g) - softmax(z) * z.shape[-1])
    with pytest.raises(KernelError) as failure:
        check_kernel(ignoring, LOG_SOFTMAX, order=1, **FAST)
    message = str(failure.value)
    assert re.search(r"entry \[\d, \d\]: got \S+, expected \S+; the error \S+ is \S+ ulp and \S+ times the bound", message)
    assert "looks like: it ignores g" in message
    assert "as in: upstream ignored (Liger 968)" in message
    sizes = re.search(r"input: B=(\d+), C=(\d+)", message)
    assert sizes is not None
    assert max(map(int, sizes.groups())) <= 2
    assert [item.role for item in failure.value.report.failures] == ["vjp", "composition"]


def test_the_same_seed_gives_the_same_report() -> None:
    wrong = {"value": lambda z: softmax(z) * (1 + 1e-9)}
    reports = []
    for _ in range(2):
        with pytest.raises(KernelError) as failure:
            check_kernel(wrong, SOFTMAX, seed=3, **FAST)
        reports.append(failure.value.report)
    assert reports[0] == reports[1]


def test_kernel_test_is_a_test_function_with_one_item_for_each_role_dtype_and_device() -> None:
    def huber_loss(z: torch.Tensor) -> torch.Tensor:
        """My loss."""
        return F.smooth_l1_loss(z, torch.zeros_like(z), reduction="sum")

    huber = kernel_test(HUBER, dtypes=("float32", "float64"), devices=("cpu", "cuda"), order=1)(huber_loss)

    (mark,) = huber.pytestmark
    names = [parameter.id for parameter in mark.args[1]]
    assert names[:4] == ["value-float32", "value-float32-cuda", "value-float64", "value-float64-cuda"]
    assert [each.name for each in mark.args[1][1].marks] == ["numeric", "cuda"]
    assert (huber.__name__, huber.__doc__) == ("huber_loss", "My loss.")
    huber(Item("value", "float64", "cpu"))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((softmax, "soft_max"), {}, UnknownDerivationError, "did you mean softmax"),
        ((softmax, "claim x\ngiven z[C\nlet"), {}, ParseError, "2"),
        ((softmax, "claim v\ngiven z[C]\nlet L = sum_c(z[c])\nshow L = sum_c(z[c])"), {}, UsageError, "whose derivatives the claim shows"),
        (({"gradiant": softmax}, "cross_entropy"), {}, UsageError, "has no role 'gradiant'; it has value, gradient"),
        (({"value": 3}, "softmax"), {}, UsageError, "the role value needs a function; got 3"),
        ((softmax, "softmax"), {"dtypes": ("int8",)}, UsageError, "bounds are known for float64"),
        ((softmax, "softmax"), {"backend": "jax"}, UsageError, "unknown backend 'jax'"),
        ((softmax, "softmax"), {"backend": "numpy"}, UsageError, "say what each computes"),
        ((softmax, "softmax"), {"accuracy": "rough"}, UsageError, "unknown accuracy 'rough'"),
        ((softmax, "softmax"), {"kinks": "smooth"}, UsageError, "unknown convention 'smooth' at kinks"),
        ((softmax, "softmax"), {"order": 3}, UsageError, "the order is 1"),
        ((softmax, "softmax"), {"labels": "ints"}, UsageError, "labels are 'classes'"),
        ((softmax, "softmax"), {"profile": "quick"}, UsageError, "unknown profile 'quick'; profiles are dev, ci, nightly"),
        ((F.mse_loss, "mse"), {"leading_axes": 1}, UsageError, "take no leading axes"),
        ((softmax, "softmax"), {"leading_axes": -1}, UsageError, "the leading axes are a number"),
        ((3, "softmax"), {}, UsageError, "a kernel is a function, or a map"),
    ],
)
def test_wrong_use_is_refused(arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        check_kernel(*arguments, **options)


def test_a_claim_with_two_outputs_is_refused() -> None:
    with pytest.raises(UsageError, match="a kernel has one output"):
        subject("claim two\ngiven z[C]\nlet L = sum_c(z[c])\nlet M = 2*L\nshow dL/dz[c] = 1\nshow dM/dz[c] = 2")
