"""Decoded spans → a block for the table `spans`."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tollspan.gateway.storage import _native
from tollspan.gateway.storage._native import Attributes, Block, Rows
from tollspan.gateway.storage.accepted import DIGEST_BYTES
from tollspan.gateway.storage.chunks import Chunk
from tollspan.gateway.storage.envelopes import ATTRIBUTE_MAPS, put_constant, service_names

# Attributes with a column of their own, each under all names it goes by; the first is moved
# out of the attribute maps when it comes alone (see Attributes.promote).
PROMOTED_TEXTS = {
    "unit": ("tollspan.unit", "unomiq.unit", "unomiq_unit"),
    "parent_unit": ("tollspan.parent_unit", "unomiq.parent_unit"),
    "http_request_method": ("http.request.method", "http.method"),
    "http_route": ("http.route",),
    "db_system_name": ("db.system.name", "db.system"),
}
PROMOTED_INTS = {
    "http_response_status_code": ("http.response.status_code", "http.status_code"),
}
PROMOTED = PROMOTED_TEXTS | PROMOTED_INTS

# The attributes of events and links are spread over less.
NESTED_ATTRIBUTE_MAPS = {
    "attributes_string": _native.STRINGS,
    "attributes_other": _native.NOT_STRINGS,
}

_PROMOTED_COLUMNS = [
    *[(_native.STRINGS, tuple(key.encode() for key in keys)) for keys in PROMOTED_TEXTS.values()],
    *[(_native.INTS, tuple(key.encode() for key in keys)) for keys in PROMOTED_INTS.values()],
]


@dataclass(frozen=True, slots=True)
class SpanChunk:
    """A chunk of spans, and the ids of its resources and instrumentation scopes."""

    chunk: Chunk
    resource_ids: array[int]
    scope_ids: array[int]


def build(parts: Sequence[SpanChunk], received_s: int) -> bytes:
    """The block of all spans of the chunks, marked with the digests of their requests."""
    chunks = [part.chunk for part in parts]
    block = Block(sum(chunk.rows.count for chunk in chunks))
    digests = b"".join(digest for chunk in chunks for digest in chunk.digests)
    block.labels("tenant", [([chunk.tenant], None, chunk.rows) for chunk in chunks])
    block.labels("dataset", [([chunk.dataset], None, chunk.rows) for chunk in chunks])
    put_constant(block, "received", "DateTime('UTC')", struct.pack("<I", received_s))
    block.numbers(
        "request_digest",
        f"FixedString({DIGEST_BYTES})",
        DIGEST_BYTES,
        [(digests.ljust(block.rows * DIGEST_BYTES, b"\0"), None, Rows.every(block.rows))],
    )
    _put_origins(block, parts)
    _put_fields(block, chunks)
    _put_attributes(block, chunks)
    _put_events(block, chunks)
    _put_links(block, chunks)
    return bytes(block)


def _put_origins(block: Block, parts: Sequence[SpanChunk]) -> None:
    rows = [part.chunk.rows for part in parts]
    resource = [part.chunk.tables["spans"].columns["resource"].data for part in parts]
    scope = [part.chunk.tables["spans"].columns["scope"].data for part in parts]
    resource_ids = [part.resource_ids for part in parts]
    scope_ids = [part.scope_ids for part in parts]
    services = [service_names(part.chunk.tables) for part in parts]
    block.numbers("resource_id", "UInt64", 8, list(zip(resource_ids, resource, rows, strict=True)))
    block.numbers("instrumentation_scope_id", "UInt64", 8, list(zip(scope_ids, scope, rows, strict=True)))
    block.labels("service", list(zip(services, resource, rows, strict=True)))


def _put_fields(block: Block, chunks: Sequence[Chunk]) -> None:
    spans = [(chunk.tables["spans"].columns, chunk.rows) for chunk in chunks]

    def put_numbers(name: str, type_name: str, width: int, source: str = "") -> None:
        block.numbers(
            name, type_name, width, [(columns[source or name].data, None, rows) for columns, rows in spans]
        )

    put_numbers("trace_id", "FixedString(16)", 16)
    put_numbers("span_id", "FixedString(8)", 8)
    put_numbers("parent_span_id", "FixedString(8)", 8)
    put_numbers("start", "DateTime64(9, 'UTC')", 8, "start_unix_nano")
    block.differences(
        "duration",
        "Int64",
        [(columns["end_unix_nano"], columns["start_unix_nano"], rows) for columns, rows in spans],
    )
    block.labels("name", [(columns["name"].values, columns["name"].indices, rows) for columns, rows in spans])
    put_numbers("kind", "Int32", 4)
    put_numbers("status_code", "Int32", 4)
    block.texts("status_message", [(columns["status_message"], rows) for columns, rows in spans])
    block.texts("trace_state", [(columns["trace_state"], rows) for columns, rows in spans])
    put_numbers("flags", "UInt32", 4)
    for what in ("attributes", "events", "links"):
        put_numbers(f"dropped_{what}", "UInt32", 4)


def _put_attributes(block: Block, chunks: Sequence[Chunk]) -> None:
    attributes = [
        Attributes(chunk.tables["span_attributes"], chunk.tables["spans"].columns["attributes"], chunk.rows)
        for chunk in chunks
    ]
    for part in attributes:
        part.promote(_PROMOTED_COLUMNS)
    for number, name in enumerate(PROMOTED_TEXTS):
        block.promoted_texts(name, number, attributes)
    for number, name in enumerate(PROMOTED_INTS, len(PROMOTED_TEXTS)):
        block.promoted_ints(name, number, attributes)
    for name, mask in ATTRIBUTE_MAPS.items():
        block.attributes(name, mask, attributes)


def _put_events(block: Block, chunks: Sequence[Chunk]) -> None:
    owned = [chunk.rows.children(chunk.tables["spans"].columns["events"]) for chunk in chunks]
    events = [(chunk.tables["span_events"].columns, rows) for chunk, rows in zip(chunks, owned, strict=True)]
    block.numbers(
        "events.time_unix_nano",
        "UInt64",
        8,
        [(columns["time_unix_nano"].data, None, rows) for columns, rows in events],
    )
    block.labels(
        "events.name", [(columns["name"].values, columns["name"].indices, rows) for columns, rows in events]
    )
    _put_nested_attributes(block, "events", "event_attributes", chunks, events)


def _put_links(block: Block, chunks: Sequence[Chunk]) -> None:
    owned = [chunk.rows.children(chunk.tables["spans"].columns["links"]) for chunk in chunks]
    links = [(chunk.tables["span_links"].columns, rows) for chunk, rows in zip(chunks, owned, strict=True)]
    for name, type_name, width in (("trace_id", "FixedString(16)", 16), ("span_id", "FixedString(8)", 8)):
        block.numbers(
            f"links.{name}", type_name, width, [(columns[name].data, None, rows) for columns, rows in links]
        )
    block.texts("links.trace_state", [(columns["trace_state"], rows) for columns, rows in links])
    block.numbers(
        "links.flags", "UInt32", 4, [(columns["flags"].data, None, rows) for columns, rows in links]
    )
    _put_nested_attributes(block, "links", "link_attributes", chunks, links)


def _put_nested_attributes(
    block: Block,
    name: str,
    table: str,
    chunks: Sequence[Chunk],
    owners: Sequence[tuple[dict[str, Any], Rows]],
) -> None:
    attributes = [
        Attributes(chunk.tables[table], columns["attributes"], rows)
        for chunk, (columns, rows) in zip(chunks, owners, strict=True)
    ]
    for suffix, mask in NESTED_ATTRIBUTE_MAPS.items():
        block.attributes(f"{name}.{suffix}", mask, attributes)
    block.numbers(
        f"{name}.dropped_attributes",
        "UInt32",
        4,
        [(columns["dropped_attributes"].data, None, rows) for columns, rows in owners],
    )
