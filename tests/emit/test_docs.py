"""Docstrings say what is computed, in lines that fit, from the equation itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from closedform.emit.docs import WIDTH, _folded
from closedform.numeric.numpy import linear_cross_entropy, softmax, temperature


@given(st.lists(st.sampled_from(["p[b,i]", "sum_k(p[b,k]*v[b,k])", " + ", " - ", "*", "(", ")", "x" * 50]), max_size=60).map("".join))
def test_long_equations_are_folded_without_loss(text: str) -> None:
    equation = f"L = {text}"
    lines = _folded(equation)
    assert "".join("".join(lines).split()) == "".join(equation.split())


def test_lines_break_at_terms() -> None:
    lines = _folded("dL/dz[b,i] = " + " + ".join(["p[b,i]*(1 - p[b,i])"] * 12))
    assert len(lines) == 3
    assert all(len(line) <= WIDTH + 4 for line in lines)
    assert lines[1].startswith("        + ")


def test_functions_state_formula_shapes_and_errors() -> None:
    doc = linear_cross_entropy.gradient_W.__doc__ or ""
    assert "dL/dW[c,m] = sum_b(e[b,m]*(p[b,c] - y[b,c]))/B" in doc
    assert "e: features, shape (B, d)." in doc
    assert "y: labels, class indices (B,) or probabilities (B, C)." in doc
    assert "Shape (C, d), in the dtype of W." in doc
    assert "y does not satisfy sum_k(y[b,k]) = 1" in doc
    assert "A number, in the dtype of W." in (linear_cross_entropy.value.__doc__ or "")
    assert "z: logits, shape (..., C)." in (softmax.value.__doc__ or "")


def test_definitions_are_those_that_the_functions_are_made_of() -> None:
    """The catalogue's claims about a temperature name the entropy too, which no kernel computes."""
    assert "Definitions:\n    p[i] = exp(z[i]/T)/sum_k(exp(z[k]/T))\n\n" in (temperature.__doc__ or "")
