"""The SDK's export: ended spans to an acknowledged OTLP/HTTP request, 512 at a time, to a loopback sink."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from zlib_ng import zlib_ng

from bench.sink import running_sink
from bench.spans import BATCH, build_batch
from tollspan.otlp.encoding import encode_spans
from tollspan.otlp.http_exchange import Delivered
from tollspan.otlp.signals import Signal
from tollspan.sdk.delivery import Delivery
from tollspan.sdk.events import Events
from tollspan.sdk.exporter import Exporter
from tollspan.sdk.http_sender import HTTPSender
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import Settings, read_settings
from tollspan.sdk.spans import SPANS

TITLE = "export ended spans: encode, compress, send"
ITEM = "span"

Export = Callable[[Sequence[ReadableSpan]], bool]


def _per_span(connect: Callable[[str], Export], rounds: int) -> float:
    batches = [build_batch(seed) for seed in range(8)]
    with running_sink() as url:
        export = connect(url)
        assert export(batches[0])
        started = time.process_time()
        for number in range(rounds):
            assert export(batches[number % len(batches)])
        return (time.process_time() - started) / (rounds * BATCH)


def _settings(url: str) -> Settings:
    settings, problems = read_settings({"endpoint": url}, {})
    assert problems == []
    return settings


def _sender(url: str) -> HTTPSender:
    return HTTPSender(Signal.TRACES, _settings(url), HTTPTransport(_settings(url)), None)


def _tollspan(url: str) -> Export:
    sender = _sender(url)

    def export(batch: Sequence[ReadableSpan]) -> bool:
        body = zlib_ng.compress(encode_spans(batch).body, level=1, wbits=31)
        return isinstance(sender.send(body, "gzip", 10), Delivered)

    return export


def _tollspan_queued(url: str) -> Export:
    events = Events()
    exporter = Exporter(Delivery(SPANS, _sender(url), _settings(url), events), events)

    def export(batch: Sequence[ReadableSpan]) -> bool:
        for span in batch:
            exporter.put(span)
        return exporter.flush(10).ok

    return export


def _official(compression: Compression) -> Callable[[str], Export]:
    def connect(url: str) -> Export:
        exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=compression)
        return lambda batch: exporter.export(batch) is SpanExportResult.SUCCESS

    return connect


PEERS: dict[str, Callable[[], float]] = {
    "Tollspan, gzip": lambda: _per_span(_tollspan, 300),
    "Tollspan, gzip, with its queue and thread": lambda: _per_span(_tollspan_queued, 300),
    "official exporter, gzip": lambda: _per_span(_official(Compression.Gzip), 60),
    "official exporter, no compression": lambda: _per_span(_official(Compression.NoCompression), 60),
}
