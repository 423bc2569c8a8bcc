"""Write sums of products as a person would: common factors out, equal sums merged, powers of binomials together."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, S, Sum, Symbol

from closedform.derive.algebra import common_powers, every_index, factors, is_leaf, powers, product_of, sum_parts, terms, transform
from closedform.derive.canonical import canonical, key
from closedform.derive.cost import cost, weight
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.derive.rules.branches import joined
from closedform.derive.rules.distribute import expanded
from closedform.derive.rules.merge_sums import merge_sums
from closedform.derive.rules.nest import nested
from closedform.derive.rules.quotients import abstracted
from closedform.notation import summation

MOST_FACTORED = 8  # terms and atoms up to which SymPy's factor is tried: its time grows steeply


@lru_cache(maxsize=4096)
def collect(expression: Expr) -> Expr:
    """The expression with common factors in front, under sums too."""
    if is_leaf(expression):
        return expression
    if isinstance(expression, Add):
        return _collect_terms([collect(term) for term in expression.args])
    if isinstance(expression, Mul):
        return Mul(*[collect(part) for part in expression.args])
    if isinstance(expression, Pow):
        return Pow(collect(expression.base), expression.exp)
    if isinstance(expression, Sum):
        body, bound = sum_parts(expression)
        return nested(summation(collect(body), *bound))
    return expression.func(*[collect(part) if isinstance(part, Expr) else part for part in expression.args])


def _collect_terms(parts: list[Expr]) -> Expr:
    parts = list(terms(Add(*parts)))
    if len(parts) == 1:
        return parts[0]
    common, rest = common_factor(parts)
    before = len(rest)
    rest = [nested(term) for term in rest]
    rest = sorted(terms(canonical(Add(*merge_sums(rest)))), key=key)
    if len(rest) < before:
        rest = [_within(term) for term in rest]
        return common * _collect_terms(rest)
    whole = joined(Add(*rest))
    rest = sorted(terms(whole), key=key)
    candidates = [whole, _grouped(rest)]
    if 2 < len(rest) <= MOST_FACTORED:
        candidates.append(_factored(whole))
    if any(part.is_Add for term in rest for part in factors(term)):
        candidates.append(_collect_terms(list(terms(canonical(expanded(whole))))))
    return common * min(candidates, key=cost)


def _within(term: Expr) -> Expr:
    """Collect inside the sums of one term."""
    return Mul(*[collect(part) if isinstance(part, Sum) else part for part in factors(term)])


def common_factor(parts: list[Expr]) -> tuple[Expr, list[Expr]]:
    """What every term has, and the terms without it; of powers of equal sign the smaller one."""
    split = _with_equal_signs([powers(part) for part in parts])
    common = common_powers([own for _, own in split])
    number = _content([coefficient for coefficient, _ in split])
    constants = [coefficient for coefficient, own in split if own == common]
    if number.is_positive and common and constants and constants[0].is_negative:
        number = -number  # -y*(1 - a) rather than y*(a - 1)
    rest = []
    for coefficient, own in split:
        left = {base: power - common.get(base, S.Zero) for base, power in own.items()}
        rest.append(coefficient / number * product_of(left))
    return number * product_of(common), rest


def _with_equal_signs(split: list[tuple[Rational, dict[Expr, Expr]]]) -> list[tuple[Rational, dict[Expr, Expr]]]:
    """(p - 1)^n as (-1)^n*(1 - p)^n where another term has 1 - p."""
    known: dict[Expr, None] = {}
    result = []
    for coefficient, own in split:
        alike: dict[Expr, Expr] = {}
        for base, power in own.items():
            negative = Add(*[-term for term in base.args]) if base.is_Add and power.is_Integer else None
            if negative is not None and negative in known:
                coefficient, base = coefficient * S.NegativeOne**power, negative
            known[base] = None
            alike[base] = alike.get(base, S.Zero) + power
        result.append((coefficient, alike))
    return result


def _content(coefficients: list[Rational]) -> Rational:
    """The greatest number that divides every coefficient, negative where they all are."""
    numerator = sympy.igcd(*[abs(c.p) for c in coefficients])
    denominator = sympy.ilcm(*[c.q for c in coefficients])
    content = Rational(numerator, denominator)
    return -content if all(c.is_negative for c in coefficients) else content


def _factored(whole: Expr) -> Expr:
    """SymPy's factor, on atoms: x^2 - 2*x*m + m^2 = (x - m)^2."""
    atoms: dict[Expr, Symbol] = {}
    polynomial = abstracted(whole, atoms, below=True)
    if not atoms or len(atoms) > MOST_FACTORED or not polynomial.is_polynomial(*atoms.values()):
        return whole
    return sympy.factor(polynomial).xreplace({symbol: atom for atom, symbol in atoms.items()})


def _grouped(parts: list[Expr]) -> Expr:
    """Collect the terms that share the heaviest factor; the others by themselves."""
    split = [(part, powers(part)[1]) for part in parts]
    counts: dict[tuple[Expr, int], int] = {}
    for _, own in split:
        for base, power in own.items():
            if power.is_number:
                slot = (base, 1 if power.is_positive else -1)
                counts[slot] = counts.get(slot, 0) + 1
    shared = [slot for slot, count in counts.items() if count > 1]
    if len(parts) < 3 or not shared:
        return Add(*parts)
    base, sign = max(shared, key=lambda slot: ((counts[slot] - 1) * weight(slot[0]), key(slot[0])))

    def has(own: dict[Expr, Expr]) -> bool:
        power = own.get(base)
        return power is not None and power.is_number and bool(power.is_positive) == (sign == 1)

    group = [part for part, own in split if has(own)]
    rest = [part for part, own in split if not has(own)]
    if not rest:
        return Add(*parts)  # all of them: what they share was taken out before, under another sign of the power
    shared_by_both, left = common_factor([_collect_terms(group), _collect_terms(rest)])
    return shared_by_both * Add(*left)


def collect_rule(expression: Expr, facts: Facts) -> Expr:
    """Collect; sums get canonical indices again afterwards."""
    return canonical(transform(collect(canonical(expression)), tidy_signs))


def tidy_signs(node: Any) -> Any:
    """(a - 1)*(y - o) as (1 - a)*(o - y), and x*(a - 1) as -x*(1 - a)."""
    if not isinstance(node, Mul):
        return node
    parts = list(factors(node))
    turned = [n for n, part in enumerate(parts) if part.is_Add and part.as_coeff_Add()[0].is_negative and _mixed(part)]
    if len(turned) % 2:
        others = [n for n, part in enumerate(parts) if part.is_Add and not part.as_coeff_Add()[0] and _mixed(part)]
        turned += others[:1]
    for n in turned:
        parts[n] = Add(*[-term for term in parts[n].args])
    return _conjugates_joined(Mul(S.NegativeOne ** len(turned), *_turned_alike(parts)))


def _turned_alike(parts: list[Expr]) -> list[Expr]:
    """-(u[i] - c[i])*(c[j] - u[j]) as (u[i] - c[i])*(u[j] - c[j])."""
    seen: set[str] = set()
    result = []
    for part in parts:
        turned = Add(*[-term for term in part.args]) if part.is_Add else part
        if part.is_Add and _shape(turned) in seen and _shape(part) not in seen:
            result += [S.NegativeOne, turned]
        else:
            result.append(part)
            seen.add(_shape(part) if part.is_Add else "")
    return result


def _shape(part: Expr) -> str:
    return key(part, dict.fromkeys(every_index(part), "*"))


def _conjugates_joined(node: Expr) -> Expr:
    """(1 + t)*(1 - t) as 1 - t^2."""
    parts = factors(node)
    for first, second in combinations([part for part in parts if part.is_Add and len(part.args) == 2], 2):
        product = expanded(first * second)
        if len(terms(product)) == 2:
            return _conjugates_joined(Mul(*[part for part in parts if part not in (first, second)], product))
    return node


def _mixed(part: Add) -> bool:
    """Whether some terms are positive and some negative, so that either sign reads as well."""
    signs = {bool(term.as_coeff_Mul()[0].is_negative) for term in part.args}
    return len(signs) == 2


RULE = Rule("collect", "Common factors stand in front, and sums with common factors are one sum.", collect_rule)
