"""What it costs a span that starts to be given its unit and parent unit."""

from __future__ import annotations

import time
from collections.abc import Callable

from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from unomiq import UnitSpanProcessor

import tollspan
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.events import Events
from tollspan.sdk.spans import SpanPipeline

TITLE = "write unit and parent unit on a span that starts"
ITEM = "span"

SPANS = 20_000


def _per_span(processor: SpanProcessor) -> float:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("bench")
    spans = [tracer.start_span("GET /api/orders", attributes={"http.route": "/api"}) for _ in range(SPANS)]
    assert all(isinstance(span, Span) for span in spans)
    started = time.process_time()
    for span in spans:
        processor.on_start(span)  # type: ignore[arg-type]  # asserted above
    spent_s = time.process_time() - started
    assert spans[-1].attributes is not None  # type: ignore[attr-defined]
    assert len(spans[-1].attributes) == 3  # type: ignore[attr-defined]
    return spent_s / SPANS


def _tollspan() -> float:
    events = Events()
    with tollspan.unit("acme", parent="emea"):
        return _per_span(SpanPipeline(Attribution(events), events))


def _tollspan_resolvers() -> float:
    events = Events()
    attribution = Attribution(events)
    attribution.use(lambda: "acme", lambda: "emea")
    return _per_span(SpanPipeline(attribution, events))


PEERS: dict[str, Callable[[], float]] = {
    "Tollspan, unit(...)": _tollspan,
    "Tollspan, resolvers": _tollspan_resolvers,
    "unomiq-sdk, resolvers": lambda: _per_span(UnitSpanProcessor(lambda: "acme", lambda: "emea")),
}
