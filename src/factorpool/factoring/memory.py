"""Memory for columns that grow: asked for once where their size can be guessed, and in the largest pages there are.

The system gives new memory page by page, as it is first written to; in pages of 4 KB that takes several times as long
as to write it, in pages of 2 MB less.
"""

from __future__ import annotations

import mmap
from contextlib import suppress

from factorpool import _native

LARGE = 1 << 20
"""Bytes from which a column has pages of its own."""


def _allocate(size: int) -> memoryview:
    """Writable bytes.  Of large ones, those that are never written cost nothing."""
    if size < LARGE:
        return memoryview(bytearray(size))
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a system without large pages gives small ones
            pages.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(pages)


def _allocate_most(size: int, spare: tuple[int, ...]) -> memoryview:
    """As much as this machine has: perhaps too much is expected."""
    for more in spare:
        with suppress(OSError):
            return _allocate(size + more)
    raise MemoryError(f"{size} bytes for a column of factors")


class Grown:
    """Bytes that grow at their end."""

    __slots__ = ("_memory", "_used")

    def __init__(self) -> None:
        self._memory = memoryview(bytearray())
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def append(self, part: bytes, expected: int) -> None:
        """Adds a part, after which so many bytes more are expected."""
        end = self._used + len(part)
        if end > len(self._memory):
            larger = _allocate_most(end, (expected, end // 2, 0))
            _native.copy(larger, 0, self.view())
            self._memory = larger
        _native.copy(self._memory, self._used, part)
        self._used = end

    def view(self) -> memoryview[int]:
        """All of them, read-only."""
        return self._memory[: self._used].toreadonly()
