"""The same message as another, careless sender might write it: legal protobuf that no library produces.

Fields come in any order, scalars and messages more than once, repeated numbers packed and not,
with fields of a later version in between.
"""

from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from tollspan.otlp.protobuf import varint

UNKNOWN_FIELDS = [
    varint(500 << 3 | 0) + b"\xff" * 9 + b"\x01",
    varint(501 << 3 | 1) + bytes(8),
    varint(502 << 3 | 2) + b"\x03\xff\xff\xff",
    varint(503 << 3 | 3) + b"\x0b\x10\x01\x0c" + varint(503 << 3 | 4),
    varint(504 << 3 | 5) + bytes(4),
    varint(1 << 3 | 3) + varint(1 << 3 | 4),  # a known number with another wire type
]


def scramble(message: Any, random: Random) -> bytes:
    """Bytes that mean `message`, give or take what repeated occurrences make of it."""
    pieces = [random.choice(UNKNOWN_FIELDS)] if random.random() < 0.3 else []
    for field, value in message.ListFields():
        if field.is_repeated:
            pieces += [piece for item in value for piece in _pieces(field, [item], random)]
        else:
            pieces += _pieces(field, value, random)
            if random.random() < 0.3:
                pieces += _pieces(field, value, random)
    random.shuffle(pieces)
    return b"".join(pieces)


def _pieces(field: FieldDescriptor, value: Any, random: Random) -> list[bytes]:
    """One occurrence of `field`, and perhaps another member of its oneof."""
    owner = GetMessageClass(field.containing_type)()
    pieces = []
    if field.message_type:
        body = scramble(value[0] if field.is_repeated else value, random)
        pieces.append(_tag(field, 2, random) + varint(len(body)) + body)
    else:
        (getattr(owner, field.name).extend if field.is_repeated else _setter(owner, field))(value)
        written = owner.SerializeToString()
        pieces.append(_unpacked(field, written) if field.is_repeated and random.random() < 0.5 else written)
    members = [member for member in _members(field) if not member.name.endswith("_strindex")]
    if members and random.random() < 0.2:
        pieces.append(_other_member(random.choice(members)))
    return pieces


def _members(field: FieldDescriptor) -> list[FieldDescriptor]:
    """The fields of its oneof. An index into the strings of a profile is none: we ignore it."""
    if field.containing_oneof is None or field.name.endswith("_strindex"):
        return []
    return list(field.containing_oneof.fields)


def _setter(owner: Any, field: FieldDescriptor) -> Any:
    return lambda value: setattr(owner, field.name, value)


def _tag(field: FieldDescriptor, wire_type: int, random: Random) -> bytes:
    """The tag, sometimes in more bytes than it needs."""
    tag = varint(field.number << 3 | wire_type)
    return tag if random.random() < 0.9 else tag[:-1] + bytes([tag[-1] | 0x80, 0])


def _unpacked(field: FieldDescriptor, packed: bytes) -> bytes:
    if field.type == FieldDescriptor.TYPE_STRING:
        return packed
    wire_type = {FieldDescriptor.TYPE_UINT64: 0}.get(field.type, 1)
    return varint(field.number << 3 | wire_type) + packed[2:]  # one number: its length is one byte


def _other_member(other: FieldDescriptor) -> bytes:
    owner = GetMessageClass(other.containing_type)()
    if other.message_type:
        getattr(owner, other.name).SetInParent()
    elif other.type == FieldDescriptor.TYPE_STRING:
        setattr(owner, other.name, "other")
    elif other.type == FieldDescriptor.TYPE_BYTES:
        setattr(owner, other.name, b"other")
    else:
        setattr(owner, other.name, 1)
    return owner.SerializeToString()
