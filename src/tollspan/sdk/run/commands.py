"""`tollspan run -- PROGRAM ...`: that program, and every Python that it starts, under the SDK.

The folder `startup` goes first on PYTHONPATH; Python imports the `sitecustomize` in it
before anything of the program's. Then this process becomes the program.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tollspan.errors import ConfigError
from tollspan.sdk.settings import read_settings

STARTUP = Path(__file__).parent / "startup"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The program and its arguments; every setting is a TOLLSPAN_* or OTEL_* variable."""
    parser.usage = "tollspan run -- PROGRAM [ARGUMENT ...]"
    parser.add_argument("program", nargs=argparse.REMAINDER, help="such as: python app.py, gunicorn shop:app")


def run(arguments: argparse.Namespace) -> int:
    """Becomes the program. Raises ConfigError without one, and OSError when it cannot be started."""
    program = arguments.program[1:] if arguments.program[:1] == ["--"] else arguments.program
    if not program:
        raise ConfigError("", "there is no program to run", "tollspan run -- python app.py")
    settings, _ = read_settings({}, os.environ)
    where = settings.endpoint or "nowhere, as no endpoint is set"
    who = settings.service_name or "this program (OTEL_SERVICE_NAME would name it)"
    print(f"tollspan run: {who} sends to {where}", file=sys.stderr, flush=True)
    os.execvpe(program[0], program, environment(os.environ))  # noqa: S606 - that is what it is for


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """`inherited`, with which a Python starts under the SDK."""
    path = [str(STARTUP), *filter(None, inherited.get("PYTHONPATH", "").split(os.pathsep))]
    return {**inherited, "PYTHONPATH": os.pathsep.join(dict.fromkeys(path))}
