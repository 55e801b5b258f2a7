from __future__ import annotations

import tracemalloc

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from helpers.broken_pipeline import Broken
from helpers.ended_spans import ended_spans
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.events import Events
from tollspan.sdk.spans import SpanPipeline, span_bytes


def test_the_weight_of_spans_is_about_their_memory() -> None:
    ended_spans(["warm"])
    attributes = {f"key.{index}": "value" * 10 for index in range(8)}
    tracemalloc.start()
    try:
        spans = ended_spans([f"span-{index}" for index in range(500)], **attributes)
        memory = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.5 < sum(map(span_bytes, spans)) / memory < 2


def test_large_values_weigh_what_they_are() -> None:
    for value in ("x" * 10**6, b"x" * 10**6, ("x" * 10**6,), {"a": {"b": "x" * 10**6}}):
        assert span_bytes(ReadableSpan("work", attributes={"big": value})) > 10**6


def test_events_weigh_too() -> None:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("tests").start_span("work")
    span.add_event("exception", {"exception.stacktrace": "x" * 10**6})
    span.end()
    assert isinstance(span, ReadableSpan)
    assert span_bytes(span) > 10**6


def test_a_span_that_somebody_built_by_hand_has_a_weight() -> None:
    assert span_bytes(ReadableSpan("bare")) > 0
    assert span_bytes(ReadableSpan("bare", attributes={"a": "x" * 1000})) > 1000


def test_without_an_exporter_a_pipeline_is_quiet() -> None:
    pipeline = SpanPipeline(Attribution(Events()), Events())
    pipeline.on_end(ended_spans(["a"])[0])
    assert pipeline.force_flush()
    pipeline.shutdown()


def test_a_bug_in_the_pipeline_does_not_reach_the_application(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = SpanPipeline(Broken(), Events())
    pipeline.exporter = Broken()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(pipeline)
    for _ in range(3):
        provider.get_tracer("tests").start_span("work").end()
    assert [record.message for record in caplog.records] == [
        "a bug of the SDK in the start of a span: RuntimeError",
        "a bug of the SDK in the end of a span: RuntimeError",
    ]
