"""Other SDKs: each in an environment of its own, under `.venv/bench`, made once."""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path

REQUIREMENTS = {
    "unomiq": ("unomiq-sdk==0.1.1",),
    "obtrace": ("obtrace-sdk-python==2.0.1",),
    "logfire": ("logfire>=5",),
    "sentry": ("sentry-sdk>=2.40",),
}


def python_with(peer: str) -> Path:
    """The interpreter that has `peer`, and the OpenTelemetry of this one as far as the peer allows."""
    if peer not in REQUIREMENTS:
        return Path(sys.executable)
    folder = Path(sys.prefix) / "bench" / peer
    python = folder / "bin" / "python"
    done = folder / ".installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        exporter = f"opentelemetry-exporter-otlp-proto-http<={version('opentelemetry-sdk')}"
        pip = [python, "-m", "pip", "install", "--quiet", exporter, *REQUIREMENTS[peer]]
        subprocess.run(pip, check=True)
        done.touch()
    return python
