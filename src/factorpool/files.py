"""Files that appear under their names only when they are whole."""

from __future__ import annotations

import os


def write_whole(path: str, text: str, *, sync: bool = False) -> None:
    """Writes a text file; until all of it is written, and if that fails, what was there before stays.

    A link stays one: the file that it stands for is written.  With `sync` it is on disk afterwards, name and all.
    """
    path = os.path.realpath(path)
    temporary = f"{path}.part"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    os.replace(temporary, path)
    if sync:
        sync_directory(path)


def sync_directory(path: str) -> None:
    """Has the names in a file's directory on disk."""
    sync(os.path.dirname(path))


def sync(path: str) -> None:
    """Has a file, or the names in a directory, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
