"""Writing behind: a thread that writes while its caller goes on, so that no worker waits for a disk or a checksum."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

MOST_BYTES = 1 << 23
"""What may wait to be written: about twenty pieces of text, so that the time of one `fsync` is bridged."""


class Behind:
    """Makes calls, one after the other, in a thread of its own; none after one that has raised something.

    What that was is raised by the next method, for the one who has asked for the call.
    """

    def __init__(self) -> None:
        self._calls: deque[tuple[Callable[[], object], int]] = deque()
        self._bytes = 0  # that wait
        self._error: Exception | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="factorpool writer", daemon=True)
        self._thread.start()

    def do(self, call: Callable[[], object], size: int = 0) -> None:
        """Has a call made, which holds so many bytes; waits while too many are held."""
        with self._changed:
            while self._bytes > MOST_BYTES and self._error is None:
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
        self._thread.join()
        self._raise()

    def give_up(self) -> None:
        """Ends the thread after the call that it is in."""
        with self._changed:
            self._calls.clear()
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._calls and not self._ended:
                    self._changed.wait()
                if not self._calls:
                    return
                call, size = self._calls.popleft()
            try:
                call()
            except Exception as error:
                self._error = error
            with self._changed:
                self._bytes -= size
                if self._error is not None:
                    self._calls.clear()
                    self._ended = True
                self._changed.notify_all()
