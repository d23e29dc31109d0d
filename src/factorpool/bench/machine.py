"""What a measurement ran on: without it, no figure means anything."""

from __future__ import annotations

import datetime
import platform
import sysconfig
from importlib.metadata import version
from typing import Any

from factorpool import _native
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.gil import gil_enabled


def describe() -> dict[str, Any]:
    """The processor, the CPUs usable, the Python and its GIL, the kernel's isa, and the versions."""
    return {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "usable_cpus": usable_cpus(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "free_threaded_build": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "gil": "enabled" if gil_enabled() else "disabled",
        "isa": _native.isa,
        "versions": {name: version(name) for name in ("factorpool", "python-flint")},
    }


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()
