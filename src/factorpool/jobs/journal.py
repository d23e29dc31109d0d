"""What a job has done, beside its output: after a crash, a kill or a power cut the same command goes on from there.

FILE.job says how far FILE.part is whole, and up to which place of the input that is.  It is written after the part is
on disk, and under another name first, so that at any moment what it says is true.  The output is then, byte for byte,
what it would be without the interruption.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from typing import Any, NamedTuple

from factorpool.errors import FactorpoolError, OptionError
from factorpool.files import write_whole
from factorpool.jobs.places import Place

VERSION = 2

MARK_SECONDS = 1.5
"""How often the journal is written: so much work is done twice, and what waits to be written at that moment.  To have
the output on disk takes ten milliseconds or some more, in which only the thread that writes waits."""


class Mark(NamedTuple):
    """The part has been written up to `size` bytes, with that CRC-32, for all of the input before a place.

    `given_up` numbers of it were left out; `done` says that this is all.
    """

    place: Place
    size: int
    checksum: int
    given_up: int
    done: bool = False


class Journal:
    """The journal of one output; `options` are those that it depends on, `inputs` the files that it is made from."""

    def __init__(self, output: str, options: dict[str, Any], inputs: tuple[str, ...]) -> None:
        self.path = f"{os.path.realpath(output)}.job"
        self._output = output
        identities = [_identity(path) for path in inputs]
        self._job: dict[str, Any] = {"version": VERSION, "options": options, "inputs": identities}
        self._due = time.monotonic() + MARK_SECONDS

    def load(self) -> Mark | None:
        """The last mark; None where there is none.

        Raises an OptionError that says what differs from the job that it is of.
        """
        known = read_journal(self.path)
        if known is None:
            return None
        for what, mine in self._job.items():
            if known[what] != mine:
                raise OptionError(
                    f"--output {self._output} is of another job, which is not done: "
                    f"{_difference(what, known[what], mine)}; give another output, or begin it anew with --restart"
                )
        return _mark_of(known)

    @property
    def due(self) -> bool:
        """Whether it is time for the next mark."""
        return time.monotonic() >= self._due

    def write(self, mark: Mark) -> None:
        """Keeps a mark, once the part is on disk."""
        fields = {**mark._asdict(), "place": list(mark.place)}
        text = json.dumps({**self._job, "mark": fields})
        write_whole(self.path, f"{text}\n{zlib.crc32(text.encode())}\n", sync=True)
        self._due = time.monotonic() + MARK_SECONDS

    def changed(self) -> str | None:
        """The first of the inputs that is not what it was when the job began."""
        return next((each[0] for each in self._job["inputs"] if _identity(each[0]) != each), None)

    def exists(self) -> bool:
        """Whether there is a mark."""
        return os.path.exists(self.path)

    def remove(self) -> None:
        """The job is done, or begins anew."""
        for path in (self.path, f"{self.path}.part"):  # and what was being written when a job was killed
            if os.path.exists(path):
                os.unlink(path)


def read_journal(path: str) -> dict[str, Any] | None:
    """What a journal says; None where there is none.

    Raises a FactorpoolError for one that is damaged, or of another version.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text, checksum = file.read().splitlines()
        if zlib.crc32(text.encode()) != int(checksum):
            raise ValueError("its checksum is wrong")
        known: dict[str, Any] = json.loads(text)
        version = known["version"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FactorpoolError(
            f"{path} is no journal of a job, or is damaged ({error}): begin anew with --restart"
        ) from error
    if version != VERSION:
        raise FactorpoolError(f"{path} is of another version of factorpool: begin anew with --restart")
    return known


def _mark_of(known: dict[str, Any]) -> Mark:
    fields = dict(known["mark"])
    return Mark(**{**fields, "place": Place(*fields["place"])})


ENDS = 1 << 16
"""Bytes of a file's beginning and end that are compared where its time says nothing: on another machine."""


def _identity(path: str) -> list[Any]:
    """What tells a file from what it was, and from another one: name, size, time, a checksum of its ends."""
    try:
        with open(path, "rb") as file:
            stat = os.fstat(file.fileno())
            checksum = zlib.crc32(file.read(ENDS))
            file.seek(max(0, stat.st_size - ENDS))
            checksum = zlib.crc32(file.read(ENDS), checksum)
    except OSError:
        return [path, None, None, None]
    return [path, stat.st_size, stat.st_mtime_ns, checksum]


def _difference(what: str, before: Any, now: Any) -> str:
    """The first thing that differs, in words."""
    if what == "options":
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        return f"{names[0]} was {before.get(names[0])!r} and is {now.get(names[0])!r}"
    if [each[0] for each in before] != [each[0] for each in now]:
        return f"its input was {', '.join(each[0] for each in before)}"
    changed = next(new for old, new in zip(before, now, strict=True) if old != new)
    return f"{changed[0]} has changed since"
