"""What a careful program makes of a formula before it rounds anything: logarithms of sums are merged with what is added.

    a - log S  =  log(exp(a)/S)        log S - a  =  -log(exp(a)/S)

As it stands, z_i - log(sum exp z) rounds numbers as large as z, however near its terms are; a program that takes the
maximum off first does not. The bound is for that program.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Add, Expr, Indexed, Mul, exp, log

from closedform.notation import NamedTensor, Setting


def stable_setting(setting: Setting) -> Setting:
    """The setting with every definition made stable."""
    return replace(setting, lets=tuple(replace(let, body=stable(let.body)) for let in setting.lets))


def stable(expression: Expr) -> Expr:
    """The same value, with the logarithms merged.

    >>> from closedform.notation import Dim, indices, summation, tensor
    >>> C = Dim("C"); i, k = indices("i k", C); z = tensor("z", C)
    >>> stable(z[i] - log(summation(exp(z[k]), k)))
    log(exp(z[i])/Sum(exp(z[k]), (k, 1, C)))
    """
    if not expression.has(log) or isinstance(expression, Indexed):
        return expression
    arguments = tuple(stable(argument) if isinstance(argument, Expr) else argument for argument in expression.args)
    rebuilt = expression.func(*arguments) if arguments != expression.args else expression
    return _merged(rebuilt) if isinstance(rebuilt, Add) else rebuilt


def _merged(total: Add) -> Expr:
    for term in total.args:
        for sign in (1, -1):
            inner = sign * term
            if isinstance(inner, log) and _shares_exponents(inner.args[0], rest := total - term):
                return sign * -log(exp(-sign * rest) / inner.args[0])
    return total


def _shares_exponents(inside: Expr, rest: Expr) -> bool:
    """Whether what is added is of the size of the exponents: it has a tensor of theirs, and no logarithm of its own."""
    exponents = {tensor for power in inside.atoms(exp) for tensor in power.atoms(NamedTensor)}
    return not rest.has(log) and not isinstance(rest, Mul | Add) and bool(exponents & rest.atoms(NamedTensor))
