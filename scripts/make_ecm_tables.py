"""Writes `src/factorpool/native/ecm_tables.h`: the curves, the chains and the pairs that `ecm.c` follows.

All three are the same for every number, so they are worked out once, here, with as much search as we like.

* Curves.  First those with a rational point of order 12, or with points of orders 2 and 8, which find a tenth more
  primes than Suyama's (benchmarks/curve_families.py): Edwards curves with a = 1, for a rational parameter u and the y
  of a point (D. Bernstein, P. Birkner, T. Lange, C. Peters, "ECM using Edwards curves", Math. Comp. 82 (2013), theorems
  6.4 and 7.2), as Montgomery's: (A + 2)/4 = 1 / (1 - d), x = (1 + y) / (1 - y).  `find_ecm_curves.py` has
  found all with small constants.  Then Suyama's family (group order divisible by 12) for a rational sigma = a/b:
  u = a^2 - 5 b^2, v = 4 a b, point (u^3 : v^3), (A + 2)/4 = (v - u)^3 (3 u + v) / (16 u^3 v).  The first of these,
  sigma = 11 among them, have a square (u - v)(3 u + v): their orders are divisible by higher powers of 2 (R.
  Barbulescu, J. Bos, C. Bouvier, T. Kleinjung, P. Montgomery, "Finding ECM-friendly curves through a study of Galois
  properties", 2012).  The others differ by chance only: those with the smallest constants are taken.
* Chains.  Stage 1 multiplies a point by every prime power up to B1 along differential addition chains, found as
  in P. L. Montgomery, "Evaluating recurrences of form X_{m+n} = f(X_m, X_n, X_{m-n}) via Lucas chains" (1983, 1992):
  for each prime, or product of two, all starting ratios near the golden one are tried and the cheapest is kept.
  p - 1 and p + 1 go along the same chains; so short steps are better without branches, and so theirs are a program for
  registers, where nothing is moved or swapped.
* Pairs.  Stage 2 finds a prime q that divides m D - j or m D + j, one multiplication for the two.  A plan has the
  fewest pairs (m, j) for all q from a B1 on, which is up to 11 % fewer than those with q = m D +- j: many a prime has
  multiples that share a pair with another prime.

Run it from the repository's root:  python scripts/make_ecm_tables.py  (needs nothing but Python).
"""

from __future__ import annotations

import functools
import itertools
import math
import sys
from fractions import Fraction
from pathlib import Path

TARGET = Path(__file__).parent.parent / "src/factorpool/native/ecm_tables.h"

ADD_COST, DOUBLE_COST = 6, 6  # modular multiplications, Montgomery curves in X:Z coordinates, (A + 2) / 4 as a fraction

# Stage 1 bounds; a level of `ecm.c` is one of these with the end of stage 2 beside it.
B1_LEVELS = (27, 47, 70, 85, 125, 165, 205, 300, 420, 600, 850, 1200, 1700)

CURVES = 256
CONSTANT_BITS = 50  # FP_CONSTANT_BITS of field.h

# The parameter u of a curve, and the y of its point, as find_ecm_curves.py prints them.
TORSION_12 = (
    ("-13/1", "-396/565"), ("-7/1", "-284/115"), ("-5/1", "-138/107"), ("-3/1", "-3/5"), ("4/1", "-3"),
    ("7/1", "-1224/1585"), ("8/1", "-1269/1469"), ("14/1", "-29/71"), ("21/1", "-308/317"), ("-11/2", "-89/100"),
    ("-5/2", "-21/19"), ("-3/2", "-5/4"), ("3/2", "-1/7"), ("5/2", "-11/61"), ("7/2", "-95/389"),
    ("-77/3", "-2000/1993"), ("-11/3", "-520/569"), ("-8/3", "-115/79"), ("-4/3", "-29/25"), ("5/4", "-117/133"),
    ("7/4", "-153/190"), ("21/4", "-247/439"), ("-38/5", "-103/65"), ("-34/5", "-1131/1607"), ("-8/5", "-117/373"),
    ("-6/5", "-11/53"), ("6/5", "-29/33"), ("12/5", "-119/841"), ("14/5", "-8/17"), ("11/6", "-1/10"),
    ("13/6", "-187/205"), ("29/6", "-229/113"), ("-30/7", "-37/13"), ("-8/7", "-355/113"), ("18/7", "-275/313"),
    ("19/7", "-187/205"), ("39/7", "-80/67"), ("31/8", "-1219/475"), ("39/8", "-141/115"), ("-25/9", "-986/139"),
    ("-10/9", "-1159/191"), ("20/9", "-253/259"), ("-13/10", "-207/131"), ("13/10", "-138/1711"),
    ("-60/11", "-497/177"), ("-47/11", "-883/1165"), ("-23/11", "-53/85"), ("-20/11", "-810/521"),
    ("-12/11", "-329/265"), ("58/11", "-85/31"), ("68/11", "-133/65"), ("69/11", "-406/307"), ("29/12", "-697/755"),
    ("-42/13", "-25/17"), ("14/13", "-29/55"), ("18/13", "-61/425"), ("30/13", "-301/1051"),
    ("15/14", "-1157/1843"), ("-16/15", "-799/259"), ("19/15", "-56/419"), ("26/15", "-88/1037"),
    ("28/15", "-13/113"), ("-75/17", "-152/137"), ("-19/18", "-925/533"), ("27/20", "-203/823"),
    ("45/22", "-1311/1351"), ("-77/26", "-1055/1321"), ("47/28", "-33/1189"), ("65/32", "-231/569"),
)  # fmt: skip
TORSION_2_8 = (
    ("-46/1", "-337/238"), ("-44/1", "-905/901"), ("-18/1", "-125/91"), ("-10/1", "-333/343"), ("-5/1", "-13/7"),
    ("-13/2", "-1255/667"), ("-11/2", "-515/207"), ("-7/2", "-122/123"), ("-17/3", "-235/103"), ("-16/3", "-41/11"),
    ("-13/3", "-434/73"), ("-25/4", "-835/593"), ("-21/4", "-305/319"), ("-19/4", "-259/79"),
    ("-42/5", "-1479/1481"), ("-34/5", "-111/179"), ("-31/5", "-979/204"), ("-19/6", "-215/253"),
    ("-68/7", "-905/803"), ("-51/7", "-1063/713"), ("-48/7", "-97/15"), ("-30/7", "-51/19"), ("-37/8", "-437/955"),
    ("-55/9", "-1417/1003"), ("-59/10", "-923/965"), ("-43/10", "-71/94"), ("-35/11", "-41/89"),
    ("-47/13", "-55/133"), ("-65/18", "-1615/49"), ("-77/20", "-1927/145"), ("5/47", "-1513/1529"),
)  # fmt: skip

PAIRED = 205  # up to here products of two primes are tried too: the search grows with the fourth power

RATIOS = 400  # starting ratios tried per chain
IMPOSSIBLE = (1 << 30, ())

# Extra factors of the stage 1 multiplier: the group order is divisible by 12, so powers of 2 and 3 are likelier than by
# chance to exceed B1.
EXTRA_TWOS, EXTRA_THREES = 2, 1

# (D, last, B1): the plans of `ecm.c`, giant steps of D up to (last + 1/2) D, for all primes from B1 on.
PLANS = (
    (60, 4, 27), (60, 8, 27), (60, 12, 70), (60, 24, 85), (90, 12, 47), (120, 16, 70), (210, 14, 165), (210, 20, 85),
    (210, 28, 125), (210, 32, 165), (210, 34, 300), (210, 36, 420), (210, 40, 165), (420, 36, 300), (420, 40, 600),
    (420, 50, 420), (420, 60, 600), (840, 50, 850), (840, 60, 1700), (840, 70, 1200), (840, 96, 1700),
)  # fmt: skip

# The operations of `ecm.c`'s interpreter on the points A, B and C = A - B: two of PRAC's rules suffice for the best
# chains.
# A set high bit means "swap A and B first".
OPS = {
    "ADD": 1,  # B, C = A + B, B
    "ADD_DOUBLE": 2,  # B = A + B; A = 2A
    "START": 3,  # B = C = A; A = 2A
    "END": 4,  # A = A + B
    "TWICE": 5,  # A = 2A
}
SWAP = 0x80


def primes_to(limit: int) -> list[int]:
    return [p for p in range(2, limit + 1) if all(p % q for q in range(2, math.isqrt(p) + 1))]


@functools.cache
def steps(d: int, e: int) -> tuple[int, tuple[int, ...]]:
    """The cheapest way from d A + e B to d = e = 1, which END closes: (multiplications, operations)."""
    if d == e:
        return (ADD_COST, (OPS["END"],)) if d == 1 else IMPOSSIBLE
    swap = SWAP if d < e else 0
    d, e = max(d, e), min(d, e)
    if e < 1 or d > 6 * e:  # too lopsided to be short
        return IMPOSSIBLE
    cost, ops = steps(d - e, e)
    best = (cost + ADD_COST, (OPS["ADD"] | swap, *ops))
    if (d - e) % 2 == 0:
        cost, ops = steps((d - e) // 2, e)
        best = min(best, (cost + ADD_COST + DOUBLE_COST, (OPS["ADD_DOUBLE"] | swap, *ops)))
    return best


@functools.cache
def best_chain(n: int) -> tuple[int, tuple[int, ...]]:
    """The cheapest chain that multiplies by an odd n > 1, over the starting ratios n : r nearest the golden one."""
    golden = n / ((1 + math.sqrt(5)) / 2)
    ratios = sorted(range(n // 2 + 1, n), key=lambda r: abs(r - golden))[:RATIOS]
    cost, ops = min(steps(n - r, 2 * r - n) for r in ratios)
    return cost + DOUBLE_COST, (OPS["START"], *ops)


def stage1_chains() -> tuple[list[int], list[int], list[int]]:
    """The operations of the whole of stage 1, and where each level ends (operations, multiplications)."""
    ops = [OPS["TWICE"]] * EXTRA_TWOS
    cost = EXTRA_TWOS * DOUBLE_COST
    for _ in range(EXTRA_THREES):
        c, o = best_chain(3)
        ops += o
        cost += c
    ends, costs = [], []
    low = 1
    single = {p: best_chain(p) for p in primes_to(B1_LEVELS[-1]) if p > 2}
    for b1 in B1_LEVELS:
        odd = []
        for p in primes_to(b1):
            power = p
            while power <= b1:
                if power > low and p == 2:
                    ops.append(OPS["TWICE"])
                    cost += DOUBLE_COST
                elif power > low:
                    odd.append(p)
                power *= p
        # Pair greedily: the product of two primes may have a cheaper chain than the two in a row.
        gains = []
        for i, p in enumerate(odd if b1 <= PAIRED else []):
            for j in range(i + 1, len(odd)):
                alone = single[p][0] + single[odd[j]][0]
                c, o = best_chain(p * odd[j])
                if c < alone:
                    gains.append((alone - c, i, j, c, o))
        used: set[int] = set()
        for _, i, j, c, o in sorted(gains, key=lambda g: (-g[0], g[1], g[2])):
            if i not in used and j not in used:
                used |= {i, j}
                ops += o
                cost += c
        for i, p in enumerate(odd):
            if i not in used:
                ops += single[p][1]
                cost += single[p][0]
        ends.append(len(ops))
        costs.append(cost)
        low = b1
    return ops, ends, costs


def p1_program(ops: list[int], ends: list[int]) -> tuple[list[int], list[int]]:
    """The same chains for V_k: each step is r[d] = r[i] r[j] - r[k], its four registers two bits each, r[3] = 2."""
    names = {number: name for name, number in OPS.items()}
    two, program, program_ends = 3, [], []
    a = b = c = 0
    for at, op in enumerate(ops, 1):
        if op & SWAP:
            a, b = b, a
        match names[op & ~SWAP]:
            case "ADD":
                t = next(r for r in (1, 2, 0) if r not in (a, b))
                program.append((t, a, b, c))
                b, c = t, b
            case "ADD_DOUBLE":
                t = next(r for r in (1, 2, 0) if r not in (a, c))
                doubled = next(r for r in (1, 2, 0) if r not in (t, c))
                program += [(t, a, b, c), (doubled, a, a, two)]
                a, b = doubled, t
            case "START":
                t = next(r for r in (1, 2, 0) if r != a)
                program.append((t, a, a, two))
                a, b, c = t, a, a
            case "END":
                program.append((0, a, b, c))
                a = 0
            case "TWICE":
                program.append((0, a, a, two))
                a = 0
        if at in ends:
            program_ends.append(len(program))
    multiple = [1, 1, 1, 0]
    for d, i, j, k in program:
        assert multiple[k] == abs(multiple[i] - multiple[j])
        multiple[d] = multiple[i] + multiple[j]
    return [d << 6 | i << 4 | j << 2 | k for d, i, j, k in program], program_ends


def babies(d: int) -> list[int]:
    """The baby steps j of D."""
    return [j for j in range(1, d // 2) if math.gcd(j, d) == 1]


def pairs(d: int, last: int, b1: int) -> list[list[int]]:
    """For each giant step m > 0 the indices of the baby steps j whose pair (m, j) the plan has.

    From the largest prime on, which has the fewest multiples, each takes the pair that most primes without one share,
    and of these the one whose primes have the fewest others.  No smaller choice was found by matching primes that
    can share a pair (J. Edmonds, "Paths, trees, and flowers", 1965; four plans, with NetworkX).
    """
    steps, end = babies(d), d * last + d // 2
    sharing: dict[int, list[tuple[int, int]]] = {}  # the pairs that find a prime
    found: dict[tuple[int, int], list[int]] = {}  # the primes that a pair finds
    for prime in primes_to(end):
        if prime > b1:
            sharing[prime] = sorted(
                (m, i)
                for i, j in enumerate(steps)
                for m in range(1, last + 1)
                if (m * d - j) * (m * d + j) % prime == 0
            )
            for pair in sharing[prime]:
                found.setdefault(pair, []).append(prime)
    chosen: list[list[int]] = [[] for _ in range(last)]
    left = set(sharing)
    for prime in sorted(sharing, reverse=True):
        if prime in left:
            m, i = max(sharing[prime], key=lambda pair: _worth([q for q in found[pair] if q in left], sharing))
            left.difference_update(found[m, i])
            chosen[m - 1].append(i)
    return [sorted(row) for row in chosen]


def _worth(primes: list[int], sharing: dict[int, list[tuple[int, int]]]) -> tuple[int, int]:
    """How much a pair is worth that finds these primes, which have no other yet."""
    return len(primes), -sum(len(sharing[prime]) for prime in primes)


def torsion_12(u: Fraction) -> Fraction:
    """d of an Edwards curve with a point of order 12."""
    return (u**2 + 1) ** 3 * (u**2 - 4 * u + 1) / ((u - 1) ** 6 * (u + 1) ** 2)


def torsion_2_8(u: Fraction) -> Fraction:
    """d of an Edwards curve with points of orders 2 and 8."""
    x = (u * u + 2 * u + 2) / (u * u - 2)
    return (2 * x * x - 1) / x**4


def on_montgomery(y: Fraction) -> tuple[int, int]:
    """x : z on the Montgomery curve of a point with this y on an Edwards curve."""
    x = (1 + y) / (1 - y)
    return x.numerator, x.denominator


def edwards_curve(d: Fraction, y: Fraction) -> tuple[int, int, int, int]:
    """(A + 2)/4 as a fraction, and x : z."""
    square = (1 - y * y) * (1 - d * y * y)
    assert math.isqrt(square.numerator) ** 2 == square.numerator, "it has no point with this y"
    assert math.isqrt(square.denominator) ** 2 == square.denominator, "it has no point with this y"
    a24 = 1 / (1 - d)
    curve = (a24.numerator, a24.denominator, *on_montgomery(y))
    assert max(map(abs, curve)) < 1 << CONSTANT_BITS
    return curve


def curves(count: int) -> list[tuple[int, int, int, int, str]]:
    """(numerator, denominator, x, z, what it is), no two of which always find the same primes."""
    large = [
        (*edwards_curve(family(Fraction(u)), Fraction(y)), f"{what}, u = {u}")
        for what, family, known in (("12", torsion_12, TORSION_12), ("2 x 8", torsion_2_8, TORSION_2_8))
        for u, y in known
    ]
    different: dict[tuple[int, ...], tuple[int, int, int, int, str]] = {}
    for curve in large + suyama():
        different.setdefault(orders(curve), curve)
    return list(different.values())[:count]


def orders(curve: tuple[int, int, int, int, str]) -> tuple[int, ...]:
    """How many points it has modulo primes beyond its own: as many as another curve if a rational map joins the two."""
    numerator, denominator, x, z, _ = curve
    found = []
    for p in primes_to(400)[46:]:
        if denominator % p == 0 or z % p == 0:
            found.append(0)
            continue
        a, at = 4 * numerator * pow(denominator, -1, p) - 2, x * pow(z, -1, p)
        b = at**3 + a * at * at + at
        squares = {y * y % p for y in range(1, p)}
        values = [b * (t**3 + a * t * t + t) % p for t in range(p)]
        found.append(1 + sum(1 if value == 0 else 2 * (value in squares) for value in values))
    return tuple(found)


def suyama() -> list[tuple[int, int, int, int, str]]:
    """Suyama's, no two alike or twists."""
    found: list[tuple[bool, int, Fraction, tuple[int, int, int, int, str]]] = []
    for b in range(1, 20):
        for a in (sign * a for a in range(1, 200) for sign in (1, -1)):
            u, v = a * a - 5 * b * b, 4 * a * b
            a24 = Fraction((v - u) ** 3 * (3 * u + v), 16 * u**3 * v)
            g = math.gcd(u, v)
            x, z = (u // g) ** 3, (v // g) ** 3
            largest = max(abs(a24.numerator), a24.denominator, abs(x), abs(z))
            if math.gcd(a, b) != 1 or a24 in (0, 1) or largest >= 1 << CONSTANT_BITS:
                continue
            square = (u - v) * (3 * u + v)
            plain = square < 0 or math.isqrt(square) ** 2 != square
            found.append((plain, largest, a24, (a24.numerator, a24.denominator, x, z, f"sigma = {a}/{b}")))
    chosen: dict[Fraction, tuple[int, int, int, int, str]] = {}
    for _, _, a24, curve in sorted(found):
        if 1 - a24 not in chosen:  # sigma and -sigma give twists of each other
            chosen.setdefault(a24, curve)
    return list(chosen.values())[: 2 * CURVES]


def c_array(kind: str, name: str, values: list[int]) -> str:
    lines, line = [], "   "
    for value in values:
        piece = f" {value},"
        if len(line) + len(piece) > 110:
            lines.append(line)
            line = "   "
        line += piece
    return f"static const {kind} {name}[{len(values)}] = {{\n" + "\n".join([*lines, line]) + "\n};\n"


def header() -> str:
    out = [
        "/* Tables of ecm.c: written by scripts/make_ecm_tables.py, which explains them; do not edit. */",
        "/* clang-format off */",
        '#ifndef FP_ECM_TABLES_H\n#define FP_ECM_TABLES_H\n#include "ecm.h"\n',
    ]
    ops, ends, costs = stage1_chains()
    out.append(
        f"/* Stage 1 to B1 = {', '.join(map(str, B1_LEVELS))} takes {', '.join(map(str, costs))} multiplications. */"
    )
    out.append(c_array("uint8_t", "stage1_ops", ops))
    out.append(c_array("uint16_t", "stage1_end", ends))
    program, ends = p1_program(ops, ends)
    out.append(c_array("uint8_t", "p1_ops", program))
    out.append(c_array("uint16_t", "p1_end", ends))
    for d in sorted({d for d, _, _ in PLANS}):
        out.append(c_array("uint16_t", f"babies_{d}", babies(d)))
    for at, (d, last, b1) in enumerate(PLANS, 1):
        rows = pairs(d, last, b1)
        ends = [0, *itertools.accumulate(map(len, rows))]
        out.append(
            f"/* Stage 2 from {b1} to {d * last + d // 2}: where a giant step's pairs end, and their baby steps. */"
        )
        out.append(c_array("uint32_t", f"pair_ends_{at}", ends))
        out.append(c_array("uint8_t", f"pairs_{at}", [i for row in rows for i in row]))
    out.append(c_array("uint16_t", "plan_from", [b1 for _, _, b1 in PLANS]))
    out.append("/* The first is none. */")
    out.append(f"static const fp_ecm_plan plans[{len(PLANS) + 1}] = {{\n    {{0}},")
    for at, (d, last, _) in enumerate(PLANS, 1):
        out.append(f"    {{{d}, {last}, {len(babies(d))}, babies_{d}, pair_ends_{at}, pairs_{at}}}, /* {at} */")
    out.append("};\n")
    chosen = curves(CURVES)
    out.append(f"static const fp_ecm_curve curves[{len(chosen)}] = {{")
    out += [f"    {{{n}, {d}, {x}, {z}}}, /* {s} */" for n, d, x, z, s in chosen]
    out.append("};\n\n#endif")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    TARGET.write_text(header())
    sys.stdout.write(f"wrote {TARGET}\n")
