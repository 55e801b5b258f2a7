import contextlib

from hypothesis import given
from hypothesis import strategies as st

from helpers import jaeger
from tollspan.collector.receivers.jaeger.protobuf import read_post_spans
from tollspan.errors import WireError
from tollspan.otlp.protobuf import field_bytes


def test_a_spans_own_process_goes_before_the_batchs():
    own = jaeger.proto_span() + field_bytes(10, field_bytes(1, b"mine"))
    spans = read_post_spans(jaeger.post_spans(own, jaeger.proto_span(), service="ours"))
    assert [span.process.service_name for span in spans] == ["mine", "ours"]


@given(st.binary(max_size=200))
def test_garbage_is_a_wire_error_or_spans(message):
    with contextlib.suppress(WireError):
        read_post_spans(message)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_a_damaged_batch_is_a_wire_error_or_spans(place, byte):
    message = bytearray(jaeger.post_spans(jaeger.proto_span(tags={"a": 1}, logs=[(1, {"c": "d"})], parent=4)))
    message[place % len(message)] = byte
    with contextlib.suppress(WireError):
        read_post_spans(bytes(message))
