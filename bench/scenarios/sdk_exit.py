"""How long a program takes to end whose destination refuses connections: from its last line to its end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

TITLE = "end of a program with a dead destination"
ITEM = "process"
UNIT, SCALE = "s of wall time", 1.0

URL = "http://127.0.0.1:9"

OURS = f"""
import tollspan
from opentelemetry import _logs, metrics, trace
tollspan.init("bench", endpoint="{URL}", instrument=False)
trace.get_tracer("bench").start_span("work").end()
metrics.get_meter("bench").create_counter("orders").add(1)
_logs.get_logger("bench").emit(body="hello")
"""

OFFICIAL = f"""
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter("{URL}/v1/traces")))
provider.get_tracer("bench").start_span("work").end()
"""


def _exit(script: str) -> Callable[[], float]:
    def run() -> float:
        process = subprocess.Popen(
            [sys.executable, "-c", f"{script}\nprint('end', flush=True)"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "end\n"
        started = time.monotonic()
        process.wait(120)
        return time.monotonic() - started

    return run


PEERS: dict[str, Callable[[], float]] = {
    "Tollspan, three signals": _exit(OURS),
    "official SDK, traces alone": _exit(OFFICIAL),
}
