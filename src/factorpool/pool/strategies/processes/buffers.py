"""Large buffers on their way to worker processes and back: through memory that processes of this machine share.

The pages are copied once, into a file without a name that lives as long as somebody has it open or mapped.  Who gets
them sees what was sent, may write to it, and nobody else sees that.
"""

from __future__ import annotations

import errno
import mmap
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import reduction
from multiprocessing.connection import Connection

from factorpool import _native
from factorpool.errors import FactorpoolError
from factorpool.pool.memory import allocate

IO_BYTES = 1 << 26
"""Written or read at a time: Linux takes no more than 2 GB in one call."""

MAPPED_BYTES = 1 << 22
"""What is shorter is read into other memory, which takes less time than to map it and touch its pages one by one."""


class SharedBuffer:
    """The pages of one buffer, to be sent to any number of workers, or from one."""

    def __init__(self, data: memoryview) -> None:
        self.length = data.nbytes
        if hasattr(os, "memfd_create"):
            self.fd = os.memfd_create("factorpool")
        else:
            with tempfile.TemporaryFile() as file:
                self.fd = os.dup(file.fileno())
        done = 0
        while done < self.length:
            done += os.write(self.fd, data[done : done + IO_BYTES])

    def send(self, connection: Connection) -> None:
        """Sends the pages to a worker, through a pipe that is a socket."""
        reduction.send_handle(connection, self.fd, None)

    def __del__(self) -> None:
        if hasattr(self, "fd"):
            os.close(self.fd)


def receive(connection: Connection, length: int) -> mmap.mmap:
    """In the worker: the pages that were sent."""
    fd = reduction.recv_handle(connection)
    try:
        return mmap.mmap(fd, length, access=mmap.ACCESS_COPY)
    finally:
        os.close(fd)


class SendError(Exception):
    """The pages could not be sent, and nothing of them was."""


@contextmanager
def _socket_of(connection: Connection) -> Iterator[socket.socket]:
    """The pipe, which is a socket, as one; closing that is for the connection."""
    way = socket.socket(fileno=connection.fileno())
    try:
        way.settimeout(None)  # whatever the program's default is
        yield way
    finally:
        way.detach()


def send_back(connection: Connection, data: memoryview) -> None:
    """In the worker: sends pages to the caller, who knows that they come and how long they are.

    Raises a SendError where the system has no memory or descriptor for that, which the caller is told.
    """
    with _socket_of(connection) as way:
        try:
            pages = SharedBuffer(data)
            socket.send_fds(way, [b"+"], [pages.fd])
        except OSError as error:
            way.sendall(b"-")  # which fails, too, where the caller is gone
            raise SendError from error


def read_back(connection: Connection, length: int) -> memoryview | None:
    """In the caller: what `send_back` has sent; None if it could not.

    Raises an EOFError or an OSError where the worker has ended, and a FactorpoolError where the pages cannot be had.
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
        if length >= MAPPED_BYTES:
            return memoryview(_native.Pages(fds[0], length))
        memory = allocate(length)
        done = 0
        while done < length and (count := os.preadv(fds[0], [memory[done : done + IO_BYTES]], done)):
            done += count
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise
        raise FactorpoolError(f"{length} bytes of a result cannot be received: {error.strerror}") from error
    finally:
        for fd in fds:
            os.close(fd)
    return memory
