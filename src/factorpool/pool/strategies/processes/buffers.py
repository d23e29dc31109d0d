"""Large buffers on their way to worker processes: through memory that all workers of this machine share.

The pages are copied once, into a file without a name that lives as long as somebody has it open.  A worker maps them
copy-on-write: it sees what was sent, may write to it, and nobody else sees that.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from multiprocessing import reduction
from multiprocessing.connection import Connection

WRITE_BYTES = 1 << 26
"""Written at a time: Linux takes no more than 2 GB in one call."""


class SharedBuffer:
    """The pages of one buffer, to be sent to any number of workers."""

    def __init__(self, data: memoryview) -> None:
        self.length = data.nbytes
        if hasattr(os, "memfd_create"):
            self._fd = os.memfd_create("factorpool")
        else:
            with tempfile.TemporaryFile() as file:
                self._fd = os.dup(file.fileno())
        try:
            done = 0
            while done < self.length:
                done += os.write(self._fd, data[done : done + WRITE_BYTES])
        except BaseException:
            os.close(self._fd)
            raise

    def send(self, connection: Connection) -> None:
        """Sends the pages through a pipe that is a socket."""
        reduction.send_handle(connection, self._fd, None)

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)


def receive(connection: Connection, length: int) -> mmap.mmap:
    """In the worker: the pages that were sent."""
    fd = reduction.recv_handle(connection)
    try:
        return mmap.mmap(fd, length, access=mmap.ACCESS_COPY)
    finally:
        os.close(fd)
