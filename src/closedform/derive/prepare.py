"""Name what a person wrote in raw exponentials: softmax, sigmoid, softplus, logsumexp.

    exp(x)/(1 + exp(x)) = sigmoid(x),  log(1 + exp(x)) = softplus(x),  exp(u[i])/sum_k exp(u[k]) = p[i].

The definitions that the caller gave stay as they are in the result's setting; only lets are added to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sympy import Add, Expr, Indexed, Mul, Pow, S, Sum, exp, log

from closedform.derive.algebra import base_and_exponent, factors, free, nodes, substitute, sum_parts, transform
from closedform.derive.canonical import canonical
from closedform.derive.facts import Facts, Solved, softmax_of
from closedform.derive.matching import Pattern
from closedform.derive.naming import Letters, with_letters
from closedform.derive.rules.fold_lets import apply_relation
from closedform.derive.rules.fold_softmax import fold_softmax
from closedform.notation import Abs, Index, Let, Setting, cosh, maximum, relu, scalar, sigmoid, sinh, softplus, tensor


@dataclass(frozen=True)
class Prepared:
    """A setting to derive in.

    Attributes:
        setting: the caller's, with the softmaxes that it uses without naming them.
        bodies: let name -> its definition with softmax, sigmoid and softplus in place of raw exponentials.
        added: names of the lets that the caller did not have.
    """

    setting: Setting
    lets: tuple[Let, ...]
    added: frozenset[str]


def prepare(setting: Setting, avoid: Iterable[str], raw: Expr) -> Prepared:
    """Fold raw exponentials of the definitions, with new names where a softmax has none yet; also for those of ``raw``."""
    taken = set(setting.symbols()) | set(avoid)
    lets: list[Let] = []
    added: set[str] = set()
    opened = [_with_body(let, fold_logistic(with_logsumexp_open(let.body, setting.lets))) for let in setting.lets]
    letters = Letters(setting, S.Zero)

    def name_softmaxes(body: Expr) -> None:
        for partition in _partitions(body):
            if not any(_is_partition(partition, other) for other in (*lets, *opened)):
                new = _named_softmax(partition, taken, letters)
                taken.add(new.name)
                added.add(new.name)
                lets.append(new)

    for let in opened:
        if softmax_of(let) is None:
            name_softmaxes(let.body)
            let = _with_body(let, fold_known(let.body, lets, setting))
        lets.append(let)
    name_softmaxes(raw)
    by_name = {let.name: let for let in setting.lets}
    kept = tuple(by_name.get(let.name, let) for let in lets)
    return Prepared(Setting(setting.given, kept), tuple(lets), frozenset(added))


def _with_body(let: Let, body: Expr) -> Let:
    return let if body == let.body else Let(let.head, body, let.doc, let.spelling)


def with_logsumexp_open(expression: Expr, lets: Iterable[Let]) -> Expr:
    """exp(u[i] - s) with s = log sum_k exp(u[k]) as exp(u[i])/sum_k exp(u[k]), which is known as a softmax."""
    for let in lets:
        if is_logsumexp(let.body) and expression.has(exp):
            expression = transform(expression, partial(_opened_exponential, let))
    return expression


def _opened_exponential(let: Let, node: Any) -> Any:
    if not isinstance(node, exp):
        return node
    relation = Solved(let, Pattern(let.head, let.indices), let.body, certain=True)
    opened: Expr = apply_relation(node.args[0], relation)
    return node if opened == node.args[0] else exp(opened)


def fold_known(body: Expr, lets: Iterable[Let], setting: Setting) -> Expr:
    """Fold the softmaxes that are already named."""
    roles = tuple(role for let in lets if (role := softmax_of(let)) is not None)
    return fold_softmax(body, Facts(setting, softmaxes=roles)) if roles else body


def _partitions(body: Expr) -> list[Sum]:
    """The sums of exponentials that stand below a line or in a logarithm."""
    found: dict[Expr, None] = {}
    for node in nodes(body):
        inner = node.args[0] if isinstance(node, log) else base_and_exponent(node)[0] if _is_reciprocal(node) else None
        if isinstance(inner, Sum):
            inside, bound = sum_parts(inner)
            if len(bound) == 1 and _has_exponential(inside):
                found[canonical(inner)] = None
    return list(found)


def _has_exponential(body: Expr) -> bool:
    return any(isinstance(part, exp) for part in factors(body))


def _is_reciprocal(node: Any) -> bool:
    return isinstance(node, Pow) and bool(node.exp.is_negative)


def _is_partition(partition: Sum, let: Let) -> bool:
    role = softmax_of(let)
    if role is None:
        return False
    rows = tuple(index for index in let.indices if index != role.index)
    return Pattern(role.partition, rows).match(partition) is not None


def _named_softmax(partition: Sum, taken: set[str], letters: Letters) -> Let:
    body, (dummy,) = sum_parts(partition)
    rows = _in_order(body, free(partition))
    index = letters.choose(dummy.dim, {row.name for row in rows})
    name = free_name(("p", "softmax"), taken)
    head = tensor(name, *[row.dim for row in rows], dummy.dim)[(*rows, index)]
    return Let(head, substitute(body, {dummy: index}) / with_letters(partition, letters, frozenset({index.name})), "softmax probabilities")


def named_logsumexp(node: Expr, taken: set[str], letters: Letters) -> Let:
    """A let for log(sum_k exp(u[k]))."""
    rows = _in_order(node, free(node))
    name = free_name(("lse", "logsumexp"), taken)
    head = tensor(name, *[row.dim for row in rows])[rows] if rows else scalar(name)
    return Let(head, with_letters(node, letters), "logarithm of the sum of exponentials")


def _in_order(body: Expr, rows: frozenset[Index]) -> tuple[Index, ...]:
    """The free indices in the order in which the first tensor that carries them has them."""
    entries = sorted((node for node in nodes(body) if isinstance(node, Indexed)), key=str)
    ordered = dict.fromkeys(index for entry in entries for index in entry.indices if index in rows)
    return (*ordered, *sorted(rows - set(ordered), key=lambda index: index.name))


def free_name(wished: tuple[str, ...], taken: set[str]) -> str:
    """The first name that is not taken."""
    candidates = (*wished, *(f"{wished[0]}{number}" for number in range(1, 1000)))
    return next(name for name in candidates if name not in taken)


def fold_logistic(expression: Expr) -> Expr:
    """1/(1 + exp(-x)) as sigmoid(x), log(1 + exp(x)) as softplus(x), max(0, x) as relu(x)."""
    if not expression.has(exp, maximum):
        return expression
    return transform(expression, _logistic)


def _logistic(node: Any) -> Any:
    if isinstance(node, log):
        inner = _one_plus_exponential(node.args[0])
        return softplus(inner) if inner is not None else node
    if isinstance(node, maximum) and S.Zero in node.args and len(node.args) == 2:
        return relu(next(argument for argument in node.args if argument != S.Zero))
    if isinstance(node, Pow) and node.exp.is_Integer and node.exp < 0:
        inner = _one_plus_exponential(node.base)
        return sigmoid(-inner) ** (-node.exp) if inner is not None else node
    if isinstance(node, Mul):
        return _raised(node)
    if isinstance(node, Add):
        return _hyperbolic(_guarded(node))
    return node


def _guarded(node: Add) -> Expr:
    """relu(x) + softplus(-|x|) = softplus(x): on the left as it is written to keep exp from overflowing."""
    result: Expr = node
    for term in node.args:
        number, inner = term.as_coeff_Mul()
        if isinstance(inner, relu):
            guard = number * softplus(-Abs(inner.args[0]))
            if guard in node.args:
                result += number * softplus(inner.args[0]) - term - guard
    return result


def _hyperbolic(node: Expr) -> Expr:
    """exp(x) + exp(-x) = 2*cosh(x), exp(x) - exp(-x) = 2*sinh(x)."""
    split = [term.as_coeff_Mul() for term in node.args]
    if len(split) != 2 or not all(isinstance(rest, exp) for _, rest in split) or split[0][1].args[0] != -split[1][1].args[0]:
        return node
    (first, left), (second, right) = split
    if left.args[0].as_coeff_Mul()[0].is_negative:
        first, left, second = second, right, first
    if abs(first) != abs(second):
        return node
    return 2 * first * (cosh(left.args[0]) if first == second else sinh(left.args[0]))


def _raised(node: Mul) -> Expr:
    """exp(x)*sigmoid(-x) = sigmoid(x)."""
    parts = factors(node)
    for part in parts:
        if isinstance(part, exp):
            for other in parts:
                if isinstance(other, sigmoid) and other.args[0] == -part.args[0]:
                    return Mul(*[p for p in parts if p not in (part, other)], sigmoid(part.args[0]))
    return node


def _one_plus_exponential(node: Expr) -> Expr | None:
    """x where the node is 1 + exp(x)."""
    if isinstance(node, Add) and len(node.args) == 2 and S.One in node.args:
        other = next(argument for argument in node.args if argument != S.One)
        if isinstance(other, exp):
            return other.args[0]
    return None


def is_logsumexp(node: Any) -> bool:
    """log(sum_k exp(..))."""
    return isinstance(node, log) and isinstance(node.args[0], Sum) and _has_exponential(sum_parts(node.args[0])[0])
