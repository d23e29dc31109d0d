"""How far curves of ECM should go for a factor of a size: the bounds of native/long.c.

    python benchmarks/ecm_bounds.py > benchmarks/results/ecm_bounds.txt

A curve with bounds B1 and B2 finds p if the order of its group, which is p but for a factor near 1, is a product of
primes up to B1 and one more up to B2. How often numbers of that size are is Dickman's function; those orders, which
12 divides and more often than by chance higher powers of 2 and 3, are so as often as numbers 2^4.55 times as small
(R. Silverman and S. Wagstaff, "A practical analysis of the elliptic curve factoring algorithm", 1993; 23.4 for
Suyama's curves). The best bounds take the fewest multiplications until a factor is to be expected.
"""

from __future__ import annotations

import math
import sys

PART = 400
MOST = 15
GAIN_BITS = 4.55
STAGE1 = 13.6  # multiplications for each 1 of B1: 1.44 bits of prime powers, 9.1 for each and some
GIANT, GIANT_COST, PAIR_COST = 2310, 9, 0.85  # for a prime, some of which share a pair
CURVE_COST = 2500


def dickman() -> list[float]:
    """rho(i / PART): u rho(u) is the integral of rho from u - 1 to u."""
    rho = [1.0] * (PART + 1)
    for i in range(PART + 1, MOST * PART + 1):
        u = i / PART
        if i <= 2 * PART:
            rho.append(1 - math.log(u))
        else:
            rho.append((sum(rho[i - PART + 1 : i]) + rho[i - PART] / 2) / PART / (u - 0.5 / PART))
    return rho


RHO = dickman()


def smooth(u: float) -> float:
    """How often numbers x have only primes up to x^(1 / u)."""
    at = max(u, 0) * PART
    i = int(at)
    return RHO[i] + (RHO[i + 1] - RHO[i]) * (at - i) if i + 1 < len(RHO) else 0.0


def probability(bits: float, b1: float, b2: float) -> float:
    """How often a curve finds a prime of so many bits."""
    size, low, high, steps = (bits - 0.5 - GAIN_BITS) * math.log(2), math.log(b1), math.log(b2), 200
    width = (high - low) / steps
    middles = (low + (i + 0.5) * width for i in range(steps))
    return smooth(size / low) + sum(smooth((size - x) / low) / x * width for x in middles)


def primes_below(x: float) -> float:
    """About how many there are."""
    return x / (math.log(x) - 1.08)


def cost(b1: float, b2: float) -> float:
    """Multiplications of a curve."""
    pairs = PAIR_COST * (primes_below(b2) - primes_below(b1))
    return STAGE1 * b1 + pairs + GIANT_COST * b2 / GIANT + CURVE_COST


def main() -> None:
    """Prints the best bounds for each size."""
    print("bits  B1       B2/B1  curves  multiplications until one is to be expected; with B1 1700, B2 80640")
    for bits in (*range(50, 115, 5), 116):

        def total(b1: float, times: float, bits: int = bits) -> float:
            return cost(b1, times * b1) / probability(bits, b1, times * b1)

        choices = [(1000 * 1.06**i, times) for i in range(130) for times in (20, 30, 45, 60, 80, 110, 150)]
        b1, times = min(choices, key=lambda choice: total(*choice))
        curves = 1 / probability(bits, b1, times * b1)
        short = total(1700, 80640 / 1700)
        print(f"{bits:4}  {b1:7.0f}  {times:5}  {curves:6.0f}  {total(b1, times):.2e}  {short:.2e}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
