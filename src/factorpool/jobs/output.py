"""Where factorizations are written: standard output, or a file that appears under its name when it is whole."""

from __future__ import annotations

import fcntl
import os
import sys
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, BinaryIO

from factorpool.errors import FactorpoolError, OptionError
from factorpool.files import sync_directory
from factorpool.formats.lines import only_utf8
from factorpool.jobs.behind import Behind
from factorpool.jobs.journal import Journal, Mark
from factorpool.jobs.places import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.jobs.following import Follower

    Complete = Callable[[str, str], object]


class OutputError(FactorpoolError):
    """The output cannot be written to."""


class StandardOutput:
    """Standard output; a reader that has gone ends the program quietly, a full disk says so."""

    kept: Place | None = None
    """No command can go on anywhere."""

    def __enter__(self) -> StandardOutput:
        return self

    def __exit__(self, *_: object) -> None:
        """It stays open."""

    def begin(self) -> None:
        """Nothing was written before."""

    def reached(self, place: Place | None, given_up: int) -> None:
        """What is written cannot be taken back: nobody needs to know how far it is."""

    def ended(self, bad: int, given_up: int) -> None:
        """Nor what was left out."""

    def write(self, data: bytes) -> None:
        """Writes all of it now."""
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered has nowhere to go
            if isinstance(error, BrokenPipeError):
                sys.exit(141)
            raise OutputError(f"cannot write the output: {error.strerror}") from error


class WholeFile:
    """A file that is called NAME.part until all is written; NAME stays what it was until then.

    With a journal the part stays, whatever ends it, once there is a mark, and `mark` is where it goes on; without, it
    is removed.  `follower` makes the file, in a closed format, from the part.  What is there and is no file, such as a
    named pipe or /dev/null, is written to as it is.

    The file of one of several jobs, to be `merged`, keeps its journal, and what stands above all is only in the first.

    From `begin` on a thread behind the caller writes, and marks what is written; but not to what is no file: nobody
    knows how long that takes.
    """

    def __init__(
        self,
        path: str,
        journal: Journal | None = None,
        mark: Mark | None = None,
        follower: Follower | None = None,
        *,
        merged: bool = False,
        first: bool = True,
    ) -> None:
        self._special = is_special(path)
        self._path = path if self._special else os.path.realpath(path)  # a link stays one
        self._part = self._path if self._special else f"{self._path}.part"
        self._journal = journal
        self._mark = mark
        self._follower = follower
        self._merged = merged
        self._first = first
        self._size = self._checksum = 0
        self._left_out = (0, 0)
        self._behind: Behind | None = None
        self._latest: Mark | None = None  # of what is written, whether the journal has it or not
        self._failed = False

    def __enter__(self) -> WholeFile:
        if self._special:
            self._file: BinaryIO = open(self._path, "wb")
            return self
        self._file = open_alone(self._part)
        if self._mark is None:
            self._file.truncate(0)
        elif self._checksum_of(self._mark.size) != self._mark.checksum:
            self._file.close()
            raise FactorpoolError(f"{self._part} is not what its journal says: begin anew with --restart")
        return self

    def begin(self) -> None:
        """What stands above all has been written: throws that away, and what came after the mark, if there is one."""
        if self._mark is not None or not self._first:
            self._size, self._checksum = (self._mark.size, self._mark.checksum) if self._mark else (0, 0)
            self._file.truncate(self._size)
            self._file.seek(self._size)
        if self._follower is not None:
            self._follower.follow(self._part, whole_of(self._path))
        if not self._special:
            with suppress(RuntimeError):  # there cannot be another thread: then all is done in this one
                self._behind = Behind()

    def write(self, data: bytes) -> None:
        """Writes all of it, now or soon."""
        self._do(partial(self._write, data), len(data))

    def _do(self, call: Callable[[], object], size: int = 0) -> None:
        if self._behind is None:
            call()
        else:
            self._behind.do(call, size)

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise self._error(error) from error
        self._size += len(data)
        self._checksum = zlib.crc32(data, self._checksum)
        if self._follower is not None:
            self._follower.more()

    def reached(self, place: Place | None, given_up: int) -> None:
        """All of the input before a place is written: marks that, if it is time."""
        if self._journal is not None and place is not None:
            self._do(partial(self._mark_if_due, self._journal, place, given_up))

    def _mark_if_due(self, journal: Journal, place: Place, given_up: int) -> None:
        self._latest = Mark(place, self._size, self._checksum, given_up)
        if journal.due:
            self._keep(journal, self._latest)

    @property
    def kept(self) -> Place | None:
        """Where the same command goes on, once this has been left; None where it begins anew."""
        there = self._journal is not None and self._journal.exists()
        return self._mark.place if there and self._mark is not None else None

    def ended(self, bad: int, given_up: int) -> None:
        """All is written; so many mistakes were in the input, and so many numbers were given up."""
        self._left_out = bad, given_up

    def _keep(self, journal: Journal, mark: Mark) -> None:
        try:
            os.fsync(self._file.fileno())
            journal.write(mark)
        except OSError as error:
            self._latest = None  # nobody knows what of it is on disk
            raise self._error(error) from error
        self._mark = mark

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if kind is None and self._behind is not None:
                self._behind.end()
            if kind is None and not self._failed and not self._special:
                os.fsync(self._file.fileno())
                if self._journal is not None and (self._merged or self._mark is not None):
                    # Until the journal is gone it says that all is done.
                    bad, given_up = self._left_out
                    place = (self._mark.place if self._mark else Place(0, 0, 1, 0))._replace(bad=bad)
                    self._keep(self._journal, Mark(place, self._size, self._checksum, given_up, done=True))
                appear(self._part, self._path, None if self._follower is None else self._follower.complete)
                if self._journal is not None and not self._merged:
                    self._journal.remove()
        except OSError as failure:
            raise self._error(failure) from failure
        finally:
            try:
                if self._behind is not None:
                    self._behind.give_up()
                if self._latest is not None and self._mark is not None and not self._mark.done:
                    assert self._journal is not None
                    with suppress(OutputError):
                        self._keep(self._journal, self._latest)
            finally:
                self._leave()

    def _leave(self) -> None:
        """Nothing is written any more: removes what nobody can go on with."""
        if self._follower is not None:
            self._follower.give_up()
        with suppress(OSError):
            self._file.close()
        # Ctrl-C may have come when the first mark was written, but not known here yet.
        if not self._special and (self._journal is None or not self._journal.exists()):
            with suppress(FileNotFoundError):
                os.unlink(self._part)
        if self._follower is not None:  # after all else: Ctrl-C ends the command in a second
            self._follower.join()

    def _checksum_of(self, size: int) -> int | None:
        """The checksum of its first bytes; None if there are not so many."""
        checksum, left = 0, size
        while left and (data := self._file.read(min(left, 1 << 20))):
            checksum = zlib.crc32(data, checksum)
            left -= len(data)
        return None if left else checksum

    def _error(self, error: OSError) -> OutputError:
        self._failed = True
        return OutputError(f"cannot write {self._path}: {error.strerror}")


def open_alone(part: str) -> BinaryIO:
    """Opens a part for reading and writing, which nobody else may do until it is closed."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    file = os.fdopen(descriptor, "r+b")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise FactorpoolError(f"{part} is being written by another process") from None
    return file


def appear(part: str, path: str, complete: Complete | None) -> None:
    """Gives a part its name; one in a closed format is made of it first."""
    if complete is None:
        os.replace(part, path)
    else:
        whole = whole_of(path)
        try:
            complete(part, whole)
            os.replace(whole, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(whole)
        os.unlink(part)
    sync_directory(path)


def whole_of(path: str) -> str:
    """Where a file in a closed format is made, until it is whole."""
    return f"{path}.whole"


def begin_job(
    output: str,
    options: dict[str, Any],
    inputs: tuple[str, ...],
    restart: bool,
    complete: Complete | None,
    merged: bool,
) -> tuple[Journal | None, Mark | None]:
    """The journal of a job, and where it goes on; no journal for what cannot be read or written again.

    A job of which only the last step is missing is brought to its end: its mark says that it is done.
    """
    check_output(output, inputs)
    path = os.path.realpath(output)
    journal, part = Journal(output, options, inputs), f"{path}.part"
    if restart and not is_special(output):
        if os.path.exists(part):
            open_alone(part).close()
        journal.remove()
        with suppress(FileNotFoundError):
            os.unlink(whole_of(path))
    if is_special(output) or not all(os.path.isfile(path) for path in inputs) or not (inputs or merged):
        check_no_job(output)
        return None, None
    mark = journal.load()
    if mark is not None and mark.done:
        if os.path.exists(part):
            with open_alone(part), only_utf8():
                appear(part, path, complete)
        if not os.path.exists(path):  # somebody has removed it
            journal.remove()
            return journal, None
        if not merged:
            journal.remove()
    elif mark is not None and not os.path.exists(part):
        raise FactorpoolError(f"{part} is gone, of which {journal.path} is the journal: begin anew with --restart")
    return journal, mark


def check_no_job(output: str) -> None:
    """An OptionError where a job is under way whose output it is."""
    if os.path.exists(f"{os.path.realpath(output)}.job"):
        raise OptionError(
            f"--output {output} is that of a job which is not done: give another, or begin anew with --restart"
        )


def is_special(path: str) -> bool:
    """Whether it is there, and neither a file nor a directory."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def check_output(path: str, inputs: Iterable[str]) -> None:
    """An OptionError for an output that could not be written, or that is an input, before anything is done."""
    directory = os.path.dirname(os.path.realpath(path))
    if is_special(path):
        return
    if os.path.isdir(path):
        raise OptionError(f"--output {path} is a directory")
    if not os.path.isdir(directory):
        raise OptionError(f"--output {path}: there is no directory {directory}")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise OptionError(f"--output {path}: nothing can be written in {directory}")
    ours = [f"{os.path.realpath(path)}{ending}" for ending in ("", ".part", ".job", ".job.part", ".whole")]
    for each in inputs:
        for own in ours:
            if each != "-" and os.path.exists(each) and os.path.exists(own) and os.path.samefile(each, own):
                raise OptionError(f"--output {path}: {own} is an input, too, and would be overwritten")
