"""Builds the C kernel, on all CPUs; everything else stands in pyproject.toml."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError


class BuildInParallel(build_ext):
    """Compiles several files at once: setuptools itself does that only with several extensions."""

    def build_extensions(self):
        """Has the compiler take each file by itself, in as many threads as there are CPUs."""
        compile_some = self.compiler.compile

        def compile_all(sources, *args, **kwargs):
            smallest = next(source for source in sources if source.endswith("avxifma_long_3.c"))
            try:
                compile_some([smallest], *args, **kwargs)
            except CompileError:
                print("the assembler does not know AVX-IFMA, though the compiler does: built without")
                kwargs["extra_postargs"] = [*kwargs["extra_postargs"], "-DFP_NO_AVXIFMA"]
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                objects = pool.map(lambda source: compile_some([source], *args, **kwargs), sources)
                return [name for names in objects for name in names]

        self.compiler.compile = compile_all
        super().build_extensions()


native = Path("src/factorpool/native")
setup(
    cmdclass={"build_ext": BuildInParallel},
    ext_modules=[
        Extension(
            "factorpool._native",
            sources=sorted(str(path) for path in native.rglob("*.c") if not path.name.startswith("t-")),
            depends=sorted(str(path) for path in native.rglob("*.h")),
            # gcc makes vectors of loops on doubles only if nothing may trap.  Without debugging information, which is
            # nine tenths of the size.  Then what CI asks for, such as -Werror.
            extra_compile_args=["-O3", "-fno-trapping-math", "-g0", *os.environ.get("FACTORPOOL_CFLAGS", "").split()],
            extra_link_args=os.environ.get("FACTORPOOL_LDFLAGS", "").split(),
        )
    ],
)
