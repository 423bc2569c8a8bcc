"""What a kernel implements, as a derivation: from a name of the catalogue, a derivation, or the text of a claim."""

from __future__ import annotations

import re
from dataclasses import replace

from sympy import Expr, Indexed

from closedform.errors import UsageError
from closedform.notation import Derivation, NamedTensor, OneHot, Partial
from closedform.pipeline.verifying import resolve
from closedform.syntax.parse import ClaimBlock, parse_claims

# How a kernel takes labels that the derivation lets it take in either form.
CLASSES, PROBABILITIES, EITHER = "classes", "probabilities", "either"


def subject(implements: str | Derivation, labels: str = EITHER) -> Derivation:
    """The derivation that a kernel is said to implement.

    Args:
        implements: the name of a derivation that is discovered (in the project, else in the catalogue), a derivation,
            or the text of one claim in closedform notation.
        labels: whether the kernel takes labels as class indices (``classes``), as rows (``probabilities``) or both (``either``).

    Raises:
        UsageError: no derivative is shown in the text, or several outputs are; an unknown form of labels.
        UnknownDerivationError: no derivation has that name.
        ParseError: the text is not well formed.

    >>> subject('''
    ... claim gradient
    ... given z[C]
    ... let L = log(sum_k(exp(z[k])))
    ... show dL/dz[i] = exp(z[i])/sum_k(exp(z[k]))
    ... ''').output
    L
    """
    if isinstance(implements, str) and re.search(r"\s", implements.strip()):
        found = _of_text(implements)
    else:
        ((item),) = resolve([implements.strip() if isinstance(implements, str) else implements])
        found = item.derivation
    if found.output is None:
        raise UsageError(f"the derivation {found.name} has claims only, and no output that a kernel could compute")
    return _with_labels(found, labels)


def _of_text(text: str) -> Derivation:
    blocks = parse_claims(text)
    if len(blocks) > 1:
        raise UsageError(f"a kernel implements one claim; the text has {len(blocks)}: {', '.join(block.name for block in blocks)}")
    (block,) = blocks
    shown = [node for claim in block.claims for node in sorted(claim.lhs.atoms(Partial), key=str)]
    outputs = list(dict.fromkeys(_symbol(node.target) for node in shown))
    if len(outputs) != 1:
        listed = ", ".join(map(str, outputs)) or "none"
        raise UsageError(f"a kernel has one output, whose derivatives the claim shows (show dL/dz[i] = ...); got {listed}")
    variables = [_symbol(entry) for node in shown for entry in node.variables]
    # The claim's right side is what somebody believes; a kernel is held against the definition.
    return Derivation(
        name=_name(block),
        title=block.title or block.name,
        given=block.setting.given,
        lets=block.setting.lets,
        output=outputs[0],
        wrt=tuple(dict.fromkeys(variables)),
    )


def _symbol(entry: Expr) -> Expr:
    return entry.base if isinstance(entry, Indexed) else entry


def _name(block: ClaimBlock) -> str:
    """The claim's name, as a derivation may have it."""
    name = re.sub(r"[^a-z0-9_]", "_", block.name.lower())
    return name if name[:1].isalpha() else f"claim_{name}"


def _with_labels(derivation: Derivation, labels: str) -> Derivation:
    if labels not in (CLASSES, PROBABILITIES, EITHER):
        raise UsageError(f"labels are {CLASSES!r}, {PROBABILITIES!r} or {EITHER!r}; got {labels!r}")
    if labels == EITHER:
        return derivation
    given = tuple(
        item
        if not item.classes
        else replace(item, classes=False)
        if labels == PROBABILITIES
        else replace(item, where=(OneHot(item.symbol),) if isinstance(item.symbol, NamedTensor) else item.where)
        for item in derivation.given
    )
    # A claim that needs the labels' sum still holds: one-hot rows sum to one.
    return replace(derivation, given=given)
