"""Jaeger batches as a client writes them: Thrift's binary protocol and protobuf, field by field."""

import struct

from tollspan.otlp.protobuf import field_bytes, field_varint

I32, I64, STRING, STRUCT, LIST, DOUBLE, BOOL = 8, 10, 11, 12, 15, 4, 2
KINDS = {str: 0, float: 1, bool: 2, int: 3, bytes: 4}


def thrift_struct(*fields):
    """(number, type, bytes) of each field, and the stop."""
    return b"".join(struct.pack(">bh", kind, number) + payload for number, kind, payload in fields) + b"\0"


def thrift_text(text):
    payload = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">i", len(payload)) + payload


def thrift_list(structs):
    return struct.pack(">bi", STRUCT, len(structs)) + b"".join(structs)


def thrift_tag(key, value):
    kind = KINDS[type(value)]
    payload = {
        0: (STRING, lambda: thrift_text(value)),
        1: (DOUBLE, lambda: struct.pack(">d", value)),
        2: (BOOL, lambda: struct.pack(">?", value)),
        3: (I64, lambda: struct.pack(">q", value)),
        4: (STRING, lambda: thrift_text(value)),
    }[kind]
    return thrift_struct(
        (1, STRING, thrift_text(key)), (2, I32, struct.pack(">i", kind)), (3 + kind, payload[0], payload[1]())
    )


def thrift_tags(tags):
    return thrift_list([thrift_tag(key, value) for key, value in tags.items()])


def i64(number):
    return struct.pack(">q", number)


def thrift_span(trace_id=(1, 2), span_id=3, parent=0, name="work", tags=None, logs=(), references=()):
    """`references` are (follows, trace id, span id), logs (µs, fields); times are 5 s and 7 ms."""
    listed = [
        thrift_struct(
            (1, I32, struct.pack(">i", follows)),
            (2, I64, i64(ids[1])),
            (3, I64, i64(ids[0])),
            (4, I64, i64(span)),
        )
        for follows, ids, span in references
    ]
    entries = [thrift_struct((1, I64, i64(time)), (2, LIST, thrift_tags(fields))) for time, fields in logs]
    return thrift_struct(
        (1, I64, i64(trace_id[1])),
        (2, I64, i64(trace_id[0])),
        (3, I64, i64(span_id)),
        (4, I64, i64(parent)),
        (5, STRING, thrift_text(name)),
        (6, LIST, thrift_list(listed)),
        (7, I32, struct.pack(">i", 1)),
        (8, I64, i64(5_000_000)),
        (9, I64, i64(7_000)),
        (10, LIST, thrift_tags(tags or {})),
        (11, LIST, thrift_list(entries)),
    )


def thrift_batch(*spans, service="shop", **tags):
    process = thrift_struct((1, STRING, thrift_text(service)), (2, LIST, thrift_tags(tags)))
    return thrift_struct((1, STRUCT, process), (2, LIST, thrift_list(spans)))


def proto_tag(key, value):
    kind = {str: 0, bool: 1, int: 2, float: 3, bytes: 4}[type(value)]
    payload = {
        0: lambda: field_bytes(3, value.encode()),
        1: lambda: field_varint(4, value),
        2: lambda: field_varint(5, value),
        3: lambda: bytes([6 << 3 | 1]) + struct.pack("<d", value),
        4: lambda: field_bytes(7, value),
    }[kind]()
    return field_bytes(1, key.encode()) + field_varint(2, kind) + payload


def proto_tags(field, tags):
    return b"".join(field_bytes(field, proto_tag(key, value)) for key, value in tags.items())


def proto_span(trace_id=(1, 2), span_id=3, parent=0, name="work", tags=None, logs=(), references=()):
    ids = [*([(0, trace_id, parent)] if parent else []), *references]
    listed = b"".join(
        field_bytes(
            4,
            field_bytes(1, struct.pack(">qq", *trace)) + field_bytes(2, i64(span)) + field_varint(3, follows),
        )
        for follows, trace, span in ids
    )
    entries = b"".join(
        field_bytes(
            9,
            field_bytes(1, field_varint(1, time // 1_000_000) + field_varint(2, time % 1_000_000 * 1000))
            + proto_tags(2, fields),
        )
        for time, fields in logs
    )
    return (
        field_bytes(1, struct.pack(">qq", *trace_id))
        + field_bytes(2, i64(span_id))
        + field_bytes(3, name.encode())
        + listed
        + field_bytes(6, field_varint(1, 5))
        + field_bytes(7, field_varint(2, 7_000_000))
        + proto_tags(8, tags or {})
        + entries
    )


def post_spans(*spans, service="shop", **tags):
    process = field_bytes(1, service.encode()) + proto_tags(2, tags)
    return field_bytes(1, b"".join(field_bytes(1, span) for span in spans) + field_bytes(2, process))
