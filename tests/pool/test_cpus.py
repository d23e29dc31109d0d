"""The CPUs that may be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from factorpool.errors import OptionError
from factorpool.pool.cpus import usable_cpus


def machine(root: Path, cgroup: str, **limits: str) -> str:
    """A tree of the files that tell of cgroups, as Linux lays them out."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    for path, content in limits.items():
        file = root / "sys/fs/cgroup" / path.replace("__", "/").replace("_max", ".max").replace("cpu_cfs", "cpu.cfs")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return str(root)


def test_usable_cpus_obey_affinity() -> None:
    everything = os.sched_getaffinity(0)
    assert usable_cpus("/nowhere") == len(everything)
    os.sched_setaffinity(0, {min(everything)})
    try:
        assert usable_cpus("/nowhere") == 1
    finally:
        os.sched_setaffinity(0, everything)


def test_an_environment_variable_overrides_the_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORPOOL_MAX_WORKERS", "17")
    assert usable_cpus() == 17
    for junk in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("FACTORPOOL_MAX_WORKERS", junk)
        with pytest.raises(OptionError, match=f"FACTORPOOL_MAX_WORKERS must be a positive integer, not '{junk}'"):
            usable_cpus()


def test_a_slurm_job_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "16")
    assert usable_cpus("/nowhere") == 16
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "4")
    assert usable_cpus("/nowhere") == 4
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "many")
    assert usable_cpus("/nowhere") == 16


@pytest.mark.parametrize(
    ("cgroup", "limits", "expected"),
    [
        ("0::/a/b\n", {}, 64),
        ("0::/a/b\n", {"a__b__cpu_max": "max 100000\n"}, 64),
        ("0::/a/b\n", {"a__b__cpu_max": "250000 100000\n"}, 3),
        ("0::/a/b\n", {"a__b__cpu_max": "max 100000\n", "a__cpu_max": "150000 100000\n"}, 2),
        ("0::/a/b\n", {"cpu_max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu_max": "400000 100000\n"}, 4),
        (
            "4:cpu,cpuacct:/x\n",
            {"cpu,cpuacct__x__cpu_cfs_quota_us": "200000", "cpu,cpuacct__x__cpu_cfs_period_us": "100000"},
            2,
        ),
        ("4:cpu,cpuacct:/x\n", {"cpu__x__cpu_cfs_quota_us": "300000", "cpu__x__cpu_cfs_period_us": "100000"}, 3),
        ("1:cpu:/\n", {"cpu__cpu_cfs_quota_us": "-1", "cpu__cpu_cfs_period_us": "100000"}, 64),
        ("2:memory:/m\n", {"memory__m__cpu_max": "100000 100000"}, 64),
    ],
)
def test_usable_cpus_obey_quotas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cgroup: str, limits: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert usable_cpus(machine(tmp_path, cgroup, **limits)) == expected
