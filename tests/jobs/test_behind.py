"""What is written by a thread behind the caller."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from factorpool.jobs import behind, journal
from factorpool.jobs.behind import Behind
from factorpool.jobs.output import OutputError, WholeFile, begin_job
from factorpool.jobs.places import Place


def fail(error: BaseException) -> None:
    raise error


def test_calls_are_made_in_order() -> None:
    made: list[int] = []
    thread = Behind()
    for i in range(1000):
        thread.do(lambda i=i: made.append(i), 1 << 16)  # type: ignore[misc]
    thread.end()
    assert made == list(range(1000))


@pytest.mark.parametrize("error", [OSError("no space"), SystemExit("no space")])
def test_what_fails_is_told_and_nothing_is_done_after_it(error: BaseException) -> None:
    made: list[int] = []
    thread = Behind()
    thread.do(partial(fail, error))
    while not thread._finished:
        time.sleep(0.001)
    with pytest.raises(type(error), match="no space"):
        thread.do(lambda: made.append(1))
    with pytest.raises(type(error), match="no space"):
        thread.end()
    assert not made


def test_one_who_waits_for_room_is_told_of_a_failure() -> None:
    goes_on = threading.Event()
    thread = Behind()
    thread.do(goes_on.wait)
    thread.do(partial(fail, OSError("no space")), behind.MOST_WAITING + 1)
    threading.Timer(0.1, goes_on.set).start()
    with pytest.raises(OSError, match="no space"):
        thread.do(goes_on.wait)
    thread.give_up()


def test_no_more_waits_than_is_allowed() -> None:
    goes_on, made = threading.Event(), list[int]()
    thread = Behind()
    thread.do(goes_on.wait)
    filler = threading.Thread(target=lambda: [thread.do(lambda: made.append(1), behind.MOST_WAITING) for _ in range(4)])
    filler.start()
    filler.join(0.2)
    assert filler.is_alive()
    assert len(thread._calls) == 2  # one that may wait, and another that is too much with it
    goes_on.set()
    filler.join()
    thread.end()
    assert len(made) == 4


def test_giving_up_forgets_what_waits() -> None:
    goes_on, made = threading.Event(), list[int]()
    thread = Behind()
    thread.do(goes_on.wait)
    thread.do(lambda: made.append(1))
    threading.Timer(0.1, goes_on.set).start()
    thread.give_up()
    assert not made


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    file = WholeFile(str(tmp_path / "out"))
    with pytest.raises(OutputError, match=r"cannot write .*out"), file:  # noqa: PT012
        file.begin()
        file._file.close()
        file._file = open(tmp_path / "out.part", "rb")  # noqa: SIM115
        file.write(b"12: 2 2 3\n")
    assert not list(tmp_path.iterdir())


def test_all_that_is_written_before_a_failure_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").write_text("12\n15\n")
    output = str(tmp_path / "out")
    monkeypatch.setattr(journal, "MARK_SECONDS", 0.0)
    job, _ = begin_job(output, {}, (str(tmp_path / "in"),), False, None, False)
    monkeypatch.setattr(journal, "MARK_SECONDS", 1000.0)  # after the first
    file = WholeFile(output, job)
    with ExitStack() as stack, pytest.raises(OutputError, match="cannot write"), file:  # noqa: PT012
        file.begin()
        for line in (2, 3):
            file.write(b"12: 2 2 3\n")
            file.reached(Place(0, 3 * line, line, 0), 0)
        assert file._behind is not None
        stack.enter_context(file._file)
        file._behind.do(partial(setattr, file, "_file", open(tmp_path / "in", "rb")))  # noqa: SIM115
        file.write(b"15: 3 5\n")
    assert file.kept == Place(0, 9, 3, 0)
    known = journal.read_journal(f"{output}.job")
    assert known is not None
    assert known["mark"]["size"] == 20


def test_where_there_can_be_no_other_thread_the_file_is_written_in_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with WholeFile(str(tmp_path / "out")) as file:
        file.begin()
        file.write(b"12: 2 2 3\n")
    assert (tmp_path / "out").read_bytes() == b"12: 2 2 3\n"


INTERRUPTED = """
import os, sys, time
from factorpool.jobs import journal, output
from factorpool.jobs.places import Place

journal.MARK_SECONDS = 0.0
sync = os.fsync

def slow(descriptor):
    print("syncing", flush=True)
    time.sleep(1)
    sync(descriptor)

os.fsync = slow
job, _ = output.begin_job("out", {}, ("in",), False, None, False)
with output.WholeFile("out", job) as file:
    file.begin()
    file.write(b"12: 2 2 3\\n")
    file.reached(Place(0, 3, 2, 0), 0)
"""


@pytest.mark.parametrize("times", [1, 2])
def test_a_mark_that_is_being_made_at_ctrl_c_is_of_a_part_that_stays(times: int, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("12\n")
    python = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert python.stdout is not None
    assert python.stdout.readline() == b"syncing\n"
    for _ in range(times):
        python.send_signal(signal.SIGINT)
        time.sleep(0.2)
    _, errors = python.communicate()
    assert b"KeyboardInterrupt" in errors
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out.part", "out.job"}
    assert (tmp_path / "out.part").read_bytes() == b"12: 2 2 3\n"
