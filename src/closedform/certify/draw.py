"""Random points over the tower that satisfy the constraints, exactly, at every level.

Constraints restrict where a claim must hold; entries are still differentiated as independent. Each
given starts as independent random entries of the right structure. Equations are then solved, by the
first of these that satisfies them (which is checked in the field, never assumed):

* scaling: where the left side is homogeneous of degree 1 or 2 in the given (probabilities, unit norm);
* one Newton step by elimination: exact for equations that are affine in the given;
* the step, then the scaling (unit norm and orthogonal to another vector);
* matrices with given eigenvalues, and orthogonal ones (:mod:`.matrices`).

Each construction reaches a dense part of all solutions, so that what holds for its draws holds for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import lcm

import numpy as np
from sympy import Expr, Indexed, Rational

from closedform.certify.evaluate import Interpreter, derivative_key
from closedform.certify.matrices import matmul, matrix_candidates
from closedform.certify.matrix_jets import matrix_key
from closedform.certify.orders import unknown_derivatives
from closedform.certify.real_points import (
    Floats,
    bounds,
    draw_labels,
    draw_real,
    is_bound,
    label_values,
    names,
    residual_let,
    satisfied,
    solve_equations,
    structures,
)
from closedform.certify.rings.leaf import constant_integers
from closedform.certify.rings.node import Node
from closedform.certify.rings.tower import Tower
from closedform.certify.settle import settle
from closedform.certify.sizes.matrices import UnknownMatrix
from closedform.notation import (
    Dim,
    Given,
    Index,
    Let,
    NamedTensor,
    PositiveDefiniteMatrix,
    Relation,
    Setting,
    SymmetricMatrix,
    free_indices,
    head_name,
    partial,
)


class UnsupportedConstraintError(Exception):
    """No way to draw points that satisfy the constraints is known."""


MOST_PARTS = 60  # the denominator of labels


@dataclass(frozen=True)
class _Equation:
    """residual = 0, with the slope of the residual by the given that it is solved for."""

    let: Let
    slope: Expr
    at: tuple[Index, ...]


def draw_point(
    setting: Setting,
    sizes: Mapping[Dim, int],
    tower: Tower,
    scales: Floats,
    *,
    order: int,
    real: bool,
    matrices: Iterable[UnknownMatrix] = (),
    reals: Mapping[str, Floats] | None = None,
) -> dict[str, Node]:
    """One array of the tower for each given, each derivative of an unknown function up to ``order``, and each function
    of an unknown matrix.

    Args:
        scales: the magnitude of the real point, for each draw.
        real: whether the real point matters; if so it satisfies all constraints, too.
        reals: real points and labels to take, draws along axis 0, instead of random ones.

    Raises:
        UnsupportedConstraintError: the constraints are of no kind that is known here, or contradict each other.
    """
    rng = np.random.default_rng([tower.seed, 3])
    values: dict[str, Node] = {}
    points: dict[str, Floats] = {}
    for given in setting.given:
        values[given.name], points[given.name] = _base(given, setting, sizes, tower, rng, scales, (reals or {}).get(given.name))
    _add_derivatives(setting, sizes, tower, values, rng, order)
    for matrix in matrices:
        values |= _functions_of(matrix, sizes, tower, rng)
    solved = [given for given in setting.given if _equations(given, setting) and not _is_label(values[given.name])]
    for given in solved:
        values[given.name] = _solved(given, setting, sizes, tower, values)
    if real:
        _accompany(setting, sizes, tower, values, points, solved)
    return values


def _base(
    given: Given,
    setting: Setting,
    sizes: Mapping[Dim, int],
    tower: Tower,
    rng: np.random.Generator,
    scales: Floats,
    taken: Floats | None,
) -> tuple[Node, Floats]:
    labels = draw_labels(given, setting, sizes, rng, tower.draws)
    if labels is not None:
        labels = labels if taken is None else taken
        return _labels(given, labels, label_values(given, setting), tower), labels
    real = draw_real(given, setting, sizes, rng, scales) if taken is None else taken
    leaf = tower.leaf(given.name, real, positive=bool(np.all(bounds(given, setting, sizes)[0] >= 0)))
    structure = structures(given, setting)
    rank = len(given.dims)
    flipped = [*range(rank - 2), rank - 1, rank - 2]
    if any(isinstance(c, PositiveDefiniteMatrix) for c in structure):
        positive = tower.add(matmul(tower, leaf, tower.arrange(leaf, flipped)), tower.eye(leaf.shape[-1]))
        return tower.shadowed(positive, real), real
    if any(isinstance(c, SymmetricMatrix) for c in structure):
        return tower.shadowed(tower.add(leaf, tower.arrange(leaf, flipped)), real), real
    return leaf, real


def _labels(given: Given, labels: Floats, values: Sequence[Rational], tower: Tower) -> Node:
    if np.isnan(labels).any():
        raise UnsupportedConstraintError(f"no labels for {given.name} that satisfy its constraints were found")
    denominator = lcm(*(int(value.q) for value in values))
    if denominator > MOST_PARTS:
        raise UnsupportedConstraintError(f"{given.name} has values that are not simple fractions")
    wholes = tuple(int(value * denominator) for value in values)
    leaf = tower.leaf(given.name, labels * denominator, constant_integers(labels * denominator), values=wholes, label=True)
    return tower.multiply(tower.number(Rational(1, denominator)), leaf)


def _is_label(node: Node) -> bool:
    return (node.op == "leaf" and node.meta.integers is not None) or (node.op == "mul" and _is_label(node.args[1]))


def _add_derivatives(
    setting: Setting, sizes: Mapping[Dim, int], tower: Tower, values: dict[str, Node], rng: np.random.Generator, order: int
) -> None:
    """Random derivative tensors of unknown functions, symmetric in the entries of each source."""
    for given in setting.given:
        own = len(given.dims)
        for sources in unknown_derivatives(given, order):
            ranks = [len(getattr(source, "dims", ())) for source in sources]
            dims = [*given.dims, *(dim for source in sources for dim in getattr(source, "dims", ()))]
            key = derivative_key(given.name, [source.name for source in sources])
            leaf = tower.leaf(key, rng.normal(size=(tower.draws, *(sizes[dim] for dim in dims))))
            starts = np.cumsum([own, *ranks])
            blocks = [list(range(start, start + rank)) for start, rank in zip(starts, ranks, strict=False)]
            names = [source.name for source in sources]
            orders = [order for order in permutations(range(len(sources))) if [names[k] for k in order] == names]
            total = None
            for arrangement in orders:
                term = tower.arrange(leaf, [*range(own), *(axis for k in arrangement for axis in blocks[k])])
                total = term if total is None else tower.add(total, term)
            values[key] = _for_each(given, dims, leaf if total is None else total, sizes, tower)


def _functions_of(matrix: UnknownMatrix, sizes: Mapping[Dim, int], tower: Tower, rng: np.random.Generator) -> dict[str, Node]:
    """Arbitrary values for the inverse, the determinant and its logarithm."""
    keys = {name: matrix_key(name, matrix.tensor.name) for name in ("inv", "det", "logdet")}
    inverse = tower.leaf(keys["inv"], rng.normal(size=(tower.draws, *(sizes[dim] for dim in matrix.tensor.dims))))
    numbers = {keys[name]: tower.leaf(keys[name], rng.normal(size=tower.draws)) for name in ("det", "logdet")}
    return {keys["inv"]: tower.add(inverse, tower.arrange(inverse, [1, 0])) if matrix.symmetric else inverse, **numbers}


def _for_each(given: Given, dims: Sequence[Dim], derivative: Node, sizes: Mapping[Dim, int], tower: Tower) -> Node:
    """The derivative of a function that maps over dimensions: zero between different entries of them."""
    for dim in given.each:
        first, *others = (axis for axis, other in enumerate(dims) if other == dim)
        for axis in others:
            place = {first: 0, axis: 1}
            derivative = tower.multiply(derivative, tower.arrange(tower.eye(sizes[dim]), [place.get(k) for k in range(len(dims))]))
    return derivative


# -- equations ------------------------------------------------------------------------------------
def _equations(given: Given, setting: Setting) -> list[Relation]:
    """The equations stated for a given."""
    return [c for c in given.where if isinstance(c, Relation) and c.op == "="]


def _prepared(given: Given, setting: Setting) -> tuple[Setting, list[_Equation]]:
    """The setting with the residuals of the given's equations as further lets; symmetry is an equation too."""
    relations = _equations(given, setting)
    if isinstance(given.symbol, NamedTensor) and _is_symmetric(given, setting):
        i, j = (Index(_fresh(setting, f"s{k}"), given.dims[-1]) for k in range(2))
        others = tuple(Index(_fresh(setting, f"t{k}"), dim) for k, dim in enumerate(given.dims[:-2]))
        relations.append(Relation("=", given.symbol[(*others, i, j)], given.symbol[(*others, j, i)]))
    lets, equations = list(setting.lets), []
    for k, relation in enumerate(relations):
        let = residual_let(relation, _fresh(setting, f"residual{k}"))
        at = tuple(Index(_fresh(setting, f"wrt{axis}"), dim) for axis, dim in enumerate(given.dims))
        entry = given.symbol[at] if isinstance(given.symbol, NamedTensor) else given.symbol
        lets.append(let)
        equations.append(_Equation(let, partial(let.head, entry), at))
    return Setting(setting.given, tuple(lets)), equations


def _is_symmetric(given: Given, setting: Setting) -> bool:
    return any(isinstance(c, SymmetricMatrix | PositiveDefiniteMatrix) for c in structures(given, setting))


def _fresh(setting: Setting, name: str) -> str:
    while name in setting.symbols():
        name += "x"
    return name


def _solved(given: Given, setting: Setting, sizes: Mapping[Dim, int], tower: Tower, values: Mapping[str, Node]) -> Node:
    extended, equations = _prepared(given, setting)
    for candidate in _candidates(given, extended, equations, sizes, tower, values):
        if _holds(setting, sizes, tower, {**values, given.name: candidate}, given):
            return candidate
    raise UnsupportedConstraintError(f"the equations on {given.name} are not of a kind that points can be drawn for")


def _holds(setting: Setting, sizes: Mapping[Dim, int], tower: Tower, values: Mapping[str, Node], given: Given) -> bool:
    interpreter = Interpreter(setting, sizes, values, tower)
    node = values[given.name]
    rank = len(node.shape)
    if (
        _is_symmetric(given, setting)
        and settle(tower, tower.subtract(node, tower.arrange(node, [*range(rank - 2), rank - 1, rank - 2]))).any()
    ):
        return False
    for relation in _equations(given, setting):
        difference = relation.lhs - relation.rhs
        residual = interpreter.entries(difference, sorted(free_indices(difference), key=str))
        settle(tower, residual)
        if tower.plane(0).at(residual).any():
            return False
    return True


def _candidates(
    given: Given, setting: Setting, equations: list[_Equation], sizes: Mapping[Dim, int], tower: Tower, values: Mapping[str, Node]
) -> Iterator[Node]:
    base = values[given.name]
    linear = [equation for equation in equations if _is_affine(given, equation, setting, sizes, tower, values)]
    if len(equations) == 1 or not linear:
        yield from _scaled(given, base, setting, sizes, tower, values)
    if linear:
        stepped = base if _all_hold(linear, setting, sizes, tower, values) else _stepped(base, setting, linear, sizes, tower, values)
        yield stepped
        yield from _scaled(given, stepped, setting, sizes, tower, {**values, given.name: stepped})
    if len(base.shape) == 2:
        yield from matrix_candidates(given.name, base, tower)


def _all_hold(equations: list[_Equation], setting: Setting, sizes: Mapping[Dim, int], tower: Tower, values: Mapping[str, Node]) -> bool:
    interpreter = Interpreter(setting, sizes, values, tower)
    return not any(settle(tower, interpreter.entries(e.let.head, e.let.indices)).any() for e in equations)


def _is_affine(
    given: Given, equation: _Equation, setting: Setting, sizes: Mapping[Dim, int], tower: Tower, values: Mapping[str, Node]
) -> bool:
    """Whether f(2x) - 2 f(x) + f(0) = 0 at a random x."""
    total = None
    for multiple, weight in ((2, 1), (1, -2), (0, 1)):
        point = {**values, given.name: tower.multiply(tower.number(Rational(multiple)), values[given.name])}
        residual = Interpreter(setting, sizes, point, tower).entries(equation.let.head, equation.let.indices)
        term = tower.multiply(tower.number(Rational(weight)), residual)
        total = term if total is None else tower.add(total, term)
    return total is not None and not settle(tower, total).any()


def _degree(
    given: Given, relation: Relation, setting: Setting, sizes: Mapping[Dim, int], tower: Tower, values: Mapping[str, Node]
) -> int | None:
    """In which degree the left side is homogeneous in the given, where the right side lacks it; None if in neither 1 nor 2."""
    if names(relation.rhs, given):
        return None
    at = sorted(free_indices(relation.lhs), key=str)
    once = Interpreter(setting, sizes, values, tower).entries(relation.lhs, at)
    doubled = {**values, given.name: tower.multiply(tower.number(Rational(2)), values[given.name])}
    twice = Interpreter(setting, sizes, doubled, tower).entries(relation.lhs, at)
    for degree in (1, 2):
        gap = tower.subtract(twice, tower.multiply(tower.number(Rational(2**degree)), once))
        settle(tower, gap)
        if not tower.plane(0).at(gap).any():
            return degree
    return None


def _scaled(
    given: Given, base: Node, setting: Setting, sizes: Mapping[Dim, int], tower: Tower, values: Mapping[str, Node]
) -> Iterator[Node]:
    """x (b / f(x))^(1/degree), along the axes that the equation is free in."""
    for stated in reversed(_equations(given, setting)):
        relation = stated if names(stated.lhs, given) else Relation("=", stated.rhs, stated.lhs)
        degree = _degree(given, relation, setting, sizes, tower, values)
        entries = [e for e in relation.lhs.atoms(Indexed) if head_name(e) == given.name]
        if degree is None or relation.rhs == 0 or not entries:
            continue
        entry = min(entries, key=str)
        at = [index for index in entry.indices if index in free_indices(relation.lhs)]
        if set(at) != free_indices(relation.lhs) | free_indices(relation.rhs) or len(set(at)) < len(at):
            continue
        interpreter = Interpreter(setting, sizes, values, tower)
        left, right = interpreter.entries(relation.lhs, at), interpreter.entries(relation.rhs, at)
        factor = tower.multiply(right, tower.power(left, Rational(-1)))
        factor = tower.power(factor, Rational(1, degree))
        yield tower.multiply(base, tower.arrange(factor, [at.index(index) if index in at else None for index in entry.indices]))


def _stepped(
    base: Node,
    setting: Setting,
    equations: list[_Equation],
    sizes: Mapping[Dim, int],
    tower: Tower,
    values: Mapping[str, Node],
) -> Node:
    """x - d with J d = f(x), d = 0 off the pivots."""
    interpreter = Interpreter(setting, sizes, values, tower)
    count = int(np.prod(base.shape, dtype=int))
    rows, residuals = [], []
    for equation in equations:
        residual = interpreter.entries(equation.let.head, equation.let.indices)
        slope = interpreter.entries(equation.slope, (*equation.let.indices, *equation.at))
        height = int(np.prod(residual.shape, dtype=int))
        rows.append(tower.reshape(slope, (height, count)))
        residuals.append(tower.reshape(residual, (height,)))
    step = tower.solve(tower.concat(rows), tower.concat(residuals))
    return tower.subtract(base, tower.reshape(step, base.shape))


# -- the real point -------------------------------------------------------------------------------
def _accompany(
    setting: Setting, sizes: Mapping[Dim, int], tower: Tower, values: dict[str, Node], reals: Mapping[str, Floats], solved: list[Given]
) -> None:
    """Give solved givens real points that satisfy the constraints, draw by draw."""
    if not solved and all(is_bound(c, setting) for c in setting.constraints if isinstance(c, Relation)):
        return  # drawn within these bounds already
    points: dict[str, list[Floats]] = {given.name: [] for given in setting.given}
    rng = np.random.default_rng([tower.seed, 4])
    prepared = [(given, *_prepared(given, setting)) for given in solved]
    for draw in range(tower.draws):
        for attempt in range(60):
            point = {name: entries[draw] for name, entries in reals.items()}
            if attempt:
                for given in setting.given:
                    if not _is_label(values[given.name]):
                        point[given.name] = draw_real(given, setting, sizes, rng, np.ones(1))[0]
            ok = all(
                solve_equations(given, [(e.let, e.slope, e.at) for e in equations], extended, sizes, point)
                for given, extended, equations in prepared
            )
            if ok and satisfied(setting, sizes, point):
                break
        else:
            raise UnsupportedConstraintError("no real point that satisfies the constraints was found")
        for name, entries in point.items():
            points[name].append(np.asarray(entries))
    for given in setting.given:
        if not _is_label(values[given.name]):
            node, real = values[given.name], np.stack(points[given.name])
            values[given.name] = tower.shadowed(node, real)
