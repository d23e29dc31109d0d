"""What is written by a thread behind the caller."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from factorpool.jobs import behind
from factorpool.jobs.behind import Behind
from factorpool.jobs.output import OutputError, WholeFile


def fail() -> None:
    raise OSError("no space")


def test_calls_are_made_in_order() -> None:
    made: list[int] = []
    thread = Behind()
    for i in range(1000):
        thread.do(lambda i=i: made.append(i), 1 << 16)  # type: ignore[misc]
    thread.end()
    assert made == list(range(1000))


def test_what_fails_is_told_and_nothing_is_done_after_it() -> None:
    made: list[int] = []
    thread = Behind()
    thread.do(fail)
    thread._thread.join()
    with pytest.raises(OSError, match="no space"):
        thread.do(lambda: made.append(1))
    with pytest.raises(OSError, match="no space"):
        thread.end()
    assert not made


def test_one_who_waits_for_room_is_told_of_a_failure() -> None:
    goes_on = threading.Event()
    thread = Behind()
    thread.do(goes_on.wait)
    thread.do(fail, behind.MOST_BYTES + 1)
    threading.Timer(0.1, goes_on.set).start()
    with pytest.raises(OSError, match="no space"):
        thread.do(fail)
    thread.give_up()


def test_no_more_waits_than_is_allowed() -> None:
    goes_on, made = threading.Event(), list[int]()
    thread = Behind()
    thread.do(goes_on.wait)
    filler = threading.Thread(target=lambda: [thread.do(lambda: made.append(1), behind.MOST_BYTES) for _ in range(4)])
    filler.start()
    filler.join(0.2)
    assert filler.is_alive()  # one call waits, and another that is too much with it
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
