"""Derivatives of the functions of one real variable, one line each, with its source.

DLMF is the NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov. A second derivative is the
derivative of what stands here. Derivatives at kinks (relu, abs, sign, step) are left out of every claim.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, S

from closedform.notation import (
    Abs,
    cos,
    cosh,
    erf,
    exp,
    less,
    less_equal,
    log,
    pi,
    relu,
    sigmoid,
    sign,
    sin,
    sinh,
    softplus,
    sqrt,
    step,
    tanh,
)

Rule = Callable[[Expr], Expr]

DERIVATIVES: dict[type[Expr], tuple[Rule, str]] = {
    exp: (lambda u: exp(u), "DLMF 4.7"),
    log: (lambda u: 1 / u, "DLMF 4.7"),
    sin: (lambda u: cos(u), "DLMF 4.20"),
    cos: (lambda u: -sin(u), "DLMF 4.20"),
    sinh: (lambda u: cosh(u), "DLMF 4.34"),
    cosh: (lambda u: sinh(u), "DLMF 4.34"),
    tanh: (lambda u: 1 - tanh(u) ** 2, "DLMF 4.34, with sech^2 = 1 - tanh^2"),
    sigmoid: (lambda u: sigmoid(u) * (1 - sigmoid(u)), "quotient rule on 1/(1 + exp(-u))"),
    softplus: (lambda u: sigmoid(u), "chain rule on log(1 + exp(u))"),
    erf: (lambda u: 2 * exp(-(u**2)) / sqrt(pi), "DLMF 7.2.1, the integrand"),
    Abs: (lambda u: sign(u), "u = +-|u| on either side of the kink"),
    sign: (lambda u: S.Zero, "constant on either side of the jump"),
    step: (lambda u: S.Zero, "constant on either side of the jump"),
    relu: (lambda u: step(u), "u or 0 on either side of the kink"),
}

# Conditions take the values 0 and 1; off the boundary they are constant.
CONDITIONS: tuple[type[Expr], ...] = (less, less_equal)
