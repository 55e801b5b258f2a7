"""Attributes as they were sent, put together from the columns that the store spreads them over."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tollspan.errors import WireError
from tollspan.otlp.protobuf import WireType, field_bytes, read_fields
from tollspan.otlp.schema import ValueType

Value = str | bool | int | float | bytes | list[Any] | dict[str, Any] | None
Attributes = dict[str, Value]


def merge(row: Mapping[str, Any]) -> Attributes:
    """The attributes of a row of `spans`, `resources` or `instrumentation_scopes`."""
    # NaN and the infinities, which JSON has no numbers for, come as text.
    doubles = {key: float(number) for key, number in row["attributes_double"].items()}
    others = _decoded(row["attributes_other"])
    return {
        **row["attributes_string"],
        **row["attributes_int"],
        **doubles,
        **row["attributes_bool"],
        **others,
    }


def merge_nested(strings: Mapping[str, str], others: Mapping[str, str]) -> Attributes:
    """The attributes of a span event or link."""
    return {**strings, **_decoded(others)}


def merge_item(row: Mapping[str, Any], promoted: Mapping[str, Sequence[str]]) -> Attributes:
    """The attributes of a stored item, those that have a column of their own by `promoted` included."""
    attributes = merge(row)
    moved = {
        keys[0]: row[column]
        for column, keys in promoted.items()
        if row[column] and attributes.keys().isdisjoint(keys)
    }
    return attributes | moved


def _decoded(others: Mapping[str, str]) -> Attributes:
    return {key: read_any_value(bytes.fromhex(text)) for key, text in others.items()}


def read_cell(value_type: int, number: int, text: bytes) -> Value:
    """The value that a row keeps as `schema.TABLES` takes an AnyValue apart."""
    if value_type in (ValueType.ARRAY, ValueType.KVLIST):
        return read_any_value(field_bytes(value_type, text))
    return _CELLS[value_type](number, text)


def read_key_value_list(wire: bytes) -> Attributes:
    """The attributes of a serialised KeyValueList."""
    return {key: read_any_value(value) for key, value in map(_key_value, _elements(wire))}


def read_any_value(wire: bytes) -> Value:
    """The value of a serialised AnyValue; its bytes when there is in it what `_decode` alone can skip."""
    try:
        return _any_value(wire)
    except WireError:
        return wire


def _any_value(wire: bytes) -> Value:
    value: Value = None
    for number, wire_type, payload in read_fields(wire):
        read = _MEMBERS.get((number, wire_type))
        value = read(payload) if read else value
    return value


def _int(payload: int) -> int:
    return payload - (payload >> 63 << 64)


def _double(payload: int) -> float:
    return float(struct.unpack("<d", payload.to_bytes(8, "little"))[0])


def _text(payload: bytes) -> str:
    return payload.decode()


def _array(wire: bytes) -> list[Value]:
    return [_any_value(element) for element in _elements(wire)]


def _kvlist(wire: bytes) -> dict[str, Value]:
    return {key: _any_value(value) for key, value in map(_key_value, _elements(wire))}


def _key_value(wire: bytes) -> tuple[str, bytes]:
    """The key, and the value as a serialised AnyValue."""
    fields: dict[int, Any] = {
        number: payload for number, wire_type, payload in read_fields(wire) if wire_type is WireType.LEN
    }
    return _text(fields.get(1, b"")), fields.get(2, b"")


def _elements(wire: bytes) -> list[Any]:
    """The `values` of an ArrayValue or KeyValueList."""
    fields = read_fields(wire)
    return [payload for number, wire_type, payload in fields if (number, wire_type) == (1, WireType.LEN)]


_MEMBERS: dict[tuple[int, WireType], Callable[[Any], Value]] = {
    (ValueType.STRING, WireType.LEN): _text,
    (ValueType.BOOL, WireType.VARINT): bool,
    (ValueType.INT, WireType.VARINT): _int,
    (ValueType.DOUBLE, WireType.I64): _double,
    (ValueType.ARRAY, WireType.LEN): _array,
    (ValueType.KVLIST, WireType.LEN): _kvlist,
    (ValueType.BYTES, WireType.LEN): bytes,
}

_CELLS: dict[int, Callable[[int, bytes], Value]] = {
    ValueType.EMPTY: lambda _number, _text: None,
    ValueType.STRING: lambda _, text: text.decode(),
    ValueType.BOOL: lambda number, _: number != 0,
    ValueType.INT: lambda number, _: _int(number),
    ValueType.DOUBLE: lambda number, _: _double(number),
    ValueType.BYTES: lambda _, text: text,
}
