"""How runs begin and end: nothing is left behind, whoever ends it, and however often."""

from __future__ import annotations

import gc
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import functions
import pytest
from conftest import REPOSITORY, descendants, gone

import factorpool as fp
from factorpool.pool.shelf import close_shared

pytestmark = pytest.mark.usefixtures("workers_left")

HEAD = f"""
import os, sys, time
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp
import functions
"""


def script(path: Path, body: str) -> list[str]:
    """The command that runs a program of which `body` is the main part."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    path.write_text(f'{HEAD}\nif __name__ == "__main__":\n{lines}')
    return [sys.executable, str(path)]


@pytest.mark.parametrize("fn", ["report_and_hang", "inner_report_and_hang"])
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(start_method: str, ending: signal.Signals, fn: str, tmp_path: Path) -> None:
    command = script(
        tmp_path / "script.py",
        f"""
options = dict(strategy="processes", max_workers=2, mp_context={start_method!r}, chunksize=1)
for _ in fp.pmap(functions.{fn}, range(2), **options): pass
""",
    )
    count = 4 if "inner" in fn else 2
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        for _ in range(count):
            assert parent.stdout.readline()
        below = descendants(parent.pid)
        assert len(below) >= count
        parent.send_signal(ending)
        _, errors = parent.communicate(timeout=30)
    assert gone(below)
    assert parent.returncode in (-ending, 1)  # Python turns SIGINT into an exception, and that into SIGINT again
    if ending == signal.SIGINT:
        assert errors.splitlines()[-1] == "KeyboardInterrupt"
        assert errors.count("Traceback") == 1


def test_ctrl_c_while_the_fork_server_starts(tmp_path: Path) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time; time.sleep(1)")
    command = script(
        tmp_path / "script.py",
        """
import multiprocessing
multiprocessing.set_forkserver_preload(["slow_to_import"])
print("starts", flush=True)
try:
    list(fp.pmap(functions.square, range(9), strategy="processes", mp_context="forkserver"))
except KeyboardInterrupt:
    print("stopped", flush=True)
""",
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # The fork server of Python 3.11 looks for modules in the current directory only.
    with subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **pipes) as program:  # type: ignore[call-overload]
        assert program.stdout is not None
        assert program.stdout.readline() == "starts\n"
        time.sleep(0.5)
        below = descendants(program.pid)
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to the whole group
        assert program.communicate(timeout=30) == ("stopped\n", "")
    assert gone(below)


def test_a_request_of_the_fork_server_that_breaks_off_prints_nothing(tmp_path: Path) -> None:
    """Ctrl-C at the wrong moment does that."""
    command = script(
        tmp_path / "script.py",
        """
import socket
from multiprocessing import forkserver
options = dict(strategy="processes", mp_context="forkserver")
print(list(fp.pmap(functions.square, range(3), **options)))
with socket.socket(socket.AF_UNIX) as request:
    request.connect(forkserver._forkserver._forkserver_address)
    time.sleep(0.5)  # CPython 3.14's has sent its challenge by now, which nobody reads
time.sleep(0.5)
""",
    )
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[0, 1, 4]\n", "")


def test_ctrl_c_in_a_terminal(strategy: str, tmp_path: Path) -> None:
    """What came before is kept; nothing but the program's own line is printed, and no process is left."""
    command = script(
        tmp_path / "script.py",
        f"""
got = []
try:
    for result in fp.pmap(functions.forever_after_7, range(100), strategy={strategy!r}, max_workers=2, chunksize=1):
        got.append(result)
        print("got", result, flush=True)
except KeyboardInterrupt:
    print("kept", got, flush=True)
    os._exit(7)  # a thread that never ends would keep an interpreter from ending
""",
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    shown = b""

    def read_until(end: bytes) -> None:
        nonlocal shown
        deadline = time.monotonic() + 60
        while end not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([terminal], [], [], 1)[0]:
                try:
                    shown += os.read(terminal, 4096)
                except OSError:  # the program has ended
                    break

    read_until(b"got 7")
    time.sleep(0.3)
    below = descendants(pid)
    os.write(terminal, b"\x03")
    read_until(b"]\r\n")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 7
    assert b"kept [0, 1, 2, 3, 4, 5, 6, 7]" in shown
    assert b"Traceback" not in shown
    assert gone(below)


@pytest.mark.parametrize("held", ["results", "functions.results"])
def test_a_program_may_end_in_the_middle(strategy: str, held: str, tmp_path: Path) -> None:
    command = script(
        tmp_path / "script.py",
        f"""
{held} = fp.pmap(functions.square, iter(int, 1), strategy={strategy!r}, max_workers=2)
print([next({held}) for _ in range(3)])
""",
    )
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[0, 0, 0]\n", "")


def test_a_program_may_end_while_workers_are_busy(start_method: str, tmp_path: Path) -> None:
    command = script(
        tmp_path / "script.py",
        f"""
options = dict(strategy="processes", max_workers=2, mp_context={start_method!r}, chunksize=1)
results = fp.pmap(functions.forever_after_0, range(9), **options)
print(next(results))
""",
    )
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "0\n", "")


def test_a_program_may_end_while_workers_take_no_notice(start_method: str, tmp_path: Path) -> None:
    command = script(
        tmp_path / "script.py",
        f"""
options = dict(strategy="processes", max_workers=2, mp_context={start_method!r}, chunksize=1)
functions.results = fp.pmap(functions.forever_after_0, range(9), initializer=functions.ignore_sigterm, **options)
print(next(functions.results))
""",
    )
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "0\n", "")


def test_a_fork_of_the_program_leaves_its_workers_alone(start_method: str, tmp_path: Path) -> None:
    command = script(
        tmp_path / "script.py",
        f"""
options = dict(strategy="processes", max_workers=2, mp_context={start_method!r}, chunksize=1, retries=0)
results = fp.pmap(functions.worker_pid, range(8), **options)
got = [next(results)]
child = os.fork()
if child == 0:
    del results
    os._exit(0)
os.waitpid(child, 0)
print(len(got + list(results)))
""",
    )
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "8\n", "")


def test_the_main_module_stays_as_it_is_while_workers_start(start_method: str, tmp_path: Path) -> None:
    """Its functions see their `__file__`, in workers and in threads that start some at the same time."""
    script_file = tmp_path / "script.py"
    script_file.write_text(f"""{HEAD}
import threading

def where(n):
    return __file__

def run(got):
    options = dict(strategy="processes", max_workers=2, mp_context={start_method!r}, chunksize=1)
    got += [os.path.basename(file) for file in fp.pmap(where, range(4), **options)]

if __name__ == "__main__":
    got = []
    threads = [threading.Thread(target=run, args=(got,)) for _ in range(1 if {start_method!r} == "fork" else 4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(len(got) == 4 * len(threads), set(got), __file__ is not None)
""")
    ran = subprocess.run([sys.executable, "-W", "ignore", script_file], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("True {'script.py'} True\n", "")


@pytest.mark.parametrize("outer", ["serial", "threads", "interpreters", "processes"])
def test_in_a_worker_auto_is_serial(outer: str) -> None:
    if not fp.strategies()[outer].available:
        pytest.skip(fp.strategies()[outer].reason)
    results = list(fp.pmap(partial(functions.inner, "auto"), [5, 6], strategy=outer, max_workers=2, chunksize=1))
    assert results == [([n * n for n in range(count)], "serial") for count in (5, 6)]


@pytest.mark.parametrize("inner", ["threads", "processes"])
def test_a_worker_may_have_workers_if_told(start_method: str, inner: str) -> None:
    fn = partial(functions.inner, inner)
    results = list(fp.pmap(fn, [5, 6], strategy="processes", max_workers=2, chunksize=1, mp_context=start_method))
    assert results == [([n * n for n in range(count)], inner) for count in (5, 6)]


@pytest.mark.parametrize("count", [1, 3])
def test_libraries_get_as_many_threads_as_told(start_method: str, count: int) -> None:
    options = {"strategy": "processes", "max_workers": 2, "mp_context": start_method, "inner_threads": count}
    assert list(fp.pmap(functions.thread_variables, [0], **options)) == [[str(count)] * 3]  # type: ignore[arg-type]


def test_libraries_that_were_loaded_before_a_fork_are_held_too() -> None:
    pytest.importorskip("threadpoolctl")
    import numpy  # noqa: F401  (loaded here, and so in the forked worker)

    for start_method in ("fork", "forkserver"):
        found = next(fp.pmap(functions.blas_threads, [0], strategy="processes", mp_context=start_method))
        assert set(found) == {1}
    untouched = next(fp.pmap(functions.thread_variables, [0], strategy="processes", inner_threads=None))
    assert untouched == [os.environ.get(n) for n in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")]


def test_descriptors_and_memory_stay_flat_over_many_pools() -> None:
    def use(count: int) -> tuple[int, int]:
        for n in range(count):
            # Most are ended by their last result, some in the middle, some by an error.
            start = ("forkserver", "fork")[n % 10 > 0]  # a fork is the quicker, and leaks the easier
            results = fp.pmap(functions.fail_at_7, range(n % 10), strategy="processes", max_workers=1, mp_context=start)
            if n % 3:
                with suppress(LookupError):
                    list(results)
            else:
                next(results, None)
                results.close()
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return len(os.listdir("/proc/self/fd")), pages * os.sysconf("SC_PAGESIZE")

    descriptors, memory = use(60)
    after_descriptors, after_memory = use(240)
    assert after_descriptors <= descriptors
    assert after_memory - memory < 960_000  # 4 KB each


def test_threads_stay_flat_over_a_thousand_pools() -> None:
    before = threading.active_count()
    for n in range(1000):
        results = fp.pmap(functions.square, range(n % 7), strategy="threads", max_workers=2)
        if n % 3:
            list(results)
        else:
            next(results, None)
            results.close()
    assert threading.active_count() == before


def test_workers_that_are_killed_over_and_over_leave_nothing_behind() -> None:
    list(fp.pmap(functions.square, [1], strategy="processes"))
    close_shared()
    descriptors = len(os.listdir("/proc/self/fd"))
    outcomes = list(
        fp.pmap(functions.killed_at_sevens, [7] * 50, strategy="processes", max_workers=2, on_error="collect")
    )
    assert all(isinstance(o.error, fp.WorkerDiedError) for o in outcomes)
    close_shared()
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_results_say_where_and_close() -> None:
    with fp.pmap(functions.square, iter(int, 1), strategy="threads", max_workers=2) as results:
        assert results.strategy is None
        assert next(results) == 0
        assert (results.strategy, results.reason) == ("threads", "it was asked for")
    assert list(results) == []
