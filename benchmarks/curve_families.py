"""Which family of elliptic curves finds the most factors: an experiment on the orders of their groups.

    pip install cypari
    python benchmarks/curve_families.py 20000 > benchmarks/results/curve_families.txt     # ten minutes

For each of so many random primes p a random curve modulo p is taken of each family. It finds p if the order of its
points, which PARI computes, is a product of the prime powers that stage 1 multiplies by and at most one prime up to the
end of stage 2, with the bounds that `native/ecm.c` uses for primes of that size. Where a family's rational curves are
those for which some number is a square, curves are taken for which it is a square modulo p.

Suyama's curves, those with a square (u - v)(3 u + v), and a = -1 with e as given: R. Barbulescu, J. Bos, C. Bouvier, T.
Kleinjung, P. Montgomery, "Finding ECM-friendly curves through a study of Galois properties" (2012). Points of order 10
and 12, and 2 and 8: D. Kubert, "Universal bounds on the torsion of elliptic curves" (1976). a = -1 with a point of
order 6, and what a multiplication costs on twisted Edwards curves: D. Bernstein, P. Birkner, T. Lange, "Starfish on
strike" (2010). Curves with a small (A + 2) / 4, which have at least a point of order 4 or two of order 2, and the point
x = 2: GMP-ECM's parametrization 1.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable
from pathlib import Path

from cypari import pari

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
import make_ecm_tables as tables

Curve = list[int]  # the coefficients of its equation by Weierstrass, [a1, a2, a3, a4, a6]

LEVELS = ((24, 47, 90, 12), (28, 85, 210, 20), (32, 165, 210, 40), (40, 420, 420, 50), (48, 1200, 840, 70))
"""Bits of p, B1, giant steps of stage 2 and how many: the levels of `native/ecm.c` for its balanced semiprimes."""

DOUBLE, ADD = 7, 8
"""Multiplications on a twisted Edwards curve with a = -1: to double 7, or 8 before an addition, which takes 8."""


class NoCurveError(Exception):
    """These parameters give none, or one that is singular."""


def over(a: int, b: int, p: int) -> int:
    """a / b modulo p."""
    if b % p == 0:
        raise NoCurveError
    return a * pow(b, -1, p) % p


def is_square(a: int, p: int) -> bool:
    """Modulo p."""
    return pow(a, (p - 1) // 2, p) == 1


def montgomery(a: int, b: int) -> Curve:
    """b y^2 = x^3 + a x^2 + x."""
    return [0, a * b, 0, b * b, 0]


def through(a: int, x: int) -> Curve:
    """The Montgomery curve through a point with this x, which decides whether it is the curve or its twist."""
    return montgomery(a, x**3 + a * x * x + x)


def edwards(a: int, d: int, p: int) -> Curve:
    """a x^2 + y^2 = 1 + d x^2 y^2."""
    return montgomery(over(2 * (a + d), a - d, p), over(4, a - d, p))


def regular(curve: Curve, p: int) -> Curve:
    """The same modulo p, where its discriminant is not 0."""
    a1, a2, a3, a4, a6 = curve
    b2, b4, b6 = a1 * a1 + 4 * a2, 2 * a4 + a1 * a3, a3 * a3 + 4 * a6
    b8 = a1 * a1 * a6 + 4 * a2 * a6 - a1 * a3 * a4 + a2 * a3 * a3 - a4 * a4
    if (9 * b2 * b4 * b6 - b2 * b2 * b8 - 8 * b4**3 - 27 * b6 * b6) % p == 0:
        raise NoCurveError
    return [a % p for a in curve]


def kubert(b: int, c: int) -> Curve:
    """Tate's normal form, in which (0, 0) has the order that is asked for."""
    return [1 - c, -b, -b, 0, 0]


def suyama(p: int, accept: Callable[[int, int, int, int], bool] = lambda *_: True) -> Curve:
    """For a random sigma whose u, v, A and B are acceptable."""
    while True:
        sigma = random.randrange(6, p)
        u, v = (sigma * sigma - 5) % p, 4 * sigma % p
        a = over((v - u) ** 3 * (3 * u + v), 4 * u**3 * v, p) - 2
        x = over(u**3, v**3, p)
        if accept(u, v, a, x**3 + a * x * x + x):
            return through(a, x)


def order_12(p: int) -> Curve:
    """A rational point of order 12."""
    t = random.randrange(2, p)
    m = over(3 * t - 3 * t * t - 1, t - 1, p)
    d, f = m + t, over(m, 1 - t, p)
    c = f * (d - 1)
    return kubert(c * d, c)


def order_10(p: int) -> Curve:
    """A rational point of order 10."""
    f = random.randrange(2, p)
    d = over(f * f, f - (f - 1) ** 2, p)
    c = f * d - f
    return kubert(c * d, c)


def orders_2_and_8(p: int) -> Curve:
    """Rational points of orders 2 and 8: a = 1 and torsion of 16 points."""
    t = random.randrange(2, p)
    d = over(t * (8 * t + 2), 8 * t * t - 1, p)
    b = (2 * d - 1) * (d - 1)
    return kubert(b, over(b, d, p))


def minus_one(p: int, e: Callable[[int], int]) -> Curve:
    """a = -1 and d = -e^4: rational points of orders 2 and 4."""
    return edwards(-1, -(e(random.randrange(2, p)) ** 4), p)


def small_constant(p: int) -> Curve:
    """(A + 2) / 4 at random, and the point x = 2."""
    return through(4 * random.randrange(2, p) - 2, 2)


MONTGOMERY: dict[str, Callable[[int], Curve]] = {
    "Suyama": suyama,
    "Suyama, (u - v)(3u + v) a square": lambda p: suyama(p, lambda u, v, a, b: is_square((u - v) * (3 * u + v), p)),
    "point of order 12": order_12,
    "point of order 10": order_10,
    "points of orders 2 and 8": orders_2_and_8,
    "small (A + 2) / 4, x = 2": small_constant,
}
MINUS_ONE: dict[str, Callable[[int], Curve]] = {
    "a = -1, point of order 6": lambda p: suyama(p, lambda u, v, a, b: is_square(-(a + 2) * b, p)),
    "a = -1, orders 2 and 4": lambda p: minus_one(p, lambda g: g),
    "a = -1, 2 and 4, e = g^2": lambda p: minus_one(p, lambda g: g * g),
    "a = -1, 2 and 4, e = g^2 / 2": lambda p: minus_one(p, lambda g: over(g * g, 2, p)),
    "a = -1, 2 and 4, e = (2g^2 + 2g + 1) / (2g + 1)": lambda p: minus_one(
        p, lambda g: over(2 * g * g + 2 * g + 1, 2 * g + 1, p)
    ),
    "a = -1, 2 and 4, e = (g - 1/g) / 2": lambda p: minus_one(p, lambda g: over(g * g - 1, 2 * g, p)),
}


def multiplier(b1: int) -> int:
    """What stage 1 multiplies by."""
    product: int = 2**tables.EXTRA_TWOS * 3**tables.EXTRA_THREES
    for q in tables.primes_to(b1):
        product *= q ** int(math.log(b1 + 0.5, q))
    return product


def finds(make: Callable[[int], Curve], p: int, stage1: int, end: int) -> bool:
    """Whether a random curve of a family finds p."""
    while True:
        try:
            curve = regular(make(p), p)
        except NoCurveError:
            continue
        group = pari.ellgroup(pari.ellinit(curve, p))  # cyclic, or a product of two of which the first is the larger
        order = int(group[0]) if len(group) else 1
        left = order // math.gcd(order, stage1)
        return left == 1 or (left <= end and bool(pari.isprime(left)))


def chains(b1: int) -> int:
    """Multiplications of stage 1 along the chains of the kernel."""
    _, _, costs = CHAINS
    return costs[tables.B1_LEVELS.index(b1)]


def windows(k: int) -> int:
    """Those of one scalar k on a curve with a = -1 by the best width of signed windows."""

    def cost(width: int) -> int:
        additions, left = 0, k
        while left:
            if left & 1:
                digit = left % (1 << width)
                left -= digit - (1 << width) if digit >> (width - 1) else digit
                additions += 1
            left >>= 1
        table = (1 << (width - 2)) - 1  # 3, 5, ... times the point
        return DOUBLE * k.bit_length() + (ADD + 1) * additions + (ADD * table + DOUBLE if table else 0)

    return min(cost(width) for width in range(2, 9))


def stage2(d: int, last: int, b1: int) -> int:
    """Multiplications of stage 2, as in `native/lanes_curve.h`."""
    points = len(tables.babies(d)) + last
    pairs = sum(map(len, tables.pairs(d, last, b1)))
    return 6 * (8 + (d // 2 + 2) // 3 - 4 + last) + 4 * points + pairs + 2


CHAINS = tables.stage1_chains()


def main() -> None:
    """Prints a table for each size."""
    count = int(sys.argv[1])
    random.seed(20120116)
    for bits, b1, d, last in LEVELS:
        k, end, second = multiplier(b1), d * last + d // 2, stage2(d, last, b1)
        found = dict.fromkeys([*MONTGOMERY, *MINUS_ONE], 0)
        for _ in range(count):
            p = int(pari.nextprime(random.randrange(1 << (bits - 1), 1 << bits)))
            for name, make in (MONTGOMERY | MINUS_ONE).items():
                found[name] += finds(make, p, k, end)
        print(f"primes of {bits} bits, B1 = {b1}, B2 = {end}, {count} of them; stage 2 takes {second} multiplications")
        print(f"{'':48} finds      +-  stage 1  until one is found   with no additions at all")
        for name, times in found.items():
            often = times / count
            error = math.sqrt(often * (1 - often) / count)
            first = chains(b1) if name in MONTGOMERY else windows(k)
            line = f"{name:48} {often:.2%}  {error:.2%}  {first:7}  {(first + second) / often:19.0f}"
            if name in MINUS_ONE:
                line += f"   {(DOUBLE * k.bit_length() + second) / often:24.0f}"
            print(line)
        print(flush=True)


if __name__ == "__main__":
    main()
