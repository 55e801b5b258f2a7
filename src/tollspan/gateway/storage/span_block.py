"""Decoded spans → a block for the table `spans`."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from tollspan.gateway.storage import _native
from tollspan.gateway.storage._native import Attributes, Block, Rows
from tollspan.gateway.storage.accepted import DIGEST_BYTES
from tollspan.gateway.storage.block_columns import (
    ATTRIBUTE_MAPS,
    NESTED_ATTRIBUTE_MAPS,
    Owners,
    put_attributes,
    put_constant,
    put_labels,
    put_numbers,
    put_texts,
)
from tollspan.gateway.storage.chunks import Chunk
from tollspan.gateway.storage.envelopes import service_names

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
    put_numbers(block, spans, "trace_id", "FixedString(16)")
    put_numbers(block, spans, "span_id", "FixedString(8)")
    put_numbers(block, spans, "parent_span_id", "FixedString(8)")
    put_numbers(block, spans, "start", "DateTime64(9, 'UTC')", source="start_unix_nano")
    times = [(columns["end_unix_nano"], columns["start_unix_nano"], rows) for columns, rows in spans]
    block.differences("duration", "Int64", times)
    put_labels(block, spans, "name")
    put_numbers(block, spans, "kind", "Int32")
    put_numbers(block, spans, "status_code", "Int32")
    put_texts(block, spans, "status_message")
    put_texts(block, spans, "trace_state")
    put_numbers(block, spans, "flags", "UInt32")
    put_numbers(block, spans, "dropped_attributes", "UInt32")
    put_numbers(block, spans, "dropped_events", "UInt32")
    put_numbers(block, spans, "dropped_links", "UInt32")


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
    put_attributes(block, attributes, ATTRIBUTE_MAPS)


def _put_events(block: Block, chunks: Sequence[Chunk]) -> None:
    events = _children(chunks, "events", "span_events")
    put_numbers(block, events, "events.time_unix_nano", "UInt64")
    put_labels(block, events, "events.name")
    _put_nested_attributes(block, chunks, events, "events.", "event_attributes")


def _put_links(block: Block, chunks: Sequence[Chunk]) -> None:
    links = _children(chunks, "links", "span_links")
    put_numbers(block, links, "links.trace_id", "FixedString(16)")
    put_numbers(block, links, "links.span_id", "FixedString(8)")
    put_texts(block, links, "links.trace_state")
    put_numbers(block, links, "links.flags", "UInt32")
    _put_nested_attributes(block, chunks, links, "links.", "link_attributes")


def _children(chunks: Sequence[Chunk], name: str, table: str) -> Owners:
    return [
        (chunk.tables[table].columns, chunk.rows.children(chunk.tables["spans"].columns[name]))
        for chunk in chunks
    ]


def _put_nested_attributes(
    block: Block, chunks: Sequence[Chunk], owners: Owners, prefix: str, table: str
) -> None:
    attributes = [
        Attributes(chunk.tables[table], columns["attributes"], rows)
        for chunk, (columns, rows) in zip(chunks, owners, strict=True)
    ]
    put_attributes(block, attributes, NESTED_ATTRIBUTE_MAPS, prefix)
    put_numbers(block, owners, f"{prefix}dropped_attributes", "UInt32")
