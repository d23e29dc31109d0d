"""Finds the curves of `make_ecm_tables.py` with many rational points of finite order: those with small constants.

    pip install cypari
    python scripts/find_ecm_curves.py     # five minutes

Its output is `TORSION_12` and `TORSION_2_8` there. A parameter u gives an Edwards curve x^2 + y^2 = 1 + d x^2 y^2; PARI
looks for rational points, where (1 - y^2) (1 - d y^2) is a square. The one with the smallest y that is of no finite
order is taken.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from math import gcd

import make_ecm_tables as tables
from cypari import pari

HEIGHT = 80  # of u
POINTS = 2000  # the height of y
LARGEST = 1 << tables.CONSTANT_BITS


def double(x: int, z: int, a24: Fraction) -> tuple[int, int]:
    """Twice a point of the Montgomery curve."""
    s, d = (x + z) ** 2, (x - z) ** 2
    e = d * a24.denominator
    return lowest(s * e, (s - d) * (e + a24.numerator * (s - d)))


def add(p: tuple[int, int], q: tuple[int, int], difference: tuple[int, int]) -> tuple[int, int]:
    """The sum of two points."""
    u, v = (p[0] - p[1]) * (q[0] + q[1]), (p[0] + p[1]) * (q[0] - q[1])
    return lowest((u + v) ** 2 * difference[1], (u - v) ** 2 * difference[0])


def lowest(x: int, z: int) -> tuple[int, int]:
    """Without what the two have in common."""
    g = gcd(x, z) or 1
    return x // g, z // g


def is_torsion(point: tuple[int, int], a24: Fraction) -> bool:
    """Whether 24 times the point, or less, is that at infinity: by B. Mazur's theorem the order is then 8 or 12."""
    multiple = add(double(*point, a24), point, point)
    for _ in range(4):
        if multiple[1] == 0:
            return True
        multiple = double(*multiple, a24)
    return False


def smallest(d: Fraction, a24: Fraction) -> Fraction | None:
    """The smallest y of a point that is no torsion, and has both coordinates other than 0."""
    quartic = pari(f"{d.denominator} * (1 - x^2) * ({d.denominator} - ({d.numerator}) * x^2)")
    found = {Fraction(str(point[0])) for point in pari.hyperellratpoints(quartic, POINTS)} - {0, 1, -1}
    good = [y for y in found if not is_torsion(tables.on_montgomery(y), a24)]
    return min(good, key=lambda y: (max(abs(y.numerator), y.denominator), y), default=None)


def search(name: str, family: Callable[[Fraction], Fraction]) -> None:
    """Prints what there is of a family."""
    print(f"{name} = (")
    seen: set[Fraction] = set()
    for n in range(1, HEIGHT):
        for m in range(-HEIGHT, HEIGHT + 1):
            if gcd(m, n) > 1:
                continue
            try:
                d = family(Fraction(m, n))
                a24 = 1 / (1 - d)
            except ZeroDivisionError:
                continue
            if d == 0 or max(abs(a24.numerator), a24.denominator) >= LARGEST or {a24, 1 - a24} & seen:
                continue
            seen.add(a24)
            if (y := smallest(d, a24)) is not None:
                print(f'    ("{m}/{n}", "{y}"),')
                sys.stdout.flush()
    print(")")


if __name__ == "__main__":
    search("TORSION_12", tables.torsion_12)
    search("TORSION_2_8", tables.torsion_2_8)
