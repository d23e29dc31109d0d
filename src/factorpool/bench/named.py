"""Functions and items by name: what `--function` and `--items` of the command line stand for."""

from __future__ import annotations

import csv
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from factorpool.errors import OptionError

FUNCTION_HINT = "write package.module:function or path/to/script.py:function"
ITEMS_HINT = (
    "write a file (lines, .jsonl, or FILE.csv:COLUMN), range:START:STOP, or package.module:iterable "
    "(path/to/script.py:iterable)"
)


def find_function(spec: str) -> Callable[[Any], Any]:
    """The function `package.module:function` or `path/to/script.py:function`.

    Raises:
        OptionError: there is none of that name, or it is no function.

    >>> find_function("math:sqrt")(4)
    2.0
    """
    found = _find(spec, "function", FUNCTION_HINT)
    if not callable(found):
        raise OptionError(f"function {spec!r} is a {type(found).__name__}, not a function")
    function: Callable[[Any], Any] = found
    return function


def find_items(spec: str) -> Iterable[Any]:
    """The items of a file, of `range:START:STOP`, or of `package.module:iterable`; a function there is called for them.

    The lines of a file are strings, those of `.jsonl` what the JSON stands for, the column of a CSV file strings.

    Raises:
        OptionError: there is no such file, or it cannot be read as what its name says.

    >>> list(find_items("range:2:5"))
    [2, 3, 4]
    """
    if spec.startswith("range:"):
        try:
            start, stop = map(int, spec.removeprefix("range:").split(":"))
        except ValueError:
            raise OptionError(f"items {spec!r}: {ITEMS_HINT}") from None
        return range(start, stop)
    file, _, column = spec.rpartition(":")
    if file.endswith(".csv") and os.path.isfile(file):
        return _csv_column(file, column)
    if os.path.isfile(spec):
        return _lines(spec)
    found = _find(spec, "items", ITEMS_HINT)
    found = found() if callable(found) else found
    try:
        iter(found)
    except TypeError:
        raise OptionError(f"items {spec!r} are a {type(found).__name__}, which cannot be iterated") from None
    items: Iterable[Any] = found
    return items


def _find(spec: str, what: str, hint: str) -> Any:
    """The attribute that `module:name` or `script.py:name` stands for."""
    module_name, _, name = spec.rpartition(":")
    if not module_name or not name:
        raise OptionError(f"{what} {spec!r}: {hint}")
    if module_name.endswith(".py"):
        if not os.path.isfile(module_name):
            raise OptionError(f"{what} {spec!r}: there is no file {module_name}")
        path = Path(module_name).resolve()
        directory, module_name = str(path.parent), path.stem
    else:
        directory = os.getcwd()
    if directory not in sys.path:
        sys.path.insert(0, directory)  # where workers find it, too
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise OptionError(
            f"{what} {spec!r}: {module_name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise OptionError(f"{what} {spec!r}: {module_name} has no {name}")
        found = getattr(found, part)
    return found


def _lines(path: str) -> list[Any]:
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    if not path.endswith((".jsonl", ".ndjson")):
        return lines
    items = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                items.append(json.loads(line))
            except ValueError as error:
                raise OptionError(f"items {path}, line {number}: not JSON: {error}") from None
    return items


def _csv_column(path: str, column: str) -> list[str]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if column not in (rows.fieldnames or ()):
            raise OptionError(
                f"items {path}: there is no column {column!r}; there are {', '.join(rows.fieldnames or ())}"
            )
        return [row[column] for row in rows]
