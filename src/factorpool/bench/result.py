"""What was measured, on what: the one JSON file between measuring and everything that is made from it."""

from __future__ import annotations

import json
import os
import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

from factorpool.errors import OptionError

FORMAT = "factorpool.bench"
VERSION = 1


@dataclass
class Case:
    """One way of doing the work: seconds of every run, in the order of the rounds."""

    method: str
    strategy: str
    workers: int
    seconds: list[float] = field(default_factory=list)

    @property
    def label(self) -> str:
        """As it stands in tables and charts."""
        return self.strategy if self.strategy == "serial" else f"{self.strategy}, {self.workers} workers"

    @property
    def median(self) -> float:
        """Seconds of the run in the middle."""
        return statistics.median(self.seconds)


@dataclass
class Forecast:
    """What more workers of a strategy would bring, and how well that was met where it could be measured.

    `met` has, by workers, predicted over measured seconds; `overheads` and `rows` are those of `bench.predict`.
    """

    method: str
    strategy: str
    schedule: str
    overheads: dict[str, float]
    met: dict[str, float]
    rows: list[dict[str, float]]


@dataclass
class Result:
    """A benchmark: what ran on what, and how long."""

    workload: str
    description: str
    count: int
    schedule: str
    machine: dict[str, Any]
    skipped: dict[str, str]
    cases: list[Case]
    forecasts: list[Forecast] = field(default_factory=list)

    def measured(self, method: str | None = None) -> list[Case]:
        """The cases that have been run, of one method or all."""
        return [case for case in self.cases if case.seconds and method in (None, case.method)]

    def methods(self) -> list[str]:
        """The methods that have been run, in order."""
        return list(dict.fromkeys(case.method for case in self.measured()))

    def serial(self, method: str) -> Case | None:
        """What the others of a method are compared with."""
        return next((case for case in self.measured(method) if case.strategy == "serial"), None)

    @staticmethod
    def check_place(path: str) -> None:
        """An OSError where `save` would fail, before the work and not after it; an old file stays as it is."""
        if not path or (os.path.exists(path) and not os.path.isfile(path)):
            raise OptionError(f"cannot save a result as {path!r}: it is not a regular file")
        temporary = f"{os.path.realpath(path)}.part"
        with open(temporary, "w", encoding="utf-8"):
            pass
        os.remove(temporary)

    def save(self, path: str) -> None:
        """Writes the file, whole or not at all."""
        path = os.path.realpath(path)  # through a link, not over it
        temporary = f"{path}.part"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "version": VERSION, **asdict(self)}, file, indent=1)
            file.write("\n")
        os.replace(temporary, path)


def load(path: str) -> Result:
    """Reads what `Result.save` wrote.

    Raises:
        OptionError: it is not such a file, or of a version that this factorpool does not know.
    """
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        if data.pop("format") != FORMAT:
            raise KeyError("format")
        version = data.pop("version")
        if version != VERSION:
            raise OptionError(f"{path} is of version {version}; this factorpool reads version {VERSION}")
        cases = [Case(**case) for case in data.pop("cases")]
        for key in ("cpu", "usable_cpus", "python", "gil", "isa"):
            data["machine"][key]
        forecasts = [Forecast(**forecast) for forecast in data.pop("forecasts", [])]
        return Result(**data, cases=cases, forecasts=forecasts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, OptionError):
            raise
        what = f"{type(error).__name__} {str(error)[:80]}"
        raise OptionError(f"{path} is not a result of `factorpool bench`: {what}") from error
