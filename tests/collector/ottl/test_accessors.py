import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tollspan.collector.ottl.accessors import (
    Accessor,
    attributes,
    encoded,
    indexed,
    scalar_field,
    value,
    within,
)
from tollspan.collector.ottl.values import EvaluationError, Time
from tollspan.otlp._message import Message
from tollspan.otlp.protobuf import WireType

OF_SPAN = attributes(9)


def constant(key):
    return lambda message: key


def test_a_nested_map_is_edited_in_place():
    span = Message(b"")
    OF_SPAN.set(span, {"a": {"b": 1, "c": 2}})
    nested = indexed(OF_SPAN.item("a"), constant("b"))
    assert nested.get(span) == 1
    nested.set(span, "new")
    assert OF_SPAN.get(span) == {"a": {"b": "new", "c": 2}}


def test_a_nested_map_is_made_where_there_is_none():
    span = Message(b"")
    indexed(OF_SPAN.item("a"), constant("b")).set(span, 1)
    assert OF_SPAN.get(span) == {"a": {"b": 1}}


def test_items_of_a_list_are_replaced_and_never_added():
    span = Message(b"")
    OF_SPAN.set(span, {"a": [1, 2]})
    indexed(OF_SPAN.item("a"), constant(1)).set(span, 3)
    assert OF_SPAN.get(span) == {"a": [1, 3]}
    with pytest.raises(EvaluationError):
        indexed(OF_SPAN.item("a"), constant(2)).set(span, 3)
    with pytest.raises(EvaluationError):
        indexed(indexed(OF_SPAN.item("a"), constant(0)), constant("x")).set(span, 3)


def test_what_can_only_be_read_stays_so_under_keys_and_in_parts():
    only = Accessor(lambda message: {"a": 1})
    assert indexed(only, constant("a")).set is None
    assert within(lambda message: message, only).set is None


def test_keeping_keys_leaves_the_others_bytes_alone():
    span = Message(b"")
    OF_SPAN.set(span, {"a": 1, "b": 2})
    OF_SPAN.keep(span, lambda key: key == "b")
    assert OF_SPAN.get(span) == {"b": 2}


def test_a_value_that_was_read_before_can_be_set():
    body = value(5)
    record = Message(b"")
    assert body.get(record) is None
    body.set(record, "text")
    assert body.get(record) == "text"


@pytest.mark.parametrize("wrong", [1 << 63, Time(1), "\ud800"])
def test_what_otlp_has_no_value_for_is_refused(wrong):
    with pytest.raises(EvaluationError):
        encoded(wrong)
    with pytest.raises(EvaluationError):
        OF_SPAN.set(Message(b""), {"a": wrong})


def test_scalar_fields_are_what_protobuf_writes():
    assert scalar_field(16, WireType.I32, 7) == Span(flags=7).SerializeToString()
    assert scalar_field(7, WireType.I64, 7) == Span(start_time_unix_nano=7).SerializeToString()
    assert scalar_field(6, WireType.VARINT, 3) == Span(kind=3).SerializeToString()
