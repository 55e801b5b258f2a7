import contextlib
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from helpers.otlp_strategies import REQUESTS, messages, requests, signal_requests, signal_wires
from helpers.rebuild import ENTRIES
from helpers.scrambled_wire import scramble
from tollspan.errors import WireError
from tollspan.otlp._message import Faults, Message, build_attribute, build_value, read_value
from tollspan.otlp.protobuf import field_bytes, field_varint
from tollspan.otlp.signals import Signal

NAME, START, KIND, ATTRIBUTES, EVENTS, STATUS = (
    5 << 3 | 2,
    7 << 3 | 1,
    6 << 3,
    9 << 3 | 2,
    11 << 3 | 2,
    15 << 3 | 2,
)
STATUS_MESSAGE = 2 << 3 | 2
ENTRY, CHILDREN = 1 << 3 | 2, 2 << 3 | 2

spans = messages(Span.DESCRIPTOR)
randoms = st.randoms(use_true_random=False)
keys = st.sampled_from(["a", "b", "http.route", "ключ"])
values = st.recursive(
    st.none() | st.text(max_size=5) | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def with_attributes(span: Any, pairs: dict[str, str]) -> Any:
    """The span with these attributes among its own, whose keys do not repeat."""
    seen: set[str] = set(pairs)
    kept = [a for a in span.attributes if not (a.key in seen or seen.add(a.key))]
    del span.attributes[:]
    for key, value in pairs.items():
        span.attributes.add(key=key).value.string_value = value
    span.attributes.extend(kept)
    return span


spans_with_attributes = st.builds(
    with_attributes, spans, st.dictionaries(keys, st.text(max_size=5), max_size=3)
)


def walk(request: Message, visit: Any) -> None:
    """Visits every item; envelopes stay."""

    def scope_entry(entry: Message) -> bool:
        entry.each(CHILDREN, visit)
        return True

    def resource_entry(entry: Message) -> bool:
        entry.each(CHILDREN, scope_entry)
        return True

    request.each(ENTRY, resource_entry)


@given(signal_wires())
def test_a_walk_without_edits_leaves_the_bytes_alone(case: tuple[Signal, bytes]) -> None:
    wire = case[1]
    request = Message(wire)
    walk(request, lambda item: True)
    assert request.wire == wire
    assert not request.edited


@given(signal_requests(), randoms)
def test_dropping_items_is_what_protobuf_does(case: tuple[Signal, Any], random: Random) -> None:
    signal, request = case
    wire = scramble(request, random)
    expected = REQUESTS[signal].FromString(wire)
    decisions: list[bool] = []

    def visit(item: Message) -> bool:
        decisions.append(random.random() < 0.5)
        return decisions[-1]

    found = Message(wire)
    walk(found, visit)
    resource_entries, scope_entries, name = ENTRIES[signal]
    remembered = iter(decisions)
    for entry in getattr(expected, resource_entries):
        for scope_entry in getattr(entry, scope_entries):
            items = getattr(scope_entry, name)
            kept = [item for item in items if next(remembered)]
            del items[:]
            items.extend(kept)
    assert REQUESTS[signal].FromString(found.wire) == expected


@given(requests(Signal.TRACES), randoms)
def test_an_edit_in_every_span_reaches_the_request(request: Any, random: Random) -> None:
    wire = scramble(request, random)
    expected = REQUESTS[Signal.TRACES].FromString(wire)

    def rename(span: Message) -> bool:
        span.replace(NAME, field_bytes(5, b"renamed"))
        return True

    found = Message(wire)
    walk(found, rename)
    for entry in expected.resource_spans:
        for scope_entry in entry.scope_spans:
            for span in scope_entry.spans:
                span.name = "renamed"
    assert REQUESTS[Signal.TRACES].FromString(found.wire) == expected


@given(spans_with_attributes, keys, values, randoms)
def test_setting_an_attribute_is_what_protobuf_does(span: Any, key: str, value: Any, random: Random) -> None:
    wire = scramble(span, random)
    found, expected = Message(wire), Span.FromString(wire)
    found.set_attribute(ATTRIBUTES, key.encode(), build_value(value))
    for attribute in expected.attributes:
        if attribute.key == key:
            attribute.value.CopyFrom(AnyValue.FromString(build_value(value)))
            break
    else:
        expected.attributes.add(key=key, value=AnyValue.FromString(build_value(value)))
    read = Span.FromString(found.wire)
    assert by_key(read) == by_key(expected)
    del read.attributes[:], expected.attributes[:]
    assert read == expected
    assert found.attribute(ATTRIBUTES, key.encode()) == value


def by_key(span: Any) -> dict[str, bytes]:
    return {a.key: a.value.SerializeToString(deterministic=True) for a in span.attributes}


@given(spans_with_attributes, keys, randoms)
def test_deleting_an_attribute_is_what_protobuf_does(span: Any, key: str, random: Random) -> None:
    wire = scramble(span, random)
    found, expected = Message(wire), Span.FromString(wire)
    found.delete_attribute(ATTRIBUTES, key.encode())
    kept = [a for a in expected.attributes if a.key != key]
    assert found.edited == (len(kept) < len(expected.attributes))
    del expected.attributes[:]
    expected.attributes.extend(kept)
    assert Span.FromString(found.wire) == expected


@given(spans, randoms)
def test_fields_are_read_as_protobuf_reads_them(span: Any, random: Random) -> None:
    wire = scramble(span, random)
    found, expected = Message(wire), Span.FromString(wire)
    assert found.text(NAME) == expected.name
    assert (found.number(START) or 0) == expected.start_time_unix_nano
    assert (found.number(KIND) or 0) == expected.kind
    assert (found.raw(1 << 3 | 2) or b"") == expected.trace_id
    assert found.part(STATUS).text(STATUS_MESSAGE) == expected.status.message
    assert len(found.all(EVENTS)) == len(expected.events)


@given(values)
def test_a_value_survives_its_bytes(value: Any) -> None:
    assert read_value(build_value(value)) == value
    assert type(read_value(build_value(value))) is type(value)


@given(signal_wires(), st.data())
def test_broken_bytes_are_read_or_refused(case: tuple[Signal, bytes], data: st.DataObject) -> None:
    broken = bytearray(case[1] or b"\x0a")
    bit = data.draw(st.integers(0, 8 * len(broken) - 1))
    broken[bit // 8] ^= 1 << bit % 8

    def visit(item: Message) -> bool:
        item.attributes(ATTRIBUTES)
        item.set_attribute(ATTRIBUTES, b"a", b"")
        return item.text(NAME) != "x"

    with contextlib.suppress(WireError):
        walk(Message(bytes(broken)), visit)


def test_an_item_that_cannot_be_read_is_dropped_and_counted() -> None:
    entry = Message(field_bytes(2, field_bytes(5, b"sound")) + field_bytes(2, b"\x2a\x7f"))
    faults = Faults()
    assert entry.each(CHILDREN, lambda span: bool(span.text(NAME)), faults) is False
    assert faults.count == 1
    assert entry.wire == field_bytes(2, field_bytes(5, b"sound"))


def test_a_visitor_may_edit_the_messages_above_its_child() -> None:
    entry = Message(field_bytes(1, field_bytes(1, b"scope")) + field_bytes(2, b"") + field_bytes(3, b"url"))

    def visit(span: Message) -> bool:
        assert span.parent is entry
        entry.part(ENTRY).replace(ENTRY, field_bytes(1, b"renamed"))
        entry.replace(3 << 3 | 2, b"")
        span.replace(NAME, field_bytes(5, b"n"))
        return True

    assert not entry.each(CHILDREN, visit)
    assert entry.wire == field_bytes(1, field_bytes(1, b"renamed")) + field_bytes(2, field_bytes(5, b"n"))


def test_of_attributes_with_one_key_the_first_counts_and_deletion_takes_all() -> None:
    first, second = build_attribute(ATTRIBUTES, "k", 1), build_attribute(ATTRIBUTES, "k", 2)
    span = Message(first + second)
    assert span.attribute(ATTRIBUTES, b"k") == 1
    assert span.attributes(ATTRIBUTES) == {"k": 1}
    span.delete_attribute(ATTRIBUTES, b"k")
    assert span.wire == b""


def test_an_attribute_is_copied_with_fields_of_later_versions_in_its_value() -> None:
    later = field_varint(99, 1) + field_bytes(1, b"v")
    span = Message(field_bytes(9, field_bytes(1, b"k") + field_bytes(2, later)))
    value = span.attribute_wire(ATTRIBUTES, b"k")
    assert value == later
    span.set_attribute(ATTRIBUTES, b"copy", value)
    assert span.attribute_wire(ATTRIBUTES, b"copy") == later
    assert span.attribute_wire(ATTRIBUTES, b"none") is None


def test_edits_of_embedded_messages_stand_in_their_owner() -> None:
    span = Message(b"")
    assert span.part(STATUS).wire == b""
    span.part(STATUS).replace(STATUS_MESSAGE, field_bytes(2, b"late"))
    assert span.edited
    assert span.wire == field_bytes(15, field_bytes(2, b"late"))


def test_text_that_is_not_utf8_is_read_with_replacement_characters() -> None:
    assert Message(field_bytes(5, b"a\xff")).text(NAME) == "a\ufffd"


def test_a_message_says_when_none_of_its_children_is_left() -> None:
    entry = Message(field_bytes(2, b"") + field_bytes(3, b"url"))
    assert not entry.each(ENTRY, lambda scope: False)
    assert entry.each(CHILDREN, lambda span: False)
    assert entry.wire == field_bytes(3, b"url")


def test_another_member_of_the_oneof_cancels_what_stands_before_it() -> None:
    gauge, total = 5 << 3 | 2, 7 << 3 | 2
    metric = Message(field_bytes(5, b"\x0a\x00") + field_bytes(7, b"") + field_bytes(5, b"\x0a\x01\x40"))
    assert metric.which((gauge, total)) == gauge
    assert metric.part(gauge, (gauge, total)).each(ENTRY, lambda point: point.wire != b"\x40")
    assert metric.wire == field_bytes(7, b"") + field_bytes(5, b"")


def test_values_nested_too_deep_are_refused() -> None:
    wire = b""
    for _ in range(40):
        wire = field_bytes(5, field_bytes(1, wire))
    with pytest.raises(WireError):
        read_value(wire)
    with pytest.raises(ValueError, match="deep"):
        build_value(nested(40))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value
