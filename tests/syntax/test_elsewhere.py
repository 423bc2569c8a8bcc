"""What a message says to write instead can be written, and means what has that name elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from closedform.certify.evaluate import evaluate
from closedform.certify.rings.float64 import Float64
from closedform.notation import Given, Setting, scalar
from closedform.syntax.elsewhere import CONDITIONS, FORMULAS, condition_instead, instead
from closedform.syntax.parse import parse_claims, parse_expression

POINTS = np.array([-7.5, -1.25, -0.5, 0.25, 0.75, 2.0, 6.5])
SLOPE = 0.3
MEANINGS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "swish": torch.nn.functional.silu,
    "mish": torch.nn.functional.mish,
    "logsigmoid": torch.nn.functional.logsigmoid,
    "log_sigmoid": torch.nn.functional.logsigmoid,
    "relu6": torch.nn.functional.relu6,
    "hardtanh": torch.nn.functional.hardtanh,
    "softsign": torch.nn.functional.softsign,
    "elu": lambda x: torch.nn.functional.elu(x, alpha=SLOPE),
    "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, SLOPE),
    "clip": lambda x: torch.clip(x, SLOPE, 2 * SLOPE),
    "clamp": lambda x: torch.clamp(x, SLOPE, 2 * SLOPE),
    "tan": torch.tan,
    "expm1": torch.expm1,
    "erfc": torch.erfc,
    "square": torch.square,
}


@pytest.mark.parametrize("name", MEANINGS)
def test_a_formula_means_what_torch_means(name: str) -> None:
    x, a, b = scalar("x"), scalar("a"), scalar("b")
    setting = Setting((Given(x), Given(a), Given(b)))
    formula = parse_expression(FORMULAS[name], setting)
    values = [{"x": np.array(point), "a": np.array(SLOPE), "b": np.array(2 * SLOPE)} for point in POINTS]
    ours = [float(evaluate(formula, setting, {}, value, Float64(), ())) for value in values]
    assert ours == pytest.approx(MEANINGS[name](torch.tensor(POINTS)).tolist(), rel=1e-12, abs=1e-12)


def test_every_formula_can_be_read() -> None:
    given = "given x, a, b, i, k, n, c\n"
    for name, formula in FORMULAS.items():
        if "(" in formula and "[" not in formula and "delta" not in formula:
            parse_claims(f"claim one\n{given}show {formula} = {formula}\n", file=name)


@pytest.mark.parametrize("words", [words for words, advice in CONDITIONS.items() if advice.startswith("Write")])
def test_every_condition_can_be_given(words: str) -> None:
    condition = condition_instead("A", words).removeprefix(". Write ").split(", with its indices")[0]
    shape = "" if "with its indices" in CONDITIONS[words] else "[D]" if "A[i" not in condition and "[" in condition else "[D,D]"
    (block,) = parse_claims(f"claim one\ngiven A{shape} where {condition}\nshow 2 = 2\n", file=words)
    assert block.setting.constraints


def test_the_index_of_a_reduction_is_named() -> None:
    assert instead("mean_n") == "write sum_n(...)/N, with the dimension of n for N"
    assert instead("logsumexp_k2") == "write log(sum_k2(exp(...)))"
    assert instead("mean_N") == instead("sofmax") == ""
