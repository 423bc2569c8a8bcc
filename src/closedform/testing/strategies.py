"""Hypothesis strategies for inputs of kernels, with the structure on which kernels break; for tests of your own.

>>> from hypothesis import given, settings
>>> @settings(max_examples=5, database=None)
... @given(logits(classes=3))
... def shift(z):
...     assert z.shape[-1] == 3
>>> shift()
"""

from closedform.check.strategies import kernel_cases, labels, logits, recipes, upstream

__all__ = ["kernel_cases", "labels", "logits", "recipes", "upstream"]
