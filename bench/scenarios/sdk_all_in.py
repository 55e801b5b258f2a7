"""A span from its creation to an acknowledged request, everything in the process counted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.peers import python_with
from bench.sink import running_sink

TITLE = "create a span, 8 attributes, queue, export"
ITEM = "span"

ROOT = Path(__file__).parents[2]

ENVIRON = {**os.environ, "OTEL_BSP_MAX_QUEUE_SIZE": "20000", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
"""With the default queue of 2048 those on the official SDK would drop most spans."""


def _run(peer: str) -> Callable[[], float]:
    def run() -> float:
        command = [python_with(peer), "-m", "bench.spans_all_in", peer]
        with running_sink() as url:
            done = subprocess.run(
                [*command, url],
                cwd=ROOT,
                env=ENVIRON,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                timeout=60,
            )
        return float(done.stdout.splitlines()[-1])

    return run


PEERS: dict[str, Callable[[], float]] = {
    "Tollspan": _run("tollspan"),
    "official SDK, OTLP/HTTP, gzip": _run("official"),
    "unomiq-sdk": _run("unomiq"),
    "obtrace-sdk-python": _run("obtrace"),
    "logfire, OTLP/HTTP, gzip": _run("logfire"),
    "sentry-sdk, 10 spans a transaction": _run("sentry"),
}
