"""The files of several jobs that shared an input, put together to the one that a single job would have written."""

from __future__ import annotations

import glob
import os
import re
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from factorpool.errors import FactorpoolError, OptionError
from factorpool.formats import CLOSED, Shape
from factorpool.jobs import kept
from factorpool.jobs.job import part_name
from factorpool.jobs.journal import read_journal
from factorpool.jobs.output import appear, check_no_job, check_output
from factorpool.jobs.places import Share


def merge(output: str, report: Callable[[str], None], *, keep: bool = False) -> int:
    """Puts the parts of an output together, and removes them; returns how many numbers are left out in them.

    Raises a FactorpoolError for one that is missing, not done, damaged, or of another job.
    """
    check_output(output, ())
    check_no_job(output)
    parts = _find(output)
    journals = [_journal_of(path) for path in parts]
    first, *others = ({**known, "options": {**known["options"], "part": None}} for known in journals)
    for path, known in zip(parts[1:], others, strict=True):
        if difference := _difference(first, known):
            raise FactorpoolError(f"{path} is of another job than {parts[0]}: {difference}")
    options = first["options"]
    complete = None
    if options["format"] in CLOSED:
        complete = partial(kept.complete, options["format"], Shape(options["shape"]))
    whole = f"{os.path.realpath(output)}.part"
    try:
        with open(whole, "wb") as target:
            for path, known in zip(parts, journals, strict=True):
                with open(path, "rb") as source:
                    _copy(source, target, path, known["mark"])
            target.flush()
            os.fsync(target.fileno())
        appear(whole, os.path.realpath(output), complete)
    finally:
        if os.path.exists(whole):
            os.unlink(whole)
    if not keep:
        for path in parts:
            os.unlink(path)
            os.unlink(f"{path}.job")
    report(f"{output}: {len(parts)} parts")
    return sum(known["mark"]["given_up"] + known["mark"]["place"][3] for known in journals)


def _find(output: str) -> list[str]:
    """The files of all parts, in order."""
    named = re.compile(re.escape(os.path.basename(output)) + r"\.(\d+)-of-(\d+)(\.part|\.job)?")
    there = [named.fullmatch(os.path.basename(path)) for path in glob.glob(f"{glob.escape(output)}.*-of-*")]
    counts = {int(found[2]) for found in there if found}
    if not counts:
        raise OptionError(f"there is no part of {output}: none is called {part_name(output, Share(1, 2))}, or so")
    if len(counts) > 1:
        several = " and ".join(map(str, sorted(counts)))
        raise OptionError(f"there are parts of {output} of {several}: remove those that are not wanted")
    (count,) = counts
    parts = [part_name(output, Share(number, count)) for number in range(1, count + 1)]
    if missing := [path for path in parts if not os.path.exists(path)]:
        begun = [path for path in missing if os.path.exists(f"{path}.job") or os.path.exists(f"{path}.part")]
        what = f", of which {len(begun)} are begun" if begun else ""
        raise FactorpoolError(f"{len(missing)} of {count} parts are missing{what}: {', '.join(missing[:5])}")
    return parts


def _journal_of(path: str) -> dict[str, Any]:
    known = read_journal(f"{path}.job")
    if known is None or not known["mark"]["done"]:
        raise FactorpoolError(f"{path} is not done: {path}.job should say so; run the job of that part again")
    return known


def _difference(first: dict[str, Any], other: dict[str, Any]) -> str | None:
    """What differs in two jobs; the inputs may have another place and time on another machine."""
    for name, value in first["options"].items():
        if other["options"][name] != value:
            return f"{name} is {other['options'][name]!r}, not {value!r}"
    inputs, others = ([(os.path.basename(i[0]), i[1], i[3]) for i in known["inputs"]] for known in (first, other))
    if inputs == others:
        return None
    name = next((mine[0] for mine, its in zip(inputs, others, strict=False) if mine != its), "an input")
    return f"{name} was not the same for both"


def _copy(source: BinaryIO, target: BinaryIO, path: str, mark: dict[str, Any]) -> None:
    """Copies a part, which has to be what its journal says."""
    checksum = size = 0
    while data := source.read(1 << 20):
        checksum, size = zlib.crc32(data, checksum), size + len(data)
        target.write(data)
    if (size, checksum) != (mark["size"], mark["checksum"]):
        raise FactorpoolError(f"{path} is not what its journal says: run the job of that part again, with --restart")
