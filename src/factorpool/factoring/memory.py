"""Memory for columns: in the largest pages there are.

The system gives new memory page by page, as it is first written to; in pages of 4 KB that takes several times as long
as to write it, in pages of 2 MB less.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate

from factorpool import _native

LARGE = 1 << 20
"""Bytes from which memory has pages of its own."""


def _allocate(size: int) -> memoryview:
    """Writable bytes."""
    if size < LARGE:
        return memoryview(bytearray(size))
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a system without large pages gives small ones
            pages.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(pages)


def joined(parts: Sequence[memoryview]) -> memoryview:
    """All bytes of the parts in one piece, read-only."""
    starts = [0, *accumulate(map(len, parts))]
    try:
        memory = _allocate(starts[-1])
    except OSError:
        raise MemoryError(f"{starts[-1]} bytes for a column of factors") from None
    for start, part in zip(starts, parts, strict=False):
        _native.copy(memory, start, part)
    return memory.toreadonly()
