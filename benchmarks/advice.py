"""Is the advice of `compare` right?  Twelve unlike functions, advised on in 15 seconds each, then measured for longer.

    python benchmarks/advice.py [NAME...]

The advice is taken in one process; then every strategy runs the whole work in fresh processes, in turn, ROUNDS times,
start-up included: how many times the best of them does the advised one take, and how many times `auto`?
"""

from __future__ import annotations

import hashlib
import http.server
import json
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from common import save

import factorpool as fp

SECONDS = 15.0
ROUNDS = 5
TARGET = 1.10

RNG = random.Random(12)
TEXT = " ".join(RNG.choice(["alpha", "beta", "x=17", "2012-01-16", "gamma@delta.org"]) for _ in range(20_000))
WORDS = re.compile(r"(\w+)@(\w+)\.org|(\d{4})-(\d\d)-(\d\d)")
TABLE = b"".join(RNG.randbytes(1 << 20) for _ in range(200))
PORT = 0


def matrices(n: int) -> float:
    """Linear algebra on large arrays: NumPy releases the GIL, and its BLAS has threads of its own."""
    a = np.full((400, 400), 1.0 + n / 1000)
    return float((a @ a)[0, 0])


def matches(n: int) -> int:
    """A regular expression over a long string: the GIL is held."""
    return len(WORDS.findall(TEXT[n % 100 :]))


def digest(size: int) -> str:
    """SHA-256, which releases the GIL for all but small buffers."""
    return hashlib.sha256(b"x" * size).hexdigest()


def squeeze(n: int) -> int:
    """zlib releases the GIL."""
    return len(zlib.compress(TABLE[n * 1000 : n * 1000 + 100_000], 6))


def query(n: int) -> int:
    """SQLite in memory: it releases the GIL around each step."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (a integer, b text)")
    connection.executemany("insert into t values (?, ?)", ((i, str(i * n)) for i in range(2000)))
    (count,) = connection.execute("select count(*) from t where b like '%7%'").fetchone()
    connection.close()
    return int(count)


def fetch(n: int) -> int:
    """A request to a server on this machine that takes 5 ms to answer."""
    with urllib.request.urlopen(f"http://127.0.0.1:{n}/") as answer:
        return len(answer.read())


def parse(n: int) -> int:
    """JSON: C code that holds the GIL."""
    return len(json.loads(json.dumps({str(i): [i, n, "x" * 20] for i in range(1500)})))


def blur(n: int) -> int:
    """A picture's loop in pure Python."""
    row = [(i * n) % 256 for i in range(300)]
    for _ in range(6):
        row = [(row[i - 1] + 2 * row[i] + row[(i + 1) % 300]) // 4 for i in range(300)]
    return sum(row)


def order(n: int) -> int:
    """Sorting big lists: the GIL is held."""
    rng = random.Random(n)
    return sorted(rng.random() for _ in range(60_000)).index(0.0) if n < 0 else len(sorted(range(60_000, 0, -1)))


def lookup(n: int) -> int:
    """Little work on 200 MB that the function has captured."""
    return TABLE.count(b"abc", n * 1_000_000, (n + 1) * 1_000_000)


def imports(n: int) -> float:
    """Needs a module that takes half a second to import, once in each worker."""
    import sympy

    return float(sympy.Integer(n) * 2)


def skewed(n: int) -> int:
    """One item in a hundred takes a thousand times as long."""
    total = 0
    for i in range(2_000_000 if n % 100 == 50 else 2000):
        total += i & n
    return total


def serve() -> int:
    """Starts the server, and gives its port."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(0.005)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[int], Iterable[Any]]]] = {
    "NumPy on large arrays": (matrices, lambda _: range(150)),
    "a regular expression on long strings": (matches, lambda _: range(150)),
    "hashlib on big buffers": (digest, lambda _: [3_000_000] * 150),
    "hashlib on small buffers": (digest, lambda _: [1000] * 20_000),
    "zlib": (squeeze, lambda _: range(300)),
    "SQLite queries": (query, lambda _: range(200)),
    "requests to a local server": (fetch, lambda port: [port] * 200),
    "JSON": (parse, lambda _: range(300)),
    "a picture's loop in Python": (blur, lambda _: range(1500)),
    "sorting big lists": (order, lambda _: range(300)),
    "200 MB captured": (lookup, lambda _: range(190)),
    "a heavy import": (imports, lambda _: range(200)),
    "a skew of 1 to 1000": (skewed, lambda _: range(300)),
}


def run(name: str, strategy: str, port: int) -> tuple[float, str]:
    """Seconds of the whole work in this process, and where it ran."""
    fn, items = FUNCTIONS[name]
    began = time.perf_counter()
    results = fp.pmap(fn, list(items(port)), strategy=strategy)
    for _ in results:
        pass
    return time.perf_counter() - began, f"{results.strategy}"


def main() -> None:
    """Advises, measures, prints, saves."""
    port = serve()
    rows = []
    strategies = [name for name, info in fp.strategies().items() if info.available]
    for name in sys.argv[1:] or FUNCTIONS:
        fn, items = FUNCTIONS[name]
        comparison = fp.compare(fn, list(items(port)), seconds=SECONDS, seed=1)
        advised = comparison.best[0]
        seconds: dict[str, list[float]] = {}
        chosen = ""
        for _ in range(ROUNDS):
            for strategy in [*strategies, "auto"]:
                command = [sys.executable, __file__, "--run", name, strategy, str(port)]
                ran = subprocess.run(command, capture_output=True, text=True, check=False)
                if ran.returncode == 0:
                    took, where = json.loads(ran.stdout)
                    seconds.setdefault(strategy, []).append(took)
                    chosen = where if strategy == "auto" else chosen
        medians = {strategy: statistics.median(times) for strategy, times in seconds.items()}
        best = min((strategy for strategy in medians if strategy != "auto"), key=medians.__getitem__)

        def beside(strategy: str, best: str = best, seconds: dict[str, list[float]] = seconds) -> float:
            return statistics.median(a / b for a, b in zip(seconds[strategy], seconds[best], strict=True))

        row = {"function": name, "best": best, "advised": advised, "advised_ratio": beside(advised)}
        row |= {"auto": chosen, "auto_ratio": beside("auto"), "seconds": medians, "target": TARGET}
        row["reason"] = comparison.reason
        rows.append(row)
        shown = ", ".join(f"{strategy} {value * 1e3:.4g} ms" for strategy, value in medians.items())
        print(
            f"{name}: {advised} is advised, {row['advised_ratio']:.2f} times the best, {best}; auto took {chosen}, "
            f"{row['auto_ratio']:.2f} times ({shown})\n    {comparison.reason}",
            flush=True,
        )
    save("advice", rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        print(json.dumps(run(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        main()
