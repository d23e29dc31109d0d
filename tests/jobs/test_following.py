"""Files in closed formats that are made while what goes into them is still being found."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from factorpool.factoring.block import Block
from factorpool.factoring.columns import Columns
from factorpool.factoring.tasks import FactorTask
from factorpool.formats import CLOSED, Factored, Shape
from factorpool.formats.columnar import WRITE_ROWS
from factorpool.jobs import kept
from factorpool.jobs.following import Follower

pa = pytest.importorskip("pyarrow")


def factored(numbers: Sequence[int]) -> Factored:
    block = Block(numbers)
    (piece,) = FactorTask("auto").pieces(block, 0, bytearray(1), 0)
    assert isinstance(piece.value, Columns)
    return Factored(block, piece.value)


class Part:
    """A part that grows, and the follower that is told so."""

    def __init__(self, path: Path, follower: Follower, target: Path) -> None:
        self._path = path
        path.touch()
        self._follower = follower
        self._writer = kept.Writer(self, Shape.REPEATED, None)
        follower.follow(str(path), str(target))

    def write(self, data: bytes) -> None:
        for piece in (data[:5], data[5:]):  # even in the middle of a frame
            with self._path.open("ab") as file:
                file.write(piece)
            self._follower.more()

    def add(self, numbers: Sequence[int]) -> None:
        self._writer.write(factored(numbers))


def wait_until_there(target: Path, size: int) -> None:
    deadline = time.monotonic() + 60
    while not target.exists() or target.stat().st_size < size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def followers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if "follower" in each.name]


@pytest.mark.parametrize("form", CLOSED)
@pytest.mark.parametrize("last", [range(1, 100), [360]], ids=["words", "of any size"])
def test_the_file_is_the_one_that_is_made_at_the_end(form: str, last: Sequence[int], tmp_path: Path) -> None:
    """A block of integers of any size that comes late makes other columns of all that was written."""
    part, target, expected = tmp_path / "part", tmp_path / "target", tmp_path / "expected"
    follower = Follower(form, Shape.REPEATED)
    growing = Part(part, follower, target)
    for start in range(1, 5 * WRITE_ROWS // 4, WRITE_ROWS // 4):
        growing.add(range(start, start + WRITE_ROWS // 4))
    wait_until_there(target, 100_000)  # long before the end
    growing.add(last)
    follower.complete(str(part), str(target))
    kept.complete(form, Shape.REPEATED, str(part), str(expected))
    assert target.read_bytes() == expected.read_bytes()
    assert not followers()


def test_what_is_given_up_leaves_nothing_behind(tmp_path: Path) -> None:
    part, target = tmp_path / "part", tmp_path / "target"
    follower = Follower("arrow", Shape.REPEATED)
    growing = Part(part, follower, target)
    growing.add(range(1, WRITE_ROWS + 1))
    wait_until_there(target, 100_000)
    follower.give_up()
    assert not target.exists()
    follower.join()
    assert not target.exists()
    assert not followers()


def test_what_goes_wrong_is_met_again_at_the_end(tmp_path: Path) -> None:
    part, target = tmp_path / "part", tmp_path / "missing" / "target"
    follower = Follower("arrow", Shape.REPEATED)
    growing = Part(part, follower, target)
    growing.add(range(360, 361))
    with pytest.raises(FileNotFoundError):
        follower.complete(str(part), str(target))
    target.parent.mkdir()
    follower.complete(str(part), str(target))
    assert pa.ipc.open_file(str(target)).read_all()["number"].to_pylist() == [360]
