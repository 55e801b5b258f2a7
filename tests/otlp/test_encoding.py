from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as official_encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from tollspan.otlp import _encode, _encode_py, encoding
from tollspan.otlp.encoding import Encoded, EnvelopeCache, encode_spans

REMOTE = SpanContext(
    7, 8, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "x"), ("b", "y")])
)


@pytest.fixture(autouse=True, params=[_encode, _encode_py], ids=["compiled", "python"])
def encoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "encoder", request.param)


def span(name: str = "work", resource: Resource | None = None, **changes: Any) -> ReadableSpan:
    context = SpanContext(trace_id=1, span_id=2, is_remote=False)
    resource = Resource.get_empty() if resource is None else resource
    return ReadableSpan(name, context, resource=resource, start_time=1, end_time=2, **changes)


def names(body: bytes) -> list[list[list[str]]]:
    """Span names by resource and instrumentation scope."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        [[item.name for item in scope_spans.spans] for scope_spans in resource_spans.scope_spans]
        for resource_spans in request.resource_spans
    ]


def test_what_the_sdk_records_is_written_as_the_official_exporter_writes_it() -> None:
    recorded = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource({"service.name": "shop", "host": ["a", "b"]}, schema_url="https://r.example"),
        span_limits=SpanLimits(max_span_attributes=4, max_events=2, max_links=1, max_span_attribute_length=5),
    )
    provider.add_span_processor(SimpleSpanProcessor(recorded))
    shop = provider.get_tracer("shop", "1.0", "https://s.example", {"team": "a"})
    bare = provider.get_tracer("bare")
    links = [Link(REMOTE, {"why": "batch"}), Link(SpanContext(3, 4, is_remote=False))]
    remote_parent = set_span_in_context(NonRecordingSpan(REMOTE))
    with shop.start_as_current_span("GET /orders", remote_parent, SpanKind.SERVER, links=links) as server:
        server.set_attributes(
            {f"key.{n}": value for n, value in enumerate(["text!!", 1, 2.5, True, [1, 2], b"b"])}
        )
        for number in range(3):
            server.add_event(f"step {number}", {"n": number})
        with pytest.raises(KeyError), bare.start_as_current_span("query", kind=SpanKind.CLIENT):
            raise KeyError("gone")
    spans = recorded.get_finished_spans()
    assert encode_spans(spans) == Encoded(official_encode_spans(spans).SerializeToString(), 2, [])


resources = st.sampled_from(
    [Resource({"a": 1}), Resource({"a": 1}), Resource({"a": 2}), Resource({"a": 1}, "url")]
)
scopes = st.none() | st.sampled_from(
    [
        InstrumentationScope("x"),
        InstrumentationScope("x"),
        InstrumentationScope("x", "1"),
        InstrumentationScope("y"),
    ]
)


@given(st.lists(st.builds(span, st.text(max_size=3), resources, instrumentation_scope=scopes), max_size=12))
def test_equal_resources_and_scopes_share_an_envelope_in_order_of_appearance(
    spans: list[ReadableSpan],
) -> None:
    assert encode_spans(spans) == Encoded(official_encode_spans(spans).SerializeToString(), len(spans), [])


def test_a_failure_is_told_by_position_and_reason_and_costs_nothing_else() -> None:
    other = Resource({"a": 1})
    spans: list[Any] = [
        span("1"),
        span(5),
        span("2", other),
        None,
        span("bad\ud800", other),
        span("3", Resource({}, schema_url="\ud800")),
        span("4", instrumentation_scope=InstrumentationScope(3)),
        span("5"),
    ]
    outcome = encode_spans(spans)
    assert names(outcome.body) == [[["1", "5"]], [["2"]]]
    assert outcome.items == 3
    assert [position for position, _ in outcome.failures] == [1, 3, 4, 5, 6]
    reasons = dict(outcome.failures)
    assert reasons[1] == "name: must be a str, not int"
    assert reasons[5].startswith("resource or instrumentation scope: 'utf-8' codec")
    assert reasons[6] == "resource or instrumentation scope: must be a str, not int"


def test_no_envelope_is_made_for_nothing() -> None:
    assert encode_spans([]) == Encoded(b"", 0, [])
    assert encode_spans([span(5)]).body == b""


def test_a_bad_resource_attribute_costs_itself_alone_and_is_counted() -> None:
    class Broken:
        attributes = {"good": 1, "bad": object()}  # noqa: RUF012 - read only
        schema_url = ""

    request = ExportTraceServiceRequest.FromString(encode_spans([span(resource=Broken())]).body)
    resource = request.resource_spans[0].resource
    assert ([pair.key for pair in resource.attributes], resource.dropped_attributes_count) == (["good"], 1)


def test_an_envelope_is_encoded_once_and_the_cache_stays_small() -> None:
    calls = []

    def encode(original: object) -> tuple[bytes, bytes]:
        calls.append(original)
        return repr(original).encode(), b""

    cache = EnvelopeCache(encode)
    originals = [object() for _ in range(3 * cache.OBJECTS_MAX)]
    for original in originals:
        assert cache.of(original) == cache.of(original) == (repr(original).encode(), b"")
    assert calls == originals
    assert len(cache._known) <= cache.OBJECTS_MAX
