"""Derive closed forms: the chain rule through named lets, each let's Jacobian derived once and reused.

    d L / d z[j] = sum_i (d L/d p[i]) * (d p[i]/d z[j])

is found from the definition of L with ``Partial(p[i], z[j])`` left standing, which is then replaced by the
Jacobian of p, a lemma with a derivation of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Indexed, Pow, S, Symbol, exp

from closedform.derive.algebra import factors, names_in, nodes, replaced, substitute, transform
from closedform.derive.calculus import Dependence, differentiate
from closedform.derive.canonical import canonical
from closedform.derive.facts import Facts, collect_facts, softmax_of
from closedform.derive.naming import Letters, with_letters
from closedform.derive.prepare import Prepared, fold_known, fold_logistic, is_logsumexp, named_logsumexp, prepare
from closedform.derive.simplify import Change, Path, simplify
from closedform.notation import Index, Let, Partial, Setting, head_name
from closedform.results import Step
from closedform.syntax.latex import to_latex
from closedform.syntax.text import to_text


@dataclass(frozen=True)
class ClosedForm:
    """An equation ``target = expression`` that was derived.

    Attributes:
        setting: the caller's setting, with lets added for what had no name yet (a softmax in raw exponentials).
        target: what was asked for.
        expression: its closed form, over the givens and lets of ``setting``.
        steps: how it was reached, first to last.
        introduced: the lets that were added.
    """

    setting: Setting
    target: Expr
    expression: Expr
    steps: tuple[Step, ...]
    introduced: tuple[Let, ...] = ()


def closed_form(setting: Setting, target: Expr, *, avoid: Iterable[str] = ()) -> ClosedForm:
    """Bring ``target``, an expression with derivatives in it, into closed form for every size.

    Args:
        setting: givens and lets.
        target: any expression; each ``Partial`` in it is derived. An entry of a let alone stands for its definition.
        avoid: names that an introduced let must not take, such as further arguments of a kernel.

    Raises:
        DerivationError: a function without a known derivative, or rules that find no end.

    >>> from closedform.derivations.softmax import derivation, p, z, i, j
    >>> to_text(closed_form(derivation.setting, Partial(p[i], z[j])).expression)
    'p[i]*(delta(i,j) - p[j])'
    """
    taken = names_in(target) - set(setting.symbols()) | set(avoid)
    raw = target if target.has(exp) else S.Zero
    return deriver_of(setting, tuple(sorted(taken)), raw).closed_form(target)


@lru_cache(maxsize=32)
def deriver_of(setting: Setting, avoid: tuple[str, ...], raw: Expr) -> Deriver:
    """One deriver a setting, so that lemmas are reused from call to call; it remembers, it does not change."""
    return Deriver(setting, avoid, raw)


@dataclass(frozen=True)
class Lemma:
    """A derivative in closed form, at indices that are all different."""

    head: Expr
    variables: tuple[Expr, ...]
    path: Path

    def at(self, node: Partial) -> Expr:
        """The derivative at the indices of ``node``."""
        mapping: dict[Index, Index] = {}
        for mine, other in zip((self.head, *self.variables), node.args, strict=True):
            if isinstance(mine, Indexed):
                mapping.update(zip(mine.indices, other.indices, strict=True))
        return substitute(self.path.expression, mapping)


class Deriver:
    """Derives in one setting; what it has derived it keeps."""

    def __init__(self, setting: Setting, avoid: tuple[str, ...] = (), raw: Expr = S.Zero) -> None:
        self._avoid = avoid
        self._prepared: Prepared = prepare(setting, avoid, raw)
        self._setting = setting
        self._full = Setting(setting.given, self._prepared.lets)
        self._lets = {let.name: let for let in self._prepared.lets}
        self._dependence = Dependence(self._full)
        self._lemmas: dict[tuple[str, tuple[str, ...], frozenset[str]], Lemma] = {}
        self._forms: dict[Expr, ClosedForm] = {}
        self._facts: dict[tuple[frozenset[str], str], Facts] = {}

    def closed_form(self, target: Expr) -> ClosedForm:
        """The closed form of ``target``; see the function of that name."""
        if target not in self._forms:
            self._forms[target] = self._closed_form(target)
        return self._forms[target]

    def _closed_form(self, target: Expr) -> ClosedForm:
        path = self.derivation(target)
        expression, lets = self._finished(path.expression)
        setting = self._with(lets, names_in(expression))
        letters = Letters(setting, target)
        steps = tuple(self._step(change, setting, letters) for change in path.changes)
        introduced = tuple(let for let in setting.lets if self._setting.let(let.name) is None)
        return ClosedForm(setting, target, with_letters(expression, letters), steps, introduced)

    @property
    def setting(self) -> Setting:
        """The caller's setting, with the softmaxes that it uses without naming them."""
        return self._prepared.setting

    def derivation(self, target: Expr) -> Path:
        """The closed form of ``target`` with the expression after every step."""
        varied = _varied(target).union(*(_varied(let.body) for let in self._prepared.lets))
        start, before = self._start(target)
        path = self._resolve(start, varied)
        heads = frozenset(head_name(node.target) for node in nodes(target) if isinstance(node, Partial))
        path = simplify(path, self._facts_for(frozenset(), before).without_contractions(heads))
        return path

    # -- what is derived from what ------------------------------------------------------------

    def _start(self, target: Expr) -> tuple[Path, str]:
        """A let's entry alone stands for its definition, softmaxes excepted, which have no shorter one."""
        if isinstance(target, Indexed | Symbol) and head_name(target) in self._lets:
            let = self._lets[head_name(target)]
            if softmax_of(let) is None:
                at = dict(zip(let.indices, target.indices, strict=True)) if isinstance(target, Indexed) else {}
                body = substitute(self._definition(let), at)
                return Path(body, (Change("definition", f"This is the definition of {self._spelled(let.head)}.", body),)), let.name
        return Path(fold_logistic(fold_known(target, self._prepared.lets, self._full))), ""

    def _facts_for(self, varied: frozenset[str], before: str = "") -> Facts:
        """The facts that hold while ``varied`` still vary; with the lets that come before one of them only."""
        if (varied, before) not in self._facts:
            names = [let.name for let in self._prepared.lets]
            lets = self._prepared.lets[: names.index(before)] if before else self._prepared.lets
            self._facts[varied, before] = collect_facts(self._full, varied, lets)
        return self._facts[varied, before]

    def _resolve(self, path: Path, varied: frozenset[str]) -> Path:
        """Replace every derivative by its closed form."""
        wanted = list(dict.fromkeys(node for node in nodes(path.expression) if isinstance(node, Partial)))
        wanted = [node for node in wanted if not self._is_atom(node)]
        if not wanted:
            return path
        if path.expression == wanted[0]:
            lemma = self._lemma(wanted[0], varied)
            moved = [Change(c.rule, c.reason, lemma_at(lemma, c.expression, wanted[0])) for c in lemma.path.changes]
            return Path(canonical(lemma.at(wanted[0])), (*path.changes, *moved))
        values = {node: self._lemma(node, varied).at(node) for node in wanted}
        after = canonical(replaced(path.expression, values))
        return Path(after, (*path.changes, Change("known derivatives", self._sentence(wanted, varied), after)))

    def _sentence(self, wanted: list[Partial], varied: frozenset[str]) -> str:
        seen: dict[str, None] = {}
        for node in wanted:
            lemma = self._lemma(node, varied)
            target = Partial(lemma.head, *lemma.variables)
            letters = Letters(self._full, target)
            value = with_letters(lemma.path.expression, letters)
            seen[f"{to_text(target, self._full)} = {to_text(value, self._full)}"] = None
        return f"Derived before: {'; '.join(seen)}."

    def _spelled(self, head: Expr) -> str:
        let = self._lets.get(head_name(head))
        return let.spelling if let is not None and let.spelling else head_name(head)

    def _is_atom(self, node: Partial) -> bool:
        """Whether this is the derivative of an unknown function by one of its arguments."""
        given = self._dependence.given(head_name(node.target))
        return given is not None and all(any(s.name == head_name(v) for s in given.of) for v in node.variables)

    def _lemma(self, node: Partial, varied: frozenset[str]) -> Lemma:
        name = head_name(node.target)
        key = (name, tuple(head_name(variable) for variable in node.variables), varied)
        if key not in self._lemmas:
            head, variables = self._generic(node)
            self._lemmas[key] = Lemma(head, variables, self._derive(head, variables, varied))
        return self._lemmas[key]

    def _generic(self, node: Partial) -> tuple[Expr, tuple[Expr, ...]]:
        """The same derivative at indices that are all different."""
        let = self._lets.get(head_name(node.target))
        letters = Letters(self._full, node)
        busy: set[str] = set()
        entries: list[Expr] = []
        for position, entry in enumerate(node.args):
            if not isinstance(entry, Indexed):
                entries.append(entry)
                continue
            at = let.indices if position == 0 and let is not None else ()
            for index in entry.indices[len(at) :]:
                at += (letters.choose(index.dim, busy | {other.name for other in at}),)
            busy |= {index.name for index in at}
            entries.append(entry.base[at])
        return entries[0], tuple(entries[1:])

    def _derive(self, head: Expr, variables: tuple[Expr, ...], varied: frozenset[str]) -> Path:
        facts = self._facts_for(varied).without_contractions(frozenset({head_name(head)}))
        *earlier, last = variables
        if earlier:
            first = self._resolve(Path(Partial(head, *earlier)), varied)
            rate = canonical(differentiate(first.expression, last, self._dependence))
            reason = f"Differentiate the first derivative once more, by {head_name(last)}, with the product and the chain rule."
            path = Path(rate, (*first.changes, Change("differentiate again", reason, rate)))
        else:
            rate = canonical(self._rate(head, last))
            reason = f"Differentiate the definition of {self._spelled(head)} by {head_name(last)}; named quantities by the chain rule."
            path = Path(rate, (Change("chain rule", reason, rate),))
        return simplify(self._resolve(path, varied), facts)

    def _definition(self, let: Let) -> Expr:
        """The definition of a let; derivatives that it contains in closed form."""
        if not let.body.has(Partial):
            return let.body
        varied = frozenset(self._setting.symbols())
        return simplify(self._resolve(Path(let.body), varied), self._facts_for(varied, let.name)).expression

    def _rate(self, head: Expr, variable: Expr) -> Expr:
        """The derivative of a named entry from its definition."""
        let = self._lets.get(head_name(head))
        if let is None or head_name(head) == head_name(variable):
            return differentiate(head, variable, self._dependence)
        at = dict(zip(let.indices, head.indices, strict=True)) if isinstance(head, Indexed) else {}
        body = substitute(self._definition(let), at)
        if _is_exponential(body):
            return head * self._logarithmic(body, variable)
        return differentiate(body, variable, self._dependence)

    def _logarithmic(self, body: Expr, variable: Expr) -> Expr:
        """d log(body), factor by factor: the derivative of a product of exponentials keeps its name."""
        rates = []
        for part in factors(body):
            if isinstance(part, exp):
                rates.append(differentiate(part.args[0], variable, self._dependence))
            elif isinstance(part, Pow):
                rates.append(part.exp * differentiate(part.base, variable, self._dependence) / part.base)
            else:
                rates.append(differentiate(part, variable, self._dependence) / part)
        return Add(*rates)

    # -- how the result is shown --------------------------------------------------------------

    def _finished(self, expression: Expr) -> tuple[Expr, tuple[Let, ...]]:
        """Name a logsumexp that has no name; say which lets were added."""
        taken = set(self._full.symbols()) | set(self._avoid)
        new: list[Let] = []
        letters = Letters(self._full, expression)

        def change(node: Any) -> Any:
            if not is_logsumexp(node):
                return node
            let = named_logsumexp(node, taken, letters)
            taken.add(let.name)
            new.append(let)
            return let.head

        if not is_logsumexp(expression):
            expression = transform(expression, change)
        return expression, tuple(new)

    def _with(self, new: tuple[Let, ...], used: frozenset[str]) -> Setting:
        """The caller's setting with the lets that the result needs besides."""
        kept = tuple(let for let in self._prepared.setting.lets if let.name not in self._prepared.added or let.name in used)
        return Setting(self._setting.given, (*kept, *new))

    def _step(self, change: Change, setting: Setting, letters: Letters) -> Step:
        shown = with_letters(canonical(change.expression), letters)
        return Step(change.rule, change.reason, to_text(shown, setting), to_latex(shown, setting))


def _varied(expression: Expr) -> frozenset[str]:
    """The names by whose entries something is differentiated."""
    return frozenset(head_name(v) for node in nodes(expression) if isinstance(node, Partial) for v in node.variables)


def _is_exponential(body: Expr) -> bool:
    parts = factors(body)
    return any(isinstance(part, exp) for part in parts) and not any(part.is_Add for part in parts)


def lemma_at(lemma: Lemma, expression: Expr, node: Partial) -> Expr:
    """A step of a lemma's derivation at the indices of ``node``."""
    return Lemma(lemma.head, lemma.variables, Path(expression)).at(node)
