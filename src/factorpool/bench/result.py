"""What was measured, on what: the one JSON file between measuring and everything that is made from it."""

from __future__ import annotations

import json
import os
import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

from factorpool.bench.load import BUSY
from factorpool.errors import OptionError
from factorpool.files import write_whole

FORMAT = "factorpool.bench"
VERSION = 2
READABLE = (1, 2)
"""Version 1 had no `warm`, `cpu`, `note` and `noise`, and measured numbers only."""


@dataclass
class Case:
    """One way of doing the work, and its runs in the order of the rounds.

    `seconds` are those of runs that start their workers, `warm` of runs right after that find them started (not
    measured for numbers), `cpu` and `memory` the CPU seconds and the most bytes of all processes in each of `seconds`.
    `pickled` are the bytes that were sent to workers and back in each, without large buffers, whose pages are shared.
    `carry` says of a sample how many times as long as a warm run all items take, with a lower and an upper bound.
    `note` says why it could not be measured, or what is wrong with its results.
    """

    method: str
    strategy: str
    workers: int
    seconds: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    pickled: list[int] = field(default_factory=list)
    carry: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def label(self) -> str:
        """As it stands in tables and charts."""
        if self.strategy == "serial":
            return self.strategy
        return f"{self.strategy}, {self.workers} worker{'s' * (self.workers > 1)}"

    @property
    def median(self) -> float:
        """Seconds of the run in the middle."""
        return statistics.median(self.seconds)

    @property
    def startup(self) -> float:
        """Seconds that workers take to start: what runs that start them take longer."""
        return max(0.0, self.median - statistics.median(self.warm)) if self.warm else 0.0


@dataclass
class Noise:
    """How quiet the machine was: CPUs that other programs used, and that a hypervisor took, in each run."""

    others: list[float] = field(default_factory=list)
    stolen: list[float] = field(default_factory=list)

    def problem(self, cpus: int) -> str:
        """What kept the machine from being quiet; empty if nothing did."""
        for what, seen in (("other programs used", self.others), ("a hypervisor took", self.stolen)):
            if seen and (part := statistics.median(seen) / cpus) > BUSY:
                return f"{what} {part:.0%} of the CPUs meanwhile"
        return ""


@dataclass
class Predictions:
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
    """A benchmark: what ran on what, and how long.

    `seed` is that of the order in which cases ran.  If the work was too long for the time there was, `sample` says of
    how many items `count` are a sample, and how long all of them would take serially.
    `timeline` has, of one more run, its `case`, its `seconds`, and its `blocks` as `bench.timeline` has them.
    `notes` are what else a reader should know.
    """

    workload: str
    description: str
    count: int
    schedule: str
    machine: dict[str, Any]
    skipped: dict[str, str]
    cases: list[Case]
    predictions: list[Predictions] = field(default_factory=list)
    noise: Noise = field(default_factory=Noise)
    seed: int = 0
    sample: dict[str, float] = field(default_factory=dict)
    timeline: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def measured(self, method: str | None = None) -> list[Case]:
        """The cases that have been run, and that agree, of one method or all."""
        return [case for case in self.cases if case.seconds and not case.note and method in (None, case.method)]

    def methods(self) -> list[str]:
        """The methods that have been run, in order."""
        return list(dict.fromkeys(case.method for case in self.measured()))

    def serial(self, method: str) -> Case | None:
        """What the others of a method are compared with."""
        return next((case for case in self.measured(method) if case.strategy == "serial"), None)

    def times(self, case: Case) -> list[float]:
        """Seconds of all the work, by rounds: for a sample, what starting takes and the rest carried over."""
        if not self.sample:
            return case.seconds
        times = self._carry(case)[0]
        return [max(0.0, cold - warm) + warm * times for cold, warm in zip(case.seconds, case.warm, strict=True)]

    def bounds(self, case: Case) -> tuple[float, float]:
        """Of a sample: what all the work takes at least and at most, as far as the items that were seen tell."""
        _, low, high = self._carry(case)
        warm = statistics.median(case.warm)
        return case.startup + warm * low, case.startup + warm * high

    def _carry(self, case: Case) -> list[float]:
        return case.carry or [self.sample["of"] / self.count] * 3

    def median(self, case: Case) -> float:
        """Those of the round in the middle."""
        return statistics.median(self.times(case))

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
        write_whole(path, self.to_json())

    def to_json(self) -> str:
        """All of it as text."""
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1) + "\n"


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
        if version not in READABLE:
            raise OptionError(f"{path} is of version {version}; this factorpool reads up to version {VERSION}")
        cases = [Case(**case) for case in data.pop("cases")]
        noise = Noise(**data.pop("noise", {}))
        for key in ("cpu", "usable_cpus", "python", "gil", "isa"):
            data["machine"][key]
        old = data.pop("forecasts", [])  # what version 1 called them
        predictions = [Predictions(**each) for each in data.pop("predictions", old)]
        return Result(**data, cases=cases, predictions=predictions, noise=noise)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, OptionError):
            raise
        what = f"{type(error).__name__} {str(error)[:80]}"
        raise OptionError(f"{path} is not a result of `factorpool bench`: {what}") from error
