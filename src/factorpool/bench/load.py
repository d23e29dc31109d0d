"""What else the machine was doing while something was measured, and what the measured processes used of it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import NamedTuple

from factorpool.pool.pickling import traffic

BUSY = 0.10
"""Part of the usable CPUs that others may use, or a hypervisor may take, before a machine is not called quiet."""

_TICK = os.sysconf("SC_CLK_TCK")


class Moment(NamedTuple):
    """The clocks at one moment, in seconds, and memory in bytes; what Linux alone tells is 0 elsewhere.

    `busy` is what all CPUs have worked, `stolen` what a hypervisor gave to other machines, `mine` the CPU time of this
    process and of all below it, `memory` the most that each of them has had, together, `pickled` the bytes that went to
    workers and back.
    """

    wall: float
    busy: float
    stolen: float
    mine: float
    memory: int
    pickled: int


def moment() -> Moment:
    """The clocks now; it takes a few milliseconds."""
    seconds, memory = _tree()
    return Moment(time.perf_counter(), *_all_cpus(), seconds, memory, traffic.bytes)


def forget_peak() -> None:
    """Has the most memory of this process counted anew from here."""
    with suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


class Load(NamedTuple):
    """Between two moments: the CPUs that others used, those that were stolen, and what this tree of processes used.

    `memory` counts pages that processes share once for each.
    """

    others: float
    stolen: float
    cpu_seconds: float
    memory: int
    pickled: int


def between(before: Moment, after: Moment) -> Load:
    """What happened between two moments."""
    wall = max(after.wall - before.wall, 1e-9)
    mine = max(0.0, after.mine - before.mine)
    others = max(0.0, after.busy - before.busy - mine) / wall
    return Load(
        others, max(0.0, after.stolen - before.stolen) / wall, mine, after.memory, after.pickled - before.pickled
    )


def _all_cpus() -> tuple[float, float]:
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, soft, steal, *_ = map(int, file.readline().split()[1:])
    except (OSError, ValueError):
        return 0.0, 0.0
    return (user + nice + system + irq + soft) / _TICK, steal / _TICK


def _tree() -> tuple[float, int]:
    """CPU seconds of this process and of all below it, as far as they are known here, and the most memory of each."""
    times: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    try:
        entries = os.listdir("/proc")
    except OSError:
        return time.process_time(), 0
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
    total, memory, todo = 0.0, 0, [os.getpid()]
    while todo:
        process = todo.pop()
        total += times.get(process, 0.0)
        memory += _most_memory(process)
        todo += children.get(process, [])
    return total, memory


def _most_memory(process: int) -> int:
    """The most resident memory that a process has had, in bytes."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as file:
            line = next((line for line in file if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    except OSError:
        return 0
    return int(line.split()[1]) * 1024
