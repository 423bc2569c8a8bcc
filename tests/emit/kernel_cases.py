"""Derivations that are not in the catalogue, each with its definition written again in plain torch."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import torch
from torch import Tensor

from closedform.derive import closed_form
from closedform.emit import emit
from closedform.functions import kernel_functions
from closedform.lower import Program, lower
from closedform.notation import (
    Abs,
    Derivation,
    Dim,
    Given,
    InvertibleMatrix,
    Let,
    Membership,
    Setting,
    cosh,
    exp,
    indices,
    inv,
    less_equal,
    log,
    logdet,
    positive,
    relu,
    scalar,
    sigmoid,
    sign,
    softplus,
    sqrt,
    summation,
    tanh,
    tensor,
    where,
)

B, C, D, N, M = (Dim(name) for name in "BCDNM")
a, b = indices("a b", B)
i, j, k = indices("i j k", C)
m, n, q = indices("m n q", D)
r, s = indices("r s", N)
t, u = indices("t u", M)
L = scalar("L")
FIVE = {B: 6, C: 4, D: 3, N: 5, M: 2}


@dataclass(frozen=True)
class Case:
    """A derivation, its output in plain torch, and inputs that lie in its domain."""

    derivation: Derivation
    reference: Callable[..., Tensor]
    inputs: Callable[[torch.Generator], dict[str, Tensor]]


def _randn(*dims: Dim) -> Callable[[torch.Generator], Tensor]:
    return lambda g: torch.randn(*(FIVE[dim] for dim in dims), generator=g, dtype=torch.float64)


def _signs(*dims: Dim) -> Callable[[torch.Generator], Tensor]:
    return lambda g: torch.randint(0, 2, tuple(FIVE[dim] for dim in dims), generator=g).double() * 2 - 1


def _some(low: float, high: float) -> Callable[[torch.Generator], Tensor]:
    return lambda g: low + (high - low) * torch.rand((), generator=g, dtype=torch.float64)


def _case(name: str, given: tuple[Given, ...], lets: tuple[Let, ...], wrt, reference, batch=None, **draw) -> Case:  # type: ignore[no-untyped-def]
    output = lets[-1].symbol
    derivation = Derivation(name=name, title=name, given=given, lets=lets, output=output, wrt=wrt, batch=batch)
    return Case(derivation, reference, lambda g: {item.name: draw[item.name](g) for item in given})


z, y, p, w, x, e = tensor("z", C), tensor("y", C), tensor("p", C), tensor("w", D), tensor("x", D), tensor("e", D)
zb, yb, pb = tensor("z", B, C), tensor("y", B, C), tensor("p", B, C)
Wb, xb = tensor("W", C, D), tensor("x", B, D)
X, v, h = tensor("X", N, D), tensor("v", N), tensor("h", N)
lam, T, dlt, mu, sd = (scalar(name) for name in ("lam", "T", "dlt", "mu", "sd"))
A, S, V, P, O = tensor("A", D, D), tensor("S", N, M), tensor("V", M, C), tensor("P", N, M), tensor("O", N, C)
hd = tensor("h", D)
softmax_of_z = Let(p[i], exp(z[i]) / summation(exp(z[k]), k))

CASES = (
    _case(
        "brier",
        (Given(z, "logits"), Given(y, "labels")),
        (softmax_of_z, Let(L, summation((p[i] - y[i]) ** 2, i), "score")),
        (z,),
        lambda z, y: ((torch.softmax(z, -1) - y) ** 2).sum(),
        z=_randn(C),
        y=_randn(C),
    ),
    _case(
        "ridge_logistic",
        (Given(w), Given(X), Given(v, "labels", where=(Membership(v[r], (-1, 1)),)), Given(lam, "penalty", where=(positive(lam),))),
        (Let(h[r], summation(X[r, n] * w[n], n)), Let(L, summation(log(1 + exp(-v[r] * h[r])), r) / N + lam / 2 * summation(w[m] ** 2, m))),
        (w,),
        lambda w, X, v, lam: torch.nn.functional.softplus(-v * (X @ w)).mean() + lam / 2 * w @ w,
        w=_randn(D),
        X=_randn(N, D),
        v=_signs(N),
        lam=_some(0.1, 1),
    ),
    _case(
        "huber",
        (Given(h), Given(v), Given(dlt, where=(positive(dlt),))),
        (
            Let(tensor("r", N)[r], h[r] - v[r]),
            Let(
                L,
                summation(
                    where(
                        less_equal(Abs(tensor("r", N)[r]), dlt),
                        tensor("r", N)[r] ** 2 / 2,
                        dlt * (Abs(tensor("r", N)[r]) - dlt / 2),
                    ),
                    r,
                ),
            ),
        ),
        (h,),
        lambda h, v, dlt: torch.nn.functional.huber_loss(h, v, delta=float(dlt), reduction="sum"),
        h=_randn(N),
        v=_randn(N),
        dlt=_some(0.5, 1),
    ),
    _case(
        "log_cosh",
        (Given(h), Given(v), Given(T, where=(positive(T),))),
        (Let(L, summation(T * log(cosh((h[r] - v[r]) / T)), r) / N),),
        (h,),
        lambda h, v, T: (T * torch.log(torch.cosh((h - v) / T))).mean(),
        h=_randn(N),
        v=_randn(N),
        T=_some(0.5, 2),
    ),
    _case(
        "distillation",
        (Given(zb, "student"), Given(yb, "teacher"), Given(T, where=(positive(T),))),
        (
            Let(pb[b, i], exp(zb[b, i] / T) / summation(exp(zb[b, k] / T), k)),
            Let(tensor("q", B, C)[b, i], exp(yb[b, i] / T) / summation(exp(yb[b, k] / T), k)),
            Let(L, T**2 * summation(tensor("q", B, C)[b, i] * log(tensor("q", B, C)[b, i] / pb[b, i]), i, b) / B),
        ),
        (zb,),
        lambda z, y, T: (
            T**2 * torch.nn.functional.kl_div((z / T).log_softmax(-1), (y / T).log_softmax(-1), log_target=True, reduction="batchmean")
        ),
        batch=B,
        z=_randn(B, C),
        y=_randn(B, C),
        T=_some(0.5, 2),
    ),
    _case(
        "tanh_regression",
        (Given(w), Given(X), Given(v)),
        (Let(h[r], tanh(summation(X[r, n] * w[n], n))), Let(L, summation((h[r] - v[r]) ** 2, r) / 2)),
        (w,),
        lambda w, X, v: ((torch.tanh(X @ w) - v) ** 2).sum() / 2,
        w=_randn(D),
        X=_randn(N, D),
        v=_randn(N),
    ),
    _case(
        "squared_hinge",
        (Given(w), Given(X), Given(v)),
        (Let(L, summation(relu(1 - v[r] * summation(X[r, n] * w[n], n)) ** 2, r)),),
        (w,),
        lambda w, X, v: (torch.relu(1 - v * (X @ w)) ** 2).sum(),
        w=_randn(D),
        X=_randn(N, D),
        v=_signs(N),
    ),
    _case(
        "rms_norm",
        (Given(x), Given(w), Given(lam, where=(positive(lam),))),
        (Let(mu, sqrt(summation(x[m] ** 2, m) / D + lam)), Let(hd[n], w[n] * x[n] / mu)),
        (x,),
        lambda x, w, lam: w * x / torch.sqrt((x**2).mean(-1) + lam),
        x=_randn(D),
        w=_randn(D),
        lam=_some(0.1, 1),
    ),
    _case(
        "cosine",
        (Given(x), Given(w)),
        (
            Let(mu, sqrt(summation(x[m] ** 2, m))),
            Let(sd, sqrt(summation(w[m] ** 2, m))),
            Let(L, summation(x[m] * w[m], m) / (mu * sd)),
        ),
        (x,),
        lambda x, w: torch.nn.functional.cosine_similarity(x, w, dim=-1),
        x=_randn(D),
        w=_randn(D),
    ),
    _case(
        "log_det",
        (Given(A, where=(InvertibleMatrix(A),)), Given(x), Given(w)),
        (Let(L, logdet(A) + summation(x[m] * inv(A, m, n) * w[n], m, n)),),
        (A,),
        lambda A, x, w: torch.linalg.slogdet(A)[1] + x @ torch.linalg.inv(A) @ w,
        A=lambda g: torch.randn(3, 3, generator=g, dtype=torch.float64) + 3 * torch.eye(3, dtype=torch.float64),
        x=_randn(D),
        w=_randn(D),
    ),
    _case(
        "attention",
        (Given(S, "scores"), Given(V, "values")),
        (Let(P[r, t], exp(S[r, t]) / summation(exp(S[r, u]), u)), Let(O[r, i], summation(P[r, t] * V[t, i], t))),
        (S, V),
        lambda S, V: torch.softmax(S, -1) @ V,
        S=_randn(N, M),
        V=_randn(M, C),
    ),
    _case(
        "sigmoid_bce",
        (Given(h), Given(v)),
        (
            Let(tensor("p", N)[r], sigmoid(h[r])),
            Let(L, -summation(v[r] * log(tensor("p", N)[r]) + (1 - v[r]) * log(1 - tensor("p", N)[r]), r) / N),
        ),
        (h,),
        lambda h, v: torch.nn.functional.binary_cross_entropy_with_logits(h, v),
        h=_randn(N),
        v=lambda g: torch.rand(5, generator=g, dtype=torch.float64),
    ),
    _case(
        "z_loss",
        (Given(zb), Given(yb, classes=True), Given(lam)),
        (
            Let(pb[b, i], exp(zb[b, i]) / summation(exp(zb[b, k]), k)),
            Let(tensor("s", B)[b], log(summation(exp(zb[b, k]), k))),
            Let(L, -summation(yb[b, i] * log(pb[b, i]), i, b) / B + lam * summation(tensor("s", B)[b] ** 2, b) / B),
        ),
        (zb,),
        lambda z, y, lam: -(y * z.log_softmax(-1)).sum() / len(z) + lam * (z.logsumexp(-1) ** 2).mean(),
        batch=B,
        z=_randn(B, C),
        y=lambda g: torch.softmax(torch.randn(6, 4, generator=g, dtype=torch.float64), -1),
        lam=_some(0.1, 1),
    ),
    _case(
        "soft_l1",
        (Given(x), Given(w)),
        (Let(L, summation(Abs(x[m]) * softplus(w[m]) + sign(x[m]) * w[m] ** 3, m)),),
        (x, w),
        lambda x, w: (x.abs() * torch.nn.functional.softplus(w) + x.sign() * w**3).sum(),
        x=_randn(D),
        w=_randn(D),
    ),
    _case(
        "poisson",
        (Given(Wb, "weights"), Given(xb, "counts' covariates"), Given(yb, "counts")),
        (
            Let(zb[b, i], summation(Wb[i, m] * xb[b, m], m), "log rates"),
            Let(L, summation(exp(zb[b, i]) - yb[b, i] * zb[b, i], b, i) / B, "deviance"),
        ),
        (Wb, xb),
        lambda W, x, y: (torch.exp(x @ W.T) - y * (x @ W.T)).sum() / len(x),
        batch=B,
        W=_randn(C, D),
        x=_randn(B, D),
        y=_randn(B, C),
    ),
    _case(
        "product_of_sums",
        (Given(zb),),
        (Let(L, summation(sigmoid(zb[b, i]), b, i) * summation(zb[b, i] ** 2, b, i)),),
        (zb,),
        lambda z: torch.sigmoid(z).sum() * (z**2).sum(),
        batch=B,
        z=_randn(B, C),
    ),
    _case(
        "weighted_squares",
        (Given(zb), Given(tensor("w", C))),
        (
            Let(tensor("s", B)[b], summation(zb[b, i] ** 2 * tensor("w", C)[i], i)),
            Let(L, summation(tanh(tensor("s", B)[b]), b) / B),
        ),
        (zb,),
        lambda z, w: torch.tanh(z**2 @ w).mean(),
        batch=B,
        z=_randn(B, C),
        w=_randn(C),
    ),
    _case(  # names that the code has a use for itself
        "names_of_code",
        (Given(tensor("rows", B, C)), Given(tensor("tuple", B, C)), Given(tensor("at", C))),
        (
            Let(tensor("p", B, C)[b, i], exp(tensor("rows", B, C)[b, i]) / summation(exp(tensor("rows", B, C)[b, k]), k)),
            Let(tensor("s", B)[b], log(summation(exp(tensor("rows", B, C)[b, k]), k))),
            Let(
                L,
                summation(tensor("tuple", B, C)[b, i] * tensor("at", C)[i] * tensor("p", B, C)[b, i] ** 2, b, i) / B
                + summation(tensor("s", B)[b] ** 2, b) / B,
            ),
        ),
        (tensor("rows", B, C),),
        lambda z, y, w: (y * w * torch.softmax(z, -1) ** 2).sum() / len(z) + (z.logsumexp(-1) ** 2).mean(),
        batch=B,
        rows=_randn(B, C),
        tuple=_randn(B, C),
        at=_randn(C),
    ),
    _case(
        "spread_of_losses",
        (Given(zb),),
        (
            Let(tensor("s", B)[b], log(summation(exp(zb[b, k]), k))),
            Let(mu, summation(tensor("s", B)[b], b) / B, "mean"),
            Let(L, summation((tensor("s", B)[b] - mu) ** 2, b) / B),
        ),
        (zb,),
        lambda z: z.logsumexp(-1).var(correction=0),
        batch=B,
        z=_randn(B, C),
    ),
)


@lru_cache
def program_of(derivation: Derivation) -> Program:
    """The array program of a derivation, derived by the engine."""
    forms = []
    for function in kernel_functions(derivation):
        setting = Setting((*derivation.given, *function.extra), derivation.lets)
        forms.append((function, closed_form(setting, function.target)))
    return lower(derivation, forms)


@lru_cache
def kernels(derivation: Derivation, backend: str) -> ModuleType:
    """The generated module, imported."""
    return load(emit(program_of(derivation), backend), f"kernels_{derivation.name}_{backend}")


def function_names(module: ModuleType) -> list[str]:
    """The functions of a module that return arrays, without operators."""
    return [name for name in module.__all__ if "operator" not in name.lower()]


def load(source: str, name: str) -> ModuleType:
    """Import source text as a module of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.py")
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return module
