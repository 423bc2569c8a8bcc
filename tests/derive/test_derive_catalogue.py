"""The catalogue's closed forms: exact text, and the same numbers as torch's automatic differentiation."""

from __future__ import annotations

import importlib

import pytest
import torch
from derive_oracle import agree, drawn

from closedform.derive import ClosedForm, closed_form
from closedform.functions import KernelFunction, kernel_functions
from closedform.notation import Derivation, NamedTensor
from closedform.syntax.text import to_text

FORMS = {
    "softmax": {
        "value": "p[i]",
        "jacobian": "p[i]*(delta(i,j) - p[j])",
        "jvp": "p[i]*(v[i] - sum_k(p[k]*v[k]))",
        "vjp": "p[j]*(g[j] - sum_i(g[i]*p[i]))",
    },
    "cross_entropy": {
        "value": "-sum_bi(y[b,i]*log(p[b,i]))/B",
        "gradient": "(p[b,i] - y[b,i])/B",
        "hessian": "p[b,i]*(delta(i,j) - p[b,j])/B",
        "hvp": "p[b,i]*(v[b,i] - sum_k(p[b,k]*v[b,k]))/B",
        "hessian_diagonal": "p[b,i]*(1 - p[b,i])/B",
        "hessian_trace": "1 - sum_bi(p[b,i]^2)/B",
    },
    "mse": {
        "value": "sum_bi((z[b,i] - y[b,i])^2)/(B*C)",
        "gradient": "2*(z[b,i] - y[b,i])/(B*C)",
        "hessian": "2*delta(i,j)/(B*C)",
        "hvp": "2*v[b,i]/(B*C)",
        "hessian_diagonal": "2/(B*C)",
        "hessian_trace": "2",
    },
    "linear_cross_entropy": {
        "value": "-sum_bc(y[b,c]*log(p[b,c]))/B",
        "gradient_W": "sum_b(e[b,m]*(p[b,c] - y[b,c]))/B",
        "hessian_W": "sum_b(e[b,m]*e[b,n]*p[b,c]*(delta(c,k) - p[b,k]))/B",
        "hvp_W": "sum_b(e[b,m]*p[b,c]*(sum_n(V[c,n]*e[b,n]) - sum_jn(V[j,n]*e[b,n]*p[b,j])))/B",
        "hessian_diagonal_W": "sum_b(e[b,m]^2*p[b,c]*(1 - p[b,c]))/B",
        "hessian_trace_W": "sum_bcm(e[b,m]^2*p[b,c]*(1 - p[b,c]))/B",
        "gradient_e": "sum_c(W[c,m]*(p[b,c] - y[b,c]))/B",
        "hessian_e": "(sum_c(W[c,m]*W[c,n]*p[b,c]) - sum_c(W[c,m]*p[b,c])*sum_c(W[c,n]*p[b,c]))/B",
        "hvp_e": "sum_c(W[c,m]*p[b,c]*(sum_n(W[c,n]*v[b,n]) - sum_jn(W[j,n]*p[b,j]*v[b,n])))/B",
        "hessian_diagonal_e": "(sum_c(W[c,m]^2*p[b,c]) - sum_c(W[c,m]*p[b,c])^2)/B",
        "hessian_trace_e": "sum_bm(sum_c(W[c,m]^2*p[b,c]) - sum_c(W[c,m]*p[b,c])^2)/B",
    },
    "linear_mse": {
        "value": "sum_bc((z[b,c] - y[b,c])^2)/(B*C)",
        "gradient_W": "2*sum_b(e[b,m]*(z[b,c] - y[b,c]))/(B*C)",
        "hessian_W": "2*delta(c,k)*sum_b(e[b,m]*e[b,n])/(B*C)",
        "hvp_W": "2*sum_bn(V[c,n]*e[b,m]*e[b,n])/(B*C)",
        "hessian_diagonal_W": "2*sum_b(e[b,m]^2)/(B*C)",
        "hessian_trace_W": "2*sum_bm(e[b,m]^2)/B",
        "gradient_e": "2*sum_c(W[c,m]*(z[b,c] - y[b,c]))/(B*C)",
        "hessian_e": "2*sum_c(W[c,m]*W[c,n])/(B*C)",
        "hvp_e": "2*sum_cn(W[c,m]*W[c,n]*v[b,n])/(B*C)",
        "hessian_diagonal_e": "2*sum_c(W[c,m]^2)/(B*C)",
        "hessian_trace_e": "2*sum_cm(W[c,m]^2)/C",
    },
}
CASES = [(name, function) for name, forms in FORMS.items() for function in forms]


def find(name: str, function: str) -> tuple[Derivation, KernelFunction, ClosedForm]:
    derivation = importlib.import_module(f"closedform.derivations.{name}").derivation
    kernel = next(kernel for kernel in kernel_functions(derivation) if kernel.name == function)
    return derivation, kernel, closed_form(derivation.setting, kernel.target, avoid=[given.name for given in kernel.extra])


def test_every_kernel_function_has_a_golden_form() -> None:
    for name, forms in FORMS.items():
        derivation = importlib.import_module(f"closedform.derivations.{name}").derivation
        assert [kernel.name for kernel in kernel_functions(derivation)] == list(forms)


@pytest.mark.parametrize(("name", "function"), CASES)
def test_closed_form_reads_as_expected(name: str, function: str) -> None:
    _, _, form = find(name, function)
    assert to_text(form.expression, form.setting) == FORMS[name][function]


@pytest.mark.parametrize(("name", "function"), CASES)
@pytest.mark.parametrize("size", [2])
def test_closed_form_has_the_values_of_autograd(name: str, function: str, size: int) -> None:
    derivation, kernel, form = find(name, function)
    sizes = {dim: size + n for n, dim in enumerate(derivation.setting.dims)}
    point = drawn(derivation.setting, sizes, seed=size)
    generator = torch.Generator().manual_seed(7)
    extra = {
        given.name: torch.randn(tuple(sizes[dim] for dim in given.symbol.dims), generator=generator, dtype=torch.float64)
        for given in kernel.extra
        if isinstance(given.symbol, NamedTensor)
    }
    assert agree(point, kernel.target, form.expression, form.setting, extra)


def test_catalogue_needs_no_further_lets() -> None:
    for name in FORMS:
        derivation = importlib.import_module(f"closedform.derivations.{name}").derivation
        for kernel in kernel_functions(derivation):
            assert closed_form(derivation.setting, kernel.target).setting == derivation.setting
