"""The ring in which claims are proved: arrays over towers of prime fields, one tower for each draw.

The interpreter builds expressions (:mod:`.node`); :mod:`.planes` computes them. Two structural
identities are applied while building, both true of real numbers and neither lossy:

    log(a b) = log a + log b,  log(exp u) = u,  log(x^c) = c log x,
    exp(a + c log x) = exp(a) x^c   (also through sums: exp(sum_i c_i log x_i) = prod_i x_i^c_i).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np
from sympy import Rational

from closedform.certify.rings.base import Ring
from closedform.certify.rings.chains import moduli
from closedform.certify.rings.leaf import Leaf
from closedform.certify.rings.loglinear import LogLinear
from closedform.certify.rings.modular import FixedBase, Ints, mixed, power
from closedform.certify.rings.node import AXIS_OPS, COMPARISONS, Node, constant_digest
from closedform.certify.rings.planes import Lifted, Residues
from closedform.certify.rings.real import Real

_HALF = Rational(1, 2)


class Tower(Ring):
    """Arrays are :class:`.node.Node`; ask :meth:`plane` for their residues.

    Args:
        chains: the smallest prime of each draw's chain, see :mod:`.chains`.
        seed: determines all randomness of inputs.
        salts: for each draw, what its functions are made from: with the chain, they settle the value of every constant.
        strict: where something is compared with zero, its residue must be a square just where it is positive.
        free: outcomes of comparisons and labels are not what the real point says, but random field elements.
        nonsquares: constants (:func:`.node.constant_digest`) that were found to be no squares with other chains.
    """

    name = "finite fields"

    def __init__(
        self,
        chains: Sequence[int],
        seed: int,
        *,
        salts: Ints | None = None,
        strict: bool = False,
        free: bool = False,
        nonsquares: Set[bytes] = frozenset(),
    ) -> None:
        self.draws = len(chains)
        self.most_entries = Ring.most_entries // self.draws
        self.seed = seed
        self.strict = strict
        self.free = free
        self.nonsquares = nonsquares
        self.salts: Ints = new_salts(np.random.default_rng([seed, 1]), self.draws) if salts is None else salts
        self.moduli: Ints = np.array([moduli(r) for r in chains], dtype=np.int64).T
        self.flags: dict[Node, Any] = {}
        self.sides: dict[Node, set[int]] = {}
        self.irregular: set[Node] = set()  # radicands that were no square in some draw
        self._planes: dict[tuple[int, bool], Residues] = {}
        self.real = Real(self)
        self._bases: dict[tuple[str, int], FixedBase] = {}
        self._nodes: dict[tuple[Any, ...], Node] = {}
        self._logs: dict[Node, Node] = {}
        self._below_outcomes: dict[Node, bool] = {}
        self._linear = LogLinear(self)
        self._pi: Node | None = None

    # -- planes -----------------------------------------------------------------------------------
    def plane(self, level: int) -> Residues:
        """Residues modulo the prime of a level."""
        return self._plane(level, False)

    def lift(self, level: int) -> Residues:
        """Residues modulo the square of that prime."""
        return self._plane(level, True)

    def _plane(self, level: int, squared: bool) -> Residues:
        if (level, squared) not in self._planes:
            self._planes[level, squared] = (Lifted if squared else Residues)(self, level)
        return self._planes[level, squared]

    @property
    def smallest_modulus(self) -> int:
        """Of all levels that were in use."""
        return min(int(self.moduli[level].min()) for level, _ in self._planes)

    def comparisons(self) -> list[Node]:
        """Every node that the real point decides, in the order in which they were built."""
        return [node for node in self._nodes.values() if node.op in COMPARISONS]

    def may_tie(self, node: Node) -> bool:
        """Whether outcomes of comparisons, labels or roots are below a comparison: then what is compared may be zero on a whole region."""
        if node not in self._below_outcomes:
            own = (arg.op in COMPARISONS or arg.op in ("root", "gpow") or (arg.op == "leaf" and arg.meta.label) for arg in node.args)
            self._below_outcomes[node] = any(own) or any(map(self.may_tie, node.args))
        return self._below_outcomes[node]

    def chooses(self, node: Node) -> str:
        """Which of its branches a ``select`` takes, ``larger`` or ``smaller``, if it compares them; else an empty text."""
        condition, yes, no = node.args
        if condition.op == "less" and condition.args[0] is self.subtract(no, yes):
            return "larger"
        return "smaller" if condition.op == "less" and condition.args[0] is self.subtract(yes, no) else ""

    def roots_of_squares(self) -> list[Node]:
        """Roots of what was a square whatever was drawn, though it need not be: sqrt(s^2) is s or -s, by a character that looks random."""
        roots = [node for node in self._nodes.values() if node.op in ("root", "gpow") and not _is_positive(node.args[0])]
        digests: dict[Node, bytes | None] = {}
        nonsquares = [node.args[0] for node in roots if constant_digest(node.args[0], digests) in self.nonsquares]
        generic = {key for radicand in (*self.irregular, *nonsquares) for key in self._values(radicand)}
        return [node for node in roots if not generic & self._values(node.args[0])]

    def _values(self, node: Node) -> set[tuple[int, bytes]]:
        """What is known of a node's residues, so that equal formulas are recognised."""
        planes = {level: plane.known for (level, squared), plane in self._planes.items() if not squared}
        return {(level, np.squeeze(known[node]).tobytes()) for level, known in planes.items() if node in known}

    def forget(self, level: int) -> None:
        """Drop what was computed from residues of a level, after some were drawn again; the expressions stay."""
        for other, squared in list(self._planes):
            if other <= level or level == 3:
                del self._planes[other, squared]
        self.flags.clear()

    def base(self, kind: str, level: int) -> FixedBase:
        """Powers of g (``exp``), of its Teichmueller representative (``exp lifted``), of w (``circle``)."""
        if (kind, level) not in self._bases:
            self._bases[kind, level] = self._make_base(kind, level)
        return self._bases[kind, level]

    def _make_base(self, kind: str, level: int) -> FixedBase:
        p = self.moduli[level]
        h = mixed(self.salts, level, p) % (p - 3) + 2
        if kind == "exp":
            return FixedBase(h * h % p, p)  # squares have the order of the next prime, 1 excepted
        if kind == "exp lifted":
            return FixedBase(power(h * h % p, p, p, squared=True), p, squared=True)
        # (h + i)/(h - i) lies on the unit circle, of p + 1 points; its power ((p+1)/t) has order t or 1
        inverse = np.array([pow(int(x * x % m + 1), -1, int(m)) for x, m in zip(h, p, strict=True)], dtype=np.int64)
        point = np.stack([(h * h % p - 1) * inverse % p, 2 * h % p * inverse % p], axis=-1)
        cofactor = (p + 1) // self.moduli[3]
        return FixedBase(FixedBase(point, p)(cofactor), p)

    # -- leaves and constants ---------------------------------------------------------------------
    def leaf(self, name: str, real: Any, integers: Any = None, **known: Any) -> Node:
        """A random input with its real point, draws along axis 0; ``known``: see :class:`.leaf.Leaf`."""
        return self._node("leaf", (), Leaf(name, real, self.seed, integers, **known), real.shape[1:])

    def shadowed(self, a: Node, real: Any) -> Node:
        """A constructed input, with the real point that goes with it."""
        return self._node("shadowed", (a,), real, real.shape[1:])

    def number(self, value: Rational) -> Node:
        """A rational number."""
        return self._node("number", (), Rational(value), ())

    def size(self, n: int) -> Node:
        """The size of a dimension."""
        return self._node("size", (), Rational(n), ())

    def pi(self) -> Node:
        """A positive number that satisfies no equation."""
        if self._pi is None:
            self._pi = self.leaf(" pi", np.full(self.draws, np.pi), positive=True)
        return self._pi

    def eye(self, n: int) -> Node:
        """Identity matrix."""
        return self._node("eye", (), n, (n, n))

    # -- building ---------------------------------------------------------------------------------
    def _node(self, op: str, args: tuple[Node, ...], meta: Any, shape: tuple[int, ...]) -> Node:
        if op in ("leaf", "shadowed"):
            return Node(op, args, meta, shape)
        key = (op, args, meta)
        if key not in self._nodes:
            logs = op == "log" or (op in ("add", "mul", "total", *AXIS_OPS) and any(arg.logs for arg in args))
            self._nodes[key] = Node(op, args, meta, tuple(shape), logs)
        return self._nodes[key]

    def entrywise(self, op: str, *args: Node, meta: Any = None) -> Node:
        """An operation on arrays that broadcast."""
        rank = max(len(arg.shape) for arg in args)
        args = tuple(self.arrange(arg, [None] * (rank - len(arg.shape)) + list(range(len(arg.shape)))) for arg in args)
        return self._node(op, args, meta, np.broadcast_shapes(*(arg.shape for arg in args)))

    def add(self, a: Node, b: Node) -> Node:
        """Entrywise sum."""
        return self.entrywise("add", a, b)

    def multiply(self, a: Node, b: Node) -> Node:
        """Entrywise product."""
        if a.op == "number" and b.op == "number":
            return self.number(a.meta * b.meta)
        for one, other in ((a, b), (b, a)):
            if one.op == "number" and one.meta == 1:
                return other
        return self.entrywise("mul", a, b)

    def subtract(self, a: Node, b: Node) -> Node:
        """a - b."""
        return self.add(a, self.multiply(self.number(Rational(-1)), b))

    def power(self, a: Node, exponent: Rational) -> Node:
        """A constant power; a fractional one through the square root, which must exist."""
        if exponent.is_Integer:
            n = int(exponent)
            base = self.entrywise("inv", a) if n < 0 else a
            return base if abs(n) == 1 else self.entrywise("ipow", base, meta=abs(n))
        if exponent == _HALF:
            return self.entrywise("root", a)
        if (2 * exponent).is_Integer:
            return self.power(self.power(a, _HALF), 2 * exponent)
        return self.entrywise("gpow", self.power(a, _HALF), self.number(2 * exponent))

    def general_power(self, a: Node, exponent: Node) -> Node:
        """x^c for a positive base, which must be a square in the field; a constant exponent is exact for every base."""
        constant = _plain(exponent)
        if constant is None:
            return self.entrywise("gpow", a, exponent)
        shape = np.broadcast_shapes(a.shape, exponent.shape)
        value = self.power(a, constant)
        return self.broadcast(self.arrange(value, [None] * (len(shape) - len(a.shape)) + list(range(len(a.shape)))), shape)

    def apply(self, function: str, a: Node) -> Node:
        """Elementary functions; the hyperbolic family through exp, the piecewise family through sign."""
        one = self.number(Rational(1))
        match function:
            case "exp":
                return self._exp(a)
            case "log":
                return self.log_node(a)
            case "erf" | "cos" | "sin" | "sign" | "step":
                return self.entrywise(function, a)
            case "sigmoid":
                return self.power(self.add(one, self._exp(self.multiply(self.number(Rational(-1)), a))), Rational(-1))
            case "softplus":
                return self.log_node(self.add(one, self._exp(a)))
            case "tanh":
                square = self._exp(self.multiply(self.number(Rational(2)), a))
                return self.multiply(self.subtract(square, one), self.power(self.add(square, one), Rational(-1)))
            case "cosh" | "sinh":
                up = self._exp(a)
                down = self.power(up, Rational(-1))
                return self.multiply(self.number(_HALF), self.add(up, down) if function == "cosh" else self.subtract(up, down))
            case "Abs":
                return self.multiply(self.entrywise("sign", a), a)
            case "relu":
                return self.multiply(self.apply("step", a), a)
        raise ValueError(f"the tower has no function {function!r}")

    def _exp(self, a: Node) -> Node:
        if not a.logs:
            return self.entrywise("exp", a)
        rest, terms = self._linear.of(a)
        result = self.entrywise("exp", rest) if rest is not None else self.number(Rational(1))
        for term in terms:
            factor = self.general_power(term.argument, term.coefficient)
            for _ in range(term.summed):
                factor = self._node("product", (factor,), 0, factor.shape[1:])
            result = self.multiply(result, factor)
        return result

    def log_node(self, a: Node) -> Node:
        """log|a|, taken apart as far as it goes."""
        if a not in self._logs:
            self._logs[a] = self._log(a)
        return self._logs[a]

    def _log(self, a: Node) -> Node:
        match a.op:
            case "exp":
                return a.args[0]
            case "mul":
                return self.add(self.log_node(a.args[0]), self.log_node(a.args[1]))
            case "inv":
                return self.multiply(self.number(Rational(-1)), self.log_node(a.args[0]))
            case "ipow":
                return self.multiply(self.number(Rational(a.meta)), self.log_node(a.args[0]))
            case "root":
                return self.multiply(self.number(_HALF), self.log_node(a.args[0]))
            case "gpow":
                return self.multiply(a.args[1], self.log_node(a.args[0]))
            case "arrange" | "broadcast" | "diagonal" | "reshape":
                return self._node(a.op, (self.log_node(a.args[0]),), a.meta, a.shape)
        return self.entrywise("log", a)

    def less(self, a: Node, b: Node, or_equal: bool) -> Node:
        """Decided by the real point."""
        return self.entrywise("less", self.subtract(a, b), meta=or_equal)

    def select(self, condition: Node, a: Node, b: Node) -> Node:
        """Entrywise choice; a condition that is no comparison holds where it is more than 1/2."""
        if not _is_truth(condition):
            condition = self.entrywise("step", self.subtract(condition, self.number(_HALF)))
        return self.entrywise("select", condition, a, b)

    # -- axes -------------------------------------------------------------------------------------
    def arrange(self, a: Node, order: Sequence[int | None]) -> Node:
        """See :meth:`.base.Ring.arrange`."""
        if list(order) == list(range(len(a.shape))):
            return a
        return self._node("arrange", (a,), tuple(order), tuple(1 if axis is None else a.shape[axis] for axis in order))

    def broadcast(self, a: Node, shape: Sequence[int]) -> Node:
        """See :meth:`.base.Ring.broadcast`."""
        return a if a.shape == tuple(shape) else self._node("broadcast", (a,), tuple(shape), tuple(shape))

    def diagonal(self, a: Node, first: int, second: int) -> Node:
        """See :meth:`.base.Ring.diagonal`."""
        shape = [n for axis, n in enumerate(a.shape) if axis not in (first, second)] + [a.shape[first]]
        return self._node("diagonal", (a,), (first, second), tuple(shape))

    def reshape(self, a: Node, shape: Sequence[int]) -> Node:
        """The same entries in order, under another shape."""
        return self._node("reshape", (a,), (a.shape, tuple(shape)), tuple(shape))

    def total(self, a: Node, axis: int) -> Node:
        """Sum along an axis."""
        return self._node("total", (a,), axis, a.shape[:axis] + a.shape[axis + 1 :])

    def concat(self, parts: Sequence[Node]) -> Node:
        """Arrays one after the other, along their first axis."""
        return self._node("concat", tuple(parts), None, (sum(part.shape[0] for part in parts), *parts[0].shape[1:]))

    # -- matrices ---------------------------------------------------------------------------------
    def inverse(self, a: Node) -> Node:
        """Inverse of the last two axes."""
        return self._node("matinv", (a,), None, a.shape)

    def det(self, a: Node) -> Node:
        """Determinant of the last two axes."""
        return self._node("det", (a,), None, a.shape[:-2])

    def solve(self, jacobian: Node, right: Node) -> Node:
        """One solution of linear equations, zero off the pivots."""
        return self._node("solve", (jacobian, right), None, jacobian.shape[-1:])


def new_salts(rng: np.random.Generator, draws: int) -> Ints:
    """One for each draw."""
    return rng.integers(1, 2**62, size=draws, dtype=np.int64)


def _is_truth(a: Node) -> bool:
    """Whether every entry is 0 or 1 because of how it is made: comparisons and their products."""
    if a.op == "mul" or a.op in AXIS_OPS:
        return all(_is_truth(arg) for arg in a.args)
    return a.op in ("step", "less")


def _is_positive(a: Node) -> bool:
    """Whether a node is a square because it is made of what is drawn as squares, by products."""
    if a.op == "mul" and any(x.op == "sign" and x.args[0] is y and _is_input(y) for x, y in (a.args, a.args[::-1])):
        return True  # |x|: the residues of x are squares where x is positive, and their negatives where it is not
    if a.op in ("mul", "inv", "ipow") or a.op in AXIS_OPS:
        return all(_is_positive(arg) for arg in a.args)
    return a.op in ("exp", "gpow", "root") or (a.op == "leaf" and a.meta.positive) or (a.op in ("number", "size") and a.meta > 0)


def _is_input(a: Node) -> bool:
    """Whether a node holds entries of an input."""
    return a.op == "leaf" or (a.op in AXIS_OPS and _is_input(a.args[0]))


def _plain(a: Node) -> Rational | None:
    """The rational number that every entry is, where that is plain to see."""
    if a.op in ("number", "size"):
        return a.meta
    if a.op in ("arrange", "broadcast"):
        return _plain(a.args[0])
    if a.op == "mul":
        first, second = (_plain(arg) for arg in a.args)
        return None if first is None or second is None else first * second
    return None
