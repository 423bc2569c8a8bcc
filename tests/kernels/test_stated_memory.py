"""No torch kernel makes a larger array than its docstring states, or than its result: every operation is watched."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import closedform.derivations
from closedform.check.backends import library
from closedform.check.inputs import Choices, Inputs, build, draw_recipe
from closedform.check.judge import Judge
from closedform.discover import discover
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation

DERIVATIONS = [item.derivation for item in discover(Path(closedform.derivations.__file__).parent) if item.derivation.output is not None]
FUNCTIONS = [
    pytest.param(derivation, function, id=f"{derivation.name}.{function.name}")
    for derivation in DERIVATIONS
    for function in kernel_functions(derivation)
]
STATEMENT = re.compile(r"arrays of up to (.+?) numbers")
# Different primes, each large beside the numbers of one row: many samples, and few.
MANY = {"B": 23, "C": 11, "d": 17, "N": 13, "M": 19, "e": 7}
FEW = {"B": 5, "C": 23, "d": 19, "N": 13, "M": 17, "e": 11}


class Largest(TorchDispatchMode):
    """Remembers the largest array that an operation made in memory of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        taken = [x for x in (*args, *(kwargs or {}).values()) if isinstance(x, torch.Tensor)]
        self._seen |= {x.untyped_storage().data_ptr() for x in taken}
        result = func(*args, **(kwargs or {}))
        for x in result if isinstance(result, tuple | list) else (result,):
            if isinstance(x, torch.Tensor) and x.untyped_storage().data_ptr() not in self._seen:
                self.entries = max(self.entries, x.untyped_storage().nbytes() // x.element_size())
        return result


def stated(doc: str, sizes: dict[str, int]) -> int:
    """The largest of the sizes that a docstring names, such as B*C or N^2*d."""
    found = STATEMENT.search(" ".join(doc.split()))
    if found is None:
        return 0
    products = []
    for text in found[1].split(" or "):
        powers = [factor.partition("^") for factor in text.split("*")]
        products.append(torch.Size([sizes[name] ** int(power or 1) for name, _, power in powers]).numel())
    return max(products)


def inputs_of(derivation: Derivation, function: KernelFunction, sizes: dict[str, int], dtype: str) -> Inputs:
    """Inputs of these sizes; of dimensions that are not here, 5."""
    recipe = draw_recipe(Choices(), derivation.given, function.extra)
    recipe = replace(recipe, sizes=tuple((name, sizes.get(name, 5)) for name, _ in recipe.sizes))
    return build(recipe, derivation.given, function.extra, dtype)


@pytest.mark.parametrize("samples", [MANY, FEW], ids=["many", "few"])
@pytest.mark.parametrize(("derivation", "function"), FUNCTIONS)
def test_no_array_is_larger_than_stated(derivation: Derivation, function: KernelFunction, samples: dict[str, int]) -> None:
    inputs = inputs_of(derivation, function, samples, "float64")
    sizes = dict(inputs.recipe.sizes)
    kernel = getattr(importlib.import_module(f"closedform.numeric.torch.{derivation.name}"), function.name)
    seen = Largest()

    def watched(*args: Any, **options: Any) -> Any:
        with seen:
            return kernel(*args, **options)

    outcome = Judge(watched, derivation, function, library("torch"), "float64", "cpu").outcome_of(inputs)
    assert not outcome.violation
    assert seen.entries <= max(stated(kernel.__doc__, sizes), outcome.result.size)


@pytest.mark.parametrize("name", ["hessian_e", "hessian_diagonal_e"])
@pytest.mark.parametrize("in_out", [False, True])
def test_rows_are_computed_by_blocks_where_more_than_the_result_is_made_on_the_way(name: str, in_out: bool) -> None:
    B, C, d = 2048, 128, 8
    W, e, y = torch.randn(C, d), torch.randn(B, d), torch.zeros(B, dtype=torch.long)
    kernel = getattr(importlib.import_module("closedform.numeric.torch.linear_cross_entropy"), name)
    want = torch.cat([kernel(W, e[at : at + 1], y[at : at + 1]) / B for at in range(0, B, 512)])
    out = torch.empty(B, *[d] * (2 if name == "hessian_e" else 1)) if in_out else None
    with (seen := Largest()):
        found = kernel(W, e, y, **({"out": out} if in_out else {}))
    torch.testing.assert_close(found[::512], want)
    assert seen.entries <= max(2**19, found.numel()) < B * C * d


def test_a_larger_array_is_seen() -> None:
    with (seen := Largest()):
        x = torch.ones(3, 4)
        (x[:, :, None] * x[:, None, :]).sum()
    assert seen.entries == 48
    assert stated("arrays of up to B*C or N^2*d numbers", {"B": 2, "C": 3, "N": 2, "d": 5}) == 20
