"""The article's functions: its names, arguments and results."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from factorpool.article import factorize_naive, mp_factorizer, serial_factorizer, threaded_factorizer

NUMBERS = [999999999999, 1, 0, -5, 2, 4, 97, 97, 1000000016000000063, 360]


def test_naive_method() -> None:
    assert [factorize_naive(n) for n in (-3, 0, 1)] == [[], [], []]
    for n in range(2, 5000):
        factors = factorize_naive(n)
        assert math.prod(factors) == n
        assert factors == sorted(factors)
        assert all(p % q for p in factors for q in range(2, math.isqrt(p) + 1))


def test_serial() -> None:
    answer = serial_factorizer([999999999999, 1, 0, -5, 97])
    assert answer == {999999999999: [3, 3, 3, 7, 11, 13, 37, 101, 9901], 1: [], 0: [], -5: [], 97: [97]}


@pytest.mark.parametrize("workers", [1, 2, 3, 20])
def test_threads_and_processes_agree(workers: int) -> None:
    numbers = [n for n in NUMBERS if n < 10**15]
    expected = serial_factorizer(numbers)
    assert list(expected) == [999999999999, 1, 0, -5, 2, 4, 97, 360]
    assert threaded_factorizer(numbers, workers) == expected
    assert mp_factorizer(numbers, workers) == expected


def test_empty() -> None:
    assert serial_factorizer([]) == threaded_factorizer([], 4) == mp_factorizer([], 4) == {}


def test_under_every_start_method(start_method: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import multiprocessing
from factorpool.article import mp_factorizer, serial_factorizer
if __name__ == "__main__":
    multiprocessing.set_start_method({start_method!r})
    nums = [999999999999 + 2 * i for i in range(20)] + [15485863 * 15485867] + [6] * 5  # one takes a second
    assert mp_factorizer(nums, 3) == serial_factorizer(nums)
    assert mp_factorizer([], 3) == {{}}
    print("agree")
""")
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=100)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "agree\n", "")
