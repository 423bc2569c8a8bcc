"""The derivative of a closed form along a direction or by an entry, term by term, with nothing multiplied out.

    d(f*g) = df*g + f*dg,    d p[i] = p[i]*c[i]  for p = softmax(z),
    c[i] = v[i] - sum_k(p[k]*v[k])  along v,    c[i] = delta(i,j) - p[j]  by z[j]

The shortest form of the same derivative multiplies out, and then a number and its mean stand in different terms, which cancel where a
class has nearly all of the probability. Here c is left whole, and a kernel can compute it without loss. Under sums

    sum_k(p[k]*c[k]) = 0,    sum_k(p[k]*c[k]*f[k]) = p[j]*(f[j] - sum_k(p[k]*f[k]))  by z[j].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, S, Sum, Symbol

from closedform.derive.algebra import every_index, factors, free, fresh, names_in, nodes, powers, replaced, substitute, sum_parts, transform
from closedform.derive.calculus import Dependence, differentiate
from closedform.derive.canonical import canonical
from closedform.derive.engine import ClosedForm, closed_form
from closedform.derive.facts import softmax_of
from closedform.derive.naming import Letters, with_letters
from closedform.derive.rules.collect import common_factor
from closedform.derive.rules.contract import contracted
from closedform.notation import Given, Index, Let, NamedTensor, Partial, Setting, head_name, scalar, summation, tensor
from closedform.results import Step
from closedform.syntax.latex import to_latex
from closedform.syntax.text import to_text


def tangent(form: ClosedForm, target: Expr, variable: NamedTensor | Symbol, to: Given | Expr) -> ClosedForm:
    """The derivative of a closed form.

    Args:
        form: what to differentiate.
        target: what that is, as a derivative of the target of ``form``.
        variable: the given that moves.
        to: a direction of the shape of ``variable``; or an entry of it, which alone moves.

    Raises:
        DerivationError: a function without a known derivative.

    >>> from closedform.derivations.softmax import derivation, i, j, k, p, z
    >>> from closedform.notation import partial
    >>> value, v = ClosedForm(derivation.setting, p[i], p[i], ()), Given(tensor("v", *z.dims))
    >>> to_text(tangent(value, partial(p[i], z[j]), z, z[j]).expression)
    'p[i]*(delta(i,j) - p[j])'
    >>> to_text(tangent(value, summation(partial(p[i], z[k]) * v.symbol[k], k), z, v).expression)
    'p[i]*(v[i] - sum_k(p[k]*v[k]))'
    """
    setting, expression, relatives = _rate(form, _Motion(variable, to))
    expression = canonical(contracted(expression))
    expression = transform(expression, lambda node: _sifted(node, relatives) if isinstance(node, Sum) else node)
    expression = transform(_factored(expression), lambda node: _written_out(node, relatives))
    expression = with_letters(canonical(expression), Letters(setting, target))
    by = f"along {to.name}" if isinstance(to, Given) else f"by {to_text(to, setting)}"
    shown = (
        ("known derivatives", f"Derived before: {to_text(form.target, setting)}.", form.expression),
        (
            "product rule",
            f"Differentiate {by}, term by term, with nothing multiplied out: means stay with what they are taken from.",
            expression,
        ),
    )
    introduced = (*form.introduced, *(let for let in setting.lets if form.setting.let(let.name) is None))
    return ClosedForm(setting, target, expression, _steps(setting, shown), introduced)


def total(form: ClosedForm, target: Expr, over: tuple[Index, ...]) -> ClosedForm:
    """The sum of a closed form over some of its indices, again with nothing multiplied out.

    Args:
        form: what to add.
        target: what the sum is of.
        over: free indices of ``form``.

    >>> from closedform.derivations.softmax import derivation, i, p
    >>> form = ClosedForm(derivation.setting, p[i], 2 * p[i] * (1 - p[i]), ())
    >>> to_text(total(form, summation(p[i], i), (i,)).expression)
    '2*sum_i(p[i]*(1 - p[i]))'
    """
    expression = with_letters(canonical(_summed(form.expression, over)), Letters(form.setting, target))
    shown = (
        ("known derivatives", f"Derived before: {to_text(form.target, form.setting)}.", form.expression),
        ("sum", "The sum of these, entry by entry.", expression),
    )
    return replace(form, target=target, expression=expression, steps=_steps(form.setting, shown))


def multiplied_out(form: ClosedForm) -> int:
    """How many brackets have a multiple of probabilities in them, such as 1 - 2*p[i]: what may cancel where p is nearly one.

    >>> from closedform.derivations.softmax import derivation, i, p
    >>> multiplied_out(ClosedForm(derivation.setting, p[i], p[i] * (1 - 2 * p[i]), ()))
    1
    """
    probabilities = {let.name for let in form.setting.lets if softmax_of(let) is not None}

    def is_monomial(term: Expr) -> bool:
        bases = powers(term)[1]
        sums = [base for base in bases if isinstance(base, Sum)]
        entries = any(isinstance(base, Indexed) and head_name(base) in probabilities for base in bases)
        return not any(base.has(Add) for base in bases) and (entries or any(is_monomial(base.function) for base in sums))

    def is_multiple(term: Expr) -> bool:
        return abs(powers(term)[0]) != 1 and is_monomial(term)

    brackets = {node for node in nodes(form.expression) if isinstance(node, Add)}
    return sum(any(map(is_multiple, node.args)) for node in brackets)


def _steps(setting: Setting, shown: Iterable[tuple[str, str, Expr]]) -> tuple[Step, ...]:
    """Steps from rules, reasons and what is reached."""
    return tuple(Step(rule, reason, to_text(reached, setting), to_latex(reached, setting)) for rule, reason, reached in shown)


@dataclass(frozen=True)
class _Motion:
    """A variable that moves: all of it along a direction, or one entry."""

    variable: NamedTensor | Symbol
    to: Given | Expr

    def of_entry(self, entry: Expr) -> Expr:
        """What an entry of the variable changes by."""
        if isinstance(self.to, Given):
            return self.to.symbol[tuple(entry.indices)] if isinstance(entry, Indexed) else self.to.symbol
        pairs = zip(entry.indices, self.to.indices, strict=True) if isinstance(entry, Indexed) else ()
        return Mul(*(KroneckerDelta(first, second) for first, second in pairs))

    def of_let(self, head: Expr) -> Expr:
        """What an entry of a let changes by, to be derived: sum_j(d p[i]/d z[j]*v[j])."""
        if not isinstance(self.to, Given):
            return Partial(head, self.to)
        if not isinstance(self.variable, NamedTensor):
            return Partial(head, self.variable) * self.to.symbol
        at: tuple[Index, ...] = ()
        for dim in self.variable.dims:
            at += (fresh(Index("i", dim), every_index(head) | set(at)),)
        return summation(Partial(head, self.variable[at]) * self.to.symbol[at], *at)


def _rate(form: ClosedForm, motion: _Motion) -> tuple[Setting, Expr, dict[str, _Relative]]:
    """The derivative with a name for what softmaxes change by, over themselves, and the setting and the names that it needs."""
    time = scalar(_unused("t", form))
    rate = differentiate(canonical(form.expression), time, Dependence(_moving(form.setting, motion.variable, time)))
    rate = transform(rate, lambda node: _apart(node) if node.has(Partial) else node)
    setting = Setting((*form.setting.given, motion.to), form.setting.lets) if isinstance(motion.to, Given) else form.setting
    values: dict[Partial, Expr] = {}
    relatives: dict[str, _Relative] = {}
    for node in dict.fromkeys(node for node in nodes(rate) if isinstance(node, Partial) and node.variables == (time,)):
        entry, name = node.target, head_name(node.target)
        if name == motion.variable.name:
            values[node] = motion.of_entry(entry)
            continue
        let = next(let for let in setting.lets if let.name == name)
        head = _elsewhere(let.head, every_index(motion.to) if isinstance(motion.to, Expr) else frozenset())
        known = closed_form(setting, motion.of_let(head))
        setting, generic = known.setting, _with_indices_of(head, known.expression)
        relative = _relative(let, head, generic, _unused(f"c_{name}", form))
        if relative is not None:
            relatives[name] = relative
            generic = generic / relative.value * relative.symbol[tuple(head.indices)]
        values[node] = substitute(generic, _moved(head, entry))
    return setting, replaced(rate, values), relatives


@dataclass(frozen=True)
class _Relative:
    """c with dp = p*c, up to a constant, for a softmax p: a name for it, so that it stays whole, and its value beside p's ``head``."""

    head: Indexed
    axis: Index
    symbol: NamedTensor
    value: Expr

    def at(self, entry: Indexed) -> Expr:
        """c beside an entry of p, or of c."""
        return substitute(self.value, _moved(self.head, entry))


def _relative(let: Let, head: Expr, rate: Expr, name: str) -> _Relative | None:
    """c, under a name, of a softmax whose entry ``head`` changes by ``rate``; None for other lets."""
    role = softmax_of(let)
    brackets = [part for part in factors(rate) if isinstance(part, Add)]
    if role is None or head not in factors(rate) or len(brackets) != 1:
        return None
    axis = head.indices[let.indices.index(role.index)]
    return None if axis in free(rate / head / brackets[0]) else _Relative(head, axis, tensor(name, *let.dims), brackets[0])


def _unused(name: str, form: ClosedForm) -> str:
    """The name, or one like it that the formula does not have."""
    taken = set(form.setting.symbols()) | names_in(form.expression)
    return next(other for other in (name, *(f"{name}{n}" for n in range(1, 1000))) if other not in taken)


def _moving(setting: Setting, variable: NamedTensor | Symbol, time: Symbol) -> Setting:
    """The setting with a variable that depends on time: its derivative, and those of all that depend on it, stand as ``Partial``."""
    head = variable[tuple(Index(f"i__{n}", dim) for n, dim in enumerate(variable.dims))] if isinstance(variable, NamedTensor) else variable
    given = tuple(item for item in setting.given if item.name != variable.name)
    return Setting((*given, Given(time)), (Let(head, time), *setting.lets))


def _elsewhere(head: Expr, taken: frozenset[Index]) -> Expr:
    """The entry at indices that are not taken."""
    if not isinstance(head, Indexed):
        return head
    at: tuple[Index, ...] = ()
    for index in head.indices:
        at += (fresh(index, taken | set(at)),)
    return head.base[at]


def _with_indices_of(head: Expr, product: Expr) -> Expr:
    """delta(a,b)*f[b] as delta(a,b)*f[a] for an index a of ``head``."""
    own = set(head.indices) if isinstance(head, Indexed) else set()
    for delta in (part for part in factors(product) if isinstance(part, KroneckerDelta)):
        kept, gone = delta.args if delta.args[0] in own else delta.args[::-1]
        product = delta * substitute(product / delta, {gone: kept}) if kept in own else product
    return product


def _moved(head: Expr, entry: Expr) -> dict[Index, Index]:
    """From the indices of one entry to those of another."""
    return dict(zip(head.indices, entry.indices, strict=True)) if isinstance(head, Indexed) else {}


def _apart(node: Any) -> Any:
    """sum(f + g) as sum(f) + sum(g): what belongs together stays together with what it came from."""
    if isinstance(node, Sum) and isinstance(node.function, Add):
        _, bound = sum_parts(node)
        return Add(*(summation(term, *bound) for term in node.function.args))
    return node


def _sifted(node: Sum, relatives: Mapping[str, _Relative]) -> Expr:
    """sum_k(p[k]*c[k]) = 0 as p sums to one wherever it moves to; with c[k] = delta(k,j) - p[j] a sum is p[j] times a deviation.

    Of other sums, what does not run stands in front.
    """
    body, bound = sum_parts(node)
    for relative in relatives.values():
        for c in (part for part in factors(body) if isinstance(part, Indexed) and part.base == relative.symbol):
            entry = relative.head.base[tuple(c.indices)]
            k = c.indices[relative.head.indices.index(relative.axis)]
            rest = body / (entry * c)
            if entry not in powers(body)[1] or k not in bound:
                continue
            if k not in free(rest):
                return S.Zero
            own = _one_class(relative.at(entry), entry, k)
            if own is not None:
                constant = Mul(*(part for part in factors(rest) if k not in free(part)))
                rest /= constant
                deviation = substitute(rest, _moved(entry, own)) - summation(entry * rest, k)
                return summation(constant * own * deviation, *(index for index in bound if index != k))
    return _summed(body, bound)


def _one_class(c: Expr, entry: Indexed, k: Index) -> Indexed | None:
    """p[j] where c[k] = delta(k,j) - p[j]."""
    for delta in (term for term in c.args if isinstance(term, KroneckerDelta) and k in term.args):
        (j,) = (index for index in delta.args if index != k)
        own = substitute(entry, {k: j})
        if c == delta - own:
            return own
    return None


def _factored(expression: Expr) -> Expr:
    """What all terms share in front of them, and sums over the same as one; no bracket is opened but by a constant in front."""
    constant = Mul(*(part for part in factors(expression) if not free(part) and not isinstance(part, Add)))
    bracket = expression / constant
    return constant * _shared_first(_joined(bracket)) if isinstance(bracket, Add) else expression


def _shared_first(expression: Expr) -> Expr:
    """What all terms share in front of them, and again what then stands in the bracket."""
    if not isinstance(expression, Add):
        return expression
    common, rest = common_factor(list(expression.args))
    inner = Add(*rest)
    return common * (inner if common == 1 else _shared_first(inner))


def _joined(expression: Add) -> Expr:
    """sum(f) + sum(g) as sum(f + g), of whole formulas: over a batch, or the entries of a matrix, that is one product of matrices."""
    over: dict[tuple[Index, ...], list[Expr]] = {}
    others: list[Expr] = []
    for term in expression.args:
        outside, inside = term.as_independent(Sum, as_Add=False)
        if not isinstance(inside, Sum):
            others.append(term)
            continue
        body, bound = sum_parts(inside)
        same = next((first for first in over if [index.dim for index in first] == [index.dim for index in bound]), bound)
        over.setdefault(same, []).append(outside * substitute(body, dict(zip(bound, same, strict=True))))
    return Add(*others, *(_summed(_shared_first(Add(*bodies)), bound) for bound, bodies in over.items()))


def _summed(body: Expr, bound: tuple[Index, ...]) -> Expr:
    """The sum of a product, what does not run in front of it."""
    constant = Mul(*(part for part in factors(body) if free(part).isdisjoint(bound)))
    return constant * summation(body / constant, *bound)


def _written_out(node: Any, relatives: Mapping[str, _Relative]) -> Any:
    """A name for c as what it stands for."""
    for relative in relatives.values():
        if isinstance(node, Indexed) and head_name(node) == relative.symbol.name:
            return relative.at(node)
    return node
