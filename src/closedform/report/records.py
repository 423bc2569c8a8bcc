"""Recorded results as JSON: one flat record for each claim, closed form, module and kernel check."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from closedform.results import PROVED, ClaimResult, Counterexample, DerivationResult, KernelCheck, ModuleResult, Reading


def claim_record(result: ClaimResult) -> dict[str, Any]:
    """A claim or closed form; ``kind`` tells which."""
    verdict = result.verdict
    return {
        "kind": result.kind,
        "derivation": result.derivation,
        "claim": result.claim,
        "title": result.title,
        "formula": f"{result.lhs_text} = {result.rhs_text}",
        "verdict": verdict.verdict,
        "sizes": {name: list(sizes) for name, sizes in verdict.sizes.items()},
        "all_sizes": verdict.all_sizes if verdict.verdict == PROVED else None,
        "error_probability": verdict.error_probability,
        "counterexample": _counterexample(verdict.counterexample),
        "diagnosis": list(verdict.diagnosis),
        "notes": list(verdict.notes),
        "derived": result.derived_text,
        "cites": list(result.cites),
        "readings": [_reading(reading) for reading in result.readings],
        "seconds": round(verdict.seconds, 4),
    }


def check_record(check: KernelCheck) -> dict[str, Any]:
    """A kernel compared with one oracle; ``worst`` is the largest error over its bound."""
    return {
        "kind": "kernel check",
        "derivation": check.derivation,
        "function": check.function,
        "backend": check.backend,
        "dtype": check.dtype,
        "oracle": check.oracle,
        "verdict": check.verdict,
        "worst": _finite(check.worst),
        "examples": check.examples,
        "message": check.message,
    }


def module_record(module: ModuleResult) -> dict[str, Any]:
    """A generated module compared with the committed file."""
    return {
        "kind": "module",
        "derivation": module.derivation,
        "backend": module.backend,
        "committed": module.committed,
        "verdict": module.verdict,
        "message": module.message,
    }


def verification_records(results: Iterable[DerivationResult]) -> list[dict[str, Any]]:
    """Every record of every derivation, in order."""
    records: list[dict[str, Any]] = []
    for result in results:
        records += [claim_record(claim) for claim in (*result.claims, *result.forms)]
        records += [module_record(module) for module in result.modules]
        records += [check_record(check) for check in result.checks]
        records += [{"kind": "problem", "derivation": result.name, "verdict": "failed", "message": problem} for problem in result.problems]
    return records


def to_json(records: list[dict[str, Any]]) -> str:
    """The text of a JSON file."""
    return json.dumps(records, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "layout": reading.layout,
        "expected": reading.expected,
        "shape": reading.shape,
        "complaint": reading.complaint,
        "formula": reading.text,
        "verdict": reading.verdict.verdict if reading.verdict is not None else None,
    }


def _counterexample(found: Counterexample | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"sizes": found.sizes, "values": found.values, "entry": found.entry, "lhs": found.lhs, "rhs": found.rhs}


def _finite(number: float) -> float | str:
    """JSON has no infinity: it is written as text."""
    return number if abs(number) < float("inf") else str(number)
