"""JAX, compiled: every function under jit, with the weights, features and labels as arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import problems as of
from benchmarks.contender import Call, Contender
from benchmarks.problems import Linear, Logits

NAME = "JAX, jit"

Array = Any


def _log_likelihood(z: Array, y: Array) -> Array:
    return jnp.take_along_axis(jax.nn.log_softmax(z, -1), y[:, None], -1)


def loss(W: Array, e: Array, y: Array) -> Array:
    """The mean cross-entropy of logits e W'."""
    return -_log_likelihood(e @ W.T, y).mean()


def logits_loss(z: Array, y: Array) -> Array:
    """The mean cross-entropy of logits z."""
    return -_log_likelihood(z, y).mean()


def product(W: Array, e: Array, y: Array, V: Array) -> Array:
    """Forward over reverse."""
    return jax.jvp(lambda W: jax.grad(loss)(W, e, y), (W,), (V,))[1]


def products(W: Array, e: Array, y: Array, Vs: Array) -> Array:
    """Likewise, for several directions."""
    return jax.vmap(product, (None, None, None, 0))(W, e, y, Vs)


def diagonal(W: Array, e: Array, y: Array) -> Array:
    """The diagonal of the whole Hessian."""
    return jax.hessian(loss)(W, e, y).reshape(W.size, W.size).diagonal()


def trace(W: Array, e: Array, y: Array) -> Array:
    """The trace of the whole Hessian."""
    return diagonal(W, e, y).sum()


def logits_product(z: Array, y: Array, v: Array) -> Array:
    """Forward over reverse."""
    return jax.jvp(lambda z: jax.grad(logits_loss)(z, y), (z,), (v,))[1]


def _jitted(function: Callable[..., Array], *names: str) -> Callable[[Linear | Logits], Call]:
    def prepare(problem: Linear | Logits) -> Call:
        compiled = jax.jit(function)
        inputs = [jnp.asarray(getattr(problem, name).numpy()) for name in names]
        return lambda: compiled(*inputs).block_until_ready()

    return prepare


_AT = ("W", "e", "y")
CONTENDERS = (
    Contender(NAME, of.VALUE, Linear, _jitted(loss, *_AT)),
    Contender(NAME, of.GRADIENT, Linear, _jitted(jax.grad(loss), *_AT)),
    Contender(NAME, of.HVP, Linear, _jitted(product, *_AT, "V")),
    Contender(NAME, of.HVPS, Linear, _jitted(products, *_AT, "Vs")),
    Contender(NAME, of.DIAGONAL, Linear, _jitted(diagonal, *_AT), of.DENSE),
    Contender(NAME, of.TRACE, Linear, _jitted(trace, *_AT), of.DENSE),
    Contender(NAME, of.HESSIAN, Linear, _jitted(jax.hessian(loss), *_AT), of.DENSE),
    Contender(NAME, of.VALUE, Logits, _jitted(logits_loss, "z", "y")),
    Contender(NAME, of.GRADIENT, Logits, _jitted(jax.grad(logits_loss), "z", "y")),
    Contender(NAME, of.HVP, Logits, _jitted(logits_product, "z", "y", "v")),
)
