"""The sidecar pipeline over HTTP: 100 spans a request, batch, OTLP/HTTP with gzip."""

from __future__ import annotations

from collections.abc import Callable

from bench.collectors import measure, rotel_command, tollspan_command

TITLE = "collector, OTLP/HTTP in, 100 spans a request"
ITEM = "span"

PEERS: dict[str, Callable[[], float]] = {
    "Tollspan": lambda: measure(tollspan_command, "http", 100),
    "rotel 0.0.1a15": lambda: measure(rotel_command, "http", 100),
}
