"""Whether Python code runs one thread at a time: asked anew each time, since an import can switch the GIL on."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable

_ask: Callable[[], bool] | None = getattr(sys, "_is_gil_enabled", None)  # new in 3.13


def gil_enabled() -> bool:
    """Whether there is a GIL now."""
    return _ask is None or _ask()


def gil_note() -> str:
    """A remark for a free-threaded build that has a GIL all the same, else nothing."""
    if sysconfig.get_config_var("Py_GIL_DISABLED") and gil_enabled():
        return "the GIL of this free-threaded Python is switched on, by PYTHON_GIL=1 or an import that needs it"
    return ""
