"""Large buffers on their way to worker processes and back: through memory that processes of this machine share.

The pages are copied once, into a file without a name that lives as long as somebody has it open or mapped.  Who gets
them sees what was sent, may write to it, and nobody else sees that.
"""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from factorpool import _native
from factorpool.errors import FactorpoolError
from factorpool.pool.memory import allocate

IO_BYTES = 1 << 26
"""Written or read at a time: Linux takes no more than 2 GB in one call."""

MAPPED_BYTES = 1 << 22
"""What is for one process alone, and shorter, is read into other memory, which takes less time than to map it and touch
its pages one by one."""

RESULTS_IN_PAGES = hasattr(os, "memfd_create")
"""Elsewhere the file would be on a disk, and macOS loses a descriptor that is closed before it has arrived (CPython
issue 14669)."""


class SharedBuffer:
    """The pages of one buffer, to be sent to any number of workers, or from one."""

    def __init__(self, data: memoryview) -> None:
        if hasattr(os, "memfd_create"):
            self._fd = os.memfd_create("factorpool")
        else:
            with tempfile.TemporaryFile() as file:
                self._fd = os.dup(file.fileno())
        done = 0
        while done < data.nbytes:
            done += os.write(self._fd, data[done : done + IO_BYTES])

    def send(self, connection: Connection) -> None:
        """Sends the pages through a pipe, whose other side knows that they come, and how long they are."""
        with _socket_of(connection) as way:
            socket.send_fds(way, [b"+"], [self._fd])

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)


def refuse(connection: Connection) -> None:
    """Tells the other side that there are no pages to come."""
    with _socket_of(connection) as way:
        way.sendall(b"-")


def receive(connection: Connection, length: int, what: str, mapped_from: int = 0) -> memoryview | None:
    """The pages of what the other side has sent, mapped if they are so long; None if it had none.

    Raises an EOFError or an OSError where the other side has ended, and a FactorpoolError where the pages cannot be
    had.
    """
    fds: list[int] = []
    try:
        with _socket_of(connection) as way:
            sign, fds, _, _ = socket.recv_fds(way, 1, 1, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
        if not sign:
            raise EOFError
        if sign == b"-":
            return None
        if not fds:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return memoryview(_native.Pages(fds[0], length)) if length >= mapped_from else _read(fds[0], length)
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise
        raise FactorpoolError(f"{length} bytes of {what} cannot be received: {error.strerror}") from error
    finally:
        for fd in fds:
            os.close(fd)


def _read(fd: int, length: int) -> memoryview:
    """So many bytes from the beginning of a file."""
    memory, done = allocate(length), 0
    while done < length and (count := os.preadv(fd, [memory[done : done + IO_BYTES]], done)):
        done += count
    return memory


@contextmanager
def _socket_of(connection: Connection) -> Iterator[socket.socket]:
    """The pipe, which is a socket, as one; closing that is for the connection."""
    way = socket.socket(fileno=connection.fileno())
    try:
        way.settimeout(None)  # whatever the program's default is
        yield way
    finally:
        way.detach()
