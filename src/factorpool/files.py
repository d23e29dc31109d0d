"""Files that appear under their names only when they are whole."""

from __future__ import annotations

import os


def write_whole(path: str, text: str) -> None:
    """Writes a text file; until all of it is written, and if that fails, what was there before stays.

    A link stays one: the file that it stands for is written.
    """
    path = os.path.realpath(path)
    temporary = f"{path}.part"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
