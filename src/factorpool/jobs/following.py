"""Makes a file in a closed format while what goes into it is still being found.

What is kept is what a job goes on from.  To read and write all of that at the end takes one thread a minute for 10^8
numbers; here a thread does it meanwhile, behind the one that keeps it.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import BinaryIO

from factorpool.files import sync
from factorpool.formats import Shape, find_closed_writer
from factorpool.jobs import kept


class Follower:
    """Makes a closed format's file of what is kept: from when it is told to `follow`, or all of it at the end."""

    def __init__(self, form: str, shape: Shape) -> None:
        self._form = form
        self._shape = shape
        self._target = ""
        self._thread: threading.Thread | None = None
        self._more = threading.Event()
        self._ended = self._given_up = self._whole = False

    def follow(self, part: str, target: str) -> None:
        """Begins with what is in a part, which grows."""
        self._target = target
        thread = threading.Thread(target=self._run, args=(part,), name="factorpool follower", daemon=True)
        thread.start()
        self._thread = thread

    def more(self) -> None:
        """The part has grown."""
        self._more.set()

    def complete(self, part: str, target: str) -> None:
        """Nothing more comes: has the file made, and on disk.

        Where that did not work from the first block on, because a later one needs other columns, or the disk was full,
        all of it is made anew, and raises what is wrong.
        """
        self._ended = True
        self._more.set()
        self.join()
        if not self._whole:
            kept.complete(self._form, self._shape, part, target)

    def give_up(self) -> None:
        """Removes what is not whole, at once, though its thread may be at a block still; `join` waits for that."""
        self._given_up = True
        self._more.set()
        if self._thread is not None:
            self._remove()

    def join(self) -> None:
        """Waits for the end of the thread."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _remove(self) -> None:
        with suppress(OSError):
            os.unlink(self._target)

    def _run(self, part: str) -> None:
        with suppress(Exception), open(part, "rb") as file:  # `complete` meets it again
            self._whole = self._make(file)
        if not self._whole:
            self._remove()

    def _make(self, file: BinaryIO) -> bool:
        """Whether the file is whole."""
        heading, blocks = kept.read(file, self._wait)
        writer = find_closed_writer(self._form)(self._target, self._shape, heading)
        written = False
        try:
            for factored in blocks:
                if writer.look(factored) and written:
                    return False
                writer.write(factored)
                written = True
        finally:
            writer.close()
        if self._given_up:
            return False
        sync(self._target)
        return True

    def _wait(self, file: BinaryIO, size: int) -> bool:
        """Waits until so many bytes can be read; False where they will never come."""
        while not self._given_up:
            ended = self._ended
            if os.fstat(file.fileno()).st_size - file.tell() >= size:
                return True
            if ended:
                return False
            self._more.wait()
            self._more.clear()
        return False
