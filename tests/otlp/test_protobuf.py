from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tollspan.errors import WireError
from tollspan.otlp.protobuf import (
    WireType,
    field_bytes,
    field_varint,
    read_fields,
    read_packed,
    read_varint,
    tag,
    varint,
)

UINT64 = st.integers(0, 2**64 - 1)
fields = st.integers(1, 2**29 - 1)


def fixed(field: int, number: int, size: int) -> bytes:
    return tag(field, WireType.I64 if size == 8 else WireType.I32) + number.to_bytes(size, "little")


parts = (
    st.tuples(fields, UINT64).map(lambda part: (field_varint(*part), (part[0], WireType.VARINT, part[1])))
    | st.tuples(fields, st.binary()).map(lambda part: (field_bytes(*part), (part[0], WireType.LEN, part[1])))
    | st.tuples(fields, UINT64).map(lambda part: (fixed(*part, 8), (part[0], WireType.I64, part[1])))
    | st.tuples(fields, st.integers(0, 2**32 - 1)).map(
        lambda part: (fixed(*part, 4), (part[0], WireType.I32, part[1]))
    )
)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_is_written_as_the_official_library_writes_it(number: int) -> None:
    assert field_varint(3, number) == AnyValue(int_value=number).SerializeToString()


@given(UINT64, st.binary())
def test_a_number_reads_back_and_ends_where_it_ends(number: int, after: bytes) -> None:
    wire = varint(number)
    assert read_varint(b"x" + wire + after, 1) == (number, 1 + len(wire))


@given(st.lists(parts))
def test_written_fields_read_back_in_their_order(
    written: list[tuple[bytes, tuple[int, WireType, int | bytes]]],
) -> None:
    wire = b"".join(part for part, _ in written)
    assert list(read_fields(wire)) == [expected for _, expected in written]


@given(st.lists(parts, min_size=1), st.data())
def test_a_cut_message_gives_its_first_fields_or_a_wire_error(
    written: list[tuple[bytes, tuple[int, WireType, int | bytes]]], data: st.DataObject
) -> None:
    wire = b"".join(part for part, _ in written)
    cut = data.draw(st.integers(0, len(wire) - 1))
    try:
        read = list(read_fields(wire[:cut]))
    except WireError:
        return
    assert read == [expected for _, expected in written][: len(read)]


@given(st.binary())
def test_any_bytes_are_fields_or_a_wire_error(wire: bytes) -> None:
    with contextlib.suppress(WireError):
        list(read_fields(wire))


@pytest.mark.parametrize(
    "wire",
    [
        b"\x80",
        b"\xff" * 10 + b"\x01",
        b"\x00",
        b"\x0b",
        b"\x0c",
        b"\x0e",
        b"\x0a\x02a",
        b"\x09" + bytes(7),
        b"\x0d\0",
    ],
)
def test_what_is_no_field_is_a_wire_error(wire: bytes) -> None:
    with pytest.raises(WireError):
        list(read_fields(wire))


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_packed_numbers_read_back_in_each_layout(numbers: list[int]) -> None:
    assert list(read_packed(b"".join(map(varint, numbers)), WireType.VARINT)) == numbers
    for wire_type, size in ((WireType.I32, 4), (WireType.I64, 8)):
        payload = b"".join(number.to_bytes(size, "little") for number in numbers)
        assert list(read_packed(payload, wire_type)) == numbers
        with pytest.raises(WireError):
            list(read_packed(payload + b"\0", wire_type))
