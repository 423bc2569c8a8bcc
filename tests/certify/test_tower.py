"""The tower of fields: the identities of real functions hold, exactly, at every level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, isprime

from closedform.certify.rings.chains import SMOOTH, TRIGONOMETRIC, moduli
from closedform.certify.rings.modular import FixedBase, inverse, multiply_squared, power
from closedform.certify.rings.node import Node
from closedform.certify.rings.tower import Tower
from closedform.certify.settle import UnluckyChainsError, settle


def tower(table: tuple[int, ...] = SMOOTH) -> Tower:
    return Tower(table[:4], 11)


def inputs(ring: Tower, *signs: int) -> list[Node]:
    """Random leaves; a sign says that all entries have it."""
    rng = np.random.default_rng(3)
    reals = [rng.normal(size=(ring.draws, 5)) if sign == 0 else sign * rng.uniform(0.5, 2, size=(ring.draws, 5)) for sign in signs]
    return [ring.leaf(f"x{n}", real) for n, real in enumerate(reals)]


def equal(ring: Tower, a: Node, b: Node, *, level: int = 0) -> bool:
    gap = settle(ring, ring.subtract(a, b), level)
    return not gap.any()


def test_chains_are_chains_of_primes_that_fit() -> None:
    for table in (SMOOTH, TRIGONOMETRIC):
        for r in table:
            p, q, r_again, angles = moduli(r)
            assert p == 2 * q + 1 < 2**31
            assert q == 2 * r + 1
            assert r == r_again
            assert all(isprime(prime) for prime in (p, q, r))
            assert all(prime % 8 == 7 for prime in (p, q, r))
            if table is TRIGONOMETRIC:
                assert isprime(angles)
                assert angles % 8 == 7
                assert all((prime + 1) % angles == 0 for prime in (p, q, r))


def test_small_numbers_are_squares_modulo_smooth_chains() -> None:
    for r in SMOOTH:
        for prime in moduli(r)[:3]:
            assert all(pow(n, (prime - 1) // 2, prime) == 1 for n in range(1, 17))


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=400), st.integers(0, 2**30))
@settings(max_examples=25, deadline=None)
def test_modular_arithmetic_against_integers(numbers: list[int], exponent: int) -> None:
    p = moduli(SMOOTH[0])[0]
    modulus, whole = np.array([[p]]), np.array([numbers])
    residues = whole % p
    assert [int(v) for v in inverse(residues, modulus)[0]] == [pow(n, -1, p) if n % p else 0 for n in numbers]
    assert [int(v) for v in power(residues, np.array([[exponent]]), modulus)[0]] == [pow(n, exponent, p) for n in numbers]
    squares = whole % p**2
    assert [int(v) for v in multiply_squared(squares, squares[:, ::-1], modulus)[0]] == [
        a * b % p**2 for a, b in zip(numbers, numbers[::-1], strict=True)
    ]
    assert [int(v) for v in power(squares, np.array([[exponent]]), modulus, squared=True)[0]] == [pow(n, exponent, p**2) for n in numbers]
    assert [int(v) for v in FixedBase(np.array([5]), np.array([p]))(residues)[0]] == [pow(5, n % p, p) for n in numbers]


@pytest.mark.parametrize("level", [0, 1])
def test_exponentials_and_logarithms(level: int) -> None:
    ring = tower()
    x, y, u, v = inputs(ring, 0, 0, 1, 1)
    exp_, log_ = (lambda a: ring.apply("exp", a)), (lambda a: ring.entrywise("log", a))
    assert equal(ring, exp_(ring.add(x, y)), ring.multiply(exp_(x), exp_(y)), level=level)
    assert equal(ring, log_(ring.multiply(u, v)), ring.add(log_(u), log_(v)), level=level)
    assert equal(ring, log_(exp_(x)), x, level=level)  # by arithmetic: the node is not taken apart here
    assert equal(
        ring,
        log_(ring.add(exp_(x), exp_(y))),
        ring.add(x, log_(ring.add(ring.number(Rational(1)), exp_(ring.subtract(y, x))))),
        level=level,
    )
    six, two, three = (log_(ring.number(Rational(n))) for n in (6, 2, 3))
    assert equal(ring, six, ring.add(two, three), level=level)
    assert ring.plane(level).at(two).all()


def test_exponentials_of_logarithms_through_sums() -> None:
    ring = tower()
    x, u = inputs(ring, 0, 1)
    half = ring.number(Rational(1, 2))
    logs = ring.log_node(ring.add(u, ring.multiply(x, x)))
    settle(ring, logs)
    exponential = ring.apply("exp", ring.subtract(x, logs))
    quotient = ring.multiply(ring.apply("exp", x), ring.power(ring.add(u, ring.multiply(x, x)), Rational(-1)))
    assert equal(ring, exponential, quotient)
    mean = ring.apply("exp", ring.total(ring.multiply(half, ring.log_node(u)), 0))
    product = ring.number(Rational(1))
    for n in range(5):
        product = ring.multiply(product, ring.total(ring.multiply(u, unit(ring, n)), 0))
    assert equal(ring, ring.power(mean, Rational(2)), product)


def unit(ring: Tower, n: int) -> Node:
    vector = np.broadcast_to(np.eye(5)[n], (ring.draws, 5))
    return ring.leaf(f"unit{n}", vector, vector.astype(np.int64))


@pytest.mark.parametrize("level", [0, 1])
def test_roots_and_powers(level: int) -> None:
    ring = tower()
    x, u, v, c, d = inputs(ring, 0, 1, 1, 0, 0)
    root, half = (lambda a: ring.power(a, Rational(1, 2))), Rational(1, 2)
    sum_ = ring.add(ring.multiply(x, x), u)
    assert equal(ring, ring.power(root(sum_), Rational(2)), sum_, level=level)
    assert equal(ring, root(ring.multiply(sum_, v)), ring.multiply(root(sum_), root(v)), level=level)
    assert equal(ring, ring.log_node(root(v)), ring.multiply(ring.number(half), ring.entrywise("log", v)), level=level)
    assert equal(
        ring, ring.general_power(v, ring.add(c, d)), ring.multiply(ring.general_power(v, c), ring.general_power(v, d)), level=level
    )
    shifted = ring.general_power(v, ring.subtract(c, ring.number(Rational(1))))
    assert equal(ring, ring.multiply(shifted, v), ring.general_power(v, c), level=level)
    assert equal(ring, ring.entrywise("log", ring.general_power(v, c)), ring.multiply(c, ring.entrywise("log", v)), level=level)
    cube = ring.power(v, Rational(1, 3))
    assert equal(ring, ring.power(cube, Rational(3)), v, level=level)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_angles_add(level: int) -> None:
    ring = tower(TRIGONOMETRIC)
    x, y = inputs(ring, 0, 0)
    (cx, sx), (cy, sy) = ((ring.apply("cos", a), ring.apply("sin", a)) for a in (x, y))
    total = ring.add(x, y)
    assert equal(ring, ring.apply("cos", total), ring.subtract(ring.multiply(cx, cy), ring.multiply(sx, sy)), level=level)
    assert equal(ring, ring.apply("sin", total), ring.add(ring.multiply(sx, cy), ring.multiply(cx, sy)), level=level)
    assert equal(ring, ring.add(ring.multiply(cx, cx), ring.multiply(sx, sx)), ring.number(Rational(1)), level=level)


def test_what_is_not_an_identity_does_not_hold() -> None:
    ring = tower()
    x, y, u = inputs(ring, 0, 0, 1)
    exp_ = ring.apply("exp", x)
    for a, b in [
        (ring.apply("exp", ring.add(x, y)), ring.add(exp_, ring.apply("exp", y))),
        (ring.apply("erf", ring.add(x, y)), ring.add(ring.apply("erf", x), ring.apply("erf", y))),
        (ring.log_node(ring.add(u, exp_)), ring.add(ring.log_node(u), x)),
        (ring.power(u, Rational(1, 2)), u),
        (ring.apply("exp", ring.number(Rational(1))), ring.number(Rational(1))),
    ]:
        assert not equal(ring, a, b)


def test_matrices() -> None:
    ring = tower()
    rng = np.random.default_rng(0)
    a, b = (ring.leaf(name, rng.normal(size=(ring.draws, 4, 4))) for name in "ab")
    product = ring.total(ring.multiply(ring.arrange(a, [0, 1, None]), ring.arrange(b, [None, 0, 1])), 1)
    inverse_ = ring.inverse(a)
    identity = ring.total(ring.multiply(ring.arrange(a, [0, 1, None]), ring.arrange(inverse_, [None, 0, 1])), 1)
    assert equal(ring, identity, ring.eye(4))
    assert equal(ring, ring.det(product), ring.multiply(ring.det(a), ring.det(b)))
    assert equal(ring, ring.logdet(product), ring.add(ring.logdet(a), ring.logdet(b)))


def test_signs_agree_with_the_real_point() -> None:
    ring = tower()
    (x,) = inputs(ring, 0)
    absolute = ring.apply("Abs", x)
    assert equal(ring, ring.power(ring.power(absolute, Rational(2)), Rational(1, 2)), absolute)
    residues, real = ring.plane(0).at(absolute), ring.real.at(absolute)
    assert (real >= 0).all()
    p = ring.moduli[0][:, None]
    assert (power(residues, (p - 1) // 2, p) == 1).all()


def test_a_root_that_never_exists_is_given_up() -> None:
    ring = tower()
    (x,) = inputs(ring, 0)
    negative = ring.multiply(ring.number(Rational(-1)), ring.multiply(x, x))
    with pytest.raises(UnluckyChainsError):
        settle(ring, ring.power(negative, Rational(1, 2)))


def test_only_rows_that_fail_are_drawn_again() -> None:
    ring = tower()
    rng = np.random.default_rng(0)
    x = ring.leaf("x", rng.normal(size=(ring.draws, 6, 3)))
    before = ring.plane(0).at(x).copy()
    squares = ring.total(ring.multiply(x, x), 1)
    p = ring.moduli[0][:, None]
    was_square = power(ring.plane(0).at(squares), (p - 1) // 2, p) == 1
    settle(ring, ring.power(squares, Rational(1, 2)))
    after = ring.plane(0).at(x)
    changed = (before != after).any(axis=2)
    assert (changed == ~was_square).all()
