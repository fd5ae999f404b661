"""Compile the kernels where that is possible; everything else is in pyproject.toml."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

#: A fused multiply-add would round once where Python rounds twice. Nothing looks at floating-point
#: traps or errno, and the compiler may use vectors where it need not keep them.
_FLAGS = ["-O3", "-g0", "-ffp-contract=off", "-fno-trapping-math", "-fno-math-errno"]

REQUIRED = os.environ.get("NANOBOOK_REQUIRE_COMPILED", "") not in ("", "0")


class OptionalBuildExt(build_ext):
    """Let a missing compiler cost speed, never the installation, unless told otherwise."""

    def build_extension(self, ext: Extension) -> None:
        """Compile one extension."""
        try:
            super().build_extension(ext)
        except Exception as error:
            if REQUIRED:
                raise
            print(f"nanobook-native: {ext.name} is not compiled ({error})", file=sys.stderr)


extensions = cythonize(
    [
        Extension(
            f"nanobook_native.{name}",
            [f"src/nanobook_native/{name}.pyx"],
            include_dirs=["src/nanobook_native"],
            depends=[str(header) for header in Path("src/nanobook_native").glob("*.h")],
            extra_compile_args=[] if os.name == "nt" else _FLAGS,
        )
        for name in ("_kernels", "_engine", "_simulate", "_itch_decode", "_itch_books")
    ],
    language_level=3,
    build_dir="build/cython",
)
for extension in extensions:  # cythonize() makes new objects, which lose the flag
    extension.optional = not REQUIRED

setup(ext_modules=extensions, cmdclass={"build_ext": OptionalBuildExt})
