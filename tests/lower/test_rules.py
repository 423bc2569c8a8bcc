"""Functions are recognised by their form, under any name, and become nodes that are stable for every finite input."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sympy import Expr
from sympy.core.function import Function as NotationFunction

from closedform.errors import LoweringError
from closedform.functions import KernelFunction
from closedform.lower import lower
from closedform.lower.nodes import (
    AtLabels,
    Centred,
    Complement,
    Contract,
    DiagonalOf,
    Input,
    JacobianProduct,
    Map,
    MinusLabels,
    Node,
    Reduce,
    Row,
    TimesComplement,
    WithDiagonal,
)
from closedform.lower.rules import elementwise
from closedform.lower.traversal import walk
from closedform.notation import (
    Derivation,
    Dim,
    Given,
    Let,
    NamedTensor,
    cosh,
    delta,
    exp,
    indices,
    log,
    scalar,
    sigmoid,
    summation,
    tanh,
    tensor,
)

B, C, D = Dim("B"), Dim("C"), Dim("D")
(b,) = indices("b", B)
i, j, k = indices("i j k", C)
z, v, p = tensor("z", B, C), tensor("v", B, C), tensor("p", B, C)
T, L = scalar("T"), scalar("L")
soft = exp(z[b, i]) / summation(exp(z[b, k]), k)


def lowered(expression: Expr, *axes: object, lets: tuple[Let, ...] = (), labels: NamedTensor | None = None) -> Node:
    given = (Given(z), Given(v), Given(T), *([] if labels is None else [Given(labels, classes=True)]))
    derivation = Derivation("case", "case", given, (*lets, Let(L, 0)), L, (z,), batch=B)
    function = KernelFunction("compute", "gradient", L, axes)  # type: ignore[arg-type]
    program = lower(derivation, [(function, SimpleNamespace(setting=derivation.setting, expression=expression))])
    return program.functions[0].result


def ops(node: Node) -> list[str]:
    """The operations that are computed, innermost first."""
    return [getattr(part, "op", type(part).__name__) for part in walk(node) if type(part).__name__ not in ("Input", "Number", "View")]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (soft, ["softmax"]),
        (log(soft), ["log_softmax"]),
        (z[b, i] - log(summation(exp(z[b, k]), k)), ["log_softmax"]),
        (exp(z[b, i] - log(summation(exp(z[b, k]), k))), ["softmax"]),
        (exp(z[b, i] / T) / summation(exp(z[b, k] / T), k), ["div", "softmax"]),
        (1 - soft, ["softmax", "Complement"]),
        (log(1 + exp(z[b, i])), ["softplus"]),
        (1 / (1 + exp(-z[b, i])), ["neg", "neg", "sigmoid"][2:]),
        (exp(z[b, i]) / (1 + exp(z[b, i])), ["sigmoid"]),
        (log(sigmoid(z[b, i])), ["neg", "softplus", "neg"]),
        (1 - sigmoid(z[b, i]), ["neg", "sigmoid"]),
        (log(cosh(z[b, i])), ["log_cosh"]),
    ],
    ids=str,
)
def test_stable_forms(expression: Expr, expected: list[str]) -> None:
    assert ops(lowered(expression, b, i)) == expected


def test_logsumexp_over_two_axes_is_nested() -> None:
    assert ops(lowered(log(summation(exp(z[b, k]), k, b)))) == ["logsumexp", "logsumexp"]


def test_one_minus_tanh_squared_does_not_cancel() -> None:
    assert "pow" not in ops(lowered(1 - tanh(z[b, i]) ** 2, b, i))


def test_forms_are_found_through_lets_of_any_name() -> None:
    q = tensor("q", B, C)
    let = Let(q[b, i], soft)
    assert ops(lowered(log(q[b, j]), b, j, lets=(let,))) == ["log_softmax"]
    centred = q[b, i] * (v[b, i] - summation(q[b, k] * v[b, k], k))
    assert any(isinstance(node, JacobianProduct) for node in walk(lowered(centred, b, i, lets=(let,))))


def test_the_complement_is_taken_out_of_a_bracket() -> None:
    for form in (1 - soft * (1 + v[b, i]), 2 * soft * (1 + v[b, i]) - 2, 3 - soft * (3 - T * log(soft))):
        assert "Complement" in ops(lowered(form, b, i)), form
    assert "Complement" not in ops(lowered(1 - soft * (2 + v[b, i]), b, i))


def test_labels_are_subtracted_from_probabilities_before_anything_else() -> None:
    y = tensor("y", B, C)
    assert "Residual" in ops(lowered(v[b, i] - y[b, i] + soft, b, i, labels=y))
    nodes = walk(lowered(soft * (1 + T * v[b, i]) - y[b, i], b, i, labels=y))
    assert [node.stochastic for node in nodes if isinstance(node, MinusLabels)] == [True]


def test_means_of_labels_and_of_probabilities_are_means() -> None:
    y = tensor("y", B, C)
    let = Let(p[b, i], soft)
    forms = (
        p[b, i] * (summation(p[b, k] * y[b, k], k) - y[b, i]),
        p[b, i] * (p[b, i] - summation(p[b, k] ** 2, k)),
        p[b, i] * (p[b, i] - y[b, i] + summation(p[b, k] * (y[b, k] - p[b, k]), k)),
    )
    for form in forms:
        nodes = list(walk(lowered(form, b, i, lets=(let,), labels=y)))
        assert sum(isinstance(node, JacobianProduct) for node in nodes) == 1, form
        assert not any(isinstance(node, AtLabels | Reduce) for node in nodes), form


def test_means_of_products_are_means_whatever_was_multiplied_first() -> None:
    y = tensor("y", B, C)
    let = Let(p[b, i], soft)
    forms = (
        p[b, i] * v[b, i] - summation(p[b, k] ** 2 * v[b, k], k),
        summation(v[b, k] * z[b, k] * p[b, k], k) - z[b, i] * v[b, i],
        z[b, i] * v[b, i] * y[b, i] - summation(p[b, k] * v[b, k] * z[b, k] * y[b, k], k),
    )
    for form in forms:
        nodes = list(walk(lowered(form, b, i, lets=(let,), labels=y)))
        assert sum(isinstance(node, Centred) for node in nodes) == 1, form
    unlike = p[b, i] * v[b, i] - summation(p[b, k] * v[b, k], k)
    assert not any(isinstance(node, Centred) for node in walk(lowered(unlike, b, i, lets=(let,))))


def test_products_with_the_same_matrix_are_one() -> None:
    first, second, matrix = Input("x", (B, C)), Input("y", (B, C)), Input("W", (C, D))

    def product(left: Node, right: Node) -> Node:
        return Contract(left, right, (0, 1), (1, 2), (0, 2))

    for op in ("add", "sub"):
        found = elementwise(op, (product(first, matrix), product(second, matrix)))
        assert found == product(Map(op, (first, second)), matrix)
        other = Input("V", (C, D))
        assert elementwise(op, (product(first, matrix), product(first, other))) == product(first, Map(op, (matrix, other)))
        assert isinstance(elementwise(op, (product(first, matrix), product(second, other))), Map)


def test_what_something_else_needs_stands_by_itself() -> None:
    let = Let(p[b, i], soft)
    rest = v[b, i] - summation(p[b, k] * v[b, k], k)
    for factor, apart, joined in ((rest, Centred, JacobianProduct), (1 - p[b, i], Complement, TimesComplement)):
        alone, shared = (lowered(form, b, i, lets=(let,)) for form in (p[b, i] * factor, p[b, i] * factor + exp(factor)))
        assert {type(node) for node in walk(alone)} & {apart, joined} == {joined}
        assert {type(node) for node in walk(shared)} & {apart, joined} == {apart}


def test_deltas_become_diagonals() -> None:
    let = Let(p[b, i], soft)
    jacobian = lowered(p[b, i] * (delta(i, j) - p[b, j]), b, i, j, lets=(let,))
    assert isinstance(jacobian, WithDiagonal)
    assert any(isinstance(node, TimesComplement) for node in walk(jacobian.values))
    assert isinstance(lowered(delta(i, j) * v[b, i], b, i, j), DiagonalOf)


def test_the_same_array_is_computed_once() -> None:
    found = lowered(summation(exp(v[b, k]) ** 2, k) + summation(exp(v[b, j]) ** 2, j) * z[b, i], b, i)
    assert sum(isinstance(node, Map) and node.op == "exp" for node in walk(found)) == 1
    assert not any(isinstance(node, Row) for node in walk(found))


class unheard_of(NotationFunction):
    """A function without an array program."""

    @classmethod
    def eval(cls, *args: Expr) -> None:
        return None


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(LoweringError, match=r"no array program is known for unheard_of in unheard_of\(z\[b, i\]\)"):
        lowered(unheard_of(z[b, i]), b, i)
