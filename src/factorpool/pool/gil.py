"""Whether Python code runs one thread at a time: asked anew each time, since an import can switch the GIL on."""

from __future__ import annotations

import sys
import sysconfig


def gil_enabled() -> bool:
    """Whether there is a GIL now."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def gil_note() -> str:
    """A remark for a free-threaded build that has a GIL all the same, else nothing."""
    if sysconfig.get_config_var("Py_GIL_DISABLED") and gil_enabled():
        return "the GIL of this free-threaded Python is switched on, by PYTHON_GIL=1 or an import that needs it"
    return ""
