"""Plans: operations and bytes counted by hand, at symbolic sizes and at given ones."""

from __future__ import annotations

import pytest
from sympy import Expr, S

import closedform
from closedform.errors import UsageError
from closedform.notation import Derivation, Dim, Given, Let, indices, scalar, summation, tensor
from closedform.pipeline import Plan

B, C, D = Dim("B"), Dim("C"), Dim("d")

# linear_cross_entropy: (operations of matrix products, numbers that must be moved), by hand.
#   logits 2BCd; gradient (p - y)'e 2BCd; product with the Hessian: e V' and u'e, 2BCd each; Hessian X'X 2BC^2d^2, its
#   blocks on the diagonal from the others; diagonal q'(e*e) 2BCd; trace sum of q times sum of e*e: a dot product 2B.
#   Diagonal in e: logits, means of W, once more of what is left of it, and p (W - means)^2, 2BCd each.
BY_HAND: dict[str, tuple[Expr, Expr]] = {
    "value": (2 * B * C * D, C * D + B * D + B + 1),
    "gradient_W": (4 * B * C * D, C * D + B * D + B + C * D),
    "hvp_W": (6 * B * C * D, C * D + B * D + C * D + C * D),
    "hessian_W": (2 * B * C * D + 2 * B * C**2 * D**2, C * D + B * D + C**2 * D**2),
    "hessian_diagonal_W": (4 * B * C * D, C * D + B * D + C * D),
    "hessian_diagonal_e": (8 * B * C * D, C * D + B * D + B * D),
}


@pytest.mark.parametrize("function", BY_HAND)
def test_matrix_products_and_compulsory_bytes_are_those_counted_by_hand(function: str) -> None:
    plan = closedform.plan("linear_cross_entropy", function, dtype="float64")
    products, numbers = BY_HAND[function]
    assert (plan.product_flops - products).expand() == 0
    assert (plan.compulsory - 8 * numbers).expand() == 0


def test_every_operation_of_a_product_with_the_hessian_is_counted() -> None:
    plan = closedform.plan("cross_entropy", "hvp")
    # softmax 5, place of the leader 1, twice centred and times p 8, over B 1, for each of B*C numbers
    assert (plan.flops - 15 * B * C).expand() == 0
    # z -> p, p -> place (B), B of p, place -> leads (B), v, p, place, leads -> product, product -> result
    numbers = 2 * B * C + (B * C + B) + 3 * B + (3 * B * C + 2 * B) + 2 * B * C
    assert (plan.moved - 4 * numbers).expand() == 0  # 4 bytes each
    assert plan.largest == 4 * B * C


def test_steps_are_those_that_the_code_takes() -> None:
    operations = [step.operation for step in closedform.plan("cross_entropy", "hvp").steps.steps]
    assert operations[-2:] == ["times the Jacobian of its softmax: v, p, t1, t2", "(1/B)*t3"]
    operations = [step.operation for step in closedform.plan("cross_entropy", "hessian_diagonal").steps.steps]
    assert operations == ["softmax of z", "times 1 minus itself: p", "(1/B)*t1"]


def test_what_is_done_block_by_block_is_said() -> None:
    ends = {name: str(closedform.plan("linear_cross_entropy", name)).endswith(", for a block of rows at a time") for name in BY_HAND}
    assert [name for name, in_blocks in ends.items() if in_blocks] == ["value", "gradient_W", "hessian_diagonal_W", "hessian_diagonal_e"]


def test_a_mean_over_rows_of_a_transposed_softmax_is_one_as_well() -> None:
    operations = [step.operation for step in closedform.plan("info_nce", "hvp_k").steps.steps]
    assert any(operation.startswith("times the Jacobian of its softmax") for operation in operations)


def sized(plan: Plan) -> Expr:
    return plan.largest.xreplace({B: S(128), C: S(10), D: S(64)})


@pytest.mark.parametrize("function", ["value", "gradient_W", "hvp_W", "hessian_W"])
def test_no_array_between_is_larger_than_logits_or_result(function: str) -> None:
    plan = closedform.plan("linear_cross_entropy", function)
    result = {"value": 1, "gradient_W": 10 * 64, "hvp_W": 10 * 64, "hessian_W": (10 * 64) ** 2}[function]
    assert sized(plan) <= 4 * max(128 * 10, result)


# An operator keeps p (a softmax of the logits, 2BCd), where the leaders are and whether they lead (B each), and e/B.
# Then a product costs two matrix products: it reads V, e, e/B, p and 2B numbers more, and writes as much as V has.
OPERATOR: dict[str, tuple[Expr, Expr]] = {
    "": (2 * B * C * D, C * D + B * D + B * C + 2 * B + B * D),
    ".hvp": (4 * B * C * D, C * D + B * D + B * D + B * C + 2 * B + C * D),
    ".diagonal": (2 * B * C * D, B * D + B * C + C * D),
}


@pytest.mark.parametrize("method", OPERATOR)
def test_an_operator_pays_for_what_it_keeps_once(method: str) -> None:
    plan = closedform.plan("linear_cross_entropy", f"hessian_operator_W{method}")
    products, numbers = OPERATOR[method]
    assert (plan.product_flops - products).expand() == 0
    assert (plan.compulsory - 4 * numbers).expand() == 0


def test_an_operator_keeps_arrays_under_the_names_of_its_attributes() -> None:
    kept = closedform.plan("linear_cross_entropy", "hessian_operator_W")
    assert [step.name for step in kept.steps.steps] == ["z", "p", "leader", "leads", "scaled_e"]
    product = closedform.plan("linear_cross_entropy", "hessian_operator_W.hvp", sizes={"B": 1024, "C": 1000, "d": 768})
    assert "times the Jacobian of its softmax: t1, p, leader, leads" in str(product)
    assert product.product_flops == 4 * 1024 * 1000 * 768


def test_where_there_is_nothing_to_keep_there_is_no_operator() -> None:
    a, L, (c,) = tensor("a", C), scalar("L"), indices("c", C)
    decay = Derivation("decay", "weight decay", (Given(a),), (Let(L, summation(a[c] ** 2, c) / B),), L, (a,), batch=B)
    with pytest.raises(UsageError, match="decay has no hessian_operator: no part of the Hessian is the same for all directions; plan hvp"):
        closedform.plan(decay, "hessian_operator")


def test_figures_at_given_sizes() -> None:
    plan = closedform.plan("linear_cross_entropy", "gradient_W", sizes={"B": 1024, "C": 1000, "d": 768})
    assert plan.product_flops == 4 * 1024 * 1000 * 768
    assert "product of e and W, summed over d" in str(plan)
    assert "1.57G" in str(plan)


def test_a_softmax_that_only_labels_are_taken_from_is_not_stored() -> None:
    plan = closedform.plan("linear_cross_entropy", "gradient_W")
    assert [step.operation for step in plan.steps.steps][1] == "softmax less the labels: z, y"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"function": "hessian_V"}, "linear_cross_entropy has no function 'hessian_V'; it has value, gradient_W"),
        ({"function": "hessian_operator_W.solve"}, "no function 'hessian_operator_W.solve'; it has value, .* hessian_operator_W.dense"),
        ({"function": "value", "dtype": "int8"}, "unknown dtype 'int8'; choose one of float64, float32"),
        ({"function": "value", "sizes": {"N": 3}}, "sizes are those of B, C, d, each at least 1; got N = 3"),
    ],
)
def test_mistakes_are_named(arguments: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        closedform.plan("linear_cross_entropy", **arguments)
