"""What a diagnosis can say: a fixed list of kinds, one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of mistake that are recognised."""

    SIGN = "sign"
    CONSTANT_FACTOR = "constant factor"
    SIZE_FACTOR = "factor of a size"
    FACTOR = "missing or extra factor"
    TRANSPOSED_INDICES = "indices transposed"
    TRANSPOSED_MATRIX = "matrix transposed"
    SYMMETRIC_PART = "symmetric part only"
    WRONG_INDEX = "wrong index"
    MISSING_TERM = "missing term"
    EXTRA_TERM = "extra term"
    WRONG_TERM = "wrong term"
    WRONG_PART = "wrong part of a term"
    WRONG_EXPONENT = "wrong exponent"
    WRONG_NAME = "one name for another"
    ASSUMED_SUM = "sum taken to be 1"
    SUM = "sum dropped or added"
    DIAGONAL_ONLY = "diagonal only"
    PATTERN = "wrong at an index pattern"
    CONSTRAINT = "true under a constraint"
    SIZES = "true at particular sizes"
    GAUSS_NEWTON = "Gauss-Newton"
    STOPPED = "intermediate treated as constant"
    OTHER_VARIABLE = "derivative by an intermediate"
    CHAIN_RULE = "chain rule factor dropped"
    JACOBIAN_DIAGONAL = "diagonal of a Jacobian only"
    REWEIGHTED = "reweighting curvature"
    PARAMETRISATION = "other parametrisation"


@dataclass(frozen=True)
class Diagnosis:
    """A verified statement about a refuted claim: its kind for programs, a sentence for people."""

    kind: Kind
    sentence: str
