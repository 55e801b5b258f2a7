"""The most memory that the sidecar pipeline has resident while it takes 512 spans a request."""

from __future__ import annotations

from collections.abc import Callable

from bench.collectors import Traces, measure, rotel_command, tollspan_command

TITLE = "collector, peak of resident memory, 512 spans a request"
UNIT, SCALE = "MB", 1e-6
ITEM = "process"

PEERS: dict[str, Callable[[], float]] = {
    "Tollspan, HTTP": lambda: measure(tollspan_command, Traces("http", 512)).memory_bytes,
    "Tollspan, gRPC": lambda: measure(tollspan_command, Traces("grpc", 512)).memory_bytes,
    "rotel 0.0.1a15, HTTP": lambda: measure(rotel_command, Traces("http", 512)).memory_bytes,
    "rotel 0.0.1a15, gRPC": lambda: measure(rotel_command, Traces("grpc", 512)).memory_bytes,
}
