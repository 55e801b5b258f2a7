"""`python -m bench.spans_all_in PEER URL`: CPU seconds per span, from its creation to its delivery to URL."""

# ruff: noqa: PLC0415 - each environment has one of the packages alone

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from bench.attributes import attributes

SPANS = 5120

Make = Callable[[int], None]
Flush = Callable[[], object]


def _with_tracer(tracer: Any) -> Make:
    def make(number: int) -> None:
        with tracer.start_as_current_span("GET /api/orders") as span:
            for key, value in attributes(number).items():
                span.set_attribute(key, value)

    return make


def tollspan(url: str) -> tuple[Make, Flush]:
    from opentelemetry import trace

    import tollspan as sdk

    handle = sdk.init("bench", endpoint=url, signals=["traces"], instrument=False)
    return _with_tracer(trace.get_tracer("bench")), handle.flush


def official(url: str) -> tuple[Make, Flush]:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=Compression.Gzip)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return _with_tracer(provider.get_tracer("bench")), provider.force_flush


def unomiq(url: str) -> tuple[Make, Flush]:
    from opentelemetry import trace
    from unomiq import UnomiqGateway

    UnomiqGateway.init(
        app_name="bench", client_id="a", client_secret="b", api_endpoint=url, token_url=f"{url}/token",
        resolve_unit=lambda: "acme",
    )  # fmt: skip
    return _with_tracer(trace.get_tracer("bench")), trace.get_tracer_provider().force_flush


def obtrace(url: str) -> tuple[Make, Flush]:
    from obtrace_sdk import ObtraceClient, ObtraceConfig
    from opentelemetry import trace

    client = ObtraceClient(ObtraceConfig("key", "bench", ingest_base_url=url, auto_instrument_http=False))
    return _with_tracer(trace.get_tracer("bench")), client.flush


def logfire(url: str) -> tuple[Make, Flush]:
    import logfire as sdk
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=Compression.Gzip)
    processor = BatchSpanProcessor(exporter)
    sdk.configure(send_to_logfire=False, console=False, additional_span_processors=[processor], metrics=False)

    def make(number: int) -> None:
        with sdk.span("GET /api/orders", **attributes(number)):
            pass

    return make, sdk.force_flush


def sentry(url: str) -> tuple[Make, Flush]:
    import sentry_sdk as sdk

    sdk.init(url.replace("://", "://key@") + "/1", traces_sample_rate=1.0, default_integrations=False)

    def make(number: int) -> None:
        """A tenth of a transaction of ten spans."""
        if number % 10:
            return
        with sdk.start_transaction(name="GET /api/orders") as root:
            for offset in range(10):
                with root.start_child(op="http", name="GET /api/orders") as span:
                    for key, value in attributes(number + offset).items():
                        span.set_data(key, value)

    return make, sdk.flush


def main(peer: str, url: str) -> None:
    make, flush = globals()[peer](url)
    make(0)
    flush()
    started = time.process_time()
    for number in range(SPANS):
        make(number)
    flush()
    print((time.process_time() - started) / SPANS)


if __name__ == "__main__":
    main(*sys.argv[1:])
