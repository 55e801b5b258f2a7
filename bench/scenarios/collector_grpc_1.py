"""The sidecar pipeline over gRPC: 1 span a request, batch, OTLP/HTTP with gzip."""

from __future__ import annotations

from collections.abc import Callable

from bench.collectors import Traces, measure, rotel_command, tollspan_command

TITLE = "collector, OTLP/gRPC in, 1 span a request"
ITEM = "span"
TRACES = Traces("grpc", 1)

PEERS: dict[str, Callable[[], float]] = {
    "Tollspan": lambda: measure(tollspan_command, TRACES).cpu_s,
    "rotel 0.0.1a15": lambda: measure(rotel_command, TRACES).cpu_s,
}
