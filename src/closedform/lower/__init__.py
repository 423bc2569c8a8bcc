"""Closed forms to array programs: shapes, matrix products, shared parts, stable forms; no backend yet."""

from closedform.lower.lowering import lower
from closedform.lower.plan import Plan, Step, plan_of, plan_of_kept, plan_of_method
from closedform.lower.program import Function, Program

__all__ = ["Function", "Plan", "Program", "Step", "lower", "plan_of", "plan_of_kept", "plan_of_method"]
