"""Write sums of products as a person would: common factors out, equal sums merged, powers of binomials together."""

from __future__ import annotations

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, S, Sum, Symbol

from closedform.derive.algebra import factors, is_leaf, powers, product_of, sum_parts, terms
from closedform.derive.canonical import canonical, key
from closedform.derive.cost import cost, weight
from closedform.derive.facts import Facts
from closedform.derive.rules.base import Rule
from closedform.derive.rules.merge_sums import merge_sums
from closedform.derive.rules.quotients import abstracted
from closedform.notation import summation

MOST_FACTORED = 12  # terms up to which SymPy's factor is tried


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
        return summation(collect(body), *bound)
    return expression.func(*[collect(part) if isinstance(part, Expr) else part for part in expression.args])


def _collect_terms(parts: list[Expr]) -> Expr:
    parts = list(terms(Add(*parts)))
    if len(parts) == 1:
        return parts[0]
    common, rest = _common_factor(parts)
    before = len(rest)
    rest = sorted(terms(canonical(Add(*merge_sums(rest)))), key=key)
    if len(rest) < before:
        rest = [_within(term) for term in rest]
        return common * _collect_terms(rest)
    whole = Add(*rest)
    factored = _factored(whole) if 2 < len(rest) <= MOST_FACTORED else whole
    if cost(factored) < cost(whole) and not isinstance(factored, Add):
        return common * factored
    return common * _grouped(rest)


def _within(term: Expr) -> Expr:
    """Collect inside the sums of one term."""
    return Mul(*[collect(part) if isinstance(part, Sum) else part for part in factors(term)])


def _common_factor(parts: list[Expr]) -> tuple[Expr, list[Expr]]:
    """What every term has, and the terms without it; of powers of equal sign the smaller one."""
    split = [powers(part) for part in parts]
    common: dict[Expr, Expr] = {}
    for base in split[0][1]:
        exponents = [own.get(base) for _, own in split]
        shared = _shared_power(exponents)
        if shared is not None:
            common[base] = shared
    number = _content([coefficient for coefficient, _ in split])
    rest = []
    for coefficient, own in split:
        left = {base: power - common.get(base, S.Zero) for base, power in own.items()}
        rest.append(coefficient / number * product_of(left))
    return number * product_of(common), rest


def _shared_power(exponents: list[Expr | None]) -> Expr | None:
    if any(exponent is None for exponent in exponents):
        return None
    known = [exponent for exponent in exponents if exponent is not None]
    if len(set(known)) == 1:
        return known[0]
    symbolic = {exponent.as_coeff_Add()[1] for exponent in known}
    if len(symbolic) != 1:
        return None
    if symbolic != {S.Zero}:
        return min(known, key=lambda exponent: exponent.as_coeff_Add()[0])
    if all(exponent.is_positive for exponent in known):
        return min(known)
    if all(exponent.is_negative for exponent in known):
        return max(known)
    return None


def _content(coefficients: list[Rational]) -> Rational:
    """The greatest number that divides every coefficient, negative where they all are."""
    numerator = sympy.igcd(*[abs(c.p) for c in coefficients])
    denominator = sympy.ilcm(*[c.q for c in coefficients])
    content = Rational(numerator, denominator)
    return -content if all(c.is_negative for c in coefficients) else content


def _factored(whole: Expr) -> Expr:
    """SymPy's factor, on atoms: x^2 - 2*x*m + m^2 = (x - m)^2."""
    atoms: dict[Expr, Symbol] = {}
    polynomial = abstracted(whole, atoms)
    if not polynomial.is_polynomial(*atoms.values()) or not atoms:
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
    return Add(_collect_terms(group), _collect_terms(rest) if rest else S.Zero)


def collect_rule(expression: Expr, facts: Facts) -> Expr:
    """Collect; sums get canonical indices again afterwards."""
    return canonical(collect(canonical(expression)))


RULE = Rule("collect", "Common factors stand in front, and sums with common factors are one sum.", collect_rule)
