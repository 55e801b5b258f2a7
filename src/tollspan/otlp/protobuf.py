"""The protobuf wire format in plain Python: for messages too small, or too rare, for compiled code."""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterator

from tollspan.errors import WireError


class WireType(enum.IntEnum):
    """How a field's payload is laid out (protobuf encoding guide, "Message Structure")."""

    VARINT = 0
    I64 = 1
    LEN = 2
    I32 = 5


def varint(number: int) -> bytes:
    """`number` in base 128, lowest group first; a negative one as its 64-bit two's complement."""
    if 0 <= number < 0x80:
        return _ONE_BYTE[number]
    number &= 0xFFFF_FFFF_FFFF_FFFF
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


@functools.cache
def tag(field: int, wire_type: WireType) -> bytes:
    """The bytes that announce `field`."""
    return varint(field << 3 | wire_type)


def field_bytes(field: int, payload: bytes) -> bytes:
    """`payload` (a string, bytes or a message) as the whole field `field`."""
    return tag(field, WireType.LEN) + varint(len(payload)) + payload


def field_varint(field: int, number: int) -> bytes:
    """`number` as the whole field `field`."""
    return tag(field, WireType.VARINT) + varint(number)


def read_varint(wire: bytes, offset: int) -> tuple[int, int]:
    """The unsigned 64-bit number at `offset`, and the offset after it; WireError when there is none."""
    if offset < len(wire) and wire[offset] < 0x80:
        return wire[offset], offset + 1
    number = 0
    for shift in range(0, 70, 7):
        if offset >= len(wire):
            raise WireError("a number is cut off", offset)
        group = wire[offset]
        offset += 1
        number |= (group & 0x7F) << shift
        if group < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, offset
    raise WireError("a number is longer than ten bytes", offset)


def read_fields(wire: bytes) -> Iterator[tuple[int, WireType, int | bytes]]:
    """Each field as (number, wire type, payload): bytes for LEN, else the unsigned number.

    WireError where the bytes are not a message; a group, which OTLP never had, is none.
    """
    offset = 0
    while offset < len(wire):
        start = offset
        key, offset = read_varint(wire, offset)
        field, kind = key >> 3, _WIRE_TYPES.get(key & 7)
        if kind is None or not 0 < field < 1 << 29:
            raise WireError(f"{key} announces no field", start)
        if kind is WireType.VARINT:
            number, offset = read_varint(wire, offset)
            yield field, kind, number
            continue
        if kind is WireType.LEN:
            size, offset = read_varint(wire, offset)
        else:
            size = _FIXED_BYTES[kind]
        if size > len(wire) - offset:
            raise WireError(f"field {field} is cut off", start)
        payload = wire[offset : offset + size]
        offset += size
        yield field, kind, payload if kind is WireType.LEN else int.from_bytes(payload, "little")


def read_packed(payload: bytes, wire_type: WireType) -> Iterator[int]:
    """The unsigned numbers of a packed repeated field; WireError where one is cut off."""
    if wire_type is WireType.VARINT:
        offset = 0
        while offset < len(payload):
            number, offset = read_varint(payload, offset)
            yield number
        return
    size = _FIXED_BYTES[wire_type]
    if len(payload) % size:
        raise WireError("a packed number is cut off")
    for offset in range(0, len(payload), size):
        yield int.from_bytes(payload[offset : offset + size], "little")


_ONE_BYTE = [bytes((number,)) for number in range(0x80)]
_WIRE_TYPES = {int(kind): kind for kind in WireType}
_FIXED_BYTES = {WireType.I64: 8, WireType.I32: 4}
