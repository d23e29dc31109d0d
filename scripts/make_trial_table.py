"""Writes `src/factorpool/native/trial_table.h`: the odd primes of `trial.c` with what tests divisibility by them.

p divides n exactly where n times the inverse of p modulo 2^64 is at most (2^64 - 1) / p: a multiplication and a
comparison in place of a division (T. Granlund and P. L. Montgomery, "Division by invariant integers using
multiplication", 1994, section 9).  Vectors go by p, 1 / p and 2^32 modulo p as doubles (`trial_lanes.h`).

Run it from the repository's root:  python scripts/make_trial_table.py
"""

from __future__ import annotations

import math
from pathlib import Path

TARGET = Path(__file__).parent.parent / "src/factorpool/native/trial_table.h"
COUNT = 16 * 64  # FP_TRIAL_SETS * FP_TRIAL_SET of isa.h; and one more, the first that is not tried

odd_primes = [p for p in range(3, 10000) if all(p % q for q in range(2, math.isqrt(p) + 1))][: COUNT + 1]
rows = "\n".join(
    f"    {{{pow(p, -1, 1 << 64):#018x}, {((1 << 64) - 1) // p:#018x}, {p}, {p}, 1.0 / {p}, {(1 << 32) % p}}},"
    for p in odd_primes
)
TARGET.write_text(
    "/* Table of trial.c: written by scripts/make_trial_table.py, which explains it; do not edit. */\n"
    "/* clang-format off */\n"
    '#ifndef FP_TRIAL_TABLE_H\n#define FP_TRIAL_TABLE_H\n#include "trial.h"\n\n'
    f"const fp_trial_prime fp_trial_primes[{len(odd_primes)}] = {{\n{rows}\n}};\n\n#endif\n"
)
