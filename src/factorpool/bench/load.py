"""What else the machine was doing while something was measured, and what CPU time the measured processes used."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

BUSY = 0.10
"""Part of the usable CPUs that others may use, or a hypervisor may take, before a machine is not called quiet."""

_TICK = os.sysconf("SC_CLK_TCK")


class Moment(NamedTuple):
    """The clocks at one moment, in seconds; those of Linux are 0 elsewhere.

    `busy` is what all CPUs have worked, `stolen` what a hypervisor gave to other machines, `mine` the CPU time of this
    process and of all below it.
    """

    wall: float
    busy: float
    stolen: float
    mine: float


def moment() -> Moment:
    """The clocks now; it takes a few milliseconds."""
    return Moment(time.perf_counter(), *_all_cpus(), _tree_seconds())


class Load(NamedTuple):
    """Between two moments: the CPUs that others used, those that were stolen, and the CPU seconds of this tree."""

    others: float
    stolen: float
    cpu_seconds: float


def between(before: Moment, after: Moment) -> Load:
    """What happened between two moments."""
    wall = max(after.wall - before.wall, 1e-9)
    mine = max(0.0, after.mine - before.mine)
    return Load(max(0.0, after.busy - before.busy - mine) / wall, max(0.0, after.stolen - before.stolen) / wall, mine)


def _all_cpus() -> tuple[float, float]:
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, soft, steal, *_ = map(int, file.readline().split()[1:])
    except (OSError, ValueError):
        return 0.0, 0.0
    return (user + nice + system + irq + soft) / _TICK, steal / _TICK


def _tree_seconds() -> float:
    """CPU seconds of this process and of all below it that are still there or were waited for."""
    times: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    try:
        entries = os.listdir("/proc")
    except OSError:
        return time.process_time()
    for entry in entries:
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        children.setdefault(int(fields[1]), []).append(int(entry))
        times[int(entry)] = sum(map(int, fields[11:15])) / _TICK
    total, todo = 0.0, [os.getpid()]
    while todo:
        process = todo.pop()
        total += times.get(process, 0.0)
        todo += children.get(process, [])
    return total
