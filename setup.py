"""The compiled modules; everything else is in pyproject.toml."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("TOLLSPAN_DEBUG_BUILD") == "1"

extensions = [
    Extension(
        ".".join(path.with_suffix("").parts[1:]),
        [str(path)],
        extra_compile_args=["-O0", "-g", "-UNDEBUG"] if DEBUG else ["-O3"],
        define_macros=[("CYTHON_TRACE", "1")] if DEBUG else [],
    )
    for path in sorted(Path("src").rglob("*.pyx"))
]

setup(
    ext_modules=cythonize(
        extensions,
        compiler_directives={
            "language_level": "3str",
            "boundscheck": DEBUG,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": DEBUG,
            "linetrace": DEBUG,
            "embedsignature": True,
        },
    )
)
