"""Writing behind: a thread that writes while its caller goes on, so that no worker waits for a disk or a checksum."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

MOST_WAITING = 1 << 23
"""Bytes that may wait to be written, beside those of the last call: about twenty pieces of text, so that nobody waits
for one `fsync`."""


class Behind:
    """Makes calls, one after the other, in a thread of its own; none after one that has raised an error.

    That error is raised by the next `do`, or by `end`.
    """

    def __init__(self) -> None:
        self._calls: deque[tuple[Callable[[], object], int]] = deque()
        self._bytes = 0  # of the calls that wait or are being made
        self._error: BaseException | None = None
        self._ended = self._finished = False
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="factorpool writer", daemon=True).start()

    def do(self, call: Callable[[], object], size: int = 0) -> None:
        """Has a call made, which holds so many bytes; waits while too many are held."""
        with self._changed:
            while self._bytes > MOST_WAITING and self._error is None:
                self._changed.wait()
            self._raise()
            self._calls.append((call, size))
            self._bytes += size
            self._changed.notify_all()

    def end(self) -> None:
        """Waits for all calls, and ends the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
            while not self._finished:  # not by join: after a Ctrl-C there, Python 3.11 takes the thread for ended
                self._changed.wait()
            self._raise()

    def give_up(self) -> None:
        """Ends the thread after the call that it is in, and waits for that, whatever Ctrl-C says: it may be a mark."""
        interrupt: KeyboardInterrupt | None = None
        while not self._finished:
            try:
                with self._changed:
                    self._calls.clear()
                    self._ended = True
                    self._changed.notify_all()
                    if not self._finished:
                        self._changed.wait()
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (found := self._next()) is not None:
            call, size = found
            error: BaseException | None = None
            try:
                call()
            except BaseException as raised:
                error = raised
            del call, found  # and what they hold, until there is something to do
            with self._changed:
                self._bytes -= size
                if error is not None:
                    self._error = error
                    self._calls.clear()
                    self._ended = True
                self._changed.notify_all()
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def _next(self) -> tuple[Callable[[], object], int] | None:
        with self._changed:
            while not self._calls and not self._ended:
                self._changed.wait()
            return self._calls.popleft() if self._calls else None
