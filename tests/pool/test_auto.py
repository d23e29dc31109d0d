"""`strategy="auto"` on real functions: what it sees, what it says, and that it runs no item twice."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections import Counter
from pathlib import Path

import functions
import pytest
from conftest import REPOSITORY, command, run_python

import factorpool as fp
from factorpool.pool import starts
from factorpool.pool.gil import gil_enabled

pytestmark = pytest.mark.usefixtures("workers_left", "quick_starts")


@pytest.fixture
def quick_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `auto` expects of starting a worker, whatever a busy machine has shown it before."""
    monkeypatch.setattr(starts, "_measured", {"processes": 0.05, "interpreters": 0.05})


def test_little_work_stays_here() -> None:
    results = fp.pmap(functions.square, range(10), max_workers=2)
    assert list(results) == [n * n for n in range(10)]
    assert results.strategy == "serial"
    assert results.reason == "all was done before there was anything to choose"


def test_what_waits_goes_to_threads() -> None:
    results = fp.pmap(functions.nap, [0.01] * 10, max_workers=2)
    assert list(results) == [None] * 10
    assert (results.strategy, results.reason) == (
        "threads", "an item waits most of its time, and threads can all wait at once"
    )  # fmt: skip


def test_what_fails_slowly_is_seen_to_wait() -> None:
    results = fp.pmap(functions.nap_and_fail, [0.01] * 10, max_workers=2, on_error="collect")
    assert all(isinstance(o.error, LookupError) for o in results)
    assert results.strategy == "threads"


@pytest.mark.skipif(not gil_enabled(), reason="there is no GIL")
def test_what_holds_the_gil_goes_to_processes() -> None:
    results = fp.pmap(functions.spin, [0.02] * 200, max_workers=2)
    assert len(set(results)) >= 2  # processes: this one, in which the first items ran, and others
    assert results.strategy == "processes"
    assert "a second thread did not help" in str(results.reason)


@pytest.mark.skipif(gil_enabled(), reason="there is a GIL")
def test_without_a_gil_threads_do() -> None:
    results = fp.pmap(functions.spin, [0.02] * 50, max_workers=2)
    assert len(set(results)) == 1
    assert results.strategy == "threads"
    assert results.reason == "there is no GIL: threads compute side by side"


@pytest.mark.skipif(not gil_enabled(), reason="there is no GIL")
def test_what_cannot_be_sent_stays_here_and_says_why(tmp_path: Path) -> None:
    unsendable = functions.unsendable()
    results = fp.pmap(lambda seconds: (unsendable, functions.spin(seconds)), [0.01] * 20, max_workers=2)
    with pytest.warns(RuntimeWarning, match="goes on in the calling thread: the function .*'unsendable'"):
        assert len(list(results)) == 20
    assert results.strategy == "serial"
    assert "a second thread did not help, and the function or its arguments cannot be pickled" in str(results.reason)

    results = fp.pmap(functions.spin_for, [(0.01, functions.unsendable())] * 20, max_workers=2)
    with pytest.warns(RuntimeWarning, match="goes on in the calling thread: an item or its result"):
        assert len(list(results)) == 20
    assert "an item or its result cannot be pickled" in str(results.reason)

    notes = tmp_path / "notes"
    items = [(str(notes), 0.01, n) for n in range(300)]
    items[200] += (functions.unsendable(),)
    results = fp.pmap(functions.spin_and_note, items, max_workers=2)
    with pytest.warns(RuntimeWarning, match="processes cannot be used: item 200"):
        assert list(results) == list(range(300))
    assert results.strategy == "serial"
    assert Counter(map(int, notes.read_text().split())) == dict.fromkeys(range(300), 1)


@pytest.mark.skipif(not gil_enabled(), reason="there is no GIL")
@pytest.mark.parametrize("how", ["raises", "exits"])
def test_a_module_that_workers_cannot_import_is_no_error(how: str, tmp_path: Path) -> None:
    (tmp_path / "picky.py").write_text(f"""
import multiprocessing, os, time
if multiprocessing.parent_process() is not None:
    {"raise ImportError('not here')" if how == "raises" else "os._exit(3)"}
def spin(n):
    until = time.thread_time() + 0.01
    while time.thread_time() < until: pass
    return n
""")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import factorpool as fp, picky
results = fp.pmap(picky.spin, range(200), max_workers=2)
print(list(results) == list(range(200)), results.strategy, results.reason[:27])
"""
    ran = run_python(code)
    assert ran.stdout == "True serial processes cannot be used: a\n"
    assert ran.stderr.count("RuntimeWarning") == 1


def test_a_function_of_a_session_goes_to_processes_too() -> None:
    code = """
import time
import factorpool as fp
def spin(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until: pass
results = fp.pmap(spin, [0.02] * 200, max_workers=2)
print(len(list(results)), results.strategy)
"""
    assert run_python(code).stdout == f"200 {'processes' if gil_enabled() else 'threads'}\n"


@pytest.mark.skipif(not gil_enabled(), reason="there is no GIL")
def test_what_costs_more_to_send_than_to_do_stays_here() -> None:
    results = fp.pmap(functions.count_zeros, [bytes(20_000_000)] * 60, max_workers=2)
    assert list(results) == [20_000_000] * 60
    assert results.strategy == "serial"
    assert "to send it to another process" in str(results.reason)


@pytest.mark.parametrize("seconds", [0.0005, 0.004, 0.05])
@pytest.mark.parametrize("ordered", [True, False])
def test_no_item_is_run_twice_or_lost(tmp_path: Path, seconds: float, ordered: bool) -> None:
    notes = tmp_path / "notes"
    items = [(str(notes), seconds, n) for n in range(int(1 / seconds) + 20)]
    results = list(fp.pmap(functions.spin_and_note, iter(items), max_workers=2, ordered=ordered))
    assert (results if ordered else sorted(results)) == list(range(len(items)))
    assert Counter(map(int, notes.read_text().split())) == dict.fromkeys(range(len(items)), 1)


@pytest.mark.usefixtures("patient_errors")
def test_errors_while_measuring_are_the_items_own() -> None:
    outcomes = list(fp.pmap(functions.fail_at_7, range(40), max_workers=2, on_error="collect"))
    assert [o.value for o in outcomes] == [*range(7), None, *range(8, 40)]
    got = []
    with pytest.raises(LookupError, match="seven"):
        got.extend(fp.pmap(functions.fail_at_7, range(40), max_workers=2))
    assert got == list(range(7))


def test_closing_while_it_measures() -> None:
    results = fp.pmap(functions.nap, [0.001] * 4 + [0.1] * 1000, max_workers=2)
    next(results)
    results.close()


def test_an_initializer_is_for_workers() -> None:
    results = fp.pmap(functions.started_value, range(5), max_workers=2, initializer=functions.start, initargs=(3,))
    assert list(results) == [3] * 5
    assert results.strategy == "processes"
    assert functions.started == 0


def test_factorizations_say_where_and_why() -> None:
    fs = fp.factor_many([15])
    assert (fs.strategy, fs.reason) == ("serial", "so few numbers (1) are done before threads have started")
    assert fp.factor_many(range(1, 10000), max_workers=2).strategy == "threads"


def test_verbose_says_so_on_standard_error() -> None:
    ran = command("factor", "-v", "-j", "2", "15")
    assert ran.stdout == b"15: 3 5\n"
    assert ran.stderr == b"factorpool factor: strategy threads: the kernel releases the GIL\n"
    ran = command("factor", "--verbose", "--method", "naive", "15", "21")
    assert ran.stderr == b"factorpool factor: strategy serial: all was done before there was anything to choose\n"


@pytest.mark.skipif(sys.version_info < (3, 14), reason="there are no interpreters before CPython 3.14")
class TestInterpreters:
    def test_they_are_one_process(self) -> None:
        assert len(set(fp.pmap(functions.worker_pid, range(4), strategy="interpreters", max_workers=2))) == 1

    def test_the_kernel_runs_in_them(self) -> None:
        fs = fp.factor_many(range(1, 5000), strategy="interpreters", max_workers=2)
        assert fs == fp.factor_many(range(1, 5000), strategy="serial")

    @pytest.mark.parametrize("where", ["module", "function"])
    def test_an_import_that_refuses_is_named(self, where: str, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(f"""
{"import numpy" if where == "module" else ""}
import factorpool as fp
def f(n):
    import numpy
    return n
if __name__ == "__main__":
    try:
        list(fp.pmap(f, [1, 2], strategy="interpreters"))
    except fp.StrategyUnavailableError as error:
        print(error)
""")
        ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout == (
            "strategy 'interpreters' cannot run this function: module numpy._core._multiarray_umath does not support "
            "loading in subinterpreters; use processes or threads\n"
        )

    def test_the_end_of_the_program_waits_for_their_items(self) -> None:
        """CPython warns of those that are left, and may crash."""
        code = """
import time
import factorpool as fp
def f(n):
    if n: raise ValueError(n)
    time.sleep(3)
try:
    list(fp.pmap(f, [0, 1], strategy="interpreters", max_workers=2, chunksize=1, ordered=False))
except ValueError as error:
    print(error)
"""
        ran = run_python(code)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "1\n", "")

    def test_numbers_for_python_flint_are_refused(self) -> None:
        with pytest.raises(fp.StrategyUnavailableError, match=r"module flint.* does not support"):
            fp.factor_many([2**200 + 1], strategy="interpreters")

    def test_a_program_may_end_while_they_are_busy(self, tmp_path: Path) -> None:
        code = f"""
import sys
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp, functions
results = fp.pmap(functions.forever_after_0, range(9), strategy="interpreters", max_workers=2, chunksize=1)
print(next(results), flush=True)
"""
        ran = run_python(code)
        assert (ran.returncode, ran.stdout) == (0, "0\n")


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this is no free-threaded build")
def test_a_gil_that_was_switched_on_says_so() -> None:
    code = "import factorpool as fp; print(fp.strategies()['threads'].description)"
    assert "the GIL of this free-threaded Python is switched on" in run_python(code, PYTHON_GIL="1").stdout
    assert "switched on" not in run_python(code, PYTHON_GIL="0").stdout


@pytest.mark.skipif(not gil_enabled(), reason="without a GIL threads do")
def test_a_first_item_that_takes_long_once_is_not_taken_for_all() -> None:
    functions._done_once.clear()
    results = fp.pmap(functions.slow_once, range(1000), max_workers=2)
    assert list(results) == list(range(1000))
    assert results.strategy == "serial", results.reason


@pytest.mark.skipif(not gil_enabled(), reason="without a GIL threads do")
def test_little_work_does_not_pay_for_looking_at_processes() -> None:
    code = """
import sys, time, factorpool as fp
def spin(n):
    until = time.thread_time() + 0.001
    while time.thread_time() < until: pass
results = fp.pmap(spin, range(60), max_workers=2)
list(results)
print(results.reason, "cloudpickle" in sys.modules)
"""
    ran = run_python(code)
    assert re.match(r"the .* that are left are over before .* are worth their start .* False$", ran.stdout), ran
