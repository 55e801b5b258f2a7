"""An application that knows nothing of us, under `opentelemetry-instrument`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

APPLICATION = """
import logging
from opentelemetry import _logs, metrics, trace
with trace.get_tracer("app").start_as_current_span("work"):
    logging.getLogger("app").warning("a line")
_logs.get_logger("app").emit(body="hello")
metrics.get_meter("app").create_counter("orders").add(1)
"""


def run_instrumented(environ: dict[str, str], application: str = APPLICATION) -> str:
    """What the application and everything around it wrote to stderr; it has ended well."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("TOLLSPAN_", "OTEL_"))}
    done = subprocess.run(
        [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, "-c", application],
        env=clean | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"} | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
