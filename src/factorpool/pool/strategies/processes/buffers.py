"""Large buffers on their way to worker processes and back: through memory that processes of this machine share.

The pages are copied once, into a file without a name that lives as long as somebody has it open.  Who gets them maps
them copy-on-write: it sees what was sent, may write to it, and nobody else sees that.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from multiprocessing import reduction
from multiprocessing.connection import Connection

from factorpool.errors import FactorpoolError

WRITE_BYTES = 1 << 26
"""Written at a time: Linux takes no more than 2 GB in one call."""

TOO_MANY = "this process has as many files open as it may (`ulimit -n`)"


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
    """The pages that the other side has sent.

    Raises an EOFError or an OSError where the other side has ended, and a FactorpoolError where the pages cannot be
    had.
    """
    try:
        fd = reduction.recv_handle(connection)
    except (RuntimeError, OSError) as error:  # a RuntimeError: there was no descriptor left for what has come
        if isinstance(error, OSError) and error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        raise FactorpoolError(f"{length} bytes cannot be received: {TOO_MANY}") from error
    try:
        return mmap.mmap(fd, length, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise FactorpoolError(f"{length} bytes cannot be received: {error.strerror}") from error
    finally:
        os.close(fd)
