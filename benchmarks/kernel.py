"""The kernel against its peers on one core, for every instruction set of this machine; and time against size.

    python benchmarks/kernel.py            # all of it: about 8 minutes
    python benchmarks/kernel.py --isa avx2 # the table for one isa, nothing saved

Ours is `factor_many(array, strategy="serial")`, for a list of ints and a range the same on those.  python-flint is a
loop of `fmpz(n).factor()` over ints that drops the results, PARI one of `pari(n).factor()`, and `forfactored` for the
range; SymPy `factorint` without its cache; GNU factor a process that reads them all, its start taken off.  Slow peers
get fewer of the numbers.  Inputs come from the seed in `factorpool.bench.workloads`.  All of ours and of python-flint's
is one process per isa, in turn round by round; the ratio is the median over the rounds.  Every result is checked
against python-flint's.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from common import interleaved, ratio, save
from flint import fmpz

import factorpool as fp
from factorpool import _native
from factorpool.article import factorize_naive
from factorpool.bench.workloads import article, semiprime, uniform

ROUNDS = 7
LEAST_SECONDS = 0.01  # a timing is of at least this much: short workloads are repeated


class Row(NamedTuple):
    """A workload, and how many times faster than python-flint factorpool is to be."""

    name: str
    numbers: Any
    target: float | None = None
    stretch: float | None = None


# How many times as fast as python-flint: a target, and what would be better still.
TARGETS: dict[str, dict[str, tuple[float, float | None]]] = {
    "avx512ifma": {
        "semiprimes of 64 bits": (22, 35),
        "semiprimes of 56 bits": (12, 18),
        "semiprimes of 48 bits": (16, 30),
        "uniform, up to 64 bits": (6, 10),
        "uniform, up to 32 bits": (10, 12),
        "the article's 300": (10, None),
        "200 000 from 10^12, shuffled list": (5, 8),
        "200 000 from 10^12, range": (80, None),
        "semiprimes of 80 bits": (9, 16),
    },
    "avx2": {
        "semiprimes of 64 bits": (20, 30),
        "semiprimes of 56 bits": (10, 15),
        "semiprimes of 48 bits": (20, None),
        "uniform, up to 64 bits": (6, 9),
        "uniform, up to 32 bits": (8, None),
        "semiprimes of 80 bits": (12, 20),
        "semiprimes of 96 bits": (3, None),
        "uniform, up to 128 bits": (7, 12),
    },
    "generic": {"semiprimes of 64 bits": (9, 12)},
}


def shuffled(numbers: range) -> list[int]:
    """The numbers as a list in random order."""
    mixed = list(numbers)
    random.Random(1).shuffle(mixed)
    return mixed


def rows() -> list[Row]:
    """The table's; numbers of more than 64 bits are lists."""
    consecutive = range(10**12, 10**12 + 200_000)
    words = {
        name: np.array(numbers, dtype=np.uint64)
        for name, numbers in {
            "semiprimes of 64 bits": semiprime(64)(2000),
            "semiprimes of 56 bits": semiprime(56)(4000),
            "semiprimes of 48 bits": semiprime(48)(10_000),
            "uniform, up to 64 bits": uniform(64)(20_000),
            "uniform, up to 32 bits": uniform(32)(100_000),
            "the article's 300": article(300),
        }.items()
    }
    more = {
        "200 000 from 10^12, shuffled list": shuffled(consecutive),
        "200 000 from 10^12, range": consecutive,
        "semiprimes of 80 bits": semiprime(80)(256),
        "semiprimes of 96 bits": semiprime(96)(128),
        "uniform, up to 128 bits": uniform(128)(256),
    }
    targets = TARGETS.get(_native.isa, {})
    return [Row(name, numbers, *targets.get(name, (None, None))) for name, numbers in {**words, **more}.items()]


def timed(run: Callable[[], Any]) -> Callable[[], Any]:
    """The run, repeated so that it takes LEAST_SECONDS; `.passes` says how often."""
    began = time.perf_counter()
    run()
    passes = max(1, round(LEAST_SECONDS / (time.perf_counter() - began)))

    def repeated() -> None:
        for _ in range(passes):
            run()

    repeated.passes = passes  # type: ignore[attr-defined]
    return repeated


def one_by_one(factor: Callable[[Any], Any], numbers: list[Any]) -> Callable[[], None]:
    """A loop that drops the results: keeping them would cost memory and time."""

    def run() -> None:
        for n in numbers:
            factor(n)

    return run


def table() -> list[dict[str, Any]]:
    """Every row on the isa of this process."""
    done = []
    for row in rows():
        ours = fp.factor_many(row.numbers, strategy="serial")
        numbers = [int(n) for n in row.numbers]
        assert all({int(p): int(e) for p, e in fmpz(n).factor()} == f for n, f in zip(numbers, ours, strict=True)), (
            row.name
        )
        contestants = {
            "factorpool": timed(lambda: fp.factor_many(row.numbers, strategy="serial")),  # noqa: B023
            "python-flint": timed(one_by_one(lambda n: fmpz(n).factor(), numbers)),
        }
        seconds = {
            name: [t / contestants[name].passes for t in times]  # type: ignore[attr-defined]
            for name, times in interleaved(contestants, ROUNDS).items()
        }
        result = {
            "isa": _native.isa,
            "workload": row.name,
            "numbers": len(numbers),
            **{f"{name}_us": 1e6 * statistics.median(times) / len(numbers) for name, times in seconds.items()},
            "times_faster": ratio(seconds["python-flint"], seconds["factorpool"]),
            "target": row.target,
            "stretch": row.stretch,
        }
        done.append(result)
        print(
            f"{_native.isa:11} {row.name:34} {result['factorpool_us']:9.3f} us, python-flint "
            f"{result['python-flint_us']:9.3f} us: {result['times_faster']:6.2f} times faster"
            + (f" (target {row.target}, stretch {row.stretch})" if row.target else ""),
            file=sys.stderr,
        )
    return done


def pari_peer() -> dict[str, Any]:
    """PARI's functions, or {} where cypari is not installed."""
    try:
        from cypari import pari
    except ImportError:
        return {}
    pari.allocatemem(1 << 28, silent=True)
    return {"factor": lambda n: pari(n).factor(), "range": lambda a, b: pari(f"forfactored(N={a},{b},)")}


def gnu_factor(numbers: list[int]) -> Callable[[], None]:
    """A process that reads the numbers; its output is dropped."""
    text = "\n".join(map(str, numbers)).encode()
    return lambda: subprocess.run(["factor"], input=text, stdout=subprocess.DEVNULL, check=True) and None


class Peer(NamedTuple):
    """How a peer factors a list of numbers: what prepares it gives what is timed."""

    name: str
    prepare: Callable[[list[int]], Callable[[], Any]]
    start: float = 0.0  # seconds that a run takes without numbers


def peers() -> list[Peer]:
    """Those that are installed, ourselves first."""

    def ours(numbers: list[int]) -> Callable[[], Any]:
        array = np.array(numbers, dtype=np.uint64) if max(numbers) < 1 << 64 else numbers
        return lambda: fp.factor_many(array, strategy="serial")

    found = [
        Peer(f"factorpool, {_native.isa}", ours),
        Peer("python-flint", lambda numbers: one_by_one(lambda n: fmpz(n).factor(), numbers)),
    ]
    if pari := pari_peer():
        found.append(Peer("PARI (cypari)", lambda numbers: one_by_one(pari["factor"], numbers)))
    if shutil.which("factor"):
        empty = [seconds(gnu_factor([])) for _ in range(9)]
        found.append(Peer("GNU factor", gnu_factor, statistics.median(empty)))
    try:
        import sympy
        from sympy.core.cache import clear_cache
        from sympy.ntheory.factor_ import factor_cache  # remembers what it has seen
    except ImportError:
        return found

    def symbolic(n: int) -> None:
        factor_cache.cache_clear()
        clear_cache()
        sympy.factorint(n)

    found.append(Peer("SymPy", lambda numbers: one_by_one(symbolic, numbers)))
    return found


def seconds(run: Callable[[], Any]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


SIZES = range(16, 113, 8)
MOST_SECONDS = 0.4  # of one timing
PATIENCE = 0.25  # seconds for a number after which a peer is not asked for larger ones


def by_size(contestants: list[Peer]) -> list[dict[str, Any]]:
    """Microseconds for a balanced semiprime of every size, for every contestant."""
    done: list[dict[str, Any]] = []
    for peer in contestants:
        for bits in SIZES:
            numbers = semiprime(bits)(4096)
            probe = max(0.0, seconds(peer.prepare(numbers[:3])) - peer.start) / 3
            count = max(3, min(len(numbers), int(MOST_SECONDS / max(probe, 1e-7))))
            if peer.name.startswith("factorpool"):
                count = min(4096, max(256, count))  # it works on many at a time
            run = peer.prepare(numbers[:count])
            each = statistics.median(max(1e-9, seconds(run) - peer.start) for _ in range(3)) / count
            done.append({"peer": peer.name, "bits": bits, "numbers": count, "us": 1e6 * each})
            print(f"{peer.name:14} {bits:3} bits {1e6 * each:12.3f} us", file=sys.stderr)
            if each > PATIENCE:
                break
    return done


def others() -> list[dict[str, Any]]:
    """PARI's sieve on the range, and the article's naive method on its numbers, beside ours."""
    done = []
    if pari := pari_peer():
        a, count = 10**12, 200_000
        times = interleaved(
            {
                "ours": lambda: fp.factor_range(a, a + count, strategy="serial"),
                "PARI": lambda: pari["range"](a, a + count - 1),
            },
            ROUNDS,
        )
        done.append(
            {
                "workload": "200 000 from 10^12, range",
                "peer": "PARI's forfactored",
                "factorpool_us": 1e6 * statistics.median(times["ours"]) / count,
                "peer_us": 1e6 * statistics.median(times["PARI"]) / count,
                "times_faster": ratio(times["PARI"], times["ours"]),
            }
        )
    numbers = article(300)
    array = np.array(numbers, dtype=np.uint64)
    ours = statistics.median(seconds(lambda: fp.factor_many(array, strategy="serial")) for _ in range(99))
    naive = seconds(one_by_one(factorize_naive, numbers))
    done.append(
        {
            "workload": "the article's 300",
            "peer": "the article's naive method",
            "factorpool_us": 1e6 * ours / 300,
            "peer_us": 1e6 * naive / 300,
            "times_faster": naive / ours,
        }
    )
    for row in done:
        print(f"{row['workload']}: {row['times_faster']:.1f} times faster than {row['peer']}", file=sys.stderr)
    return done


def versions() -> dict[str, str]:
    """Of the peers."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("python-flint", "cypari", "sympy", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if shutil.which("factor"):
        ran = subprocess.run(["factor", "--version"], capture_output=True, text=True, check=True)
        found["factor"] = ran.stdout.splitlines()[0]
    return found


def main() -> None:
    """Measures, prints, saves."""
    if sys.argv[1:2] == ["--isa"]:
        os.environ["FACTORPOOL_ISA"] = sys.argv[2]
        os.execv(sys.executable, [sys.executable, __file__, "--one"])
    if sys.argv[1:] == ["--one"]:
        print(json.dumps(table()))
        return
    if sys.argv[1:] == ["--sizes"]:
        print(json.dumps(by_size(peers()[:1])))
        return
    kept = [row for isa in _native.ISAS for row in with_isa(isa, "--one")]
    contestants = peers()
    sizes = by_size(contestants[:1])
    for isa in _native.ISAS[1:-1]:  # plain C is left out of the picture
        sizes += with_isa(isa, "--sizes")
    sizes += by_size(contestants[1:])
    save("kernel", kept, peers=versions(), others=others(), by_size=sizes)


def with_isa(isa: str, part: str) -> list[dict[str, Any]]:
    """What a process of that isa measures."""
    command = [sys.executable, __file__, part]
    ran = subprocess.run(command, env={**os.environ, "FACTORPOOL_ISA": isa}, stdout=subprocess.PIPE, check=True)
    rows: list[dict[str, Any]] = json.loads(ran.stdout)
    return rows


if __name__ == "__main__":
    main()
