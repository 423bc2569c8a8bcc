"""Every mistake that shipped, planted into a torch kernel, is caught in the ci profile, with a message that says what it is."""

from __future__ import annotations

import re

import pytest
from faulty_kernels import FAULTY, Faulty

from closedform.results import FAILED
from closedform.testing.specification import Item, Specification


@pytest.fixture(autouse=True)
def few_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a failure is made small is tested elsewhere; here it only costs time."""
    monkeypatch.setattr("closedform.check.kernel.SHRINKS", 6)


@pytest.mark.parametrize("faulty", FAULTY, ids=[faulty.name for faulty in FAULTY])
def test_a_faulty_kernel_is_caught_and_the_message_says_how(faulty: Faulty) -> None:
    specification = Specification(faulty.kernel, faulty.implements, dtypes=(faulty.dtype,), **faulty.options)
    examined = specification.examine(Item(faulty.role, faulty.dtype, "cpu"), profile_name="ci")
    assert examined.verdict == FAILED
    assert re.search(faulty.says, examined.message), examined.message
    assert "input: " in examined.message or "overwrote" in examined.message
