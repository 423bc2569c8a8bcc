"""Where torch kernels run while they are tested: ``pytest tests --device cuda``."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", help="Hold torch kernels to their definitions and their accuracy there, such as cuda.")


def pytest_configure(config: pytest.Config) -> None:
    device = config.getoption("--device")
    if device == "cpu":
        return
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise pytest.UsageError(f"torch has no device {device!r} here: {str(error).splitlines()[0]}") from error


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """The device of torch tensors."""
    return str(request.config.getoption("--device"))
