"""A derivation as a record of text and LaTeX, for reports."""

from __future__ import annotations

from typing import Any

from closedform.notation import (
    Constraint,
    Derivation,
    Given,
    InvertibleMatrix,
    Let,
    Membership,
    OneHot,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SizeRelation,
    SymmetricMatrix,
)
from closedform.results import DerivationResult, Equation, Input
from closedform.syntax.latex import LatexPrinter, to_latex
from closedform.syntax.text import to_text

_PROPERTIES = {
    OneHot: "onehot",
    SymmetricMatrix: "symmetric",
    InvertibleMatrix: "invertible",
    PositiveDefiniteMatrix: "positive definite",
}
_LATEX_SIGNS = {"!=": r"\neq", "<=": r"\leq", ">=": r"\geq"}


def described(derivation: Derivation, **found: Any) -> DerivationResult:
    """The record of a derivation's definition, with what was ``found`` about it."""
    return DerivationResult(
        name=derivation.name,
        title=derivation.title,
        about=derivation.about,
        source=derivation.source,
        cites=derivation.cites,
        given=tuple(_input(given, derivation.setting) for given in derivation.given),
        lets=tuple(described_let(let, derivation.setting) for let in derivation.lets),
        **found,
    )


def described_let(let: Let, setting: Setting) -> Equation:
    """A definition as text and LaTeX."""
    return Equation(
        to_text(let.head, setting), to_latex(let.head, setting), to_text(let.body, setting), to_latex(let.body, setting), let.doc
    )


def _input(given: Given, setting: Setting) -> Input:
    dims = [dim.name for dim in given.dims]
    text = given.name + (f"[{','.join(dims)}]" if dims else "")
    shape = r" \times ".join(dims)
    latex = rf"{_letter(given.name)} \in \mathbb{{R}}" + (f"^{{{shape}}}" if dims else "")
    if given.of:
        text += f" function of {', '.join(source.name for source in given.of)}"
        latex = rf"{_letter(given.name)}({', '.join(_letter(source.name) for source in given.of)})" + latex.removeprefix(
            _letter(given.name)
        )
    if given.each:
        each = ", ".join(dim.name for dim in given.each)
        text += f" for each {each}"
        latex += rf"\quad \text{{for each }} {each}"
    if given.where:
        text += f" where {', '.join(_text(constraint, setting) for constraint in given.where)}"
        latex += "".join(rf",\quad {_latex(constraint, setting)}" for constraint in given.where)
    return Input(text, latex, given.doc)


def _text(constraint: Constraint, setting: Setting) -> str:
    if isinstance(constraint, Relation | SizeRelation):
        return f"{to_text(constraint.lhs, setting)} {constraint.op} {to_text(constraint.rhs, setting)}"
    if isinstance(constraint, Membership):
        return f"{to_text(constraint.entry, setting)} in {{{', '.join(map(str, constraint.values))}}}"
    return f"{constraint.tensor.name} {_PROPERTIES[type(constraint)]}"


def _latex(constraint: Constraint, setting: Setting) -> str:
    if isinstance(constraint, Relation | SizeRelation):
        sign = _LATEX_SIGNS.get(constraint.op, constraint.op)
        return f"{to_latex(constraint.lhs, setting)} {sign} {to_latex(constraint.rhs, setting)}"
    if isinstance(constraint, Membership):
        return rf"{to_latex(constraint.entry, setting)} \in \{{{', '.join(map(str, constraint.values))}\}}"
    return rf"{_letter(constraint.tensor.name)}\ \text{{{_PROPERTIES[type(constraint)]}}}"


def _letter(name: str) -> str:
    """A tensor's own name, as formulas write it."""
    return LatexPrinter().name(name)
