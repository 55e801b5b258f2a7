"""Programs under the SDK, each in a process of its own, whose telemetry a peer receives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from helpers.otlp_grpc_peer import GRPCPeer
from helpers.otlp_peer import OTLPPeer


def run_script(peer: OTLPPeer | GRPCPeer, script: str, *, expect: int = 0, **environ: str) -> str:
    """What `script` printed. Its SDK sends to `peer`, and has sent all when this returns."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("TOLLSPAN_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-c", dedent(script)],
        env=clean | {"TOLLSPAN_ENDPOINT": peer.url} | environ,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout


def scopes(peer: OTLPPeer) -> dict[str, set[str]]:
    """The names of the spans that arrived, by the instrumentation that made them."""
    found: dict[str, set[str]] = {}
    for export in peer.exports:
        for resource in getattr(export.request, "resource_spans", ()):
            for scope in resource.scope_spans:
                name = scope.scope.name.removeprefix("opentelemetry.instrumentation.")
                found.setdefault(name, set()).update(span.name for span in scope.spans)
    return found
