"""When the program's own modules were edited last: a worker that is older may have imported what was there before.

In a notebook a module is edited and loaded again between two calls; workers that stay would go on with the old one.
What is installed (the standard library, site-packages) is taken to stay as it is.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from types import ModuleType

_INSTALLED = tuple({os.path.join(path, "") for path in sysconfig.get_paths().values() if path})

_files: tuple[int, list[str]] = (0, [])  # of the program's own modules, when so many modules were imported


def is_installed(module: ModuleType) -> bool:
    """Whether a module is part of Python or of an installed package, or has no file."""
    file = getattr(module, "__file__", None)
    return not file or os.path.realpath(file).startswith(_INSTALLED)


def newest_edit() -> float:
    """The time of the last change among the files of the program's own modules; 0 if there are none.

    The main module is not among them: what is defined there travels by value.
    """
    global _files
    if _files[0] != len(sys.modules):
        modules = [module for name, module in list(sys.modules.items()) if name not in ("__main__", "__mp_main__")]
        own = {
            str(module.__file__) for module in modules if isinstance(module, ModuleType) and not is_installed(module)
        }
        _files = len(sys.modules), sorted(own)
    newest = 0.0
    for file in _files[1]:
        try:
            newest = max(newest, os.stat(file).st_mtime)
        except OSError:  # it is gone
            continue
    return newest
