"""How many CPUs this process may really use: by its affinity, its cgroups and its Slurm job."""

from __future__ import annotations

import math
import os

from factorpool.errors import OptionError

OVERRIDE = "FACTORPOOL_MAX_WORKERS"

SLURM = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")
"""What Slurm has given to a task, if that was asked for, and to the job on this machine: it need not confine them."""


def usable_cpus(root: str = "/") -> int:
    """CPUs this process may use, at least one: the affinity mask, cut by the tightest cgroup quota (v1 or v2) above it
    and by the share of a Slurm job.

    The environment variable FACTORPOOL_MAX_WORKERS overrides both.  `root` is where `proc` and `sys` are looked for.

    >>> usable_cpus() >= 1
    True
    """
    if override := os.environ.get(OVERRIDE):
        if not (override.isascii() and override.isdigit() and int(override)):
            raise OptionError(f"the environment variable {OVERRIDE} must be a positive integer, not {override!r}")
        return int(override)
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    slurm = [int(value) for name in SLURM if (value := os.environ.get(name, "")).isdigit()]
    return max(1, math.ceil(min([affinity, *slurm[:1], *_quotas(root)])))


def _quotas(root: str) -> list[float]:
    """The CPUs that each cgroup from this process's own up to the top allows, where it sets a limit."""
    quotas = []
    for line in _read(root, "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Version 2 has one tree and names no controllers; version 1 has a tree for each set of them.
        mount = os.path.join("sys/fs/cgroup", controllers)
        if controllers and not os.path.isdir(os.path.join(root, mount)):
            mount = "sys/fs/cgroup/cpu"
        group = group.strip("/")
        while True:
            quota = _quota(root, os.path.join(mount, group))
            if quota is not None:
                quotas.append(quota)
            if not group:
                break
            group = os.path.dirname(group)
    return quotas


def _quota(root: str, group: str) -> float | None:
    """The CPUs one cgroup allows; None where it sets no limit."""
    limits = _read(root, group, "cpu.max").split() or [
        _read(root, group, "cpu.cfs_quota_us").strip(),
        _read(root, group, "cpu.cfs_period_us").strip(),
    ]
    if len(limits) != 2 or not limits[0].isdigit():  # "max", "-1", or no such file
        return None
    return int(limits[0]) / int(limits[1])


def _read(*path: str) -> str:
    try:
        with open(os.path.join(*path)) as file:
            return file.read()
    except OSError:  # no such group, or not Linux
        return ""
