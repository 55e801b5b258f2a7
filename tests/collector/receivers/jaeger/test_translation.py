"""What becomes of a span: the same, whichever protocol brought it."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from helpers import jaeger
from tollspan.collector.receivers.jaeger.protobuf import read_post_spans
from tollspan.collector.receivers.jaeger.thrift import read_batch
from tollspan.collector.receivers.jaeger.translation import build_request


def through_thrift(**span):
    return read_batch(jaeger.thrift_batch(jaeger.thrift_span(**span), hostname="h"))


def through_protobuf(**span):
    return read_post_spans(jaeger.post_spans(jaeger.proto_span(**span), hostname="h"))


@pytest.fixture(params=[through_thrift, through_protobuf], ids=["thrift", "protobuf"])
def translate(request):
    def translate(**span):
        """The span, its resource and its scope in OTLP."""
        wire = build_request(request.param(**span))
        (entry,) = ExportTraceServiceRequest.FromString(wire).resource_spans
        (scope_spans,) = entry.scope_spans
        return scope_spans.spans[0], attributes(entry.resource), scope_spans.scope

    return translate


def attributes(owner):
    found = {}
    for attribute in owner.attributes:
        kind = attribute.value.WhichOneof("value")
        found[attribute.key] = getattr(attribute.value, kind)
    return found


def test_ids_names_and_times_are_kept(translate):
    span, resource, _ = translate(parent=9)
    assert span.trace_id == (1 << 64 | 2).to_bytes(16, "big")
    assert (span.span_id, span.parent_span_id) == ((3).to_bytes(8, "big"), (9).to_bytes(8, "big"))
    assert span.name == "work"
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (5_000_000_000, 5_007_000_000)
    assert resource == {"service.name": "shop", "host.name": "h"}


def test_tags_keep_their_types(translate):
    tags = {"text": "x", "half": 0.5, "yes": True, "no": False, "less": -1, "raw": b"\x00\xff"}
    span, _, _ = translate(tags=tags)
    assert attributes(span) == tags


@pytest.mark.parametrize(
    ("tags", "kind"),
    [({"span.kind": "server"}, 2), ({"span.kind": "consumer"}, 5), ({}, 0), ({"span.kind": 7}, 0)],
)
def test_the_kind_is_a_field(translate, tags, kind):
    span, _, _ = translate(tags=tags)
    assert (span.kind, attributes(span)) == (kind, {})


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({}, 0),
        ({"error": True}, 2),
        ({"error": "true"}, 2),
        ({"error": False}, 0),
        ({"otel.status_code": "OK", "error": True}, 1),
        ({"otel.status_code": "ERROR"}, 2),
        ({"http.status_code": 404}, 2),
        ({"http.status_code": "404", "span.kind": "server"}, 0),
        ({"http.status_code": 500, "span.kind": "server"}, 2),
        ({"http.status_code": "many"}, 0),
    ],
    ids=str,
)
def test_the_status_is_what_the_tags_say(translate, tags, code):
    assert translate(tags=tags)[0].status.code == code


def test_a_description_scope_and_trace_state_are_fields_too(translate):
    span, _, scope = translate(
        tags={
            "otel.status_code": "ERROR",
            "otel.status_description": "no money",
            "otel.scope.name": "orders",
            "otel.library.version": "1",
            "w3c.tracestate": "a=b",
        }
    )
    assert (span.status.message, span.trace_state) == ("no money", "a=b")
    assert (scope.name, scope.version) == ("orders", "1")
    assert attributes(span) == {}


def test_logs_are_events_named_by_event_or_message(translate):
    span, _, _ = translate(logs=[(1, {"event": "paid", "sum": 3}), (2, {"message": "note"})])
    events = [(event.name, event.time_unix_nano, attributes(event)) for event in span.events]
    assert events == [("paid", 1000, {"sum": 3}), ("note", 2000, {})]


def test_references_that_are_no_parent_are_links(translate):
    span, _, _ = translate(references=[(1, (1, 2), 8), (0, (5, 5), 6)])
    links = [(link.span_id[-1], attributes(link)["opentracing.ref_type"]) for link in span.links]
    assert links == [(8, "follows_from"), (6, "child_of")]
    assert span.parent_span_id == b""


def test_spans_of_several_scopes_are_kept_apart():
    batch = read_batch(
        jaeger.thrift_batch(
            jaeger.thrift_span(tags={"otel.scope.name": "a"}),
            jaeger.thrift_span(tags={"otel.scope.name": "b"}),
        )
    )
    request = ExportTraceServiceRequest.FromString(build_request(batch))
    assert [entry.scope_spans[0].scope.name for entry in request.resource_spans] == ["a", "b"]
