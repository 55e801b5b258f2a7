"""Attributes, values and ids, seen through the attributes of a resource or a span."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tollspan.errors import WireError
from tollspan.otlp import _decode
from tollspan.otlp.protobuf import field_bytes, field_varint
from tollspan.otlp.schema import ValueType

IDS = field_bytes(1, b"t" * 16) + field_bytes(2, b"s" * 8)
STRING_X = field_bytes(1, b"x")
ARRAY_X = field_bytes(5, field_bytes(1, STRING_X))
KVLIST_X = field_bytes(6, field_bytes(1, field_bytes(1, b"k") + field_bytes(2, STRING_X)))


def key_value(key: bytes, *values: bytes) -> bytes:
    return field_bytes(1, key) + b"".join(field_bytes(2, value) for value in values)


def decoded_span(*key_values: bytes, **limits: int) -> _decode.Decoded:
    span = IDS + b"".join(field_bytes(9, key_value) for key_value in key_values)
    return _decode.decode("traces", field_bytes(1, field_bytes(2, field_bytes(2, span))), **limits)


def attributes(*key_values: bytes) -> list[tuple[Any, ...]]:
    columns = decoded_span(*key_values).tables["span_attributes"].columns
    return list(zip(columns["key"], columns["type"], columns["number"], columns["text"], strict=True))


@pytest.mark.parametrize(
    ("value", "cells"),
    [
        (b"", (ValueType.EMPTY, 0, b"")),
        (field_bytes(1, "é".encode()), (ValueType.STRING, 0, "é".encode())),
        (field_varint(2, 1), (ValueType.BOOL, 1, b"")),
        (field_varint(2, 7), (ValueType.BOOL, 1, b"")),
        (field_varint(3, -2), (ValueType.INT, 2**64 - 2, b"")),
        (b"\x21" + b"\x00" * 6 + b"\xf0\x3f", (ValueType.DOUBLE, 0x3FF0000000000000, b"")),
        (ARRAY_X, (ValueType.ARRAY, 0, field_bytes(1, STRING_X))),
        (KVLIST_X, (ValueType.KVLIST, 0, KVLIST_X[2:])),
        (field_bytes(7, b"\xff\x00"), (ValueType.BYTES, 0, b"\xff\x00")),
        (field_varint(8, 3), (ValueType.EMPTY, 0, b"")),  # an index into the strings of a profile
    ],
)
def test_a_value_of_any_kind_is_kept(value: bytes, cells: tuple[Any, ...]) -> None:
    assert attributes(key_value(b"k", value)) == [(b"k", *cells)]


def test_an_attribute_without_key_or_value_is_kept() -> None:
    assert attributes(b"") == [(b"", ValueType.EMPTY, 0, b"")]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([STRING_X, field_varint(3, 5)], (ValueType.INT, 5, b"")),
        ([field_varint(3, 5), STRING_X], (ValueType.STRING, 0, b"x")),
        ([STRING_X, b""], (ValueType.STRING, 0, b"x")),
        ([ARRAY_X, ARRAY_X], (ValueType.ARRAY, 0, ARRAY_X[2:] * 2)),
        ([ARRAY_X, KVLIST_X], (ValueType.KVLIST, 0, KVLIST_X[2:])),
        ([ARRAY_X, STRING_X, ARRAY_X], (ValueType.ARRAY, 0, ARRAY_X[2:])),
    ],
)
def test_values_that_come_twice_are_merged_as_protobuf_merges_them(
    values: list[bytes], cells: tuple[Any, ...]
) -> None:
    for key_value_bytes in (key_value(b"k", *values), key_value(b"k", b"".join(values))):
        assert attributes(key_value_bytes) == [(b"k", *cells)]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.text("xyz", max_size=3)), max_size=12))
def test_of_several_attributes_with_one_key_the_last_wins(pairs: list[tuple[str, str]]) -> None:
    last = {key: number for number, (key, _) in enumerate(pairs)}
    expected = [(key, text) for number, (key, text) in enumerate(pairs) if last[key] == number]
    found = attributes(*(key_value(key.encode(), field_bytes(1, text.encode())) for key, text in pairs))
    assert [(key.decode(), text.decode()) for key, _, _, text in found] == expected


def test_the_same_key_in_another_span_is_no_repetition() -> None:
    span = IDS + field_bytes(9, key_value(b"k", STRING_X))
    decoded = _decode.decode("traces", field_bytes(1, field_bytes(2, field_bytes(2, span) * 3)))
    assert list(decoded.tables["spans"].columns["attributes"]) == [range(1), range(1, 2), range(2, 3)]


def nested(depth: int, member: int = 5) -> bytes:
    value = b""
    for _ in range(depth):
        value = field_bytes(member, field_bytes(1, value if member == 5 else field_bytes(2, value)))
    return value


@pytest.mark.parametrize("member", [5, 6])
def test_values_may_be_nested_up_to_the_limit(member: int) -> None:
    assert decoded_span(key_value(b"k", nested(32, member))).items == 1
    assert decoded_span(key_value(b"k", nested(3, member)), depth_max=3).items == 1


@pytest.mark.parametrize("member", [5, 6])
def test_a_value_nested_too_deeply_costs_its_span(member: int) -> None:
    for decoded in (
        decoded_span(key_value(b"k", nested(33, member))),
        decoded_span(key_value(b"k", nested(10_000, member))),
        decoded_span(key_value(b"k", nested(4, member)), depth_max=3),
        decoded_span(key_value(b"k", nested(1, member)), depth_max=0),
    ):
        assert (decoded.items, decoded.rejected) == (0, 1)
        assert "attributes: lists and maps are nested too deeply" in decoded.problems[0]


@pytest.mark.parametrize(
    "value",
    [
        field_bytes(1, b"\xff"),
        field_bytes(5, field_bytes(1, field_bytes(1, b"\xff"))),
        field_bytes(6, field_bytes(1, field_bytes(1, b"\xff"))),
        field_bytes(6, field_bytes(1, field_bytes(2, field_bytes(1, b"\xff")))),
    ],
)
def test_text_that_is_not_utf8_costs_its_span_however_deep_it_lies(value: bytes) -> None:
    assert "attributes: text is not UTF-8" in decoded_span(key_value(b"k", value)).problems[0]


def test_a_key_that_is_not_utf8_costs_its_span() -> None:
    decoded = decoded_span(
        key_value(b"same", STRING_X), key_value(b"same", STRING_X), key_value(b"\xff", STRING_X)
    )
    assert "attributes: text is not UTF-8" in decoded.problems[0]
    assert decoded.tables["span_attributes"].rows == 0


def test_a_value_of_a_resource_that_is_nested_too_deeply_refuses_the_message() -> None:
    resource = field_bytes(1, key_value(b"k", nested(33)))
    with pytest.raises(WireError, match="nested"):
        _decode.decode("traces", field_bytes(1, field_bytes(1, resource)))


UTF8_EDGES = [
    *(b"\x00", b"\x7f", b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80"),
    *(b"\xef\xbf\xbf", b"\xf0\x90\x80\x80", b"\xf4\x8f\xbf\xbf"),
    *(b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xc2\x7f", b"\xe0\x9f\xbf", b"\xe0\xa0"),
    *(b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf0\x90\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80"),
    b"\xff",
]


@given(
    st.lists(st.sampled_from([*UTF8_EDGES, b"ascii", b"eight by"]), max_size=6).map(b"".join)
    | st.binary(max_size=24)
)
def test_text_is_utf8_when_python_says_so(text: bytes) -> None:
    try:
        text.decode()
        sound = 1
    except UnicodeDecodeError:
        sound = 0
    assert decoded_span(key_value(b"k", field_bytes(1, text))).items == sound
    assert decoded_span(key_value(text)).items == sound


def test_nested_values_read_back_as_official_messages() -> None:
    value = AnyValue()
    value.kvlist_value.values.add(key="list").value.array_value.values.add().double_value = 0.5
    [(_, kind, _, text)] = attributes(key_value(b"k", value.SerializeToString()))
    assert kind == ValueType.KVLIST
    assert type(value.kvlist_value).FromString(text) == value.kvlist_value
