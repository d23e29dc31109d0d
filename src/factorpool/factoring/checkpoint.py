"""What is known of large numbers, kept on disk: a sieve of hours goes on after it was killed.

A directory has a file of relations for each composite that is being sieved, and a short one for each that curves are
being tried on, or that took long and is done.  Their names are made of the composite, so that the same command finds
them again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import IO

from factorpool.errors import CheckpointError, show
from factorpool.factoring.methods import ecm
from factorpool.factoring.methods.flint import Found
from factorpool.factoring.methods.siqs import Harvest, Plan
from factorpool.files import write_whole

FLUSH_SECONDS = 0.5
"""Relations are written this often, and what is found sooner is not kept: so much work is done again at most."""

FORMAT = "factorpool relations, format 2"

RECORD = struct.Struct("<IIQIIIId")
"""Before each compressed harvest: its checksum (CRC-32), its length, first family, families, the lengths of three of
its four columns, seconds.  The checksum is of all that follows it."""


CURVES = zlib.crc32(repr(ecm.LEVELS).encode())
"""What the numbers of curves mean: another version may have other curves."""


class Store:
    """A directory of checkpoints, which is made if it is not there."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._directory = Path(directory)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            if not os.access(self._directory, os.W_OK | os.X_OK):
                raise PermissionError(13, os.strerror(13))
        except OSError as error:
            raise CheckpointError(f"cannot keep checkpoints in {self._directory}: {error.strerror}") from error

    def known(self, n: int) -> Found | None:
        """What an earlier run knew of n: its factors, or that nothing but curves and a sieve is left to do."""
        path = self._path(n, "found")
        if path.exists():
            known = _read(path, n)
            return Found(known["pairs"], [p for p, _ in known["probable"]], known["large"])
        sieved = any(self._path(n, kind).exists() for kind in ("split", "relations", "curves"))
        return Found([], [], [(n, 1)]) if sieved else None

    def keep(self, n: int, found: Found) -> None:
        """Writes what has been found of n without a sieve."""
        probable = [(p, 0) for p in found.probable]  # they are among the factors already
        self._write(n, "found", {"pairs": found.pairs, "large": found.large, "probable": probable})

    def split(self, n: int) -> int | None:
        """The factor of n that an earlier run has found by curves or a sieve."""
        path = self._path(n, "split")
        return _read(path, n)["pairs"][0][0] if path.exists() else None

    def keep_split(self, n: int, factor: int) -> None:
        """Writes the factor instead of the relations that have led to it."""
        self._write(n, "split", {"pairs": [(factor, 1), (n // factor, 1)]})
        for kind in ("relations", "curves"):
            self._path(n, kind).unlink(missing_ok=True)

    def curves(self, n: int) -> int:
        """How many curves of ECM earlier runs have tried on n without finding a factor."""
        path = self._path(n, "curves")
        if not path.exists():
            return 0
        try:
            known = json.loads(path.read_text())
            done: int = known["curves"]
            if int(known["number"]) == n and known["of"] == CURVES and isinstance(done, int) and done >= 0:
                return done
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError):
            pass
        raise CheckpointError(
            f"{path} does not say how many curves of this version of factorpool were tried on {show(n)}: remove it, or "
            "give another directory"
        )

    def keep_curves(self, n: int, done: int) -> None:
        """Writes that so many curves have found nothing."""
        self._write_text(n, "curves", json.dumps({"number": str(n), "of": CURVES, "curves": done}))

    def journal(self, plan: Plan) -> Journal:
        """The relations of the number that the plan is for."""
        return Journal(self._path(plan.n, "relations"), plan)

    def _write(self, n: int, kind: str, known: dict[str, list[tuple[int, int]]]) -> None:
        columns = {name: [(str(p), e) for p, e in pairs] for name, pairs in known.items()}
        self._write_text(n, kind, json.dumps({"number": str(n), **columns}))

    def _write_text(self, n: int, kind: str, text: str) -> None:
        path = self._path(n, kind)
        try:
            write_whole(str(path), text + "\n")
        except OSError as error:
            raise _cannot_write(path, error) from error

    def _path(self, n: int, kind: str) -> Path:
        digest = hashlib.sha256(str(n).encode()).hexdigest()[:16]
        return self._directory / f"{n.bit_length()}-bits-{digest}.{kind}"


class Journal:
    """The relations of one number on disk: what earlier runs have found, and what this one adds.

    One process at a time may have it.  A record that was not written whole, because the program was killed meanwhile,
    is dropped; any other damage is an error.
    """

    def __init__(self, path: Path, plan: Plan) -> None:
        self._path = path
        self._head = (
            f"{FORMAT}\n{plan.n}\n{plan.multiplier} {plan.size} {plan.split} {plan.large} {plan.most_left}\n".encode()
        )
        self._file: IO[bytes] | None = None
        self._waiting = bytearray()
        self._due = time.monotonic() + FLUSH_SECONDS

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._file is not None and self._path.exists():
                self._flush()
        finally:
            if self._file is not None:
                with suppress(OSError):  # which has been raised already
                    self._file.close()

    def read(self) -> Iterator[Harvest]:
        """What earlier runs have found."""
        if not self._path.exists():
            return
        file = self._open()
        if (head := file.read(len(self._head))) != self._head:
            if self._head.startswith(head):  # killed before even this was written
                file.seek(0)
                file.truncate()
                return
            old, new = head.split(b"\n"), self._head.split(b"\n")
            same = old[0].startswith(FORMAT.rstrip("0123456789").encode()) and old[1:2] == new[1:2]
            what = "was written by another version of factorpool" if same else "is no file of this number's relations"
            raise CheckpointError(f"{self._path} {what}: remove it, or give another directory")
        while True:
            start = file.tell()
            header = file.read(RECORD.size)
            if len(header) < RECORD.size or not any(header):  # after a power cut the end may be of zeros
                break
            checksum, length, first, count, *lengths, seconds = RECORD.unpack(header)
            data = file.read(length)
            if len(data) < length:
                break
            if zlib.crc32(data, zlib.crc32(header[4:])) != checksum:
                raise CheckpointError(f"{self._path} is damaged at byte {start}: remove it, or give another directory")
            yield _harvest(zlib.decompress(data), lengths, first, count, seconds)
        file.seek(start)
        file.truncate()

    def add(self, harvest: Harvest) -> None:
        """Takes it in; it is on disk within FLUSH_SECONDS, or as soon as there is more."""
        columns = (harvest.u, harvest.larges, harvest.lengths, harvest.factors)
        data = zlib.compress(b"".join(columns), 1)
        lengths = map(len, columns[:3])
        header = RECORD.pack(0, len(data), harvest.first, harvest.families, *lengths, harvest.seconds)[4:]
        self._waiting += zlib.crc32(data, zlib.crc32(header)).to_bytes(4, "little") + header + data
        if time.monotonic() >= self._due:
            self._flush()

    def _flush(self) -> None:
        file = self._file or self._open()
        try:
            if file.tell() == 0:
                file.write(self._head)
            file.write(self._waiting)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise _cannot_write(self._path, error) from error
        self._waiting.clear()
        self._due = time.monotonic() + FLUSH_SECONDS

    def _open(self) -> IO[bytes]:
        try:
            self._file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CheckpointError(f"{self._path} is in use by another process, which sieves this number") from error
        except OSError as error:
            raise CheckpointError(f"cannot open {self._path}: {error.strerror}") from error
        return self._file


def _harvest(data: bytes, lengths: list[int], first: int, count: int, seconds: float) -> Harvest:
    columns = []
    for length in lengths:
        columns.append(data[:length])
        data = data[length:]
    u, larges, mine = columns
    return Harvest(u, larges, mine, data, first, count, seconds)


def _read(path: Path, n: int) -> dict[str, list[tuple[int, int]]]:
    """What a file says of n: lists of factors with exponents, which multiply to n."""
    try:
        known = json.loads(path.read_text())
        number = int(known.pop("number"))
        columns = {name: [(int(p), int(e)) for p, e in pairs] for name, pairs in known.items()}
        product = 1
        for p, e in chain.from_iterable(columns.values()):
            if 0 < p <= n and 0 <= e <= n.bit_length():
                product *= p**e
        if product == n == number:
            return columns
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise CheckpointError(f"{path} does not have the factors of {show(n)}: remove it, or give another directory")


def _cannot_write(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"cannot write {path}: {error.strerror}; what it has stays, and the same command goes on from there"
    )
