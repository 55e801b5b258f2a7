from hypothesis import given

from helpers.otlp_strategies import REQUESTS, requests
from helpers.processors import spans_of, trace_request
from tollspan.collector.processors.tail_sampling.trace import Trace, TraceKey, split_by_trace
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.signals import Signal


@given(requests(Signal.TRACES))
def test_the_pieces_have_every_span_once_under_its_trace(request_):
    pieces, malformed = split_by_trace(request_.SerializeToString())
    found = {trace_id: REQUESTS[Signal.TRACES].FromString(piece.wire) for trace_id, piece in pieces.items()}
    assert malformed == 0
    assert all(span.trace_id == trace_id for trace_id, piece in found.items() for span in spans_of(piece))
    assert {trace_id: len(spans_of(piece)) for trace_id, piece in found.items()} == {
        trace_id: piece.spans for trace_id, piece in pieces.items()
    }
    every = sorted(span.SerializeToString() for piece in found.values() for span in spans_of(piece))
    assert every == sorted(span.SerializeToString() for span in spans_of(request_))


def test_envelopes_go_with_every_piece():
    pieces, _ = split_by_trace(
        trace_request({"trace_id": b"a" * 16}, {"trace_id": b"b" * 16}).SerializeToString()
    )
    for piece in pieces.values():
        (entry,) = REQUESTS[Signal.TRACES].FromString(piece.wire).resource_spans
        assert entry.resource.attributes[0].key == "service.name"
        assert entry.scope_spans[0].scope.name == "shop"


def test_a_span_that_cannot_be_read_is_counted():
    wire = field_bytes(1, field_bytes(2, field_bytes(2, b"\x2a\x7f") + field_bytes(2, b"")))
    pieces, malformed = split_by_trace(wire)
    assert (malformed, [piece.spans for piece in pieces.values()]) == (1, [1])


def test_a_trace_knows_its_size_and_whether_its_root_has_come():
    trace = Trace(TraceKey("", "", b"t"), 0.0)
    for span in ({"parent_span_id": b"p" * 8, "name": "a"}, {"name": "b"}):
        pieces, _ = split_by_trace(trace_request(span).SerializeToString())
        (piece,) = pieces.values()
        trace.add(piece)
        assert trace.has_root is (span["name"] == "b")
    assert (trace.spans, trace.size) == (2, sum(map(len, trace.wires)))
    assert trace.any_span(lambda span: span.text(5 << 3 | 2) == "b")
    assert not trace.any_span(lambda span: False)
