"""How much memory a program has that imported and initialised the SDK and did nothing else."""

from __future__ import annotations

from collections.abc import Callable

from bench.scenarios.sdk_start import run

TITLE = "resident memory after import and initialisation"
ITEM = "process"
UNIT, SCALE = "MiB", 1.0


def _memory(peer: str) -> Callable[[], float]:
    return lambda: run(peer, "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024")


PEERS: dict[str, Callable[[], float]] = {
    "Tollspan, three signals": _memory("tollspan"),
    "official SDK, three signals": _memory("official"),
    "obtrace-sdk-python": _memory("obtrace"),
    "logfire": _memory("logfire"),
    "sentry-sdk": _memory("sentry"),
}
