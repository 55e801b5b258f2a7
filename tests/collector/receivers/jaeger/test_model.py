import struct
from dataclasses import replace

import pytest

from helpers.jaeger import LIST, STRUCT, thrift_struct
from tollspan.collector.receivers.jaeger.model import VALUES_MAX, Process, Span
from tollspan.collector.receivers.jaeger.protobuf import read_post_spans
from tollspan.collector.receivers.jaeger.thrift import read_batch
from tollspan.errors import LimitError
from tollspan.otlp.protobuf import field_bytes

SPAN = Span(b"t" * 16, b"s" * 8, "work", [], 0, 0, [], [], Process("shop", []))


@pytest.mark.parametrize(
    "ids", [{"trace_id": b""}, {"trace_id": bytes(16)}, {"span_id": b"s" * 4}, {"span_id": bytes(8)}], ids=str
)
def test_a_span_without_proper_ids_is_not_identified(ids):
    assert SPAN.identified
    assert not replace(SPAN, **ids).identified


def test_a_few_bytes_do_not_become_many_objects():
    empty_spans = thrift_struct((2, LIST, struct.pack(">bi", STRUCT, VALUES_MAX) + bytes(VALUES_MAX)))
    with pytest.raises(LimitError, match="values in a batch"):
        read_batch(empty_spans)
    with pytest.raises(LimitError, match="values in a batch"):
        read_post_spans(field_bytes(1, field_bytes(1, b"") * VALUES_MAX))
