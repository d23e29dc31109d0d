"""Builds the C kernel; everything else stands in pyproject.toml."""

import os
from pathlib import Path

from setuptools import Extension, setup

native = Path("src/factorpool/native")
setup(
    ext_modules=[
        Extension(
            "factorpool._native",
            sources=sorted(str(path) for path in native.rglob("*.c") if not path.name.startswith("t-")),
            depends=sorted(str(path) for path in native.rglob("*.h")),
            # Without debugging information, which is nine tenths of the size.  Then what CI asks for, such as -Werror.
            extra_compile_args=["-O3", "-g0", *os.environ.get("FACTORPOOL_CFLAGS", "").split()],
            extra_link_args=os.environ.get("FACTORPOOL_LDFLAGS", "").split(),
        )
    ]
)
