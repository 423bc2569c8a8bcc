"""The rewrite rules, one concept a file, and the order in which they are tried.

Every rule is an identity and is tried again after any other changed something, until none applies. The order is
the order of a careful hand: use up what is certain (deltas, inverses, constants before sums), fold what has a
name, use what is known, and multiply out only where a sum needs it, or, for a second attempt, everywhere.
"""

from __future__ import annotations

from closedform.derive.rules import (
    branches,
    collect,
    contract,
    distribute,
    fold_lets,
    fold_softmax,
    hyperbolic,
    known_entries,
    known_sums,
    matrix,
    mirror,
    piecewise,
    pull,
    quotients,
)
from closedform.derive.rules.base import Rule

CERTAIN: tuple[Rule, ...] = (
    contract.RULE,  # first: it removes a sum and shortens everything that follows
    quotients.RULE,  # before anything is multiplied out, while equal factors still show
    piecewise.RULE,
    branches.RULE,
    hyperbolic.RULE,
    mirror.RULE,
    pull.RULE,
    matrix.RULE,
    fold_softmax.RULE,
    fold_softmax.LOG_RULE,
    fold_lets.RULE,
    known_sums.RULE,
    known_entries.RULE,
    distribute.FREE_DELTAS,  # last: it makes an expression longer
)

# A second attempt, with independent parts of sums apart, where one of them may be known.
SPLIT: tuple[Rule, ...] = (*CERTAIN, distribute.SPLIT_SUMS)

EXPAND = distribute.EXPAND
COLLECT = collect.RULE

__all__ = ["CERTAIN", "COLLECT", "EXPAND", "SPLIT", "Rule"]
