"""Reading and writing one part of a message as an OTTL value."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

from tollspan.collector.ottl.values import EvaluationError, Time, expect, index
from tollspan.otlp._message import Message, build_attribute, build_value
from tollspan.otlp.protobuf import WireType, field_bytes, field_varint, tag

Getter = Callable[[Message], Any]


@dataclass(frozen=True, slots=True)
class Accessor:
    """How to get a value, and where it can be changed, to set it; nil is never set.

    Of a map, `item` gives the accessor of a key that is known in advance, and `keep` drops
    the keys that are not wanted without touching the others.
    """

    get: Getter
    set: Callable[[Message, Any], None] | None = None
    item: Callable[[str], Accessor] | None = None
    keep: Callable[[Message, Callable[[str], bool]], None] | None = None


def within(holder: Callable[[Message], Message], inner: Accessor) -> Accessor:
    """`inner`, of the message that `holder` finds from the one at hand."""
    set_, item, keep = inner.set, inner.item, inner.keep
    return Accessor(
        lambda message: inner.get(holder(message)),
        set_ and (lambda message, value: set_(holder(message), value)),
        item and (lambda key: within(holder, item(key))),
        keep and (lambda message, wanted: keep(holder(message), wanted)),
    )


def indexed(outer: Accessor, key: Getter) -> Accessor:
    """The item of a map or list under a key that is computed from the message."""
    set_ = outer.set

    def set_item(message: Message, value: Any) -> None:
        assert set_ is not None, "only given out when the outer value can be set"
        container, name = outer.get(message), key(message)
        if container is None:
            container = {}
        if isinstance(container, list):
            index(container, name)
        else:
            expect(dict, container)
        container[name] = value
        set_(message, container)

    def get_item(message: Message) -> Any:
        container = outer.get(message)
        return None if container is None else index(container, key(message))

    return Accessor(get_item, set_ and set_item)


def text(number: int) -> Accessor:
    """A string field."""
    tag_number = number << 3 | WireType.LEN

    def set_text(message: Message, value: Any) -> None:
        message.replace(tag_number, field_bytes(number, expect(str, value).encode()))

    return Accessor(lambda message: message.text(tag_number), set_text)


def identifier(number: int, size: int) -> Accessor:
    """A trace or span id, as bytes."""
    tag_number = number << 3 | WireType.LEN

    def set_id(message: Message, value: Any) -> None:
        if len(expect(bytes, value)) != size:
            raise EvaluationError(f"an id has {size} bytes here, not {len(value)}")
        message.replace(tag_number, field_bytes(number, value))

    return Accessor(lambda message: message.raw(tag_number) or bytes(size), set_id)


def hexadecimal(inner: Accessor) -> Accessor:
    """An id as lower-case hexadecimal text."""
    set_ = inner.set
    assert set_ is not None, "ids can be set"

    def set_text(message: Message, value: Any) -> None:
        try:
            set_(message, bytes.fromhex(expect(str, value)))
        except ValueError:
            raise EvaluationError("an id is written in hexadecimal") from None

    return Accessor(lambda message: inner.get(message).hex(), set_text)


def whole(number: int, wire_type: WireType = WireType.VARINT) -> Accessor:
    """A count, an enumeration or flags: an unsigned number, 0 when absent."""
    tag_number = number << 3 | wire_type

    def set_number(message: Message, value: Any) -> None:
        if not 0 <= expect(int, value) < 1 << (64 if wire_type is WireType.I64 else 32):
            raise EvaluationError(f"{value} is out of range")
        message.replace(tag_number, scalar_field(number, wire_type, value))

    return Accessor(lambda message: message.number(tag_number) or 0, set_number)


def scalar_field(number: int, wire_type: WireType, value: int) -> bytes:
    """An unsigned number as a whole field."""
    if wire_type is WireType.VARINT:
        return field_varint(number, value)
    return tag(number, wire_type) + value.to_bytes(8 if wire_type is WireType.I64 else 4, "little")


def flag(number: int) -> Accessor:
    """A boolean field."""
    tag_number = number << 3

    def set_flag(message: Message, value: Any) -> None:
        message.replace(tag_number, field_varint(number, expect(bool, value)))

    return Accessor(lambda message: bool(message.number(tag_number)), set_flag)


def double(number: int, others: tuple[int, ...] = ()) -> Accessor:
    """A double field, nil when absent; `others` are the tags of the other members of its oneof."""
    return _number_of_oneof(number, others, float, "<d")


def signed(number: int, others: tuple[int, ...] = ()) -> Accessor:
    """A signed fixed 64-bit field, in the same way."""
    return _number_of_oneof(number, others, int, "<q")


def _number_of_oneof(number: int, others: tuple[int, ...], kind: type, packing: str) -> Accessor:
    tag_number = number << 3 | WireType.I64

    def get(message: Message) -> Any:
        if message.which((tag_number, *others)) != tag_number:
            return None
        return struct.unpack(packing, struct.pack("<Q", message.number(tag_number)))[0]

    def set_number(message: Message, value: Any) -> None:
        for other in others:
            message.replace(other, b"")
        field = tag(number, WireType.I64) + struct.pack(packing, expect(kind, value))
        message.replace(tag_number, field)

    return Accessor(get, set_number)


def moment(nanoseconds: Accessor) -> Accessor:
    """A time that the wire has in nanoseconds since 1970."""
    set_ = nanoseconds.set
    assert set_ is not None, "times can be set"
    return Accessor(
        lambda message: Time(nanoseconds.get(message)),
        lambda message, value: set_(message, expect(Time, value).unix_nano),
    )


def value(number: int) -> Accessor:
    """An AnyValue field."""
    tag_number = number << 3 | WireType.LEN

    def set_value(message: Message, value: Any) -> None:
        # Through the part, which may have been read before: it writes itself back.
        message.part(tag_number).overwrite(encoded(value))

    return Accessor(lambda message: message.value(tag_number), set_value)


def attributes(number: int) -> Accessor:
    """The map of a repeated KeyValue field."""
    tag_number = number << 3 | WireType.LEN

    def set_all(message: Message, value: Any) -> None:
        pairs = expect(dict, value).items()
        message.replace(tag_number, b"".join(_attribute(tag_number, key, item) for key, item in pairs))

    return Accessor(
        lambda message: message.attributes(tag_number),
        set_all,
        lambda key: attribute(tag_number, key),
        lambda message, wanted: message.keep_attributes(tag_number, wanted),
    )


def attribute(tag_number: int, key: str) -> Accessor:
    """One attribute; nil when absent."""
    wire_key = key.encode()
    return Accessor(
        methodcaller("attribute", tag_number, wire_key),  # quicker than a lambda
        lambda message, value: message.set_attribute(tag_number, wire_key, encoded(value)),
    )


def encoded(value: Any) -> bytes:
    """The AnyValue of an OTLP value; EvaluationError for times and numbers beyond 64 bits."""
    try:
        return build_value(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise EvaluationError(f"cannot be an attribute's value: {error}") from None


def _attribute(tag_number: int, key: str, value: Any) -> bytes:
    try:
        return build_attribute(tag_number, key, value)
    except (OverflowError, TypeError, ValueError) as error:
        raise EvaluationError(f"cannot be an attribute's value: {error}") from None
