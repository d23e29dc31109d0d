"""Writable memory: in the largest pages there are.

The system gives new memory page by page, as it is first written to; in pages of 4 KB that takes several times as long
as to write it, in pages of 2 MB less.
"""

from __future__ import annotations

import mmap
from contextlib import suppress

LARGE = 1 << 20
"""Bytes from which memory has pages of its own."""


def allocate(size: int) -> memoryview:
    """So many bytes; an OSError where the system does not have them."""
    if size < LARGE:
        return memoryview(bytearray(size))
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a system without large pages gives small ones
            pages.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(pages)
