"""Functions from anywhere: what a worker cannot import goes by value, and comes back as what it was."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import functions
import pytest
from conftest import REPOSITORY

import factorpool as fp
from factorpool.pool.strategies import find

pytestmark = pytest.mark.usefixtures("workers_left")


@pytest.fixture(params=["processes", "interpreters"])
def remote(request: pytest.FixtureRequest) -> str:
    if reason := find(request.param).why_unavailable():
        pytest.skip(reason)
    return str(request.param)


def program(path: Path, text: str, *arguments: str) -> str:
    """What a program prints that has no guard for its main module."""
    path.write_text(text)
    ran = subprocess.run([sys.executable, *arguments, path], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_lambdas_closures_and_partials(remote: str) -> None:
    by = 10

    def times(n: int) -> int:
        return n * by

    options: Any = {"strategy": remote, "max_workers": 2}
    assert list(fp.pmap(lambda n: n + by, range(3), **options)) == [10, 11, 12]
    assert list(fp.pmap(times, range(3), **options)) == [0, 10, 20]
    assert list(fp.pmap(partial(lambda a, b: a - b, 1), range(3), **options)) == [1, 0, -1]


MAIN = """
import collections, enum, sys
import factorpool as fp

class Point:
    made = 0
    def __init__(self, x):
        self.x = x
    def moved(self, by):
        return Point(self.x + by)

class BadPointError(Exception):
    def __init__(self, point, why):
        super().__init__(point, why)
        self.point = point

class Color(enum.Enum):
    RED = 1

Pair = collections.namedtuple("Pair", "a b")

def work(point):
    if point.x == 3:
        raise BadPointError(point, "three")
    return point.moved(LENGTH), Color.RED, Pair(point.x, 0)

LENGTH = 0
def set_length(n):
    global LENGTH
    LENGTH = n

options = dict(strategy=STRATEGY, max_workers=2, initializer=set_length, initargs=(5,), on_error="collect")
outcomes = list(fp.pmap(work, [Point(n) for n in range(5)], **options))
moved = [o.value[0] for o in outcomes if o.error is None]
print([type(p) is Point for p in moved], [p.x for p in moved])
print(outcomes[0].value[1] is Color.RED, type(outcomes[0].value[2]) is Pair)
error = outcomes[3].error
print(type(error) is BadPointError, error.point.x, error.__notes__[0][:29])
print(Point.moved.__globals__ is globals(), list(fp.pmap(Point(1).moved, [1, 2], strategy=STRATEGY))[1].x, LENGTH)
"""

EXPECTED = """[True, True, True, True] [5, 6, 7, 9]
True True
True 3 factorpool: raised for item 3
True 3 0
"""


@pytest.mark.parametrize("how", ["file", "session", "module"])
def test_the_main_module_needs_no_guard_and_classes_stay_what_they_are(remote: str, how: str, tmp_path: Path) -> None:
    text = f"STRATEGY = {remote!r}\n{MAIN}"
    if how == "file":
        assert program(tmp_path / "script.py", text) == EXPECTED
        return
    if how == "session":
        ran = subprocess.run([sys.executable], input=text, capture_output=True, text=True, timeout=60)
    else:
        (tmp_path / "package").mkdir()
        (tmp_path / "package" / "__main__.py").write_text(text)
        ran = subprocess.run(
            [sys.executable, "-m", "package"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, EXPECTED, "")


def test_a_forked_worker_has_the_main_module_already(tmp_path: Path) -> None:
    text = f"STRATEGY = fp.Processes(context='fork')\n{MAIN.replace('import factorpool as fp', '')}"
    assert program(tmp_path / "script.py", f"import factorpool as fp\n{text}") == EXPECTED


GUARDED = """
import threading
import factorpool as fp
lock = threading.Lock()
class Item:
    n = 1
def work(item):
    with lock:
        return item.n, isinstance(item, Item)
"""


def test_what_cannot_go_by_value_goes_by_name_where_the_main_module_has_a_guard(tmp_path: Path) -> None:
    run = "print(list(fp.pmap(work, [Item()], strategy='processes')))"
    assert program(tmp_path / "script.py", f"{GUARDED}if __name__ == '__main__':\n    {run}\n") == "[(1, True)]\n"
    (tmp_path / "script.py").write_text(GUARDED + run)
    ran = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert 'put what starts it under `if __name__ == "__main__":`' in ran.stderr


lock = threading.Lock()


def test_what_cannot_travel_is_named(remote: str) -> None:
    mine = threading.Lock()

    def in_closure(n: int) -> object:
        return mine

    def in_globals(n: int) -> object:
        return lock

    in_globals.__module__ = "__main__"  # by value
    sleeper: Any = partial(functions.square, mine)
    for fn, name in (
        (in_closure, "the closure variable 'mine' of .*in_closure"),
        (in_globals, "the global 'lock' of .*in_globals"),
        (sleeper, "argument 0 of the partial, <unlocked"),
    ):
        with pytest.raises(fp.NotPicklableError, match=f"cannot be pickled to reach a worker: {name}"):
            list(fp.pmap(fn, [1], strategy=remote))
    with pytest.raises(fp.NotPicklableError, match="argument 0 of the initializer, <unlocked"):
        list(fp.pmap(functions.square, [1], strategy=remote, initializer=functions.start, initargs=(mine,)))


class PickyError(Exception):
    """Drops what it does not know when it is pickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (PickyError, ())


def raise_picky(n: int) -> int:
    raise PickyError


def test_an_exception_that_drops_attributes_keeps_its_note(remote: str) -> None:
    outcomes = list(fp.pmap(raise_picky, [5, 6], strategy=remote, on_error="collect"))
    assert outcomes[1].error.__notes__ == ["factorpool: raised for item 1, 6"]  # type: ignore[union-attr]
    outcomes = list(fp.pmap(fp.factor, [5, -6], strategy=remote, on_error="collect"))
    assert outcomes[1].error.__notes__ == ["factorpool: raised for item 1, -6"]  # type: ignore[union-attr]
    outcomes = list(fp.pmap(functions.stubborn, [5], strategy=remote, on_error="collect"))
    assert outcomes[0].error.__notes__ == ["factorpool: raised for item 0, 5"]  # type: ignore[union-attr]


def test_an_exception_that_refuses_attributes(strategy: str) -> None:
    outcomes = list(fp.pmap(functions.raise_frozen, [5, 6], strategy=strategy, max_workers=1, on_error="collect"))
    travels = not find(strategy).traits.remote  # pickle sets its attributes one by one
    assert [type(o.error) for o in outcomes] == [functions.FrozenError if travels else fp.NotPicklableError] * 2
    assert travels or "the exception FrozenError(n=5) cannot be pickled" in str(outcomes[0].error)
    assert outcomes[1].error.__notes__ == ["factorpool: raised for item 1, 6"]  # type: ignore[union-attr]


def test_a_captured_array_is_shared_and_can_be_written_to(remote: str) -> None:
    numpy = pytest.importorskip("numpy")
    if remote == "interpreters":
        pytest.skip("NumPy cannot be imported in one")
    array = numpy.arange(1 << 18)

    def change(n: int) -> int:
        array[n] += 1
        return int(array[n])

    assert list(fp.pmap(change, [7, 9], strategy="processes", max_workers=2)) == [8, 10]
    assert array[7] == 7


def test_log_records_of_workers_arrive_in_the_callers_handlers(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert list(fp.pmap(functions.log, range(3), strategy="processes", max_workers=2)) == [0, 1, 2]
    mine = [record for record in caplog.records if record.name == "mine"]
    assert sorted(record.getMessage() for record in mine) == ["item 0", "item 1", "item 2"]
    assert {record.levelno for record in mine} == {logging.WARNING}
    assert all(record.process != os.getpid() for record in mine)
    assert "LookupError: 2" in "".join(record.exc_text or "" for record in mine)


def test_under_the_debugger(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import factorpool as fp\nprint(list(fp.pmap(lambda n: -n, [1, 2], strategy='processes')))\n")
    command = [sys.executable, "-m", "pdb", "-c", "continue", "-c", "quit", str(script)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert "[-1, -2]" in ran.stdout
    assert "Error" not in ran.stdout


NOTEBOOK = [
    """
import sys, threading, time
sys.path.insert(0, TESTS)
import numpy as np, factorpool as fp, functions
array = np.arange(1 << 18)
options = dict(strategy="processes", max_workers=2)
print(list(fp.pmap(lambda n: n + 1, range(3), **options)))
""",
    "print(list(fp.pmap(lambda n: int(array[n]), [7, 9], **options)))",
    """
class Point:
    def __init__(self, x): self.x = x
class PointError(Exception): pass
def move(point):
    if point.x == 2: raise PointError(point.x)
    return Point(point.x + 1)
outcomes = list(fp.pmap(move, [Point(1), Point(2)], on_error="collect", **options))
print(type(outcomes[0].value) is Point, outcomes[0].value.x, type(outcomes[1].error) is PointError)
""",
    "print(sum(fp.pmap(functions.square, range(10), progress=True, **options)))",
    """
import os, signal
threading.Timer(0.7, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    list(fp.pmap(lambda n: time.sleep(60), range(4), **options))
except KeyboardInterrupt:
    print("stopped")
print(list(fp.pmap(lambda n: n, range(2), **options)))
""",
]


def test_a_notebook() -> None:
    """Headless, in a real kernel: functions and classes of cells, a bar, an interrupt."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    cells = [nbformat.v4.new_code_cell(cell.replace("TESTS", repr(str(REPOSITORY / "tests")))) for cell in NOTEBOOK]
    notebook = nbformat.v4.new_notebook(cells=cells)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook.metadata.update(kernel)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook's own libraries
        nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    printed = ["".join(o.get("text", "") for o in cell.outputs if o.get("name") == "stdout") for cell in cells]
    expected = ["[1, 2, 3]\n", "[7, 9]\n", "True 2 True\n", "285\n", "stopped\n[0, 1]\n"]
    assert printed == expected


def make_local(n: int) -> Any:
    class Local:
        def __init__(self, n: int) -> None:
            self.n = n

    return Local(n)


def read_local(local: Any) -> int:
    time.sleep(0.05)  # for every worker to get one
    return int(local.n)


def test_a_class_that_was_made_in_a_worker_can_go_to_another(remote: str) -> None:
    options: Any = {"strategy": remote, "max_workers": 2, "chunksize": 1}
    made = list(fp.pmap(make_local, range(4), **options))
    assert list(fp.pmap(read_local, made, **options)) == [0, 1, 2, 3]
