"""Where factorizations are written: standard output, or a file that appears under its name when it is whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType

from factorpool.errors import FactorpoolError, OptionError


class OutputError(FactorpoolError):
    """The output cannot be written to."""


class StandardOutput:
    """Standard output; a reader that has gone ends the program quietly, a full disk says so."""

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
    """A file that is called NAME.part until all is written; whatever ends it before removes it, and NAME stays.

    What is there and is no file, such as a named pipe or /dev/null, is written to as it is.
    """

    def __init__(self, path: str) -> None:
        self._special = _is_special(path)
        self._path = path if self._special else os.path.realpath(path)  # a link stays one
        self._part = self._path if self._special else f"{self._path}.part"
        self._failed = False

    def __enter__(self) -> WholeFile:
        self._file = open(self._part, "wb")
        return self

    def write(self, data: bytes) -> None:
        """Writes all of it."""
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise self._error(error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if kind is None and not self._failed and not self._special:
                os.fsync(self._file.fileno())
                os.replace(self._part, self._path)
        except OSError as failure:
            raise self._error(failure) from failure
        finally:
            with suppress(OSError):
                self._file.close()
            if not self._special:
                with suppress(FileNotFoundError):
                    os.unlink(self._part)

    def _error(self, error: OSError) -> OutputError:
        self._failed = True
        return OutputError(f"cannot write {self._path}: {error.strerror}")


def _is_special(path: str) -> bool:
    """Whether it is there, and neither a file nor a directory."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def check_output(path: str, inputs: Iterable[str]) -> None:
    """An OptionError for an output that could not be written, or that is an input, before anything is done."""
    directory = os.path.dirname(os.path.realpath(path))
    if _is_special(path):
        return
    if os.path.isdir(path):
        raise OptionError(f"--output {path} is a directory")
    if not os.path.isdir(directory):
        raise OptionError(f"--output {path}: there is no directory {directory}")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise OptionError(f"--output {path}: nothing can be written in {directory}")
    for each in inputs:
        if each != "-" and os.path.exists(each) and os.path.exists(path) and os.path.samefile(each, path):
            raise OptionError(f"--output {path} is an input, too: it would be overwritten")
