"""What Python imports first below `tollspan run`: the SDK, then the sitecustomize that this hides."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path

SAID = "TOLLSPAN_RUN_SAID"
"""Set for the processes that this one starts: what it did is said once."""


def _start_sdk() -> None:
    try:
        import tollspan  # noqa: PLC0415 - may be missing where a program starts another Python
    except ImportError:
        _say(f"{sys.executable} has no tollspan package, so it runs without telemetry")
        return
    found = tollspan.init().status().instrumentations
    problems = [f"{name}: {why}" for name, why in found.items() if why.startswith(("conflict", "failed"))]
    names = sorted(name for name, state in found.items() if state == "on") or ["no library"]
    _say("; ".join([f"instruments {', '.join(names)} where they are used", *problems]))


def _say(message: str) -> None:
    if os.environ.setdefault(SAID, str(os.getpid())) == str(os.getpid()):
        print(f"tollspan run: {message}", file=sys.stderr, flush=True)  # noqa: T201 - what a command says


def _import_hidden() -> None:
    own = Path(__file__).parent.resolve()
    elsewhere = [entry for entry in sys.path if Path(entry).resolve() != own]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


_start_sdk()
_import_hidden()
