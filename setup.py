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
            # Empty unless CI asks for more, such as -Werror or a sanitizer.
            extra_compile_args=["-O3", *os.environ.get("FACTORPOOL_CFLAGS", "").split()],
            extra_link_args=os.environ.get("FACTORPOOL_LDFLAGS", "").split(),
        )
    ]
)
