"""Devices that may not be there."""

from __future__ import annotations


def skip_without(device: str) -> None:
    """Skip the test that runs, with the reason, where torch does not have the device."""
    import pytest

    if device == "cpu":
        return
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        pytest.skip(f"torch has no device {device!r} here: {str(error).splitlines()[0]}")
